"""The gradebook says what the results say, keeps what people gave, and breaks in one sentence."""

import datetime
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from copy import deepcopy
from pathlib import Path

import postgres
import pytest
import sqlalchemy as sa
from made_up import POINTS, a_result, write_result
from nbgrader.api import Base, Gradebook, MissingEntry
from tiny_course import NAME, SLUG, make_course, notebook, solution, source_cells, test_cell, write

from classroom import database, gradebook
from classroom.course import ClassroomError, Course

pytestmark = pytest.mark.course
HIDDEN = ("add_hidden", NAME, SLUG)


@pytest.fixture(scope="session")
def postgresql():
    """The URL of an empty database on a server of our own."""
    if not postgres.programs():
        pytest.skip("PostgreSQL is not installed: no initdb in PATH or /usr/lib/postgresql")
    with postgres.server() as url:
        yield url


@pytest.fixture
def empty(postgresql):
    """The same, emptied after the test."""
    yield postgresql
    engine = sa.create_engine(postgresql)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """Where a gradebook can be made, on each kind of database."""
    (tmp_path / "class").mkdir()
    given = request.getfixturevalue("empty") if request.param == "postgresql" else None
    return gradebook.url_of(tmp_path / "class", given)


@pytest.fixture
def file_url(tmp_path):
    (tmp_path / "class").mkdir()
    return gradebook.url_of(tmp_path / "class")


@pytest.fixture
def prepared(url, course, tmp_path):
    gradebook.prepare(course, SLUG, url, tmp_path)
    return url


def contents(url):
    """Everything in a gradebook, without the ids that are drawn at random."""
    engine = sa.create_engine(url)
    tables = Base.metadata.tables
    with engine.connect() as connection:
        rows = {name: [dict(row) for row in connection.execute(sa.select(t)).mappings()] for name, t in tables.items()}
    engine.dispose()
    by_id = {row["id"]: row for name in tables for row in rows[name]}

    def told(row):
        """A row, with the rows that it points to in place of their ids."""
        drawn = {"id"} if len(str(row.get("id"))) == 32 else set()
        return sorted(
            (key, told(by_id[value]) if key != "id" and value in by_id else str(value))
            for key, value in row.items()
            if key not in drawn
        )

    return {name: sorted(map(told, rows[name])) for name in rows}


def grade_by_hand(url, learner, cell=HIDDEN, score=1.5, comment="I see what you mean"):
    """What nbgrader's formgrader does when somebody types a score and a comment."""
    with Gradebook(url) as book:
        grade = book.find_grade(*cell, learner)
        grade.manual_score, grade.needs_manual_grade = score, False
        book.find_comment("add", NAME, SLUG, learner).manual_comment = comment
        book.db.commit()


def changed_course(root, cells, points=None):
    course = Course(make_course(root))
    for cell in cells:
        if cell["id"] in (points or {}):
            cell["metadata"]["nbgrader"]["points"] = points[cell["id"]]
    write(course.source / SLUG / f"{NAME}.ipynb", notebook(cells))
    return course


def test_the_address_of_a_gradebook(tmp_path):
    assert gradebook.url_of(tmp_path) == f"sqlite:///{tmp_path}/gradebook.db"
    assert list(tmp_path.iterdir()) == []
    odd = tmp_path / "a b?c#d%20e"
    odd.mkdir()
    assert sa.make_url(gradebook.url_of(odd)).database == str(odd / "gradebook.db")
    assert gradebook.url_of(tmp_path, "sqlite:///x.db") == f"sqlite:///{Path.cwd()}/x.db"
    assert gradebook.url_of(tmp_path, "postgresql://ann:secret@host/db") == "postgresql://ann:secret@host/db"
    for given in ("sqlite://", "sqlite:///:memory:", "here.db"):
        with pytest.raises(ClassroomError, match=r"name a file|not a database URL"):
            gradebook.url_of(tmp_path, given)


def test_the_columns_are_nbgraders():
    for name, columns in database.COLUMNS.items():
        table = Base.metadata.tables[name]
        for column in columns.split():
            assert isinstance(table.c[column].type, type(database.T.__dict__[name].c[column].type)), (name, column)


def test_nbgrader_reads_what_was_filled(prepared, course):
    half = {**POINTS, "scale_visible": 0.0, "scale_hidden": None}
    assert gradebook.fill(prepared, [a_result("ada"), a_result("bob", half)], course) == 2
    with Gradebook(prepared) as book:
        ada, bob = (book.find_submission(SLUG, learner) for learner in ("ada", "bob"))
        assert (ada.score, ada.max_score, ada.needs_manual_grade) == (10, 10, False)
        assert (bob.score, bob.needs_manual_grade) == (5, True)
        assert bob.notebooks[0].failed_tests
        assert {student.id for student in book.students} == {"ada", "bob"}
        assert len(bob.notebooks[0].comments) == 2
        source = {cell.name: cell.source for cell in book.find_notebook(NAME, SLUG).source_cells}
    assert "NotImplementedError" in source["add"]
    assert "HIDDEN" in source["add_hidden"]


def test_a_second_start_changes_nothing_and_does_not_import_nbgrader(prepared, course, tmp_path):
    before = contents(prepared)
    program = (
        "import sys\nfrom pathlib import Path\nfrom classroom import gradebook\nfrom classroom.course import Course\n"
        f"gradebook.prepare(Course(Path({str(course.root)!r})), {SLUG!r}, {prepared!r}, Path({str(tmp_path)!r}))\n"
        f"gradebook.fill({prepared!r}, [])\n"
        "print([name for name in sys.modules if name.startswith(('nbgrader', 'nbconvert', 'nbformat'))])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert said.stdout.strip() == "[]"
    assert contents(prepared) == before


def test_filling_again_and_in_any_order_gives_the_same(prepared, course, tmp_path):
    random.seed(1)
    results = [a_result(f"l{n}", {k: random.choice([0.0, v, None]) for k, v in POINTS.items()}) for n in range(8)]
    results[3].update(executed=False, state="quarantined", reason="it is \x00 \ud800 \x1b[31mbroken")
    assert gradebook.fill(prepared, results, course) == 8
    once = contents(prepared)
    assert gradebook.fill(prepared, results, course) == 0
    other = database.file_url(tmp_path / "other.db")
    gradebook.prepare(course, SLUG, other, tmp_path)
    for result in reversed(results):
        assert gradebook.fill(other, [result], course) == 1
    assert contents(other) == contents(prepared) == once
    assert gradebook.fill(other, [a_result("l3")], course) == 1
    assert gradebook.fill(other, [results[3]], course) == 1
    assert contents(other) == once
    with Gradebook(prepared) as book:
        assert [c.auto_comment for c in book.find_submission(SLUG, "l3").notebooks[0].comments] == [
            "it is   broken"
        ] * 2


@pytest.mark.parametrize("points", [float("nan"), float("inf"), -1, "3", [1]])
def test_a_mark_that_is_no_number_is_refused(file_url, course, tmp_path, points):
    gradebook.prepare(course, SLUG, file_url, tmp_path)
    before = contents(file_url)
    result = a_result("ada")
    result["tasks"][2]["points"] = points
    with pytest.raises(ClassroomError, match=r"the result of ada gives scale_visible .* --regrade"):
        gradebook.fill(file_url, [result], course)
    result = a_result("ada", timestamp="yesterday")
    with pytest.raises(ClassroomError, match="'yesterday', which is not a time"):
        gradebook.fill(file_url, [result], course)
    assert contents(file_url) == before


def test_what_a_person_gave_survives(prepared, course):
    gradebook.fill(prepared, [a_result("ada"), a_result("bob")], course)
    grade_by_hand(prepared, "ada")
    assert gradebook.fill(prepared, [a_result("ada")], course) == 0
    marks = gradebook.marks(prepared, SLUG)["ada"]
    assert marks.manual == {(NAME, "add_hidden"): 1.5}
    assert marks.comments == {(NAME, "add"): "I see what you mean"}
    assert marks.waiting == set()
    assert marks.score((NAME, "add_hidden")) == 1.5

    # Another mark, and the person should look again, as in nbgrader; a person's score still counts.
    gradebook.fill(prepared, [a_result("ada", {**POINTS, "add_hidden": 0.0})], course)
    marks = gradebook.marks(prepared, SLUG)["ada"]
    assert marks.waiting == {(NAME, "add_hidden")}
    assert marks.score((NAME, "add_hidden")) == 1.5
    with Gradebook(prepared) as book:
        assert book.find_submission(SLUG, "ada").score == 8.5


def test_a_written_answer_waits_until_somebody_read_it(prepared, course):
    written = a_result("ada", {**POINTS, "add_hidden": None})
    gradebook.fill(prepared, [written], course)
    assert gradebook.marks(prepared, SLUG)["ada"].waiting == {(NAME, "add_hidden")}
    grade_by_hand(prepared, "ada")
    assert gradebook.fill(prepared, [written], course) == 0
    assert gradebook.marks(prepared, SLUG)["ada"].waiting == set()


def test_a_regrade_flags_until_it_ends(prepared, course):
    gradebook.fill(prepared, [a_result("ada"), a_result("bob")], course)
    grade_by_hand(prepared, "ada")
    for learners in ([], ["nobody"], ["ada"]):
        gradebook.flag(prepared, SLUG, learners)
    gradebook.flag(prepared, "99_other", ["ada"])
    marks = gradebook.marks(prepared, SLUG)
    assert len(marks["ada"].waiting) == 4
    assert marks["bob"].waiting == set()
    gradebook.fill(prepared, [a_result("ada", state="to be graded again")], course)
    assert len(gradebook.marks(prepared, SLUG)["ada"].waiting) == 4
    gradebook.fill(prepared, [a_result("ada")], course)
    assert gradebook.marks(prepared, SLUG)["ada"].waiting == {(NAME, "add_hidden")}, "a person should look again"


def test_several_programs_fill_at_once(prepared, course, tmp_path):
    results = [a_result(f"l{n}") for n in range(40)]
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(gradebook.fill, prepared, results[n:] + results[:n], course) for n in (0, 10, 20, 30)]
    assert sum(one.result() for one in done) == 40
    other = database.file_url(tmp_path / "other.db")
    gradebook.prepare(course, SLUG, other, tmp_path)
    gradebook.fill(other, results, course)
    assert contents(prepared) == contents(other)


def test_asking_makes_no_gradebook(file_url):
    gradebook.flag(file_url, SLUG, ["ada"])
    assert gradebook.marks(file_url, SLUG) == {}
    with pytest.raises(ClassroomError, match="there is no gradebook"):
        gradebook.fill(file_url, [a_result()])
    assert not database.file_of(file_url).exists()


def test_a_gradebook_without_tables_is_asked_gently(url):
    if database.file_of(url):
        database.file_of(url).touch()
    gradebook.flag(url, SLUG, ["ada"])
    assert gradebook.marks(url, SLUG) == {}
    with pytest.raises(ClassroomError, match="holds nothing of nbgrader's: run `classroom rebuild-gradebook`"):
        gradebook.fill(url, [a_result()])


def test_a_changed_source_keeps_what_was_given_for_cells_that_stay(prepared, course, tmp_path):
    gradebook.fill(prepared, [a_result("ada"), a_result("bob")], course)
    grade_by_hand(prepared, "ada")
    with Gradebook(prepared) as book:
        book.update_or_create_assignment(SLUG, duedate="2030-01-01")
        book.grant_extension(SLUG, "bob", days=2)

    # Stock nbgrader refuses all of this, once there are submissions.
    cells = source_cells()[:6]
    cells += [
        solution("more", "### BEGIN SOLUTION\nmore = 1\n### END SOLUTION"),
        test_cell("more_test", 4, "assert more"),
    ]
    changed = changed_course(tmp_path / "changed", cells, {"add_hidden": 6})
    gradebook.prepare(changed, SLUG, prepared, tmp_path)
    with Gradebook(prepared) as book:
        assert {cell.name: cell.max_score for cell in book.find_notebook(NAME, SLUG).grade_cells} == {
            "add_visible": 2,
            "add_hidden": 6,
            "more_test": 4,
        }
        assert book.find_assignment(SLUG).duedate == datetime.datetime(2030, 1, 1)
        assert book.find_submission(SLUG, "bob").extension == datetime.timedelta(days=2)
        with pytest.raises(MissingEntry):
            book.find_grade("scale_hidden", NAME, SLUG, "ada")

    new = a_result("ada", {"add_visible": 2.0, "add_hidden": 5.0, "more_test": 4.0})
    gradebook.fill(prepared, [new, {**deepcopy(new), "learner": "cleo"}], changed)
    with Gradebook(prepared) as book:
        assert [book.find_submission(SLUG, name).score for name in ("ada", "cleo")] == [7.5, 11]
        assert book.find_submission(SLUG, "ada").max_score == 12
        assert book.find_comment("add", NAME, SLUG, "ada").manual_comment == "I see what you mean"
        assert len(book.find_submission(SLUG, "ada").notebooks[0].comments) == 3

    # A result of the old source does not pass for one of the new.
    gradebook.fill(prepared, [a_result("bob")], changed)
    assert len(gradebook.marks(prepared, SLUG)["bob"].waiting) == 3


def test_a_notebook_that_is_new_or_gone(prepared, course, tmp_path):
    gradebook.fill(prepared, [a_result("ada")], course)
    two = changed_course(tmp_path / "two", source_cells())
    write(two.source / SLUG / "more.ipynb", notebook([solution("a", "a = 1"), test_cell("b", 1, "assert a")]))
    gradebook.prepare(two, SLUG, prepared, tmp_path)
    result = a_result("ada")
    result["tasks"].append(
        {**result["tasks"][0], "notebook": "more", "grade_id": "b", "points": 1.0, "max_points": 1.0}
    )
    gradebook.fill(prepared, [result], two)
    with Gradebook(prepared) as book:
        assert book.find_submission(SLUG, "ada").score == 11
    gradebook.prepare(course, SLUG, prepared, tmp_path)
    gradebook.fill(prepared, [a_result("ada")], course)
    with Gradebook(prepared) as book:
        assert (book.find_submission(SLUG, "ada").score, book.find_submission(SLUG, "ada").max_score) == (10, 10)
    assert len(contents(prepared)["submitted_notebook"]) == 1


def test_hand_graded_cells(url, tmp_path):
    written = {
        "grade_id": "why",
        "schema_version": 3,
        "grade": True,
        "solution": True,
        "locked": False,
        "task": False,
        "points": 3,
    }
    job = {**written, "grade_id": "job", "grade": False, "solution": False, "locked": True, "task": True, "points": 2}
    cells = [
        *source_cells(),
        {"cell_type": "markdown", "id": "why", "metadata": {"nbgrader": written}, "source": "because"},
        {"cell_type": "markdown", "id": "job", "metadata": {"nbgrader": job}, "source": "Build a thing."},
    ]
    course = changed_course(tmp_path / "own", cells)
    gradebook.prepare(course, SLUG, url, tmp_path)
    gradebook.fill(url, [a_result("ada", {**POINTS, "why": 0.0, "job": None}, {"why": "no answer"})], course)
    marks = gradebook.marks(url, SLUG)["ada"]
    assert marks.waiting == {(NAME, "job")}
    with Gradebook(url) as book:
        assert book.find_submission(SLUG, "ada").max_score == 15
        assert book.find_comment("why", NAME, SLUG, "ada").auto_comment == "no answer"
        assert book.find_comment("job", NAME, SLUG, "ada").auto_comment is None
        first = contents(url)
    gradebook.prepare(course, SLUG, url, tmp_path)
    assert contents(url) == first


class TestLate:
    RULES = """
from nbgrader.plugins import LateSubmissionPlugin
class Rule(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return {rule}
c.AssignLatePenalties.plugin_class = Rule
"""

    @pytest.fixture
    def late(self, url, tmp_path):
        """Fill with a rule for penalties; gives what `ada`, an hour late, loses."""

        def run(config, result=None, **extension):
            course = Course(make_course(tmp_path / "late"))
            with (course.root / "nbgrader_config.py").open("a") as file:
                file.write(config)
            gradebook.prepare(course, SLUG, url, tmp_path)
            with Gradebook(url) as book:
                book.update_or_create_assignment(SLUG, duedate="2026-03-01 12:00:00 UTC")
            result = result or a_result("ada", timestamp="2026-03-01T14:00:00+01:00")
            gradebook.fill(url, [result], course)
            if extension:
                with Gradebook(url) as book:
                    book.grant_extension(SLUG, "ada", **extension)
            gradebook.fill(url, [result], course)
            assert gradebook.fill(url, [result], course) == gradebook.fill(url, [result]) == 0
            with Gradebook(url) as book:
                assert book.find_submission(SLUG, "ada").timestamp == gradebook._moment(result)
            return gradebook.marks(url, SLUG)["ada"].penalties.get(NAME)

        return run

    def test_nbgraders_own_rules(self, late):
        assert late("") is None
        assert late("c.LateSubmissionPlugin.penalty_method = 'zero'") == 10
        assert late("c.LateSubmissionPlugin.penalty_method = 'zero'", minutes=61) is None
        assert late("c.LateSubmissionPlugin.penalty_method = 'zero'", a_result("ada")) is None

    @pytest.mark.parametrize(
        ("rule", "lost"), [("total_seconds_late / 1800", 2), ("99", 10), ("-3", None), ("None", None)]
    )
    def test_a_rule_of_the_course(self, late, rule, lost):
        assert late(self.RULES.format(rule=rule)) == lost

    @pytest.mark.parametrize(("rule", "words"), [("1 / 0", "ZeroDivisionError"), ("float('nan')", "no number")])
    def test_a_rule_that_is_broken(self, late, rule, words):
        with pytest.raises(ClassroomError, match=words):
            late(self.RULES.format(rule=rule))

    def test_a_penalty_follows_what_a_person_gave(self, late, url):
        assert late("c.LateSubmissionPlugin.penalty_method = 'zero'") == 10
        grade_by_hand(url, "ada")
        assert late("c.LateSubmissionPlugin.penalty_method = 'zero'") == 8.5


def test_rebuilding(url, course, tmp_path):
    folder = tmp_path / "class"
    gradebook.prepare(course, SLUG, url, tmp_path)
    results = [a_result("ada"), a_result("bob", {**POINTS, "add_hidden": 1.0}), a_result("cleo")]
    results.append({**a_result("ada"), "assignment": "00_gone"})
    for result in results:
        write_result(folder, result)
    gradebook.fill(url, [*results[:3], a_result("dora")], course)
    grade_by_hand(url, "ada")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE grade SET auto_score = 99 WHERE manual_score IS NULL"))
    engine.dispose()
    assert gradebook.rebuild(course, folder, url) == 4
    with Gradebook(url) as book:
        assert [book.find_submission(SLUG, name).score for name in ("ada", "bob", "cleo")] == [8.5, 8, 10]
        assert book.find_submission("00_gone", "ada").max_score == 10
        with pytest.raises(MissingEntry):
            book.find_submission(SLUG, "dora")
        assert book.find_comment("add", NAME, SLUG, "ada").manual_comment == "I see what you mean"
    assert gradebook.fill(url, results, course) == 0
    if database.file_of(url):
        (old,) = folder.glob("gradebook.db.*")
        with closing(sqlite3.connect(old)) as connection:
            assert connection.execute("SELECT count(*) FROM grade WHERE auto_score = 99").fetchone() == (15,)
        assert {path.name for path in folder.iterdir()} == {"results", "gradebook.db", old.name}
    else:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            (old,) = (name for name in sa.inspect(engine).get_table_names() if name.startswith("grade_2"))
            assert connection.execute(sa.text(f"SELECT count(*) FROM {old} WHERE auto_score = 99")).scalar() == 15
        engine.dispose()


def test_rebuilding_from_nothing(file_url, course, tmp_path):
    folder = tmp_path / "class"
    with pytest.raises(ClassroomError, match="no results"):
        gradebook.rebuild(course, folder, file_url)
    path = write_result(folder, a_result("ada"))
    assert gradebook.rebuild(course, folder, file_url) == 1
    first = contents(file_url)
    assert gradebook.rebuild(course, folder, file_url) == 1
    assert contents(file_url) == first
    path.write_text('{"learner": "ada"}')
    with pytest.raises(ClassroomError, match=r"ada/01_sums\.json is not a result: delete it and grade ada again"):
        gradebook.rebuild(course, folder, file_url)
    assert contents(file_url) == first


def damage(how, path):
    if how == "cut short":
        os.truncate(path, path.stat().st_size // 2)
    elif how == "overwritten":
        path.write_bytes(b"not a database, but as long as the head of one. " * 300)
    elif how == "scratched":
        content = bytearray(path.read_bytes())
        content[4096:12288] = random.Random(1).randbytes(8192)
        path.write_bytes(content)


@pytest.mark.parametrize("how", ["cut short", "overwritten", "scratched"])
def test_a_damaged_gradebook(file_url, course, tmp_path, how):
    folder, path = tmp_path / "class", database.file_of(file_url)
    results = [a_result(name) for name in ("ada", "bob")]
    for result in results:
        write_result(folder, result)
    gradebook.rebuild(course, folder, file_url)
    good = contents(file_url)
    damage(how, path)
    bad = path.read_bytes()
    with pytest.raises(ClassroomError, match=r"is damaged .*: run `classroom rebuild-gradebook`, which keeps it"):
        gradebook.prepare(course, SLUG, file_url, tmp_path)
    assert path.read_bytes() == bad
    assert gradebook.rebuild(course, folder, file_url) == 2
    assert contents(file_url) == good
    assert bad in [kept.read_bytes() for kept in folder.glob("gradebook.db.*")]


def test_a_gradebook_that_another_program_writes_to(file_url, course, tmp_path, monkeypatch):
    gradebook.prepare(course, SLUG, file_url, tmp_path)
    monkeypatch.setattr(database, "PATIENCE", 0.3)
    other = sqlite3.connect(database.file_of(file_url), check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    with pytest.raises(ClassroomError, match="is being written to by another program"):
        gradebook.fill(file_url, [a_result()], course)
    assert 0.25 < time.monotonic() - started < 5
    other.rollback()
    other.close()
    assert gradebook.fill(file_url, [a_result()], course) == 1


def test_a_postgresql_row_that_another_program_writes_to(empty, course, tmp_path, monkeypatch):
    gradebook.prepare(course, SLUG, empty, tmp_path)
    gradebook.fill(empty, [a_result()], course)
    monkeypatch.setattr(database, "PATIENCE", 1)
    engine = sa.create_engine(empty)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE grade SET auto_score = 1"))
        with pytest.raises(ClassroomError, match="is being written to by another program"):
            gradebook.fill(empty, [a_result("ada", {**POINTS, "add_hidden": 0.0})], course)
        connection.rollback()
    engine.dispose()
    assert gradebook.fill(empty, [a_result("ada", {**POINTS, "add_hidden": 0.0})], course) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("postgresql://ann:secret@127.0.0.1:9/db", "cannot be reached"),
        ("mysql://ann:secret@127.0.0.1/db", "needs the package MySQLdb"),
        ("nothing://ann:secret@127.0.0.1/db", "cannot be used"),
    ],
)
def test_a_server_that_is_not_there(course, tmp_path, given, words):
    url = gradebook.url_of(tmp_path, given) if "nothing" not in given else given
    with pytest.raises(ClassroomError, match=words) as caught:
        gradebook.prepare(course, SLUG, url, tmp_path)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@contextmanager
def as_ordinary_user():
    """Root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_gradebook_that_one_may_not_write_to(course, what):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        url = gradebook.url_of(folder)
        gradebook.prepare(course, SLUG, url, folder)
        gradebook.fill(url, [a_result("bob")], course)
        if os.geteuid() == 0:
            os.chown(folder if what == "file" else folder / "gradebook.db", 65534, 65534)
        (folder / "gradebook.db").chmod(0o444 if what == "file" else 0o644)
        folder.chmod(0o755 if what == "file" else 0o555)
        try:
            with as_ordinary_user():
                assert gradebook.fill(url, [a_result("bob")], course) == 0, "there is nothing to write"
                assert gradebook.marks(url, SLUG)["bob"].manual == {}
                with pytest.raises(ClassroomError, match="cannot be opened for writing"):
                    gradebook.fill(url, [a_result("ada")], course)
        finally:
            folder.chmod(0o755)
            (folder / "gradebook.db").chmod(0o644)
        assert gradebook.fill(url, [a_result("ada"), a_result("bob")], course) == 1


@contextmanager
def files_of_at_most(size):
    """As on a full disk, for this process: no file grows beyond that."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def fills_up(url, course, results):
    """Fill until there is no space left; gives the number of submissions that are whole."""
    with pytest.raises(ClassroomError, match="there is no space left: make room"):
        gradebook.fill(url, results, course)
    marks = gradebook.marks(url, SLUG)
    assert 0 < len(marks) < len(results)
    assert all(len(one.auto) == 4 for one in marks.values()), "half a submission"
    return len(marks)


def test_no_space_left(file_url, course, tmp_path):
    results = [a_result(f"l{n:03}") for n in range(300)]
    gradebook.prepare(course, SLUG, file_url, tmp_path)
    with files_of_at_most(database.file_of(file_url).stat().st_size + 40_000):
        done = fills_up(file_url, course, results)
    assert gradebook.fill(file_url, results, course) == 300 - done
    whole = contents(file_url)
    other = database.file_url(tmp_path / "other.db")
    gradebook.prepare(course, SLUG, other, tmp_path)
    gradebook.fill(other, results, course)
    assert contents(other) == whole


def test_a_full_disk(course, tmp_path):
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small file system takes root")
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        url = gradebook.url_of(small)
        gradebook.prepare(course, SLUG, url, tmp_path)
        results = [a_result(f"l{n:03}") for n in range(600)]
        done = fills_up(url, course, results)
        subprocess.run(["mount", "-o", "remount,size=4m", small], check=True)
        assert gradebook.fill(url, results, course) == 600 - done
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_large_class_takes_seconds(file_url, course, tmp_path):
    gradebook.prepare(course, SLUG, file_url, tmp_path)

    def seconds(first, last, written):
        """Of this process, however busy the computer is."""
        results = [a_result(f"l{n:04}") for n in range(first, last)]
        started = time.process_time()
        assert gradebook.fill(file_url, results, course) == written
        return time.process_time() - started

    early, late = seconds(0, 500, 500), seconds(500, 1000, 500)
    assert late < 2 * early + 1, "a fuller gradebook is no slower"
    assert early + late < 15
    assert seconds(0, 1000, 0) < 3
