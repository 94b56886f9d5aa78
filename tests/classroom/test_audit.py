"""A class whose grading is whole gives no sentence; each thing that can be wrong gives one that says what to do."""

import json
import shutil

import pytest
import sqlalchemy as sa
from made_up import POINTS, a_result, executed, write_executed, write_result
from tiny_course import NAME, SLUG, make_course, notebook, source_cells, write

from classroom import gradebook
from classroom.audit import audit
from classroom.course import Course
from classroom.files import sha256
from classroom.grade import source_hashes
from classroom.rebuild import digest, read_submission

pytestmark = pytest.mark.course
LEARNERS = {"ada": POINTS, "bob": {**POINTS, "scale_hidden": None}, "cleo": {**POINTS, "add_hidden": 0.5}}


@pytest.fixture(scope="module")
def made(course, tmp_path_factory):
    """A class folder as grading leaves it. Not to be changed by a test."""
    folder = tmp_path_factory.mktemp("audited")
    results = []
    for learner, points in LEARNERS.items():
        place = folder / "submitted" / learner / SLUG
        write(place / f"{NAME}.ipynb", executed())
        write(place / "timestamp.txt", "2026-03-01 13:00:00 UTC\n")
        files = {path.name: sha256(path) for path in place.iterdir()}
        submission, source = digest(read_submission(place)), source_hashes(course, SLUG)
        result = a_result(learner, points, submission=submission, files=files, source=source)
        results.append(result)
        write_result(folder, result)
        write_executed(folder, learner, executed())
    junk = folder / "submitted" / "dora" / SLUG
    junk.parent.mkdir(parents=True)
    junk.symlink_to("/nowhere")
    reason = "what was handed in is not a folder"
    nothing = dict.fromkeys(POINTS, 0.0)
    dora = a_result("dora", nothing, state="quarantined", reason=reason, submission=reason, executed=False, layers=[])
    results.append({**dora, "source": source_hashes(course, SLUG)})
    write_result(folder, results[-1])
    url = gradebook.url_of(folder)
    gradebook.prepare(course, SLUG, url, folder)
    gradebook.fill(url, results, course)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "class", symlinks=True)


def change(folder, learner, **values):
    path = folder / "results" / learner / f"{SLUG}.json"
    write(path, json.dumps({**json.loads(path.read_text()), **values}))


def test_a_class_that_is_whole(course, made, tmp_path):
    assert audit(course, [], made) == []
    assert audit(course, [SLUG], made, None) == []
    assert audit(course, [], tmp_path) == []


def in_results(folder, name="ada"):
    return folder / "results" / name / f"{SLUG}.json"


FAULTS = {
    "another answer": (
        lambda f: write(f / "submitted" / "ada" / SLUG / f"{NAME}.ipynb", "{}"),
        [f"{SLUG} of ada is not what was graded ({NAME}.ipynb changed): run `classroom grade`"],
    ),
    "another file": (
        lambda f: write(f / "submitted" / "ada" / SLUG / "more.txt", "x"),
        [f"{SLUG} of ada is not what was graded (more.txt changed): run `classroom grade`"],
    ),
    "another time": (
        lambda f: write(f / "submitted" / "ada" / SLUG / "timestamp.txt", "2026-02-01 13:00:00 UTC"),
        [f"{SLUG} of ada is not what was graded (timestamp.txt changed): run `classroom grade`"],
    ),
    "mended since": (
        lambda f: ((f / "submitted" / "dora" / SLUG).unlink(), write(f / "submitted" / "dora" / SLUG / "a", "")),
        [f"{SLUG} of dora is not what was graded (a changed): run `classroom grade`"],
    ),
    "no result": (
        lambda f: in_results(f).unlink(),
        [
            f"{SLUG} of ada was handed in and has no result: run `classroom grade`",
            f"{SLUG}: the gradebook has ada, who has no result: run `classroom rebuild-gradebook`",
        ],
    ),
    "no submission": (
        lambda f: shutil.rmtree(f / "submitted" / "ada"),
        [f"{SLUG} of ada has a result, and nothing was handed in: remove the result"],
    ),
    "half a result": (
        lambda f: write(in_results(f), in_results(f).read_text()[:-30]),
        [
            "{class}/results/ada/01_sums.json is not a result: delete it and grade ada again",
            f"{SLUG}: the gradebook has ada, who has no result: run `classroom rebuild-gradebook`",
        ],
    ),
    "strays": (
        lambda f: (write(f / "results" / "ada" / ".01_sums.json-x", ""), write(f / "results" / "notes.txt", "")),
        [
            "{class}/results/notes.txt is no result: remove it",
            "{class}/results/ada/.01_sums.json-x is no result: remove it",
        ],
    ),
    "a total": (
        lambda f: change(f, "ada", total=9.5),
        [f"{SLUG} of ada has a total that is not the sum of its tasks: grade it again with --regrade"],
    ),
    "a maximum": (
        lambda f: change(f, "ada", max=11),
        [f"{SLUG} of ada has a total that is not the sum of its tasks: grade it again with --regrade"],
    ),
    "a state": (
        lambda f: change(f, "ada", state="done"),
        [f"{SLUG} of ada is in an unknown state ('done'): grade it again with --regrade"],
    ),
    "a regrade that did not end": (
        lambda f: change(f, "ada", state="to be graded again"),
        [f"{SLUG} of ada was being graded again, which did not end: run `classroom grade`"],
    ),
    "no sandbox": (
        lambda f: change(f, "ada", layers=[]),
        [f"{SLUG} of ada was graded without a sandbox: grade it again with --regrade"],
    ),
    "no executed notebook": (
        lambda f: shutil.rmtree(f / "autograded" / "bob"),
        [f"{SLUG} of bob has lost its executed notebook {NAME}.ipynb: run `classroom grade`"],
    ),
    "too many points": (
        lambda f: change(f, "ada", tasks=a_result("ada", {**POINTS, "add_hidden": 4.0})["tasks"], total=11.0),
        [
            f"{SLUG} of ada has points that are no mark: grade it again with --regrade",
            f"{SLUG}: the gradebook has 3 for add_hidden of ada, the result 4.0: run `classroom rebuild-gradebook`",
        ],
    ),
    "fewer tasks": (
        lambda f: change(f, "ada", tasks=a_result("ada")["tasks"][:3], total=7.0),
        [
            f"{SLUG} of ada lists other tasks than the assignment has: grade it again with --regrade",
            f"{SLUG}: the gradebook has scale_hidden of ada, the result does not: run `classroom rebuild-gradebook`",
        ],
    ),
    "no gradebook": (
        lambda f: (f / "gradebook.db").unlink(),
        [f"{SLUG}: the gradebook has nothing of {name}: run `classroom grade`" for name in (*LEARNERS, "dora")],
    ),
    "another assignment": (
        lambda f: write_result(f, {**a_result("ada"), "assignment": "99_other"}),
        ["99_other is no assignment of this course: its results cannot be checked"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_told(course, folder, fault):
    change_it, sentences = FAULTS[fault]
    change_it(folder)
    assert audit(course, [], folder) == [sentence.replace("{class}", str(folder)) for sentence in sentences]


def test_a_gradebook_that_says_something_else(course, folder):
    engine = sa.create_engine(gradebook.url_of(folder))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE grade SET auto_score = 1.25 WHERE auto_score = 0.5"))
    engine.dispose()
    wrong = "the gradebook has 1.25 for add_hidden of cleo, the result 0.5: run `classroom rebuild-gradebook`"
    assert audit(course, [], folder) == [f"{SLUG}: {wrong}"]
    write(folder / "gradebook.db", "not a database " * 100)
    (sentence,) = audit(course, [], folder)
    assert "is damaged" in sentence


def test_manual_scores_are_no_fault(course, folder):
    engine = sa.create_engine(gradebook.url_of(folder))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE grade SET manual_score = 1, extra_credit = 1, needs_manual_grade = false"))
    engine.dispose()
    assert audit(course, [], folder) == []


def test_a_source_that_changed(folder, tmp_path):
    changed = Course(make_course(tmp_path / "changed"))
    cells = source_cells()
    cells[3]["source"] = "assert True"
    write(changed.source / SLUG / f"{NAME}.ipynb", notebook(cells))
    said = audit(changed, [], folder)
    assert said == [
        f"{SLUG} of {name} was graded with another version of the assignment: run `classroom grade`"
        for name in (*LEARNERS, "dora")
    ]
