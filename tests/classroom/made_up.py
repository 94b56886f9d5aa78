"""Results and executed notebooks as grading leaves them, made up: for tests of what comes after grading."""

import json

from tiny_course import NAME, RIGHT, SLUG, source_cells, write

from classroom.files import sha256

POINTS = {"add_visible": 2.0, "add_hidden": 3.0, "scale_visible": 2.0, "scale_hidden": 3.0}


def a_result(learner="ada", points=POINTS, messages=(), **others):
    """A result; points is {grade_id: points}, None where a person has to decide."""
    tasks = [
        {
            "notebook": NAME,
            "grade_id": grade_id,
            "max_points": POINTS.get(grade_id, 2.0),
            "points": given,
            "message": dict(messages).get(grade_id, ""),
            "mistake": "",
            "seed": 7,
        }
        for grade_id, given in points.items()
    ]
    result = {
        "learner": learner,
        "assignment": SLUG,
        "submission": "0" * 64,
        "files": {},
        "source": {},
        "grader": "0",
        "nbgrader": "0.9.6",
        "limits": {},
        "layers": ["a sandbox"],
        "state": "graded",
        "reason": "",
        "executed": True,
        "set_aside": [],
        "timestamp": "",
        "tasks": tasks,
        "seconds": 1.0,
        **others,
    }
    result["total"] = sum(task["points"] or 0.0 for task in result["tasks"])
    result["max"] = sum(task["max_points"] for task in result["tasks"])
    return result


def write_result(class_dir, result):
    return write(class_dir / "results" / result["learner"] / f"{result['assignment']}.json", json.dumps(result))


def executed(answers=RIGHT, outputs=(), cells=None):
    """The rebuilt notebook after its run: the source's cells, with the learner's answers and what they printed."""
    cells = cells or source_cells()
    for cell in cells:
        if "### BEGIN SOLUTION" in cell["source"]:
            cell["source"] = answers.get(cell["id"], "raise NotImplementedError")
        if cell["cell_type"] == "code":
            cell["outputs"] = dict(outputs).get(cell["id"], cell["outputs"])
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}


def write_executed(class_dir, learner, notebook, name=NAME):
    return write(class_dir / "autograded" / learner / SLUG / f"{name}.ipynb", json.dumps(notebook))


def printed(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def shown(**data):
    """An output of display(): shown(**{"text/plain": ...})."""
    return {"output_type": "display_data", "metadata": {}, "data": data}


def failed(name, value, *traceback):
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": list(traceback)}


def graded_class(course, class_dir, results):
    """A class folder as `classroom grade` leaves it: submissions, results, executed notebooks."""
    source = {path.name: sha256(path) for path in (course.source / SLUG).iterdir()}
    for result in results:
        folder = class_dir / "submitted" / result["learner"] / SLUG
        path = write(folder / f"{NAME}.ipynb", executed())
        result.update(files={path.name: sha256(path)}, source=source)
        write_result(class_dir, result)
        if result["executed"]:
            write_executed(class_dir, result["learner"], executed())
    return class_dir
