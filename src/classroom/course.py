"""Where a course lies and what is in it.

A course is a folder with an `nbgrader_config.py`. That file names two folders: the source, one folder an
assignment with its notebooks, and the release, which is generated from it.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CONFIG_NAME = "nbgrader_config.py"
SIMPLE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # nbgrader uses names as globs and in regular expressions


class ClassroomError(Exception):
    """One sentence for the person at the keyboard: what, where, what to do. Ends the command."""

    def __init__(self, message, exit_code=2):
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Course:
    root: Path

    @cached_property
    def config(self):
        """The traitlets Config that nbgrader_config.py makes."""
        from traitlets.config.loader import PyFileConfigLoader

        try:
            return PyFileConfigLoader(CONFIG_NAME, path=str(self.root)).load_config()
        except Exception as error:
            raise ClassroomError(
                f"{self.root / CONFIG_NAME} cannot be read: {type(error).__name__}: {error}"
            ) from error

    @property
    def source(self):
        return self._directory("source_directory", "source")

    @property
    def release(self):
        return self._directory("release_directory", "release")

    def _directory(self, key, default):
        return self.root / self.config.get("CourseDirectory", {}).get(key, default)

    def assignments(self):
        """Names of the assignments, sorted: the folders of the source that hold a notebook."""
        if not self.source.is_dir():
            return []
        return sorted(d.name for d in self.source.iterdir() if d.is_dir() and notebooks_in(d))

    def choose(self, names):
        """The named assignments in order, all of them if none is named; an unknown name is an error."""
        known = self.assignments()
        if not known:
            raise ClassroomError(f"there is no assignment in {self.source}: put one at SLUG/NAME.ipynb")
        for name in list(names) or known:
            if name not in known:
                raise ClassroomError(f"there is no assignment '{name}' in {self.source}; there are: {', '.join(known)}")
            if not SIMPLE_NAME.fullmatch(name):
                raise ClassroomError(f"rename {self.source / name}: use only letters, digits, '_', '-' and '.'")
        return list(names) or known


def notebooks_in(directory):
    """The notebooks that lie in a folder itself, sorted by name; none if there is no such folder."""
    return sorted(p for p in Path(directory).glob("*.ipynb") if p.is_file())


def find_course(given=None, *also_from):
    """The course at `given`, or else the nearest one above the working directory, then above `also_from`."""
    if given is not None:
        root = Path(given).resolve()
        if not (root / CONFIG_NAME).is_file():
            raise ClassroomError(f"{root} is not a course: it has no {CONFIG_NAME}")
        return Course(root)
    for start in [Path.cwd(), *also_from]:
        start = Path(start).resolve()
        for folder in [start, *start.parents]:
            if (folder / CONFIG_NAME).is_file():
                return Course(folder)
    raise ClassroomError(
        f"no {CONFIG_NAME} in {Path.cwd()} or above it: run this inside a course, or name one with --course DIR"
    )
