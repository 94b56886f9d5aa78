"""`classroom`: release, check, grade, feedback, report. Everything that can go wrong is one sentence on stderr."""

import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from classroom.course import ClassroomError, find_course

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Release, check and grade the notebook assignments of a course.",
)

CourseOption = Annotated[Path | None, typer.Option("--course", metavar="DIR", help="Default: look upwards.")]
ClassOption = Annotated[Path, typer.Option("--class-dir", metavar="DIR", help="Folder of the class, with submitted/.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
AssignmentArgument = Annotated[str, typer.Argument(metavar="ASSIGNMENT", help="Folder name of the assignment.")]


@app.command(epilog="Example: classroom release 03_seq2seq")
def release(
    assignments: Annotated[list[str] | None, typer.Argument(metavar="[ASSIGNMENT]...", help="Default: all.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if out of date.")] = False,
    course: CourseOption = None,
):
    """Generate what learners get."""
    from classroom.release import drift
    from classroom.release import release as make

    found = find_course(course)
    if not check:
        for name in make(found, assignments or ()):
            print(f"released {found.release.name}/{name}")
        return
    differences = drift(found, assignments or ())
    for line in differences:
        print(line)
    if differences:
        raise ClassroomError("the release is out of date: run `classroom release`", exit_code=1)
    print(f"{found.release.name}/ is up to date")


@app.command(epilog="Example: classroom check my/seq2seq.ipynb --assignment 03_seq2seq")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Your notebook.")],
    assignment: Annotated[str | None, typer.Option(metavar="ASSIGNMENT", help="Default: found by file name.")] = None,
    run: Annotated[bool, typer.Option("--run/--no-run", help="Run the visible tests as well.")] = True,
    cell_seconds: Annotated[int, typer.Option(min=1, help="Time limit of a cell.")] = 120,
    seconds: Annotated[int, typer.Option(min=1, help="Time limit of the notebook.")] = 600,
    as_json: JsonOption = False,
    course: CourseOption = None,
):
    """Say what would lose marks, before handing in.

    Compares your notebook with the released one and runs the visible tests on a copy. Exit 1: not ready.
    """
    from classroom import precheck

    found = find_course(course, file.parent)
    original, mine, name = precheck.load(found, file, assignment)
    report = precheck.inspect(original, mine, file.name, name)
    if run:
        from classroom.rehearse import rehearse

        with _progress() as progress:
            report.rows, notes = rehearse(original, mine, file.resolve().parent, cell_seconds, seconds, progress)
        report.notes += notes
    print(json.dumps(report.as_json(), indent=2)) if as_json else report.show(_console())
    if not report.ready:
        raise typer.Exit(1)


@app.command(epilog="Example: classroom grade 03_seq2seq --class-dir classes/sample")
def grade(
    assignment: AssignmentArgument,
    class_dir: ClassOption,
    regrade: Annotated[bool, typer.Option("--regrade", help="Grade again what has a result already.")] = False,
    cell_seconds: Annotated[int, typer.Option(min=1, help="Time limit of a cell.")] = 20,
    notebook_seconds: Annotated[int, typer.Option(min=1, help="Time limit of a submission.")] = 120,
    course: CourseOption = None,
):
    """Grade the sample class.

    Writes DIR/results/LEARNER/ASSIGNMENT.json and DIR/gradebook.db. Exit 3: something is not of the sample class.
    """
    from classroom.processes import warm_up
    from classroom.sample import load_sample, verify

    found = find_course(course)
    found.choose([assignment])
    verify(class_dir, assignment, load_sample(class_dir, assignment))  # before anything else is even imported
    warm_up("classroom.autograde")
    from classroom.grade import Limits
    from classroom.grade import grade as grade_all

    limits = Limits(cell_seconds, notebook_seconds)
    with _progress() as progress:

        def tell(done, total, result, skipped):
            state = "unchanged" if skipped else f"{result['state']}, {result['seconds']:g} s"
            progress(done, total, f"{result['learner']}: {result['total']:g} of {result['max']:g} ({state})")

        grade_all(found, assignment, class_dir, limits, regrade, tell)


@app.command(epilog="Example: classroom feedback 03_seq2seq --class-dir classes/sample")
def feedback(assignment: AssignmentArgument, class_dir: ClassOption, course: CourseOption = None):
    """Write a feedback page a learner.

    DIR/feedback/LEARNER/ASSIGNMENT/NOTEBOOK.html, and DIR/feedback/index.html for the instructor.
    """
    found = find_course(course)
    found.choose([assignment])
    from classroom.feedback import feedback as write

    print(write(found, assignment, class_dir))


@app.command(epilog="Example: classroom report 03_seq2seq --class-dir classes/sample")
def report(assignment: AssignmentArgument, class_dir: ClassOption, as_json: JsonOption = False):
    """Show the marks beside the expected ones.

    Exit 1: a mark is not as expected.
    """
    from classroom.report import collect, disagreement, show

    rows = collect(assignment, class_dir)
    print(json.dumps(rows, indent=2)) if as_json else show(rows, _console())
    if disagreement(rows):
        raise ClassroomError(disagreement(rows), exit_code=1)


def main(arguments=None):
    """Entry point of the command `classroom`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a grader that is told to stop cleans up
    try:
        code = app(args=arguments, standalone_mode=False)
        if code == 130:  # how typer reports Ctrl-C
            _complain("stopped", code)
    except ClassroomError as error:
        code = _complain(error, error.exit_code)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        code = _complain(f"{error.strerror or error}{where}", 2)
    except (KeyboardInterrupt, typer.Abort):  # outside a command
        code = _complain("stopped", 130)
    except Exception as error:
        if not hasattr(error, "format_message"):  # what typer raises for a command line that it cannot read
            raise
        code = _complain(f"{error.format_message().rstrip('.')}; see: classroom --help", 2)
    sys.exit(code or 0)


def _complain(message, code):
    print(f"classroom: {' '.join(str(message).split())}", file=sys.stderr)
    return code


def _console():
    from rich.console import Console

    # Not on a terminal: as wide as the table needs, so that nothing is cut in a log.
    return Console(width=None if sys.stdout.isatty() else 1000)


class _progress:
    """A bar on a terminal, a line a step elsewhere; on stderr. Called with (done, total, text)."""

    def __enter__(self):
        from rich.console import Console
        from rich.progress import Progress

        self.bar = Progress(console=Console(stderr=True), transient=True) if sys.stderr.isatty() else None
        if self.bar:
            self.bar.start()
            self.task = self.bar.add_task("starting", total=None)
        return self

    def __call__(self, done, total, text):
        if self.bar:
            if text:
                self.bar.print(f"[{done}/{total}] {text}", markup=False, highlight=False)
            self.bar.update(self.task, completed=done, total=total, description=f"{done}/{total}")
        elif text:
            print(f"[{done}/{total}] {text}", file=sys.stderr, flush=True)

    def __exit__(self, *error):
        if self.bar:
            self.bar.stop()
