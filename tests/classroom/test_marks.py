"""What an executed cell is worth."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_output
from nbgrader.utils import determine_grade

from classroom.marks import has_code, mark_test


def executed(*outputs):
    grading = {"grade_id": "x", "grade": True, "solution": False, "points": 4}
    return new_code_cell("pass", metadata={"nbgrader": grading}, outputs=list(outputs))


def value(text):
    return new_output("execute_result", {"text/plain": text})


def error(name="ValueError", said="no"):
    return new_output("error", ename=name, evalue=said, traceback=[])


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


@pytest.mark.parametrize(
    ("outputs", "points"),
    [([], 4), ([printed("fine")], 4), ([value("1.5")], 1.5), ([value("0")], 0), ([error()], 0),
     ([value("4")], 4)],
)  # fmt: skip
def test_the_same_as_nbgrader_where_nbgrader_is_right(outputs, points):
    assert mark_test(executed(*outputs))[0] == points == determine_grade(executed(*outputs))[0]


def test_a_warning_costs_nothing_where_nbgrader_takes_all():
    warned = executed(printed("UserWarning: oh", "stderr"))
    assert determine_grade(warned)[0] == 0
    assert mark_test(warned)[0] == 4


@pytest.mark.parametrize("text", ["'words'", "-1", "nan", "[1, 2]", "True"])
def test_what_is_no_mark_earns_nothing_where_nbgrader_gives_all(text):
    assert determine_grade(executed(value(text)))[0] == 4
    assert mark_test(executed(value(text))) == (0, f"the test ended in {text}, which is not a mark between 0 and 4")


def test_more_than_the_points_earns_nothing_where_nbgrader_stops():
    with pytest.raises(ValueError, match="partial credit"):
        determine_grade(executed(value("5")))
    assert mark_test(executed(value("5")))[0] == 0


def test_an_error_after_a_value_counts():
    assert determine_grade(executed(value("4"), error()))[0] == 4
    assert mark_test(executed(value("4"), error())) == (0, "ValueError: no")


def test_messages_are_short_and_without_colours():
    assert mark_test(executed(error("E", "\x1b[31mred\x1b[0m\nsecond\x07"))) == (0, "E: red\nsecond")
    assert mark_test(executed(error("AssertionError", ""))) == (0, "AssertionError (it says nothing more)")
    assert len(mark_test(executed(error("E", "x" * 5000)))[1]) == 600
    assert mark_test(executed(value("1"))) == (1, "partly right: 1 of 4 points")


def test_hidden_tests_have_no_code_left():
    assert not has_code(nbformat.v4.new_code_cell("\n# hidden\n  # more\n"))
    assert has_code(nbformat.v4.new_code_cell("# visible\ncheck(1)"))
