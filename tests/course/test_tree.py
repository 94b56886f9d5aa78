"""What is in the repository, and what must never be: secrets, paths of somebody's computer, large files."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

LARGEST = 20_000_000  # bytes; the released checkpoints are the largest files
ALL_CHECKPOINTS = 60_000_000
HERE = Path(__file__).relative_to(ROOT).as_posix()

# Each pattern is put together from pieces, so that this file doesn't match itself.
DEVELOPER_PATH = re.compile(r"(?<![\w./~}-])/(?:home|Users|root|work)/[\w.-]+|\b[A-Z]:\\\\?Users\\")
REGISTRY = re.compile(
    "|".join(map(re.escape, ("pypi" + ".org", "python" + "hosted", "registry." + "npmjs", "anaconda" + ".org")))
)
SECRET = re.compile(
    "|".join(
        (
            "AKIA" + r"[0-9A-Z]{16}",
            "gh[pousr]_" + r"[A-Za-z0-9]{30,}",
            "hf_" + r"[A-Za-z]{30,}",
            "xox[abpr]-" + r"[0-9A-Za-z-]{10,}",
            "AIza" + r"[0-9A-Za-z_-]{35}",
            "-----BEGIN " + r"[A-Z ]*PRIVATE KEY",
            r"https?://[^\s/:@]+:" + r"[^\s/@]{6,}@",
        )
    )
)


def tracked() -> list[Path]:
    """The files of the repository: those that git knows, or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("this copy is not a git repository, so there is no list of its files")
    return [ROOT / name for name in sorted(set(done.stdout.split("\0"))) if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def files():
    return tracked()


@pytest.fixture(scope="module")
def texts(files):
    found = {}
    for path in files:
        content = path.read_bytes()
        if b"\0" not in content[:8000]:
            found[path.relative_to(ROOT).as_posix()] = content.decode("utf-8")
    return found


def matches(pattern, texts, but=()):
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts.items()
        if name != HERE and name not in but
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_path_of_a_developers_machine(texts):
    assert matches(DEVELOPER_PATH, texts) == []


def test_no_package_registry_is_named(texts):
    assert matches(REGISTRY, texts) == []


def test_no_secret(texts):
    assert matches(SECRET, texts) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (DEVELOPER_PATH, "open('/ho" + "me/ada/course/data.txt')"),
        (DEVELOPER_PATH, "![figure](/Us" + "ers/ada/figure.png)"),
        (REGISTRY, "https://pypi" + ".org/simple"),
        (SECRET, "token = 'gh" + "p_" + "a1B2" * 9 + "'"),
        (SECRET, "-----BEGIN RSA PRI" + "VATE KEY-----"),
    ],
)
def test_the_patterns_catch_what_they_are_for(pattern, line):
    assert pattern.search(line)


def test_files_are_small(files):
    sizes = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in files}
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}
    assert sum(size for name, size in sizes.items() if name.endswith(".safetensors")) <= ALL_CHECKPOINTS


def test_nothing_that_is_built_is_committed(files):
    built = {"_build", "__pycache__", ".ipynb_checkpoints", ".venv", "node_modules", ".pytest_cache"}
    assert [path for path in files if built & set(path.relative_to(ROOT).parts)] == []
    assert [path for path in files if path.suffix in {".pyc", ".log", ".db", ".pt", ".pkl"}] == []


def test_texts_end_with_one_line_break(texts):
    written = {
        name: text for name, text in texts.items() if text and name.endswith((".py", ".md", ".yml", ".toml", ".css"))
    }
    assert [name for name, text in written.items() if not text.endswith("\n") or text.endswith("\n\n")] == []


def test_notebooks_carry_no_outputs(files):
    for path in (path for path in files if path.suffix == ".ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        ran = [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
        assert ran == [], path.relative_to(ROOT)


def test_the_commands_of_the_readme_are_those_that_are_checked():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    checked = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (block,) = re.findall(r"```bash\n(make course.*?)```", readme, re.DOTALL)
    commands = [line.split("#")[0].strip() for line in block.splitlines() if line.strip()]
    assert commands == ["make course", "make test"]
    assert [line.strip() for line in checked.splitlines() if line.startswith("make ")] == commands


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_to_files_lead_to_files(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    addresses = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'(?:src|srcset|href)="([^"#]+)"', text)
    local = [address for address in addresses if "://" not in address]
    assert [address for address in local if not (ROOT / address).exists()] == []


def test_every_target_of_the_makefile_is_explained():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"\.PHONY: (.*)", makefile)[1].split()) - {"help"}
    explained = set(re.findall(r'@echo "make ([a-z-]+)', makefile))
    assert explained == targets
