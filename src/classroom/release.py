"""solutions/ -> exercises/: what learners get, made from what instructors edit.

nbgrader's generate_assignment does the work. Around it: no gradebook is touched, two runs give the same bytes,
and the new folder takes the old one's place in one rename, only after everything was built.
"""

import json
import os
import shutil
from pathlib import Path

from classroom.course import ClassroomError, notebooks_in
from classroom.files import scratch

FORBIDDEN = ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
CELL_NOISE = ("execution", "ExecuteTime", "collapsed", "scrolled")  # what editors and runs leave in cell metadata
IGNORED = (".ipynb_checkpoints", "__pycache__", ".DS_Store")


def release(course, names=()):
    """Generate the named assignments (all if none is named); returns their names."""
    names = course.choose(names)
    with scratch(".release-", course.root) as workplace:
        build(course, names, workplace / "new")
        course.release.mkdir(exist_ok=True)
        for name in names:
            _replace(course.release / name, workplace / "new" / name, workplace / f"old-{name}")
    return names


def drift(course, names=()):
    """How the release differs from what a fresh one would be: one sentence a difference, none if it is up to date."""
    every = not names
    names = course.choose(names)
    found = []
    with scratch("release-") as workplace:
        build(course, names, workplace)
        for name in names:
            fresh, released = _contents(workplace / name), _contents(course.release / name)
            for file in sorted(fresh.keys() | released.keys()):
                if file not in released:
                    found.append(f"{name}/{file} is missing from {course.release.name}/")
                elif file not in fresh:
                    found.append(f"{name}/{file} is extra: {course.source.name}/ does not make it")
                elif fresh[file] != released[file]:
                    found.append(f"{name}/{file} is stale: {course.source.name}/ makes something else now")
    if every and course.release.is_dir():
        for folder in sorted(course.release.iterdir()):
            if folder.is_dir() and folder.name not in names and notebooks_in(folder):
                found.append(f"{folder.name}/ is extra: there is no such assignment in {course.source.name}/")
    return found


def build(course, names, target):
    """Generate assignments into the folder `target`, a folder each. Nothing else is written."""
    from nbgrader.converters import GenerateAssignment

    from classroom.stock import StockError, configure, convert

    for name in names:
        for notebook in notebooks_in(course.source / name):
            check_source(notebook)
        config = configure(course, name, release_directory=target)
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
        try:
            convert(GenerateAssignment, config)
        except StockError as error:
            raise ClassroomError(f"{course.source / name} cannot be released: {error}") from error
        for notebook in notebooks_in(target / name):
            _finish(notebook)


def check_source(path):
    """Refuse a source notebook that would be released differently each time, or whose grade ids clash.

    A notebook may list in its metadata, as `classroom.hand_in`, the files that a run leaves for handing in. One of them
    beside the source is refused, too: files of the source replace the learner's, so everybody would get its marks.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = notebook["cells"]
        version = (notebook["nbformat"], notebook["nbformat_minor"])
    except (ValueError, KeyError, TypeError) as error:
        raise ClassroomError(f"{path} is not a notebook: {type(error).__name__}: {error}") from error
    if version < (4, 5):
        raise ClassroomError(f"{path} has nbformat {version[0]}.{version[1]}; save it as 4.5, which has cell ids")
    for name in notebook.get("metadata", {}).get("classroom", {}).get("hand_in", []):
        if (path.parent / name).exists():
            raise ClassroomError(
                f"{path.parent / name} was left by a run of {path.name} and would replace what every learner hands in: "
                "delete it"
            )
    ids, grade_ids = set(), set()
    for number, cell in enumerate(cells, start=1):
        cell_id, grade_id = cell.get("id"), cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")
        if not cell_id or cell_id in ids:
            raise ClassroomError(f"{path}: cell {number} has {'the same id as another' if cell_id else 'no id'}")
        if grade_id is not None and grade_id in grade_ids:
            raise ClassroomError(f"{path}: cell {number} has the grade_id '{grade_id}' of another cell")
        ids.add(cell_id)
        grade_ids.add(grade_id)


def _finish(path):
    """Drop what differs from one machine or run to the next, and make sure that nothing secret is left."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"].get("language_info", {}).pop("version", None)
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        for key in CELL_NOISE:
            cell["metadata"].pop(key, None)
        text = "".join(cell["source"])
        for mark in FORBIDDEN:
            if mark in text:
                raise ClassroomError(
                    f"the released {path.name} would show '{mark}' in cell {cell['id']}: mend the source"
                )
    path.write_text(json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def _replace(target, new, old):
    """Put the folder `new` where `target` is; if that fails, `target` is as it was."""
    had_one = target.exists()
    if had_one:
        os.rename(target, old)
    try:
        os.rename(new, target)
    except BaseException:
        if had_one:
            os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _contents(folder):
    """{relative path: bytes} of the files of an assignment."""
    files = (p for p in Path(folder).rglob("*") if p.is_file())
    inside = {p.relative_to(folder): p for p in files}
    return {r.as_posix(): p.read_bytes() for r, p in inside.items() if not set(r.parts) & set(IGNORED)}
