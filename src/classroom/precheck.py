"""What a learner asks before handing in: what in my notebook would lose marks?

This part looks at the cells and compares them with the released notebook; `rehearse` runs the visible tests.
"""

from dataclasses import asdict, dataclass, field

from classroom.course import ClassroomError, notebooks_in
from classroom.files import scratch
from classroom.marks import has_code, is_test
from classroom.notebook import grade_id, read_notebook

MAX_CELL_BYTES = 100_000
STUB = "NotImplementedError"


@dataclass
class Report:
    """What was found: `losses` cost marks, `notes` do not; `rows` is a line a test, None if none was run."""

    name: str
    losses: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    rows: list | None = None

    @property
    def ready(self):
        return not self.losses and all(row.state in ("passed", "hidden") for row in self.rows or [])

    def visible_points(self):
        """(earned, possible) over the tests that a learner can see."""
        visible = [row for row in self.rows or [] if row.state != "hidden"]
        return sum(row.points for row in visible), sum(row.max_points for row in visible)

    def as_json(self):
        earned, possible = self.visible_points()
        return {**asdict(self), "ready": self.ready, "earned": earned, "possible": possible}

    def show(self, console):
        from rich import box
        from rich.table import Table
        from rich.text import Text

        for text in self.losses:
            console.print(f"LOSES MARKS  {text}", markup=False, highlight=False)
        for text in self.notes:
            console.print(f"note         {text}", markup=False, highlight=False)
        if self.rows is not None:
            table = Table(box=box.ROUNDED if console.is_terminal else box.ASCII)
            table.add_column("test", overflow="fold")
            table.add_column("points", justify="right", no_wrap=True)
            table.add_column("result", no_wrap=True)
            table.add_column("what it said", overflow="fold")
            colours = {"passed": "green", "hidden": "dim"}
            for row in self.rows:
                points = "-" if row.state == "hidden" else f"{row.points:g} of {row.max_points:g}"
                said = Text(row.message)  # brackets in it are brackets
                table.add_row(row.grade_id, points, row.state, said, style=colours.get(row.state, "red"))
            console.print(table)
            earned, possible = self.visible_points()
            console.print(f"visible tests: {earned:g} of {possible:g} points", highlight=False)
        verdict = "is ready to hand in" if self.ready else "would lose marks as it is"
        console.print(f"{self.name} {verdict}", markup=False, highlight=False)


@dataclass
class Row:
    """One test: passed, partly, failed, missing, not reached, or hidden (run only at grading)."""

    grade_id: str
    max_points: float
    points: float
    state: str
    message: str = ""


def load(course, file, assignment=None):
    """The released notebook and the learner's, and the name that the file has to have: (original, mine, name)."""
    mine = read_notebook(file)
    assignment, name = _find(course, file, assignment)
    released = course.release / assignment / name
    if released.resolve() != file.resolve():
        return read_notebook(released), mine, name
    if assignment not in course.assignments():
        raise ClassroomError(f"{file} is the released notebook itself, with nothing to compare it with: check a copy")
    from classroom.release import build

    with scratch("check-") as workplace:
        build(course, [assignment], workplace)
        return read_notebook(workplace / assignment / name), mine, name


def _find(course, file, assignment):
    """(assignment, file name) of the release that a learner's file belongs to."""
    released = {}
    if course.release.is_dir():
        for folder in sorted(course.release.iterdir()):
            if notebooks_in(folder):
                released[folder.name] = [path.name for path in notebooks_in(folder)]
    if not released:
        raise ClassroomError(f"there is no assignment in {course.release}: get the course's released notebooks first")
    folder = file.resolve().parent.name
    if assignment is None:
        fitting = [name for name, files in released.items() if file.name in files]
        fitting = [folder] if folder in fitting else fitting
        if len(fitting) != 1:
            what = "several assignments have" if fitting else "no assignment has"
            raise ClassroomError(
                f"{what} a notebook {file.name}: name yours with --assignment, one of {', '.join(released)}"
            )
        return fitting[0], file.name
    if assignment not in released:
        raise ClassroomError(
            f"there is no assignment '{assignment}' in {course.release}; there are: {', '.join(released)}"
        )
    files = released[assignment]
    if file.name in files:
        return assignment, file.name
    if len(files) == 1:
        return assignment, files[0]
    raise ClassroomError(f"the assignment '{assignment}' has no notebook {file.name}; it has {', '.join(files)}")


def inspect(original, mine, file_name, expected_name):
    """Compare a learner's notebook with the released one, cell by cell; returns a Report."""
    report = Report(file_name)
    if file_name != expected_name:
        report.losses.append(f"the file is called {file_name}: hand it in as {expected_name}")
    known = {grade_id(cell): cell for cell in original.cells if grade_id(cell)}
    found = {}
    for number, cell in enumerate(mine.cells, start=1):
        name = grade_id(cell)
        if name in known:
            found.setdefault(name, []).append(cell)
        elif cell.metadata.get("nbgrader"):
            report.notes.append(
                f"cell {number} claims to be '{name}', which the assignment does not know: it earns nothing"
            )
        size = len(cell.source.encode())
        if size > MAX_CELL_BYTES:
            report.losses.append(
                f"cell {number} is {size / 1000:.0f} kB long, at most {MAX_CELL_BYTES // 1000} kB are graded: "
                "move data out of the code"
            )
    for name, cell in known.items():
        _compare(report, name, cell, found.get(name, []))
    return report


def _compare(report, name, released, copies):
    """Add to the report what is wrong with the learner's copies of one released cell."""
    grading = released.metadata.nbgrader
    kind = "answer" if grading.get("solution") else "test" if is_test(released) else "cell"
    if not copies:
        worth = f" ({grading['points']:g} points)" if "points" in grading else ""
        report.losses.append(f"the {kind} '{name}'{worth} is missing: copy the cell back from the released notebook")
        return
    if len(copies) > 1:
        report.losses.append(f"the {kind} '{name}' is there {len(copies)} times and only one counts: delete the others")
    mine = copies[0]
    if mine.cell_type != released.cell_type:
        report.losses.append(f"the {kind} '{name}' is now a {mine.cell_type} cell: make it {released.cell_type} again")
    elif not grading.get("solution"):
        if mine.source.strip() != released.source.strip():
            report.notes.append(f"the {kind} '{name}' was edited: at grading the original takes its place")
    elif mine.source.strip() == released.source.strip():
        report.losses.append(f"the answer '{name}' is as it was released: nothing was written")
    else:
        stubs = {line.strip() for line in released.source.splitlines() if STUB in line}
        if stubs & {line.strip() for line in mine.source.splitlines()}:
            report.losses.append(f"the answer '{name}' still has a line that raises {STUB}: delete it")


def tests_of(notebook):
    """{grade_id: (cell, whether a learner can see the test)} of the tests of a released notebook."""
    return {grade_id(cell): (cell, has_code(cell)) for cell in notebook.cells if is_test(cell)}
