"""People grade in nbgrader's formgrader, and nothing that they click or look at runs a learner's code."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from made_up import POINTS, a_result, executed, write_executed, write_result
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from test_feedback import PAYLOADS, attacked, said
from tiny_course import CONFIG, NAME, RIGHT, SLUG, answered, code, make_course, source_cells, write
from traitlets.config import Config

from classroom import gradebook
from classroom.course import ClassroomError, Course
from classroom.feedback import feedback
from classroom.formgrader import configuration, serve
from classroom.protection import protect
from classroom.stock import StockError, configure, convert

pytestmark = pytest.mark.course
WHY = {"schema_version": 3, "grade_id": "why", "grade": True, "solution": True, "locked": False, "task": False}
PROTECTED = f"{CONFIG}\nfrom classroom.protection import protect\nprotect(c)\n"


def fill_class(course, folder, result, notebook):
    """A class with one graded submission; gives the gradebook's URL."""
    write_result(folder, result)
    write_executed(folder, result["learner"], notebook)
    url = gradebook.url_of(folder)
    gradebook.prepare(course, SLUG, url, folder)
    gradebook.fill(url, [result], course)
    return url


@pytest.fixture
def canary(tmp_path, released):
    """A class whose one submission leaves a file when it is run: (class folder, that file)."""
    folder, canary = tmp_path / "class", tmp_path / "it-ran"
    evil = answered(released, {**RIGHT, "add": f"open({str(canary)!r}, 'w')"})
    evil["cells"].append(code("more", f"open({str(canary)!r}, 'w')"))
    write(folder / "submitted" / "mallory" / SLUG / f"{NAME}.ipynb", evil)
    return folder, canary


def stock_config(course, folder, url):
    config = configure(course, SLUG, root=folder, db_url=url, submitted_directory="submitted")
    config.CourseDirectory.source_directory = os.path.relpath(course.source, folder)
    config.CourseDirectory.autograded_directory = "autograded"
    config.Autograde.force = True
    return config


def files_in(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("protected", [False, True])
def test_nbgraders_own_autograde_runs_nothing_and_removes_nothing(canary, course, tmp_path, protected):
    folder, ran = canary
    own = Course(make_course(tmp_path / "own"))
    write(own.root / "nbgrader_config.py", PROTECTED if protected else CONFIG)
    url = fill_class(own, folder, a_result("mallory"), executed())
    config = stock_config(own, folder, url)
    before = files_in(folder)
    if not protected:
        convert(Autograde, config)
        assert ran.exists(), "or else this test proves nothing"
        return
    with pytest.raises(StockError, match="run `classroom grade` instead"):
        convert(Autograde, config)
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    for answer in (api.autograde(SLUG, "mallory"), api.generate_feedback(SLUG, "mallory")):
        assert not answer["success"]
        assert "instead" in answer["error"]
    assert files_in(folder) == before
    assert not ran.exists()


@pytest.mark.parametrize("kept", ["exporter_class", "sanitize_preprocessors", "autograde_preprocessors"])
def test_each_part_of_the_protection_holds_alone(canary, course, kept):
    folder, ran = canary
    url = fill_class(course, folder, a_result("mallory"), executed())
    config = stock_config(course, folder, url)
    config.Autograde[kept] = protect(Config()).Autograde[kept]
    with pytest.raises(StockError, match="run `classroom grade` instead"):
        convert(Autograde, config)
    assert not ran.exists()


def test_the_protection_costs_no_import(tmp_path):
    own = Course(make_course(tmp_path / "own"))
    write(own.root / "nbgrader_config.py", PROTECTED)
    program = (
        "import sys\nfrom pathlib import Path\nfrom classroom.course import Course\n"
        f"print(Course(Path({str(own.root)!r})).config.Autograde.exporter_class)\n"
        "print([name for name in sys.modules if name.startswith(('nbgrader', 'nbconvert', 'jupyter_server'))])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split("\n")[:2] == ["classroom.formgrader.RunClassroomGrade", "[]"]


class Server:
    """A running formgrader."""

    def __init__(self, course, folder, url, working=None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        program = (
            "from pathlib import Path\nfrom classroom.course import Course\nfrom classroom.formgrader import serve\n"
            f"serve(Course(Path({str(course.root)!r})), {str(folder)!r}, {url!r}, {self.port})"
        )
        self.log = folder.parent / "formgrader.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen([sys.executable, "-c", program], stderr=log, cwd=working or course.root)
        self.base = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        deadline = time.monotonic() + 60
        while "?token=" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)
        self.token = self.log.read_text().split("?token=")[1].split()[0]
        return self

    def __exit__(self, *error):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()

    def ask(self, path, method="GET", body=None, token=True):
        """(status, text, headers) of an answer; redirects are not followed."""
        headers = {"Authorization": f"token {self.token}"} if token else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        opener = urllib.request.build_opener(NoRedirect)
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def submission_id(server):
    return json.loads(server.ask(f"/formgrader/api/submitted_notebooks/{SLUG}/{NAME}")[1])[0]["id"]


def test_grading_by_hand(canary, tmp_path):
    folder, ran = canary
    cells = source_cells()
    why = {"cell_type": "markdown", "id": "why", "metadata": {"nbgrader": {**WHY, "points": 2}}, "source": "because"}
    cells.append(why)
    course = Course(make_course(tmp_path / "own"))
    write(course.source / SLUG / f"{NAME}.ipynb", {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    result = a_result("mallory", {**POINTS, "why": None})
    url = fill_class(course, folder, result, executed(cells=cells))
    evil = folder / "submitted" / "mallory" / SLUG / "nbgrader_config.py"
    write(evil, f"open({str(ran)!r}, 'w')")
    before = files_in(folder)
    with Server(course, folder, url) as server:
        # Behind a token, and for this computer alone.
        assert server.ask("/formgrader/manage_assignments", token=False)[0] == 302
        assert server.ask("/formgrader/api/assignments", token=False)[0] in (302, 403)
        others = [info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
        for address in {"127.0.0.2", *others} - {"127.0.0.1"}:
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((address, server.port), timeout=5)

        # No click and no link runs anything.
        for path in (
            f"/formgrader/api/submission/{SLUG}/mallory/autograde",
            f"/formgrader/api/assignment/{SLUG}/mallory/generate_feedback",
            f"/formgrader/api/assignment/{SLUG}/generate_feedback",
            f"/formgrader/api/assignment/{SLUG}/assign",
        ):
            status, text, _ = server.ask(path, "POST", {})
            assert status == 200
            assert not json.loads(text)["success"]
            assert "`classroom " in json.loads(text)["error"]
        status, _, headers = server.ask(f"/formgrader?path={evil.parent}")
        assert (status, urlsplit(headers["Location"]).path) == (302, "/formgrader/manage_assignments")
        server.ask(headers["Location"])
        assert server.ask("/api/kernels", "POST", {})[0] == 403
        session = {"path": "x", "type": "notebook", "name": "x", "kernel": {"name": "python3"}}
        assert server.ask("/api/sessions", "POST", session)[0] >= 400
        assert json.loads(server.ask("/api/kernels")[1]) == []
        assert server.ask("/api/terminals", "POST", {})[0] == 404
        assert server.ask("/files/course.key")[0] == 404
        assert server.ask("/api/contents/submitted")[0] == 404
        assert not ran.exists()
        assert files_in(folder) == before

        # What the formgrader is for.
        for path in ("manage_assignments", f"manage_submissions/{SLUG}", f"gradebook/{SLUG}/{NAME}", "manage_students"):
            assert server.ask(f"/formgrader/{path}")[0] == 200
        assert [a["name"] for a in json.loads(server.ask("/formgrader/api/assignments")[1])] == [SLUG]
        (row,) = json.loads(server.ask(f"/formgrader/api/submissions/{SLUG}")[1])
        assert (row["student"], row["score"], row["needs_manual_grade"]) == ("mallory", 10, True)
        own = submission_id(server)
        grades = {g["name"]: g for g in json.loads(server.ask(f"/formgrader/api/grades?submission_id={own}")[1])}
        given = {"manual_score": 2.5, "extra_credit": None}
        assert server.ask(f"/formgrader/api/grade/{grades['why']['id']}", "PUT", given)[0] == 200
        (comment,) = [
            c for c in json.loads(server.ask(f"/formgrader/api/comments?submission_id={own}")[1]) if c["name"] == "why"
        ]
        assert server.ask(f"/formgrader/api/comment/{comment['id']}", "PUT", {"manual_comment": "Why so?"})[0] == 200

        # It survives what the grader does meanwhile.
        changed = a_result("mallory", {**POINTS, "add_hidden": 1.0, "why": None})
        gradebook.flag(url, SLUG, ["mallory"])
        gradebook.fill(url, [changed], course)
    write_result(folder, changed)
    page = feedback(course, SLUG, folder).parent / "mallory" / SLUG / f"{NAME}.html"
    assert "10.5 of 12 points" in said(page.read_text())
    assert "Why so?" in said(page.read_text())
    assert "2.5 of 2, given by a person" in said(page.read_text())


@pytest.mark.browser
def test_pages_of_the_formgrader_run_nothing_of_a_learners(browser, tmp_path):
    result, evil = attacked(PAYLOADS[:25])
    course = Course(make_course(tmp_path / "own"))
    graded = [cell for cell in evil["cells"] if "nbgrader" in cell["metadata"]]
    write(course.source / SLUG / f"{NAME}.ipynb", {**evil, "cells": [{**cell, "source": "x"} for cell in graded]})
    folder = tmp_path / "class"
    url = fill_class(course, folder, result, evil)
    with Server(course, folder, url, working=tmp_path) as server:
        own = submission_id(server)
        context = browser.new_context()
        tab = context.new_page()
        asked, problems = [], []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
        tab.goto(f"{server.base}/formgrader?token={server.token}")
        for path in (f"gradebook/{SLUG}/{NAME}", f"manage_submissions/{SLUG}", f"submissions/{own}/"):
            tab.goto(f"{server.base}/formgrader/{path}")
            tab.wait_for_load_state("networkidle")
            assert tab.evaluate("window.hacked") is None, path
        assert problems == []
        assert [address for address in asked if not address.startswith((server.base, "data:"))] == []
        assert tab.locator("svg:not(.jupyter-logo svg), iframe, object, embed, form, video, audio").count() == 0
        links = tab.evaluate("[...document.querySelectorAll('#notebook a')].map(a => a.getAttribute('href'))")
        assert [link for link in links if link] == []

        # A person types a score, and it is there.
        box = tab.locator("#written3")
        box.fill("0.5")
        box.blur()
        tab.wait_for_load_state("networkidle")
        context.close()
        assert gradebook.marks(url, SLUG)["mallory"].manual == {(NAME, "written3"): 0.5}


def test_what_stops_it_from_starting(course, tmp_path):
    (tmp_path / "class").mkdir()
    url = gradebook.url_of(tmp_path / "class")
    with pytest.raises(ClassroomError, match="there is no gradebook"):
        serve(course, tmp_path / "class", url, 0)
    gradebook.prepare(course, SLUG, url, tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = (
            "from pathlib import Path\nfrom classroom.course import ClassroomError, Course\n"
            "from classroom.formgrader import serve\n"
            f"try:\n    serve(Course(Path({str(course.root)!r})), {str(tmp_path / 'class')!r}, {url!r}, {port})\n"
            "except ClassroomError as error:\n    print(error)"
        )
        said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert said.stdout.strip() == f"port {port} is taken: name another one with --port"


def test_a_courses_settings_are_kept_and_its_folders_found(course, tmp_path):
    config = configuration(course, tmp_path, "sqlite:///x", 1)
    assert isinstance(config, Config)
    assert config.ClearSolutions.code_stub == course.config.ClearSolutions.code_stub
    assert (tmp_path / config.CourseDirectory.source_directory).resolve() == course.source
    assert config.Autograde.exporter_class
    assert "Autograde" not in course.config
    assert "root" not in course.config.get("CourseDirectory", {})
