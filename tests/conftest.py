"""What all tests share: where the course lies, its assignments, its built site, and a browser to open it with."""

import importlib
import os
import re
import shutil
import signal
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
import torch
import yaml

ROOT = Path(__file__).parents[1]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a background job, and inherited
    signal.signal(signal.SIGINT, signal.default_int_handler)
torch.set_num_threads(1)  # tests run side by side, and small matrices gain nothing from more


def toc_pages() -> list[str]:
    """The pages of `_toc.yml` in reading order, as `book/NAME`."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]


def chapters() -> list[str]:
    """The slugs of the chapters that the table of contents has: those pages whose name starts with a number."""
    names = (page.split("/")[-1] for page in toc_pages())
    return [name for name in names if name[:2].isdigit()]


@dataclass(frozen=True)
class Assignment:
    """An assignment by its slug, such as `03_seq2seq`: its source notebook and its checks."""

    slug: str

    @property
    def name(self) -> str:
        return self.slug.split("_", 1)[1]

    @property
    def check(self) -> ModuleType:
        return importlib.import_module(f"seq2bert.checks.{self.name}")

    @cached_property
    def source(self) -> nbformat.NotebookNode:
        return nbformat.read(ROOT / "solutions" / self.slug / f"{self.name}.ipynb", as_version=4)

    @property
    def cells(self) -> dict[str, str]:
        """The text of each cell by its id."""
        return {cell.id: cell.source for cell in self.source.cells}

    def asked(self, task: str) -> list[tuple[str, str]]:
        """What the tests of a task check: pairs of a check and the learner's function that it is given."""
        tests = "\n".join(text for cell, text in self.cells.items() if cell in (f"{task}-visible", f"{task}-hidden"))
        return list(dict.fromkeys(re.findall(r"check\.(\w+)\((\w+)", tests)))


def assignments() -> list[Assignment]:
    """All of them, in the order of the chapters."""
    return [Assignment(path.name) for path in sorted((ROOT / "solutions").glob("[0-9]*"))]


def each_assignment(**options):
    """Run a test, or what a fixture makes, once for each assignment."""
    return pytest.mark.parametrize("assignment", assignments(), ids=lambda assignment: assignment.slug, **options)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def site() -> Path:
    """The built book. On one's own computer it may be missing; where everything is tested it must not be."""
    folder = ROOT / "_build" / "html"
    if not (folder / "book" / "index.html").is_file():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("the book is not built yet: make book")
    return folder


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium, the one of the system."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("there is no Chromium on this computer; name one with the variable CHROMIUM")
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run"]
    quiet += ["--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=path, args=quiet)
        yield instance
        instance.close()
