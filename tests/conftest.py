"""What all tests share: where the course lies, its built site, and a browser to open it with."""

import os
import shutil
import signal
from pathlib import Path

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
