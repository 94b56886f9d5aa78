"""The attack corpus: a range (a small course with honest bystanders) and what is handed in to it.

`attacks/range.toml` is the course, `attacks/THEME/ID.toml` is one attack. An attack's file may say:

    tries       one sentence: what it tries
    promise     the line of the design that it tests
    base        "wrong" (default), "right" or "stub": what answers the tasks that nothing else answers
    honest      tasks that are answered rightly; their points are deserved, and kept unless `keeps` says less
    deserved    points beyond those of `honest` that a person would give, too (default 0)
    keeps       points that the attacker must not lose (default: those of `honest`)
    states      the states that its result may end in (default: graded)
    only        "ours": it attacks a mechanism that peers do not have
    code        a cell that runs before all answers
    [answers]   TASK = text of its solution cell
    [files]     NAME = text of a file that is handed in beside the notebook
    build       Python that makes of `notebook` (a dict), `folder` and `inbox` what JSON and text files cannot say

In texts, `@name@` is replaced: `@id@`; `@proof@`, an expression whose value is a word that is not in the submission's
text, so that finding it in an output proves that the attack got where it prints it; `@marker@`, the name of a file that
proves it by lying where no attack may write; and the places of the range (`@class@`, `@course@`, `@home@`, `@tcp@`,
`@udp@`, `@unix@`, `@abstract@`).
"""

import json
import re
import secrets
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

HERE = Path(__file__).parent / "attacks"
CONFIG = """c = get_config()
c.CourseDirectory.source_directory = "source"
c.CourseDirectory.release_directory = "release"
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("write your code here")'}
c.ClearSolutions.text_stub = "Write your answer here."
c.Classroom.library = ["src/rangelib"]
"""
STUB = 'raise NotImplementedError("write your code here")'


@dataclass(frozen=True)
class Attack:
    id: str
    theme: str
    tries: str
    promise: str
    base: str = "wrong"
    honest: tuple = ()
    deserved: float = 0.0
    keeps: float | None = None
    states: tuple = ("graded",)
    only: str = ""
    code: str = ""
    answers: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    build: str = ""

    @property
    def learner(self):
        return self.id

    @property
    def proof(self):
        return f"REACHED:{self.id}:"

    @property
    def marker(self):
        return f"marker-of-{self.id}"


def themes():
    """{folder: what the theme is called}, in order."""
    return tomllib.loads((HERE / "themes.toml").read_text(encoding="utf-8"))


def load(only=()):
    """Every attack, in the order of themes and names; `only` are patterns of ids or themes."""
    found = []
    for theme in themes():
        for path in sorted((HERE / theme).glob("*.toml")):
            content = tomllib.loads(path.read_text(encoding="utf-8"))
            lists = {key: tuple(content[key]) for key in ("honest", "states") if key in content}
            found.append(Attack(**{**content, **lists, "id": path.stem, "theme": theme}))
    return [attack for attack in found if not only or any(fnmatch(attack.id, p) or attack.theme == p for p in only)]


class Range:
    """The course in a folder of its own, with fresh secrets.

    root/course is the course, root/home somebody's home with a secret in it. `known` are the secrets of another one,
    as `all_secrets` gives them.
    """

    def __init__(self, root, known=None):
        self.root = Path(root)
        self.content = tomllib.loads((HERE / "range.toml").read_text(encoding="utf-8"))
        self.assignment, self.notebook_name = self.content["assignment"], self.content["notebook"]
        self.course, self.home = self.root / "course", self.root / "home"
        kinds = ("answers", "hidden", "home", "class", "environment", "gradebook", "submission")
        self.canaries = {kind: f"CANARY-{kind}-{secrets.token_hex(12)}" for kind in kinds}
        self.labels = [secrets.randbelow(10) for _ in range(20)]
        if known:
            self.canaries, self.labels = known["canaries"], known["labels"]

    def all_secrets(self):
        return {"canaries": self.canaries, "labels": self.labels}

    @cached_property
    def tasks(self):
        return {task["name"]: task for task in self.content["tasks"]}

    def points(self, names):
        """What a machine gives for right answers to these tasks ("all" for every one)."""
        chosen = self.tasks.values() if names == "all" else (self.tasks[name] for name in names)
        return float(sum(task[kind]["points"] for task in chosen for kind in ("visible", "hidden") if kind in task))

    def build(self):
        """Write the course and the home."""
        course = self.course
        write(course / "nbgrader_config.py", CONFIG)
        for name, text in self.content["library"].items():
            text = text.replace("@canary_answers@", self.canaries["answers"]).replace("@labels@", repr(self.labels))
            write(course / "src" / name, text.lstrip())
        source = course / "source" / self.assignment / f"{self.notebook_name}.ipynb"
        write(source, json.dumps(self.source_notebook(), indent=1))
        write(self.home / "secret.txt", self.canaries["home"])
        write(self.home / ".netrc", f"machine grades login teacher password {self.canaries['home']}")
        return self

    def source_notebook(self):
        cells = [_markdown("card", "# Range")]
        cells += [_code(name, text.strip()) for name, text in self.content["setup"].items()]
        for name, task in self.tasks.items():
            cells.append(_markdown(f"{name}_text", task["asks"]))
            if name == "essay":
                cells.append(_graded(_markdown(name, task["answer"]), task["points"], solution=True))
                continue
            if "answer" in task:
                cells.append(_graded(_code(name, task["answer"].strip()), None, solution=True))
            for kind in ("visible", "hidden"):
                test = task[kind]["test"].strip()
                if kind == "hidden":
                    canary = f"# {self.canaries['hidden']}"
                    test = f"### BEGIN HIDDEN TESTS\n{canary}\n{test}\n### END HIDDEN TESTS"
                cells.append(_graded(_code(f"{name}_{kind}", test), task[kind]["points"], solution=False))
        return {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
                "classroom": {
                    "hand_in": ["predictions.json"],
                    "withheld": ["rangelib.answers", "rangelib.checks"],
                },
            },
            "cells": cells,
        }

    def released_notebook(self, answers):
        """What a learner has, with these texts in the solution cells: what `classroom release` makes, in short."""
        notebook = self.source_notebook()
        del notebook["metadata"]["classroom"]
        for cell in notebook["cells"]:
            if cell["id"] in answers:
                cell["source"] = answers[cell["id"]]
            elif cell["id"].endswith("_hidden"):
                cell["source"] = ""
        return notebook

    def answer(self, name, base):
        """The text of a task's solution cell."""
        task = self.tasks[name]
        if base == "stub":
            if name == "essay":
                return "Write your answer here."
            return re.sub(r"### BEGIN SOLUTION.*### END SOLUTION", STUB, task["answer"], flags=re.DOTALL).strip()
        if base == "wrong":
            return task["wrong"].strip()
        return re.sub(r" *### (BEGIN|END) SOLUTION\n?", "", task["answer"]).strip()

    def hand_in(self, attack, class_dir, inbox, places):
        """Put an attack's submission into class_dir/submitted, or what it sends by post into `inbox`."""
        folder = class_dir / "submitted" / attack.learner / self.assignment
        folder.mkdir(parents=True)

        def fill(text):
            return substitute(text, {**places, **self.words(attack)})

        answers = {}
        for name, task in self.tasks.items():
            if "answer" in task:
                answers[name] = self.answer(name, "right" if name in attack.honest else attack.base)
        answers |= {name: fill(text).strip() for name, text in attack.answers.items()}
        notebook = self.released_notebook(answers)
        if attack.code:
            notebook["cells"].insert(3, _code("extra", fill(attack.code).strip()))
        files = {name: fill(text) for name, text in attack.files.items()}
        if "predictions" in attack.honest:
            files["predictions.json"] = json.dumps(self.labels)
        for name, text in files.items():
            write(folder / name, text)
        scope = {
            "notebook": notebook, "folder": folder, "inbox": inbox, "path": folder / f"{self.notebook_name}.ipynb",
            "by_id": {cell["id"]: cell for cell in notebook["cells"]}, "code": _code, "markdown": _markdown,
            "graded": _graded, "right": lambda name: self.answer(name, "right"), "the_range": self,
            "class_dir": class_dir,
        }  # fmt: skip
        exec(compile(fill(attack.build), f"{attack.id}.toml", "exec"), scope)
        notebook = scope["notebook"]
        if isinstance(notebook, dict):
            notebook = json.dumps(notebook)
        if notebook is not None:
            scope["path"].write_bytes(notebook if isinstance(notebook, bytes) else notebook.encode("utf-8"))
        if not any(folder.iterdir()):
            folder.rmdir()
            folder.parent.rmdir()

    def words(self, attack):
        proof = f'bytes.fromhex("{attack.proof.encode().hex()}").decode()'
        return {"id": attack.id, "proof": proof, "marker": attack.marker}

    def hand_in_honestly(self, class_dir, inbox, only=None):
        """The bystanders' submissions: one holds a canary, one comes by post."""
        for learner, right in self.content["bystanders"].items():
            if only and learner not in only:
                continue
            names = list(self.tasks) if right == "all" else right
            answers = {
                name: self.answer(name, "right" if name in names else "wrong")
                for name, task in self.tasks.items()
                if "answer" in task
            }
            notebook = self.released_notebook(answers)
            if learner == "aaa_first":
                notebook["cells"].append(_markdown("diary", self.canaries["submission"]))
            if learner in ("nnn_noisy", "stderr_neighbour"):
                noise = "import os, sys\nprint('working')\nprint('a warning', file=sys.stderr)\nos.write(2, b'native')"
                notebook["cells"].insert(3, _code("noise", noise))
            folder = inbox / learner if learner == "posted" else class_dir / "submitted" / learner / self.assignment
            write(folder / f"{self.notebook_name}.ipynb", json.dumps(notebook))
            if "predictions" in names:
                write(folder / "predictions.json", json.dumps(self.labels))

    def deserved(self, attack):
        return self.points(attack.honest) + attack.deserved

    def kept(self, attack):
        return self.points(attack.honest) if attack.keeps is None else attack.keeps


def substitute(text, words):
    """Replace every `@name@` that is one of `words`."""
    return re.sub(r"@(\w+)@", lambda found: str(words.get(found[1], found[0])), text)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _markdown(cell_id, text):
    return {"cell_type": "markdown", "id": cell_id, "metadata": {}, "source": text}


def _code(cell_id, text):
    return {
        "cell_type": "code",
        "id": cell_id,
        "metadata": {},
        "source": text,
        "execution_count": None,
        "outputs": [],
    }


def _graded(cell, points, solution):
    grade = points is not None
    grading = {"schema_version": 3, "grade_id": cell["id"], "grade": grade, "solution": solution, "task": False}
    grading["locked"] = not solution
    if grade:
        grading["points"] = points
    return {**cell, "metadata": {"nbgrader": grading}}
