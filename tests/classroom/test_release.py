"""What learners get: the same bytes each time, nothing secret, and never half of it."""

import json
import os

import pytest
from tiny_course import NAME, SLUG, notebook, solution, source_cells, write

from classroom import release as module
from classroom.course import ClassroomError, Course, find_course
from classroom.release import drift, release

pytestmark = pytest.mark.course


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def edit(course, change):
    """Rewrite the source with `change` applied to its cells."""
    cells = source_cells()
    change(cells)
    write(course.source / SLUG / f"{NAME}.ipynb", notebook(cells))


def test_two_runs_give_the_same_bytes(own_course):
    cells = source_cells()
    cells[1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}]
    cells[1]["execution_count"] = 3
    cells[1]["metadata"] = {"execution": {"iopub.execute_input": "today"}, "collapsed": True}
    source = {**notebook(cells), "metadata": {**notebook([])["metadata"], "language_info": {
        "name": "python", "version": "3.11.9"}}}  # fmt: skip
    write(own_course.source / SLUG / f"{NAME}.ipynb", source)
    write(own_course.source / SLUG / "data" / "words.txt", "one two")
    assert release(own_course) == [SLUG]
    first = contents(own_course.release)
    release(own_course)
    assert contents(own_course.release) == first
    assert sorted(first) == [f"{SLUG}/data/words.txt", f"{SLUG}/{NAME}.ipynb"]
    made = json.loads(first[f"{SLUG}/{NAME}.ipynb"])
    assert made["metadata"]["language_info"] == {"name": "python"}
    assert made["cells"][1]["outputs"] == []
    assert made["cells"][1]["metadata"] == {}
    assert sorted(p.name for p in own_course.root.iterdir()) == ["exercises", "nbgrader_config.py", "solutions"]


def test_the_release_has_stubs_and_no_secrets(released):
    text = released.read_text()
    for secret in ("BEGIN", "return a + b", "negative numbers", "-21"):
        assert secret not in text
    cells = json.loads(text)["cells"]
    assert "".join(cells[2]["source"]).endswith(
        'raise NotImplementedError("write your code here and delete this line")'
    )
    for cell in cells:
        assert cell["metadata"].get("nbgrader", {}).get("grade_id", cell["id"]) == cell["id"]


def test_drift_names_what_is_missing_stale_and_extra(own_course):
    assert drift(own_course) == [f"{SLUG}/{NAME}.ipynb is missing from exercises/"]
    assert not own_course.release.exists()
    release(own_course)
    assert drift(own_course) == []
    write(own_course.release / SLUG / "answers.txt", "42")
    write(own_course.release / "00_gone" / "gone.ipynb", "{}")
    edit(own_course, lambda cells: cells[0].update(source="# Other sums"))
    assert drift(own_course) == [
        f"{SLUG}/answers.txt is extra: solutions/ does not make it",
        f"{SLUG}/{NAME}.ipynb is stale: solutions/ makes something else now",
        "00_gone/ is extra: there is no such assignment in solutions/",
    ]
    release(own_course)
    assert drift(own_course, [SLUG]) == []


def test_a_failure_leaves_the_release_as_it_was(own_course, monkeypatch):
    release(own_course)
    before = contents(own_course.release)
    write(own_course.source / "00_first" / "first.ipynb", notebook(source_cells()))
    edit(own_course, lambda cells: cells[2].update(source="### BEGIN SOLUTION\n1"))
    with pytest.raises(ClassroomError, match="no end solution statement found"):
        release(own_course)
    assert contents(own_course.release) == before

    edit(own_course, lambda cells: cells[0].update(source="# New"))
    rename = os.rename

    def fail(source, target):
        if "new" in str(source):
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(module.os, "rename", fail)
    with pytest.raises(OSError, match="No space"):
        release(own_course, [SLUG])
    assert contents(own_course.release) == before
    assert sorted(p.name for p in own_course.root.iterdir()) == ["exercises", "nbgrader_config.py", "solutions"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda cells: cells[3].pop("id"), "cell 4 has no id"),
        (lambda cells: cells[3].update(id="add"), "cell 4 has the same id as another"),
        (lambda cells: cells[5]["metadata"]["nbgrader"].update(grade_id="add"), "cell 6 has the grade_id 'add'"),
        (lambda cells: cells[0].update(source="write between `BEGIN HIDDEN TESTS` and so on"), "cannot be released"),
        (lambda cells: cells.append(solution("more", "### BEGIN SOLUTION\n### BEGIN SOLUTION")), "nested"),
        (lambda cells: cells[4].update(source="### END SOLUTION\n### BEGIN HIDDEN TESTS"), "No end hidden tests"),
    ],
)
def test_bad_sources_are_told_in_one_sentence(own_course, change, words):
    edit(own_course, change)
    with pytest.raises(ClassroomError, match=words):
        release(own_course)
    assert not own_course.release.exists()


def test_sources_that_are_not_notebooks(own_course):
    path = own_course.source / SLUG / f"{NAME}.ipynb"
    write(path, {**notebook(source_cells()), "nbformat_minor": 4})
    with pytest.raises(ClassroomError, match=r"has nbformat 4\.4; save it as 4\.5"):
        release(own_course)
    write(path, "nonsense")
    with pytest.raises(ClassroomError, match="is not a notebook"):
        release(own_course)


def test_finding_a_course(own_course, tmp_path, monkeypatch):
    inside = own_course.source / SLUG
    monkeypatch.chdir(inside)
    assert find_course() == Course(own_course.root.resolve())
    monkeypatch.chdir(tmp_path)
    assert find_course(None, inside) == Course(own_course.root.resolve())
    with pytest.raises(ClassroomError, match="run this inside a course"):
        find_course()
    with pytest.raises(ClassroomError, match="is not a course"):
        find_course(tmp_path)
    with pytest.raises(ClassroomError, match=r"no assignment '1' in .*; there are: 01_sums"):
        own_course.choose(["1"])
    write(own_course.root / "nbgrader_config.py", "c = nothing")
    with pytest.raises(ClassroomError, match="cannot be read: NameError"):
        _ = Course(own_course.root).config


def test_a_path_that_nbgrader_cannot_work_in(own_course, tmp_path):
    """nbgrader looks for notebooks with glob patterns made of the whole path."""
    odd = tmp_path / "course [1]"
    own_course.root.rename(odd)
    with pytest.raises(ClassroomError, match="rename the folder"):
        release(Course(odd))
    fine = odd.rename(tmp_path / "a course (1) + ünïcode")
    assert release(Course(fine)) == [SLUG]


def test_what_a_run_of_the_source_left_is_refused(own_course):
    source = notebook(source_cells())
    source["metadata"]["classroom"] = {"hand_in": ["answers.json"]}
    write(own_course.source / SLUG / f"{NAME}.ipynb", source)
    release(own_course)
    write(own_course.source / SLUG / "answers.json", "{}")
    with pytest.raises(ClassroomError, match=r"answers.json was left by a run of .* delete it"):
        release(own_course)
