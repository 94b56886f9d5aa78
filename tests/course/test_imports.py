"""Data flows one way: data, chapter, training, evaluation, results, book. Held by reading every import in src/."""

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

SRC = ROOT / "src"
ORDER = [
    *("sequences", "recurrent", "seq2seq", "attention", "transformer", "word2vec", "elmo", "gpt", "wordpiece", "bert"),
    *(
        "pretraining",
        "finetuning",
        "glue",
        "probing",
        "roberta",
        "albert",
        "ernie",
        "distilbert",
        "generation",
        "modern",
    ),
]
BELOW = ("data", "training", "evaluation")  # know no chapter


def name_of(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(SRC.rglob("*.py"))}


def imported(name: str) -> set[str]:
    """The modules of ours that a module imports, anywhere in its text."""
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base for alias in node.names}
    return {module for module in found if module.split(".")[0] in {"seq2bert", "classroom"}}


def chapter(module: str) -> str | None:
    """The chapter that `seq2bert.NAME` is, if it is one."""
    parts = module.split(".")
    return parts[1] if len(parts) == 2 and parts[0] == "seq2bert" and parts[1] in ORDER else None


def room(module: str) -> str:
    """The part of the library in which a module lies: `data`, `checks`, `cli`, ..."""
    return module.split(".")[1] if "." in module else ""


def allowed(importer: str, target: str) -> bool:
    if importer.split(".")[0] != target.split(".")[0]:
        return False  # the grader knows nothing of BERT, and the library nothing of grading
    if importer.split(".")[0] == "classroom":
        return True
    if room(target) == "experiments" and room(importer) not in {"experiments", "cli"}:
        return False
    own, other = chapter(importer), chapter(target)
    if room(importer) in BELOW:
        return other is None and room(target) != "checks"
    if own:
        return room(target) != "checks" and (other is None or ORDER.index(other) < ORDER.index(own))
    if room(importer) == "checks":
        slug = importer.split(".")[-1]
        if other:
            return slug in ORDER and ORDER.index(other) <= ORDER.index(slug)
    return True


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_one_way(name):
    wrong = sorted(target for target in imported(name) if not allowed(name, target))
    assert wrong == [], f"{name} must not import {', '.join(wrong)}"


@pytest.mark.parametrize(
    ("importer", "target", "expected"),
    [
        ("seq2bert.attention", "seq2bert.seq2seq", True),
        ("seq2bert.seq2seq", "seq2bert.attention", False),
        ("seq2bert.seq2seq", "seq2bert.seq2seq", False),
        ("seq2bert.data.g2p", "seq2bert.sequences", False),
        ("seq2bert.training.loop", "seq2bert.files", True),
        ("seq2bert.checks.seq2seq", "seq2bert.seq2seq", True),
        ("seq2bert.checks.seq2seq", "seq2bert.bert", False),
        ("seq2bert.checks.seq2seq", "seq2bert.checks", True),
        ("seq2bert.seq2seq", "seq2bert.checks.seq2seq", False),
        ("seq2bert.bert", "seq2bert.experiments.g2p", False),
        ("seq2bert.cli", "seq2bert.experiments.runner", True),
        ("classroom.grade", "seq2bert.bert", False),
        ("seq2bert.cli", "classroom.cli", False),
    ],
)
def test_the_rule_itself(importer, target, expected):
    assert allowed(importer, target) is expected


def test_imports_are_found_however_they_are_written(tmp_path, monkeypatch):
    file = tmp_path / "probe.py"
    file.write_text(
        "import seq2bert.files\nfrom seq2bert import results\nfrom . import catalog\nfrom ..files import CourseError\n"
        "def f():\n    from seq2bert.training.loop import fit\n"
    )
    monkeypatch.setitem(MODULES, "seq2bert.data.probe", file)
    assert imported("seq2bert.data.probe") == {
        "seq2bert.files",
        "seq2bert.results",
        "seq2bert.data.catalog",
        "seq2bert.training.loop",
    }
