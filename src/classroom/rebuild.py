"""The notebook that is graded: the source's cells, with the learner's answers and plain code in their places.

From a submission come only the text of known solution cells (the first of each name) and of plain code cells. Points,
tests, metadata, order and kernel come from the source, so nothing that a learner edits there has an effect.
"""

import ast
import hashlib
import os
import stat
import unicodedata
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from classroom.course import ClassroomError
from classroom.marks import is_test
from classroom.notebook import code_cell, grade_id

MAX_FILES, MAX_FILE_BYTES, MAX_TOTAL_BYTES = 200, 50_000_000, 100_000_000
MAX_DEPTH = 10  # folders within folders
MAX_CELL_BYTES = 200_000
TIMESTAMP = "timestamp.txt"  # written when the submission is collected
POISON = {"sitecustomize.py", "usercustomize.py", "conftest.py"}


class Rejected(Exception):
    """A submission that cannot be graded at all; the message is for the learner."""


# What was handed in ---------------------------------------------------------------------------------------------------


def read_submission(folder):
    """{path inside the folder: bytes} of what a learner handed in; raises Rejected for what cannot be read safely."""
    folder, files, total = Path(folder), {}, 0
    if folder.is_symlink() or folder.parent.is_symlink() or not folder.is_dir():
        raise Rejected("what was handed in is not a folder")
    for parent, directories, names in os.walk(folder):
        for name in [*directories, *names]:
            path = Path(parent, name)
            inside = path.relative_to(folder).as_posix()
            odd = any(not c.isprintable() and unicodedata.category(c) != "Zs" for c in inside)  # half a character, too
            if odd or inside.count("/") > MAX_DEPTH:
                raise Rejected(f"rename {_shown(inside)}, or move it: its name is too odd or its folders too deep")
            if path.is_symlink():
                raise Rejected(f"{_shown(inside)} is a link: hand in the file itself")
            if name in directories:
                continue
            content = _read_file(path, inside)
            total += len(content)
            files[inside] = content
            if len(files) > MAX_FILES or total > MAX_TOTAL_BYTES:
                raise Rejected(
                    f"too much was handed in: at most {MAX_FILES} files and {MAX_TOTAL_BYTES / 1e6:.0f} MB are taken"
                )
    return dict(sorted(files.items()))


def _read_file(path, inside):
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Rejected(f"{_shown(inside)} cannot be read: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise Rejected(f"{_shown(inside)} is not a file")
        if about.st_nlink > 1 and _is_borrowed(path, inside, about):
            raise Rejected(f"{_shown(inside)} is a hard link to another file: hand in a copy")
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise Rejected(f"{_shown(inside)} is too large: at most {MAX_FILE_BYTES / 1e6:.0f} MB")
    return content


def _is_borrowed(path, inside, about):
    """Whether a file with several names was somebody else's first.

    It was, if a name of it lies outside submitted/, or in another folder that was complete before this one: when a
    folder last changed cannot be set back.
    """
    submitted, names = path.parents[inside.count("/") + 2], []
    for parent, folders, files in os.walk(submitted):
        if len(Path(parent).relative_to(submitted).parts) > MAX_DEPTH + 2:
            folders.clear()  # whoever made folders as deep as that is rejected for it
        names += [Path(parent, name) for name in files if os.path.samestat(about, os.lstat(Path(parent, name)))]
    changed = path.parent.stat().st_ctime_ns
    return len(names) < about.st_nlink or any(changed > name.parent.stat().st_ctime_ns for name in names)


def _shown(name):
    return repr(name.encode("utf-8", "replace").decode())[1:-1][:100]


def digest(files):
    """One sha256 of everything that was handed in, names and contents, but for the time of it."""
    whole = hashlib.sha256()
    for name, content in files.items():
        if name != TIMESTAMP:
            name = name.encode("utf-8", "surrogateescape")
            whole.update(f"{len(name)} {len(content)} ".encode() + name + content)
    return whole.hexdigest()


def shadowing(files, importable):
    """The first file that would take the place of a module that graders and learners import; None if there is none."""
    for name in files:
        top = name.split("/")[0]
        module = top.removesuffix(".py") if "/" not in name else top
        if top in POISON or top.endswith(".pth") or top in {".ipython", ".jupyter", ".config", ".matplotlib"}:
            return name
        if name.endswith((".py", ".so", ".pyc")) and importable(module.split(".")[0]):
            return name
    return None


# What is graded -------------------------------------------------------------------------------------------------------


@dataclass
class Step:
    """One cell of the graded notebook.

    Attributes:
        kind: "text", "learner" (runs in the jail), "left out" (would only fail there), "test" (runs beside the
            grader), "written" (a person reads it).
        cell: the notebook cell, in nbformat's form.
        note: what the learner should know about it.
    """

    kind: str
    cell: dict
    note: str = ""

    @property
    def name(self):
        return grade_id(self.cell)


@dataclass
class Exam:
    """Everything about one notebook's source that grading needs, worked out once.

    Attributes:
        name: file name of the notebook.
        source: the source notebook, in nbformat's form.
        names: what its solution cells define: the names that tests may call.
        classes: those of them that are classes.
        beside: {index of a cell: code} of the plain cells that run beside the grader, since tests use what they bind.
        apart: names of the tests that call nothing of the learner's, but judge the files that were handed in.
        imports: import statements of solution cells.
        withheld, hand_in: from the notebook's metadata.
    """

    name: str
    source: dict
    names: list = field(default_factory=list)
    classes: list = field(default_factory=list)
    beside: dict = field(default_factory=dict)
    apart: set = field(default_factory=set)
    imports: list = field(default_factory=list)
    withheld: list = field(default_factory=list)
    hand_in: list = field(default_factory=list)

    def modules(self):
        """Names of the modules that its code imports, anywhere."""
        codes = [plain_code(cell["source"]) for cell in self.source.cells if cell["cell_type"] == "code"]
        return sorted({name for code in codes for name in imported(code)})


def make_exam(notebook, name):
    """An Exam of a source notebook; raises ClassroomError where its own code does not parse."""
    exam = Exam(name, notebook, **_settings(notebook))
    tests, plain = {}, {}
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        code = plain_code(cell.source)
        grading = cell.metadata.get("nbgrader", {})
        try:
            tree = ast.parse(code)
        except SyntaxError as error:
            if is_test(cell) or grading.get("solution"):
                raise ClassroomError(f"{name}, cell {grade_id(cell)}: {error.msg} in line {error.lineno}") from error
            continue
        if grading.get("solution"):
            bound = bindings(tree)
            statements = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
            from_imports = {binding for node in statements for binding in bindings(node)}
            exam.names += [binding for binding in bound if binding not in exam.names and binding not in from_imports]
            exam.classes += [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
            exam.imports += [ast.unparse(node) for node in statements]
        elif is_test(cell):
            tests[grade_id(cell)] = loads(tree)
        else:
            plain[index] = (code, tree)
    helpers = set()  # what the plain cells use that tests need
    needed = True
    while needed:  # until no cell is left that binds what is used
        uses = helpers.union(*tests.values())
        needed = {i for i, (_, tree) in plain.items() if uses & set(bindings(tree)) or "*" in bindings(tree)}
        for index in needed:
            code, tree = plain.pop(index)
            exam.beside[index] = code
            helpers |= loads(tree)
    exam.beside = dict(sorted(exam.beside.items()))
    indirect = {"eval", "exec", "globals", "locals", "vars"}
    exam.apart = {name for name, uses in tests.items() if not (uses | helpers) & {*exam.names, *indirect}}
    return exam


def _settings(notebook):
    given = notebook.metadata.get("classroom", {})
    return {key: [str(item) for item in given.get(key, [])] for key in ("withheld", "hand_in")}


def build(exam, submitted):
    """The steps of a submission's graded notebook.

    Args:
        exam: the Exam of its source.
        submitted: the notebook that was handed in, or None.
    """
    answers, plain, spare = _sort_out(exam, submitted)
    released = {cell["source"].strip() for cell in exam.source.cells if not cell["metadata"].get("nbgrader")}
    steps = [_plain_step(exam, source, released) for source in plain.get(None, [])]
    for cell in exam.source.cells:
        grading = cell["metadata"].get("nbgrader", {})
        mine = deepcopy(cell)
        if grading.get("solution") or grading.get("task"):
            mine["source"], note = answers.get(grade_id(cell), ("", "this cell is missing from what was handed in"))
            if grade_id(cell) in spare:
                note = "there is a second cell of this name: only the first one counts"
            kind = "learner" if cell["cell_type"] == "code" else "written"
            steps.append(Step(kind, mine, note))
        elif is_test(cell):
            steps.append(Step("test", mine))
        elif cell["cell_type"] != "code":
            steps.append(Step("text", mine))
        if grade_id(cell):
            steps += [_plain_step(exam, source, released) for source in plain.get(grade_id(cell), [])]
    return steps


def _sort_out(exam, submitted):
    """The learner's ({name: (text, note)}, {name of the graded cell before: [plain code]}, names that came twice)."""
    known = {grade_id(cell): cell for cell in exam.source.cells if grade_id(cell)}
    answers, plain, spare, seen, after = {}, {}, set(), set(), None
    for cell in submitted.cells if submitted else []:
        name = grade_id(cell)
        if name in known and name not in seen:
            seen.add(name)
            after = name
            grading = known[name]["metadata"]["nbgrader"]
            if grading.get("solution") or grading.get("task"):
                answers[name] = _capped(cell["source"], known[name]["cell_type"])
        elif name in known:
            spare.add(name)
        elif cell["cell_type"] == "code" and cell["source"].strip():
            plain.setdefault(after, []).append(_capped(cell["source"], "code")[0])
    return answers, plain, spare


def _capped(source, kind):
    encoded = source.encode("utf-8", "replace")  # half a character, as JSON can hold one, cannot be written to a file
    source, size = encoded.decode(), len(encoded)
    if size <= MAX_CELL_BYTES:
        return source, ""
    note = f"this cell is {size / 1000:.0f} kB long, and at most {MAX_CELL_BYTES // 1000} kB are graded"
    return (f"raise ValueError({note!r})" if kind == "code" else ""), note


def _plain_step(exam, source, released):
    cell = code_cell(source)
    if source.strip() in released and any(is_withheld(name, exam.withheld) for name in imported(plain_code(source))):
        return Step("left out", cell, "runs beside the grader only")
    return Step("learner", cell)


def is_withheld(module, withheld):
    return any(module == name or module.startswith(f"{name}.") for name in withheld)


# Reading code ---------------------------------------------------------------------------------------------------------


@lru_cache(1000)  # the same cells come with every submission
def plain_code(source):
    """A cell's text as plain Python: IPython's magics, which Python cannot read, become calls of get_ipython()."""
    try:
        ast.parse(source)
        return source
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        from IPython.core.inputtransformer2 import TransformerManager
    try:
        return TransformerManager().transform_cell(source)
    except SyntaxError:
        return source


def bindings(tree):
    """The names that code binds at its top level, in order; "*" where it imports all of a module."""
    found = []
    for node in _top_level(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found += [(alias.asname or alias.name.split(".")[0]) for alias in node.names]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append(node.id)
    return list(dict.fromkeys(found))


def _top_level(tree):
    """All nodes but those inside functions, classes, lambdas and comprehensions, which have names of their own."""
    yield tree
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    if isinstance(tree, (*inner, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        return
    for child in ast.iter_child_nodes(tree):
        yield from _top_level(child)


def loads(tree):
    """The names that code reads, at any depth."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


@lru_cache(1000)
def imported(code):
    """The modules that code imports, at any depth; of `from a import b` both a and a.b."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
