"""`classroom`: from release to feedback. Everything that can go wrong is one sentence on stderr, and an exit code."""

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


def _help(example, one="", three=""):
    """The last lines of a command's help: an example and the exit codes."""
    codes = {0: "fine", 1: one, 2: "wrong use or environment", 3: three, 130: "stopped"}
    told = "; ".join(f"{code} {meaning}" for code, meaning in codes.items() if meaning)
    return f"Example: {example}\n\nExit codes: {told}."


CourseOption = Annotated[Path | None, typer.Option("--course", metavar="DIR", help="Default: look upwards.")]
ClassOption = Annotated[Path, typer.Option("--class-dir", metavar="DIR", help="Folder of the class, with submitted/.")]
DatabaseOption = Annotated[str | None, typer.Option("--db", metavar="URL", help="Default: DIR/gradebook.db.")]
RosterOption = Annotated[
    Path | None,
    typer.Option("--roster", metavar="CSV", help="Who is in the class: id, name, email; or an export of the platform."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
AssignmentArgument = Annotated[str, typer.Argument(metavar="ASSIGNMENT", help="Folder name of the assignment.")]


@app.command(epilog=_help("classroom release 03_seq2seq", one="--check: out of date"))
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


@app.command(epilog=_help("classroom check my/seq2seq.ipynb --assignment 03_seq2seq", one="not ready"))
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

    Compares your notebook with the released one and runs the visible tests on a copy.
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


@app.command(
    epilog=_help(
        "classroom collect downloads.zip 03_seq2seq --class-dir classes/2026 --roster roster.csv",
        one="something was quarantined",
        three="the inbox is a bomb",
    )
)
def collect(
    inbox: Annotated[Path, typer.Argument(metavar="INBOX", help="Folder, .zip, .tar, .tar.gz or .tar.xz.")],
    assignment: AssignmentArgument,
    class_dir: ClassOption,
    roster: RosterOption = None,
    as_json: JsonOption = False,
    course: CourseOption = None,
):
    """Put what was handed in into DIR/submitted/LEARNER/ASSIGNMENT.

    The inbox holds a folder, a zip or a notebook (LEARNER.ipynb) for each learner, or is the bulk download of Moodle or
    Canvas. What a learner replaces goes to DIR/submitted_before, the reasons for what is refused to DIR/quarantine.

    Canvas, and most versions of Moodle, do not say in a download when something was handed in: no timestamp is written
    then, so nobody is late. Moodle's grading worksheet as the roster brings the times along. Times without a time zone
    are taken as those of this computer.
    """
    from classroom import collect as collecting
    from classroom.roster import read_roster

    found = find_course(course)
    people = read_roster(roster) if roster else None
    with _progress() as progress:
        rows = collecting.collect(found, assignment, inbox, class_dir, people, tell=progress)
    absent = collecting.absent(class_dir, assignment, people) if people else []
    if as_json:
        print(json.dumps({"items": rows, "absent": absent}, indent=2))
    else:
        collecting.show(rows, absent, _console())
    refused = sum(row["state"] == collecting.QUARANTINED for row in rows)
    if refused:
        raise ClassroomError(f"{refused} of {len(rows)} quarantined: see {class_dir / 'quarantine'}", exit_code=1)


@app.command(
    epilog=_help(
        "classroom grade 03_seq2seq --class-dir classes/2026 --workers 4",
        three="the sandbox does not hold: nothing was executed",
    )
)
def grade(
    assignment: AssignmentArgument,
    class_dir: ClassOption,
    learner: Annotated[list[str] | None, typer.Option("--learner", metavar="NAME", help="Only these.")] = None,
    regrade: Annotated[bool, typer.Option("--regrade", help="Grade again what has a result already.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Submissions at once on this computer.")] = 1,
    engine: Annotated[str, typer.Option(metavar="local|dask", help="Where submissions run.")] = "local",
    scheduler: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Of the dask cluster.")] = None,
    db: DatabaseOption = None,
    cell_seconds: Annotated[int, typer.Option(min=1, help="Time limit of a cell.")] = 20,
    notebook_seconds: Annotated[int, typer.Option(min=1, help="Time limit of a submission.")] = 120,
    memory_mb: Annotated[int, typer.Option(min=1, help="Memory of a submission.")] = 2048,
    disk_mb: Annotated[int, typer.Option(min=1, help="What a submission may write.")] = 256,
    processes: Annotated[int, typer.Option(min=1, help="Processes and threads of a submission.")] = 64,
    unsafe: Annotated[
        bool, typer.Option("--unsafe-no-sandbox", help="Run learners' code as yourself. Never where CI is set.")
    ] = False,
    as_json: JsonOption = False,
    course: CourseOption = None,
):
    """Grade what was handed in, each submission in a sandbox.

    Writes DIR/results/LEARNER/ASSIGNMENT.json, the executed notebooks to DIR/autograded, and fills the gradebook. Run
    it again to go on after an interruption, or to grade what has changed: all other results stay.
    """
    found = find_course(course)
    found.choose([assignment])
    from classroom.grade import Limits
    from classroom.grade import grade as grade_all

    unchanged = []
    with _progress() as progress:

        def tell(done, total, result, skipped):
            unchanged.extend([result["learner"]] if skipped else [])
            state = "unchanged" if skipped else f"{result['state']}, {result['seconds']:g} s"
            progress(done, total, f"{result['learner']}: {result['total']:g} of {result['max']:g} ({state})")

        results = grade_all(
            found,
            assignment,
            class_dir,
            Limits(cell_seconds, notebook_seconds, memory_mb, disk_mb, processes),
            db_url=db,
            learners=learner or (),
            regrade=regrade,
            workers=workers,
            engine=engine,
            scheduler=scheduler,
            unsafe=unsafe,
            tell=tell,
        )
    if as_json:
        print(json.dumps({"results": results, "unchanged": unchanged}, indent=2))
    else:
        _show_results(results, len(unchanged))


@app.command(epilog=_help("classroom feedback 03_seq2seq --class-dir classes/2026"))
def feedback(
    assignment: AssignmentArgument, class_dir: ClassOption, db: DatabaseOption = None, course: CourseOption = None
):
    """Write a feedback page a learner.

    DIR/feedback/LEARNER/ASSIGNMENT/NOTEBOOK.html, and DIR/feedback/index.html for the instructor.
    """
    found = find_course(course)
    found.choose([assignment])
    from classroom.feedback import feedback as write

    print(write(found, assignment, class_dir, db))


@app.command(
    epilog=_help(
        "classroom export 03_seq2seq --class-dir classes/2026 --to canvas --roster roster.csv",
        one="somebody's mark does not stand yet, or somebody is not in the roster",
    )
)
def export(
    assignment: AssignmentArgument,
    class_dir: ClassOption,
    to: Annotated[str, typer.Option("--to", metavar="nbgrader|canvas|moodle", help="Who is to read it.")],
    roster: RosterOption = None,
    column: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the platform calls the assignment: in Canvas 'Name (ID)'.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Default: DIR/ASSIGNMENT-FORMAT.csv; - for stdout.")
    ] = None,
    db: DatabaseOption = None,
    course: CourseOption = None,
):
    """Write the marks as CSV, with what people gave and what being late costs.

    Where no mark stands (nothing was handed in, a person has to look, a new grading has not ended) the cell is empty.
    Canvas and Moodle take an empty cell as "no mark", also in place of one that is there.
    """
    from classroom import export as exporting
    from classroom.files import write_text
    from classroom.roster import read_roster

    found = find_course(course)
    people = read_roster(roster) if roster else None
    text, notes = exporting.export(found, class_dir, assignment, to, people, db, column)
    if out == "-":
        sys.stdout.write(text)
    else:
        path = Path(out) if out else class_dir / f"{assignment}-{to}.csv"
        write_text(path, text)
        print(path)
    for note in notes:
        print(note, file=sys.stderr)
    if notes:
        raise typer.Exit(1)


@app.command(
    epilog=_help(
        "classroom report 03_seq2seq --class-dir classes/2026 --picture report.svg",
        one="a mark of a made-up class is not as expected",
    )
)
def report(
    assignment: AssignmentArgument,
    class_dir: ClassOption,
    picture: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it as well: .svg or .png.")] = None,
    as_json: JsonOption = False,
):
    """Show marks, tasks and known mistakes.

    In a class that has a sample-class.json, the marks stand beside the expected ones.
    """
    from classroom import report as reporting

    said = reporting.report(class_dir, assignment)
    print(json.dumps(said, indent=2)) if as_json else reporting.show(said, _console())
    if picture:
        reporting.picture(said, picture)
        print(picture, file=sys.stderr)
    if reporting.disagreement(said):
        raise ClassroomError(reporting.disagreement(said), exit_code=1)


@app.command(
    epilog=_help(
        "classroom verify 03_seq2seq --class-dir classes/2026",
        one="something is not as it should be",
        three="the sandbox does not hold",
    )
)
def verify(
    assignments: Annotated[list[str] | None, typer.Argument(metavar="[ASSIGNMENT]...", help="Default: all.")] = None,
    class_dir: Annotated[Path | None, typer.Option("--class-dir", metavar="DIR", help="Look at a class.")] = None,
    db: DatabaseOption = None,
    course: CourseOption = None,
):
    """See whether grading can be trusted.

    Without a class: the sandbox holds, the reference solution earns all points, an empty hand-in earns none. With one:
    every submission has one whole result that matches its files, and the gradebook agrees.
    """
    found = find_course(course)
    names = found.choose(assignments or ())
    if class_dir:
        from classroom.audit import audit

        differences = audit(found, names, class_dir, db)
    else:
        from classroom.verify import verify_course

        with _progress() as progress:
            differences = verify_course(found, names, tell=progress)
    for sentence in differences:
        print(sentence)
    if differences:
        raise ClassroomError(f"{len(differences)} found that must be looked at", exit_code=1)
    print("all is well")


@app.command("rebuild-gradebook", epilog=_help("classroom rebuild-gradebook --class-dir classes/2026"))
def rebuild_gradebook(class_dir: ClassOption, db: DatabaseOption = None, course: CourseOption = None):
    """Fill a new gradebook from the results.

    What people gave in the old one is taken over; the old one is kept beside it.
    """
    from classroom import gradebook

    count = gradebook.rebuild(find_course(course), class_dir, gradebook.url_of(class_dir, db))
    print(f"the gradebook holds {count} submissions")


@app.command(epilog=_help("classroom formgrader --class-dir classes/2026 --port 8888"))
def formgrader(
    class_dir: ClassOption,
    db: DatabaseOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the browser finds it.")] = 8888,
    course: CourseOption = None,
):
    """Open nbgrader's formgrader on a class: to grade by hand, and to comment. Ctrl-C ends it."""
    from classroom import gradebook
    from classroom.formgrader import serve

    serve(find_course(course), class_dir, gradebook.url_of(class_dir, db), port)


def _show_results(results, unchanged):
    from rich import box
    from rich.table import Table

    from classroom.archive import shown

    console = _console()
    table = Table(box=box.ROUNDED if console.is_terminal else box.ASCII)
    for name, justify in (("learner", "left"), ("total", "right"), ("state", "left"), ("reason", "left")):
        table.add_column(name, justify=justify, overflow="fold")
    for result in results:
        total = f"{result['total']:g} of {result['max']:g}"
        table.add_row(result["learner"], total, result["state"], shown(result["reason"], 80))
    console.print(table)
    states = [result["state"] for result in results]
    layers = sorted({", ".join(result["layers"]) or "none" for result in results if result["executed"]})
    print(
        f"{states.count('graded')} graded, {states.count('graded with limits hit')} with limits hit, "
        f"{states.count('quarantined')} quarantined, {unchanged} unchanged; sandbox: {' / '.join(layers) or 'not used'}"
    )


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
    return Console(width=None if sys.stdout.isatty() else 1000, markup=False, emoji=False, highlight=False)


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
