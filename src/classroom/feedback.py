"""Pages that tell a learner what each task earned and why, through nbgrader's generate_feedback.

A page shows the executed notebook and the message of every test that failed. It never shows a hidden test, runs no
script and loads nothing. Whoever's notebook could not be run gets a page too, with the reason.
"""

from pathlib import Path
from urllib.parse import quote

import bleach
import jinja2
import nbformat
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbgrader.converters import GenerateFeedback
from nbgrader.preprocessors import GetGrades
from traitlets import Bool, Dict, List, Unicode

from classroom import gradebook
from classroom.course import ClassroomError, Course
from classroom.files import read_json, write_text
from classroom.marks import plain
from classroom.notebook import grade_id
from classroom.page import INDEX_PAGE, LEARNER_PAGE
from classroom.stock import StockError, configure, convert

BEGIN, END = "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"
TELLING = 12  # a line of a hidden test that is shorter, such as a bracket, gives nothing away
TAGS = """a abbr b blockquote br caption code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre s span strong
sub sup table tbody td tfoot th thead tr ul""".split()  # noqa: SIM905


def feedback(course, assignment, class_dir):
    """Write DIR/feedback/LEARNER/ASSIGNMENT/NOTEBOOK.html for every result, and an index; returns its path."""
    class_dir = Path(class_dir).resolve()
    results = [read_json(path) for path in sorted(class_dir.glob("results/*/*.json"))]
    results = [result for result in results if result]
    if not any(result["assignment"] == assignment for result in results):
        raise ClassroomError(f"there are no results of '{assignment}' in {class_dir}: run `classroom grade` first")
    for result in results:
        if result["assignment"] == assignment:
            _write_pages(course, class_dir, result)
    index = class_dir / "feedback" / "index.html"
    rows = [{**result, "pages": _pages(index.parent, result)} for result in results]
    write_text(index, jinja2.Environment().from_string(INDEX_PAGE).render(results=rows))
    return index


def _write_pages(course: Course, class_dir, result):
    folder = class_dir / "feedback" / result["learner"] / result["assignment"]
    if result["executed"]:
        config = configure(
            course,
            result["assignment"],
            root=class_dir,
            db_url=gradebook.url(class_dir / "gradebook.db"),
            student_id=result["learner"],
            autograded_directory="autograded",
            feedback_directory="feedback",
        )
        config.CourseDirectory.ignore = ["*", ".*"]  # what lies beside the notebook is not copied to the page
        config.GenerateFeedback.force = True
        config.GenerateFeedback.exporter_class = Page
        config.GenerateFeedback.preprocessors = [GetGrades, ForLearner, SafeHTML]
        config.ForLearner.result = result
        try:
            convert(GenerateFeedback, config)
        except StockError as error:
            result = {**result, "reason": f"The executed notebook cannot be shown: {error}"}
    for name in sorted({task["notebook"] for task in result["tasks"]}):
        path = folder / f"{name}.html"
        if not result["executed"] or not path.exists():
            resources = {"nbgrader": {"notebook": name}}
            page = Page(preprocessors=[ForLearner(result=result)])
            write_text(path, page.from_notebook_node(nbformat.v4.new_notebook(), resources)[0])


def _pages(folder, result):
    found = sorted((folder / result["learner"] / result["assignment"]).glob("*.html"))
    return [{"name": path.stem, "href": quote(path.relative_to(folder).as_posix())} for path in found]


class Page(HTMLExporter):
    """The page of one notebook."""

    raw_template = Unicode(LEARNER_PAGE).tag(affects_environment=True)
    template_name = Unicode("base").tag(affects_template=True)
    default_preprocessors = List([])


class ForLearner(Preprocessor):
    """Adds what the result says of each task, and takes the hidden tests out."""

    enabled = Bool(True)
    result = Dict().tag(config=True)

    def preprocess(self, nb, resources):
        name = resources["nbgrader"]["notebook"]
        scores = {grade_id(cell): cell.metadata.nbgrader.get("score") for cell in nb.cells if grade_id(cell)}
        tasks = [
            {**task, "score": scores.get(task["grade_id"], task["points"]) or 0.0}
            for task in self.result["tasks"]
            if task["notebook"] == name
        ]
        resources["classroom"] = {
            **{key: self.result[key] for key in ("learner", "assignment", "state", "reason")},
            "notebook": name,
            "tasks": tasks,
            "score": sum(task["score"] for task in tasks),
            "max": sum(task["max_points"] for task in tasks),
        }
        messages = {task["grade_id"]: task["message"] for task in tasks}
        secrets = [line for cell in nb.cells for line in _hidden_lines(cell) if len(line) >= TELLING]
        for cell in nb.cells:
            if grade_id(cell) in messages:
                cell.metadata.nbgrader["message"] = messages[grade_id(cell)]
            if cell.cell_type == "code":
                _hide(cell, secrets)
        return nb, resources


def _hidden_lines(cell):
    """The lines between the marks of a hidden test, without indentation."""
    lines, hidden = [], False
    for line in cell.source.splitlines() if grade_id(cell) else []:
        if BEGIN in line or END in line:
            hidden = BEGIN in line
        elif hidden:
            lines.append(line.strip())
    return lines


def _hide(cell, secrets):
    """Take hidden tests out of a code cell, and out of what it printed: a traceback quotes the code."""
    if _hidden_lines(cell):
        before, _, _ = cell.source.partition("\n" + next(x for x in cell.source.splitlines() if BEGIN in x))
        shown = "" if BEGIN in before else before
        cell.source = f"{shown}\n# hidden test".strip()
        cell.outputs = []
        return
    for output in cell.outputs:
        text = plain(
            "\n".join([*output.get("traceback", []), str(output.get("text", "")), str(output.get("data", ""))])
        )
        if any(line in text for line in secrets):
            withheld = nbformat.v4.new_output("stream", text="(not shown: this output quotes a hidden test)")
            cell.outputs = [withheld]
            return


class SafeHTML(SanitizeHTML):
    """SanitizeHTML that looks at what Markdown becomes, so that neither formulas nor quotations are mangled."""

    enabled = Bool(True)
    tags = List(TAGS)

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "markdown":
            renderer = IPythonRenderer(escape=False, attachments=cell.get("attachments", {}))
            cell.source = MarkdownWithMath(renderer=renderer).render(cell.source)
        return super().preprocess_cell(cell, resources, cell_index)

    def sanitize_html_tags(self, html_str):
        return bleach.clean(
            html_str,
            tags=self.tags,
            attributes=_allowed,
            protocols=["http", "https", "mailto", "data"],
            strip=True,
            strip_comments=True,
        )


def _allowed(tag, name, value):
    if tag == "a" and name == "href":
        return value.startswith(("http://", "https://", "mailto:", "#"))
    if tag == "img" and name == "src":
        return value.startswith(("data:image/png;", "data:image/jpeg;", "data:image/gif;"))
    return name in ("class", "id", "alt", "title", "align", "colspan", "rowspan")
