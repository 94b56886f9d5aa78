"""Recorded experiments: what a run leaves behind, and that it need not be repeated."""

import importlib
import json
import sys
import types
from dataclasses import dataclass

import pytest

from seq2bert.data.catalog import status
from seq2bert.experiments import runner
from seq2bert.files import CourseError
from seq2bert.results import recorded


@dataclass(frozen=True)
class Settings:
    scale: float


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """An experiment that counts how often it runs, in a checkout of its own."""
    module = types.ModuleType("seq2bert.experiments.toy")
    module.DATA = ("cmudict",)
    module.PROFILES = {"smoke": Settings(1.0), "full": Settings(2.0)}
    module.calls = []

    def run_seed(settings, seed, folder):
        module.calls.append(seed)
        return {"metrics": {"score": settings.scale * seed, "curve": [0.0, float(seed)]}, "axes": {"x": [1, 2]}}

    module.run_seed = run_seed
    monkeypatch.setitem(sys.modules, "seq2bert.experiments.toy", module)
    monkeypatch.setattr(runner, "experiment_names", lambda: ["toy"])
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    monkeypatch.setenv("SEQ2BERT_RESULTS", str(tmp_path / "book"))
    return module


def test_a_record_says_how_it_came_about(toy):
    path = runner.run("toy", "full", [1, 3])
    content = json.loads(path.read_text())
    assert content["metrics"]["score"] == {"values": [2.0, 6.0], "mean": 4.0, "std": pytest.approx(8**0.5)}
    assert content["command"] == "seq2bert run toy --profile full --seeds 1 3"
    assert content["data"]["cmudict"]["cmudict/cmudict.dict"].startswith("81917843")
    assert content["libraries"].keys() >= {"python", "torch", "seq2bert"}
    assert recorded("toy").metric("curve")["mean"] == [0.0, 2.0]


def test_finished_seeds_are_kept_unless_settings_change_or_fresh(toy):
    runner.run("toy", "smoke", [0])
    runner.run("toy", "smoke", [0, 1])
    assert toy.calls == [0, 1]
    toy.PROFILES["smoke"] = Settings(5.0)
    runner.run("toy", "smoke", [0])
    runner.run("toy", "smoke", [0], fresh=True)
    assert toy.calls == [0, 1, 0, 0]


def test_smoke_never_touches_the_book(toy, tmp_path):
    assert runner.run("toy", "smoke", [0]).is_relative_to(tmp_path / "_build")
    assert not (tmp_path / "book").exists()


def test_a_text_is_released_as_it_is(toy, monkeypatch, tmp_path):
    released = tmp_path / "pretrained"
    released.mkdir()
    monkeypatch.setattr(runner, "PRETRAINED", released)
    toy.RELEASES = ("words.txt",)
    toy.run_seed = lambda settings, seed, folder: (folder / "words.txt").write_text("über\n") and {"metrics": {"n": 1}}
    runner.run("toy", "smoke", [0])
    assert not list(released.iterdir())
    runner.run("toy", "full", [0])
    assert (released / "words.txt").read_text() == "über\n"


def test_unknown_experiments_and_profiles_are_named(toy):
    with pytest.raises(CourseError, match="no experiment 'other'; there are: toy"):
        runner.run("other", "smoke", [0])
    with pytest.raises(CourseError, match="no profile 'huge'; it has: smoke, full"):
        runner.run("toy", "huge", [0])


@pytest.mark.course
@pytest.mark.parametrize("name", runner.experiment_names())
def test_every_experiment_runs_in_its_smoke_profile(name, monkeypatch, tmp_path, root):
    missing = [data for data in importlib.import_module(f"seq2bert.experiments.{name}").DATA if status(data) != "ok"]
    if missing:
        pytest.skip(f"data is not here: seq2bert data get {' '.join(missing)}")
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    monkeypatch.setenv("SEQ2BERT_PROFILE", "smoke")
    content = json.loads(runner.run(name, "smoke", [0]).read_text())
    quoted = json.loads((root / "book" / "results" / f"{name}.json").read_text())
    assert content["metrics"].keys() == quoted["metrics"].keys()  # a full run would still write what the pages quote
