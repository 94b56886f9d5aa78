"""No solution leaves its folder: not into the released exercises, not into the built site, not into its search."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT, chapters

SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)
TEXT = {".html", ".js", ".txt", ".md", ".ipynb", ".json", ".xml", ".csv", ".py", ".inv", ""}


def notebooks(folder: str) -> list[Path]:
    return sorted(p for p in (ROOT / folder).rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def sources(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]


def blocks(path: Path) -> list[str]:
    """What only the instructor may see: each solution and each hidden test, as it stands in its cell."""
    text = "\n".join(source + "\n" for source in sources(path))
    return [block.strip() for pattern in (SOLUTION, HIDDEN) for block in pattern.findall(text)]


def canary(slug: str) -> str:
    return f"canary-{slug}"


def site_texts(site: Path):
    for path in site.rglob("*"):
        if path.is_file() and path.suffix in TEXT and "mathjax" not in path.parts:
            yield path, path.read_bytes().decode("utf-8", errors="replace")


@pytest.mark.parametrize("slug", chapters())
def test_every_chapter_has_its_notebooks(slug):
    assert notebooks(f"solutions/{slug}"), f"solutions/{slug} has no notebook"
    assert [p.name for p in notebooks(f"exercises/{slug}")] == [p.name for p in notebooks(f"solutions/{slug}")]


@pytest.mark.parametrize("path", notebooks("solutions"), ids=lambda path: path.stem)
def test_every_solution_and_every_hidden_test_carries_the_canary(path):
    mark = canary(path.parent.name)
    without = [block for block in blocks(path) if mark not in block]
    assert without == [], f"{path.name}: write the comment `# {mark}` into each; the leak tests look for it"


def test_no_canary_is_released():
    for path in (p for p in (ROOT / "exercises").rglob("*") if p.is_file()):
        assert b"canary-" not in path.read_bytes(), path.relative_to(ROOT)


@pytest.mark.parametrize("path", notebooks("solutions"), ids=lambda path: path.stem)
def test_no_solution_and_no_hidden_test_is_released(path):
    released = "\n".join(s for p in notebooks(f"exercises/{path.parent.name}") for s in sources(p))
    assert not SOLUTION.search(released)
    assert not HIDDEN.search(released)
    leaked = [block for block in blocks(path) if len(block) > 40 and block in released]
    assert leaked == []


def test_no_canary_is_on_the_site(site):
    found = [str(path.relative_to(site)) for path, text in site_texts(site) if "canary-" in text]
    assert found == []


def test_no_solution_notebook_was_built(site):
    assert [p for p in site.rglob("*") if "solutions" in p.relative_to(site).parts] == []
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert "solutions/" not in index
    assert "BEGIN SOLUTION" not in index
