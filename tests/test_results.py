"""The registry: what a record holds, and that a page cannot quote what was not recorded."""

import json

import pytest

from seq2bert.files import CourseError
from seq2bert.results import Record, recorded, summarise, write_record


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQ2BERT_RESULTS", str(tmp_path))
    return tmp_path


CONTENT = {
    "profile": "full",
    "command": "seq2bert run toy",
    "seeds": [0, 1],
    "metrics": {"wer": summarise([0.30, 0.32]), "curve": summarise([[1.0, 2.0], [3.0, 2.0]])},
    "device": "CPU, 1 thread",
    "dtype": "float32",
    "cpu_seconds": 600,
}


def test_a_written_record_is_read_back(folder):
    write_record(folder / "toy.json", CONTENT)
    toy = recorded("toy")
    assert toy.percent("wer") == "31.0 ± 1.4 %"
    assert toy.metric("curve")["mean"] == [2.0, 2.0]
    assert toy.origin() == "`seq2bert run toy`: CPU, 1 thread, float32, seeds 0, 1, 10 minutes of processor time"


def test_one_seed_has_no_spread():
    assert summarise([0.5])["std"] is None
    assert Record("toy", {"metrics": {"wer": summarise([0.5])}}).percent("wer") == "50.0 %"


def test_a_missing_record_names_the_command(folder):
    with pytest.raises(CourseError, match=r"no record 'toy' .* seq2bert run toy --profile full"):
        recorded("toy")


@pytest.mark.parametrize(("text", "sentence"), [("{", "not readable as JSON"), ('{"seeds": [0]}', "lacks command")])
def test_a_broken_record_is_refused(folder, text, sentence):
    (folder / "toy.json").write_text(text)
    with pytest.raises(CourseError, match=sentence):
        recorded("toy")


def test_a_missing_metric_lists_those_there_are():
    with pytest.raises(CourseError, match="no metric 'per'; it has: wer, curve"):
        Record("toy", CONTENT).metric("per")


def test_a_number_that_is_none_cannot_be_recorded(folder):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_record(folder / "toy.json", CONTENT | {"metrics": {"wer": float("nan")}})
    assert not (folder / "toy.json").exists()


def test_every_record_in_the_book_is_complete(root):
    needed = {"name", "profile", "command", "commit", "seeds", "settings", "metrics", "device", "dtype", "libraries"}
    needed |= {"wall_seconds", "cpu_seconds", "peak_memory_mib", "data"}
    records = sorted((root / "book" / "results").glob("*.json"))
    assert records
    for path in records:
        content = json.loads(path.read_text(encoding="utf-8"))
        assert needed <= set(content), path.name
        assert content["profile"] == "full"
        for metric in content["metrics"].values():
            assert len(metric["values"]) == len(content["seeds"])
            assert metric == summarise(metric["values"])
