import functools

import nbgrader.api
import pytest
from tiny_course import NAME, RIGHT, RIGHT_ADD, SLUG, add_learner, answered, make_course

from classroom.course import Course
from classroom.release import release

STUBBORN = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass"
NOISY = "import sys\ndef scale(xs, k):\n    print('careful <b>', file=sys.stderr)\n    return [k * x for x in xs]"
SPY = "def scale(xs, k):\n    print(In)\n    return []\nscale([], 0)\nprint('<script>alert(1)</script>')"


@pytest.fixture(autouse=True, scope="session")
def _one_alembic():
    """nbgrader asks a command for the version of its tables for each new gradebook: once is enough for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nbgrader.api, "get_alembic_version", functools.cache(nbgrader.api.get_alembic_version))
        yield


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """The course, released. Not to be changed by a test."""
    made = Course(make_course(tmp_path_factory.mktemp("course")))
    release(made)
    return made


@pytest.fixture(scope="session")
def released(course):
    """Path of the released notebook."""
    return course.release / SLUG / f"{NAME}.ipynb"


@pytest.fixture
def own_course(tmp_path):
    """A course that a test may change; not released."""
    return Course(make_course(tmp_path / "own"))


@pytest.fixture(scope="session")
def submissions(released):
    """{learner: (notebook, expected points)}: everything that a sample class should hold."""

    def handed_in(**answers):
        return answered(released, {**RIGHT, **answers})

    tangled = handed_in()
    cells = tangled["cells"]
    cells.append(dict(cells[3], id="another"))
    grading = {**cells[2]["metadata"]["nbgrader"], "grade_id": "stray"}
    cells.append(dict(cells[2], id="stray", metadata={"nbgrader": grading}))
    cells[6] = {"cell_type": "markdown", "id": "retyped", "source": "mine", "metadata": cells[6]["metadata"]}
    missing = handed_in()
    del missing["cells"][4]
    missing["nbformat_minor"] = 0  # as some hosted services save it
    for cell in missing["cells"]:
        del cell["id"]
    edited = answered(released, {"add": RIGHT_ADD, "scale_visible": "pass"})
    return {
        "perfect": (handed_in(), 10),
        "blank": (answered(released, {}), 0),
        "half": (answered(released, {"add": RIGHT_ADD}), 5),
        "raises": (handed_in(scale="raise RuntimeError('\\x1b[31moh no')"), 5),
        "loops": (handed_in(scale="while True:\n    pass"), 5),
        "stubborn": (handed_in(scale=STUBBORN), 5),
        "killed": (handed_in(scale="os.kill(os.getpid(), 9)"), 5),
        "noisy": (handed_in(scale=NOISY), 10),
        "edited": (edited, 5),
        "spy": (handed_in(scale=SPY), 8),
        "tangled": (tangled, 10),
        "missing": (missing, 10),
        "junk": ("{not json", 0),
    }


@pytest.fixture(scope="session")
def graded_class(course, submissions, tmp_path_factory):
    """The sample class, graded: (folder, {learner: result})."""
    from classroom.grade import Limits, grade

    folder = tmp_path_factory.mktemp("class")
    for learner, (content, expected) in submissions.items():
        add_learner(folder, learner, content, expected)
    results = grade(course, SLUG, folder, Limits(cell_seconds=2, notebook_seconds=30))
    return folder, {result["learner"]: result for result in results}
