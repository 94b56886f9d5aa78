"""What the tests of grading share: the tiny course, released."""

import pytest

from classroom.course import Course
from classroom.release import release
from tests.classroom.tiny_course import make_course


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    made = Course(make_course(tmp_path_factory.mktemp("course")))
    release(made)
    return made
