"""The command line: one sentence and the right exit code for whatever goes wrong."""

import pytest

from seq2bert import cli
from seq2bert.data import catalog


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(list(arguments))
    out, err = capsys.readouterr()
    return end.value.code, out, err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["data", "get", "penn"], "there is no data set 'penn'"),
        (["data", "get", "cmudict", "penn"], "there is no data set 'penn'"),
        (["data", "check", "penn"], "there is no data set 'penn'"),
        (["run", "alchemy"], "there is no experiment 'alchemy'; there are: "),
        (["run", "g2p", "--profile", "huge"], "has no profile 'huge'"),
        (["run", "g2p", "--seeds", "one"], "invalid int value: 'one'"),
        (["sample-class", "99_nothing"], "there is no assignment '99_nothing'"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(capsys, arguments, sentence):
    code, out, err = call(capsys, *arguments)
    assert code == 2
    assert err.startswith("seq2bert: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert out == ""


def test_data_list_shows_every_set(capsys):
    code, out, _ = call(capsys, "data", "list")
    assert code == 0
    for data in catalog.DATASETS.values():
        assert data.title in out
        assert data.licence in out


def test_data_check_fails_on_a_damaged_set(capsys, tmp_path, monkeypatch):
    (tmp_path / "cmudict").mkdir()
    (tmp_path / "cmudict" / "cmudict.dict").write_text("a AH0\n")
    monkeypatch.setenv("SEQ2BERT_DATA", str(tmp_path))
    code, out, _ = call(capsys, "data", "check", "cmudict")
    assert code == 1
    assert out == "cmudict: damaged; mend it with: seq2bert data get cmudict\n"
    code, _, err = call(capsys, "data", "get", "cmudict")
    assert code == 2
    assert "is damaged" in err


def test_a_full_disk_is_one_sentence(capsys, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device", "out.json")

    monkeypatch.setattr(catalog, "get", full)
    code, _, err = call(capsys, "data", "get", "cmudict")
    assert (code, err) == (2, "seq2bert: out.json: No space left on device; free some disk and try again\n")


def test_an_interrupt_is_not_a_traceback(capsys, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(catalog, "get", stop)
    assert call(capsys, "data", "get", "cmudict")[0] == 130


def test_help_has_examples(capsys):
    for command in (["run"], ["data", "get"], ["sample-class"]):
        code, out, _ = call(capsys, *command, "--help")
        assert code == 0
        assert "example: seq2bert" in out
