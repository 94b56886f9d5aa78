"""Test cells, run beside the grader against stand-ins for the learner's names.

A call of a stand-in becomes a frame to a worker in the jail, and what comes back is a fresh plain value or a `Remote`,
which stands for something that stays there. Whatever a reply says about itself is a claim. The learner's code never
runs in this process, and nothing of the tests but the arguments of calls ever reaches that code.
"""

import ast
import builtins
import contextlib
import hashlib
import hmac
import io
import json
import math
import os
import random
import secrets
import signal
import socket
import sys
import time
from dataclasses import dataclass, field

from classroom.marks import is_test, plain, shorten
from classroom.protocol import Channel, ProtocolError, Unsendable
from classroom.rebuild import loads, plain_code

GRACE_SECONDS = 2  # between Ctrl-C and the end of a worker
MAX_SHOWN = 10_000_000  # bytes of output that one notebook keeps
MAX_PRINTED = 20_000  # characters that a test may print
ENDED = "the code ended its Python process, crashed it or used too much memory"
STRANGE = "the process did not answer as one that runs a notebook does"
LATE = "the code did not answer in time"
BEFORE = "the code before it had ended the Python process"
PLAIN_ARRAYS = (("torch", "Tensor"), ("numpy", "ndarray"))
MAX_WORKERS = 4  # cells of one notebook that may end their worker before the rest is given up


class RemoteError(Exception):
    """The learner's code raised an exception that is not one of Python's own."""


class Gone(BaseException):
    """The learner's code cannot be asked any more; the message says why.

    Not an Exception, and neither is OutOfTime: a test that expects an error must not take this for it.
    """


class OutOfTime(BaseException):
    """A cell's time is over."""


# Stand-ins ------------------------------------------------------------------------------------------------------------


class Remote:
    """Something of the learner's that stays in the jail: it can be called, and asked for attributes.

    What it is, nobody here knows: it has no truth value, equals nothing, and cannot be computed with or gone through.
    Only an instance of a class that the assignment asks for may be asked for its length, its items and whatever plain
    values have: there, what these are is what is tested. From anything else an answer that changes its length would
    pass a loop that compares, and one whose `allclose` says yes would be right.
    """

    def __init__(self, link, reference, role=""):
        vars(self).update(_link=link, _reference=reference, _role=role, arguments_after={})

    def __call__(self, *args, **kwargs):
        link = vars(self)["_link"]
        reply = link.ask(do="call", target=self, args=args, kwargs=kwargs)
        after = reply.get("after")
        vars(self)["arguments_after"] = {**kwargs, **after} if type(after) is dict else kwargs
        result = link.value_of(reply)
        if vars(self)["_role"] == "class" and type(result) is Remote:
            vars(result)["_role"] = "instance"
        return result

    def gradients(self, along=None, **kwargs):
        """{name: gradient} by the floating-point tensors among the arguments, as the worker claims them.

        Args:
            along: what the result is multiplied with before it is summed; nothing, if None.
        """
        link = vars(self)["_link"]
        return link.value_of(link.ask(do="gradients", target=self, kwargs=kwargs, along=along))

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if any(hasattr(kind, name) for kind in _plain_types()):
            self._must_be_instance()
        return self._value(do="attribute", name=name)

    def __getitem__(self, key):
        self._must_be_instance()
        return self._value(do="item", key=key)

    def __len__(self):
        self._must_be_instance()
        length = self._value(do="length")
        if type(length) is not int or length < 0:
            raise TypeError(f"{self!r} has no length")
        return length

    def __iter__(self):
        self._must_be_instance()
        items = self._value(do="items")
        if type(items) is not list:
            raise TypeError(f"{self!r} cannot be gone through")
        return iter(items)

    def _value(self, **request):
        link = vars(self)["_link"]
        return link.value_of(link.ask(target=self, **request))

    def _must_be_instance(self):
        if vars(self)["_role"] != "instance":
            self._opaque()

    def __setattr__(self, name, value):
        self._opaque()

    def _opaque(self, *_):
        kind = plain(vars(self)["_reference"].kind)
        raise TypeError(
            f"a {kind} came where a plain value is needed: a number, text, list, tuple, dict, set or tensor"
        )

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = __contains__ = _opaque
    __float__ = __int__ = __index__ = __complex__ = __array__ = __setitem__ = __delitem__ = __enter__ = _opaque

    def __repr__(self):
        return f"<{plain(vars(self)['_reference'].kind)} of the learner>"


def _plain_types():
    """What an answer may be that is compared: a tensor, an array, or one of Python's own."""
    arrays = [getattr(sys.modules.get(module), name, object) for module, name in PLAIN_ARRAYS]
    return [*arrays, int, float, complex, str, bytes, list, dict, set]


class Link:
    """Questions to one worker, or to one snapshot of it, and their answers."""

    def __init__(self, connection):
        self.channel, self.deadline = Channel(connection), math.inf
        self.broken = ""  # why nothing more can be asked

    def ask(self, **request):
        """The reply to a request; raises Gone for whatever is wrong with it."""
        try:
            if self.broken:
                raise Gone(self.broken)
            return self._ask(request)
        except Gone as error:
            self.broken = str(error)
            raise

    def _ask(self, request):
        nonce = secrets.token_hex(8)
        try:
            self.channel.send({"nonce": nonce, **request}, self.deadline, refer=self._refer)
            reply = self.channel.receive(self.deadline, resolve=lambda reference: Remote(self, reference))
        except TimeoutError as error:
            raise Gone(LATE) from error
        except ProtocolError as error:
            raise Gone(ENDED if str(error) == "the process is gone" else STRANGE) from error
        if type(reply) is not dict or reply.pop("nonce", None) != nonce:
            raise Gone(STRANGE)
        return reply

    def _refer(self, value):
        if type(value) is not Remote:
            raise Unsendable(f"a {type(value).__name__} cannot be sent to the learner's code: only plain values can")
        if vars(value)["_link"] is not self:
            raise Gone("the process that held it has ended")
        return vars(value)["_reference"]

    def value_of(self, reply):
        """The value that a reply brings, or the exception that it tells of."""
        if "value" in reply:
            return reply["value"]
        try:
            name, text, bases = reply["raised"]
        except (KeyError, ValueError, TypeError) as error:
            self.broken = STRANGE
            raise Gone(self.broken) from error
        raise self._error(str(name), str(text), bases if type(bases) is list else [])

    @staticmethod
    def _error(name, text, bases):
        """An exception of the same builtin kind: the nearest of its bases that ends no loop and no process."""
        text = shorten(plain(text))
        for base in bases:
            kind = getattr(builtins, base, None) if type(base) is str else None
            quiet = (StopIteration, StopAsyncIteration, Warning, UnicodeError, BaseExceptionGroup)
            if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, quiet):
                if kind is Exception:
                    break
                return kind(text)
        return RemoteError(f"{plain(name)}: {text}" if text else plain(name))

    def close(self):
        self.channel.close()


# One notebook ---------------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What came of the cells of one notebook.

    Attributes:
        outputs: {index of a step: its outputs, in nbformat's form}.
        marks: {name of a test: (points, message, name of the known mistake, seed)}.
        hits: sentences on the limits that were hit.
    """

    outputs: dict = field(default_factory=dict)
    marks: dict = field(default_factory=dict)
    hits: list = field(default_factory=list)


class Examination:
    """First all of a learner's cells, in the jail; then the tests, here, on snapshots that were taken on the way.

    Args:
        exam, steps: the source's Exam, and the submission's steps.
        jail: where workers are started.
        files: {name: bytes} that lie beside the notebook in the jail.
        limits: Limits.
        deadline: of the whole submission, on time.monotonic()'s clock.
        seed_of: function from a test's name to its seed.
    """

    def __init__(self, exam, steps, jail, files, limits, deadline, seed_of):
        self.exam, self.steps, self.jail, self.files, self.limits = exam, steps, jail, files, limits
        self.deadline, self.seed_of = deadline, seed_of
        self.snapshots = {}  # {index of a test's step: Link, or why there is none}
        self.outcome = Outcome()
        self.room = MAX_SHOWN

    def run(self):
        self._run_cells()
        self._run_tests()
        return self.outcome

    # In the jail

    def _run_cells(self):
        done, deadly = 0, set()
        for _ in range(MAX_WORKERS):
            number, link = self._start()
            done = self._run_worker(number, link, done, deadly)
            link.close()
            if done is None:
                return
        self.outcome.hits.append("too many cells ended the Python process: those after them did not run")

    def _start(self):
        number, connection = self.jail.start_worker()
        link = Link(connection)
        link.deadline = time.monotonic() + 10
        with contextlib.suppress(Gone):
            link.ask(do="files", files=self.files)
        return number, link

    def _run_worker(self, number, link, done, deadly):
        """Run the cells on a fresh worker: those before `done` again, the others for the first time.

        Returns None when the last cell was reached, or the index of the cell to go on with.
        """
        for index, step in enumerate(self.steps):
            if time.monotonic() > self.deadline:
                self._give_up(index)
                return None
            try:
                if step.kind == "test" and index >= done and step.name not in self.exam.apart:
                    self._take_snapshot(index, link)
                elif step.kind == "learner" and index not in deadly:
                    reply = self._run_cell(index, step, number, link)
                    if index >= done:
                        self._keep_output(index, _outputs_of(reply))
            except Gone as reason:
                deadly.add(index)
                self._report_end(index, step, str(reason))
                self.jail.kill(number)
                return index + 1
        return None

    def _keep_output(self, index, outputs):
        size = len(json.dumps(outputs))
        if size > self.room:
            outputs = [
                {"output_type": "stream", "name": "stderr", "text": "The notebook shows too much: this was cut."}
            ]
        else:
            self.room -= size
        self.outcome.outputs[index] = outputs

    def _run_cell(self, index, step, number, link):
        link.deadline = min(time.monotonic() + self.limits.cell_seconds, self.deadline)
        try:
            return link.ask(do="cell", source=step.cell["source"])
        except Gone:
            if time.monotonic() < link.deadline:
                raise
        self.jail.interrupt(number)
        link.deadline = time.monotonic() + GRACE_SECONDS
        try:
            reply = link.channel.receive(link.deadline)  # to the request above, whose nonce is its own affair
        except (TimeoutError, ProtocolError) as error:
            raise Gone(f"it did not stop within {self.limits.cell_seconds} s, not even when interrupted") from error
        self.outcome.hits.append(
            f"{self._name(index, step)}: it ran longer than {self.limits.cell_seconds} s and was stopped"
        )
        return reply if type(reply) is dict else {}

    def _take_snapshot(self, index, link):
        ours, theirs = socket.socketpair()
        snapshot = Link(ours)
        link.deadline = snapshot.deadline = min(time.monotonic() + 20, self.deadline)
        nonce = secrets.token_hex(8)
        try:
            with theirs:
                link.channel.send(
                    {"nonce": nonce, "do": "snapshot", "seconds": self.limits.cell_seconds + 1}, link.deadline
                )
                socket.send_fds(link.channel.socket, [b"."], [theirs.fileno()])
            reply = link.channel.receive(link.deadline)
            self.snapshots[index] = snapshot
            if type(reply) is not dict or reply.get("nonce") != nonce:
                raise Gone(STRANGE)
            snapshot.channel.receive(snapshot.deadline)
        except (OSError, ProtocolError) as error:  # TimeoutError is an OSError
            raise Gone(BEFORE) from error

    def _report_end(self, index, step, reason):
        if step.kind == "test":  # its snapshot could not be taken
            self.snapshots.setdefault(index, BEFORE)
            return
        self.outcome.hits.append(f"{self._name(index, step)}: {reason}")
        self.outcome.outputs[index] = [_error_output("CellEnded", reason, f"This cell was given up: {reason}.")]

    def _give_up(self, start):
        sentence = f"the notebook ran longer than {self.limits.notebook_seconds} s"
        if sentence not in self.outcome.hits:
            self.outcome.hits.append(sentence)
        for index, step in enumerate(self.steps):
            if index >= start and step.kind == "test":
                self.snapshots.setdefault(index, sentence)

    def _name(self, index, step):
        return f"cell {index + 1}" + (f" ({step.name})" if step.name else "")

    # Beside the grader

    def _run_tests(self):
        space = {"__name__": "__main__", "get_ipython": _Silent}
        for statement in self.exam.imports:
            self._execute(statement, space, "an import of the source")
        tests = [index for index, step in enumerate(self.steps) if step.kind == "test"]
        for position, cell in enumerate(self.exam.source.cells):
            if position in self.exam.beside and tests:
                self._run_beside(position, tests[0], space)
            elif is_test(cell):
                self._run_test(tests.pop(0), space)

    def _run_beside(self, position, test, space):
        """Run a plain cell of the source; should it call the learner's names, then on the snapshot of the next test."""
        code, link = self.exam.beside[position], self.snapshots.get(test)
        if isinstance(link, Link) and loads(ast.parse(code)) & set(self.exam.names):
            link.deadline = min(time.monotonic() + self.limits.cell_seconds, self.deadline)
            self._bind(link, space)
        self._execute(code, space, f"cell {position + 1} of the source")

    def _run_test(self, index, space):
        step = self.steps[index]
        grading = step.cell["metadata"]["nbgrader"]
        possible, seed = float(grading["points"]), self.seed_of(step.name)
        deadline = min(time.monotonic() + self.limits.cell_seconds, self.deadline)
        link = self.snapshots.get(index, None if step.name in self.exam.apart else BEFORE)
        error = Gone(link) if isinstance(link, str) else None
        printed, value = "", None
        if error is None:
            _sow(seed)
            if link:
                error = self._bind_in_time(link, space, deadline)
            if error is None:
                printed, value, error = self._execute(step.cell["source"], space, step.name, deadline)
            if link and link.broken and not isinstance(error, OutOfTime):  # whatever the test made of it
                error = Gone(link.broken)
            if link:
                link.close()
        if isinstance(error, OutOfTime) or (isinstance(error, Gone) and str(error) == LATE):
            error = Gone(f"it did not end within {self.limits.cell_seconds} s")
        if isinstance(error, Gone):
            self.outcome.hits.append(f"{step.name}: {error}")
        points, message = judge(value, error, possible)
        if isinstance(error, NameError) and error.name in self.exam.names:
            message = f"{error.name} is not there: the cell that should define it failed, or defines something else"
        mistake = getattr(error, "mistake", "")
        self.outcome.marks[step.name] = (points, message, mistake if type(mistake) is str else "", seed)
        outputs = [{"output_type": "stream", "name": "stdout", "text": printed}] if printed else []
        if message:
            outputs.append(_error_output(type(error).__name__ if error else "PartialCredit", message, message))
        self.outcome.outputs[index] = outputs

    def _bind_in_time(self, link, space, deadline):
        link.deadline = deadline
        try:
            with _Alarm(deadline - time.monotonic()):
                return self._bind(link, space)
        except OutOfTime as error:
            return error

    def _bind(self, link, space):
        """Put the learner's names into the tests' namespace, as the snapshot has them."""
        try:
            values = link.ask(do="names", names=self.exam.names).get("values")
        except Gone as error:
            return error
        if type(values) is not dict:
            return Gone(STRANGE)
        for name in self.exam.names:
            space.pop(name, None)
            if name in values:
                space[name] = values[name]
                if name in self.exam.classes and type(values[name]) is Remote:
                    vars(values[name])["_role"] = "class"
        return None

    def _execute(self, source, space, name, deadline=None):
        """Run a cell of the source; returns what it printed, its last expression's value and what it raised."""
        left = (deadline or min(time.monotonic() + self.limits.cell_seconds, self.deadline)) - time.monotonic()
        printed, alarm = _Capped(), _Alarm(left)
        value = error = None
        try:
            tree = ast.parse(plain_code(source))
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            with alarm, contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
                exec(compile(tree, f"<{name}>", "exec"), space)
                if last is not None:
                    value = eval(compile(ast.Expression(last.value), f"<{name}>", "eval"), space)
        except BaseException as raised:
            error = raised
        if alarm.rang:  # whatever the cell made of it
            error = OutOfTime("the cell's time is over")
        return printed.getvalue(), value, error


def judge(value, error, possible):
    """(points, message) of a test cell: all for silence, the last expression's value if it is a mark."""
    if isinstance(error, Gone):
        return 0.0, shorten(plain(str(error)))
    if isinstance(error, NotImplementedError):
        return 0.0, "nothing is written here yet"
    if error is not None:
        said = plain(_text(error)).strip()
        kind = type(error).__name__
        known = isinstance(error, AssertionError) and said
        return 0.0, shorten(said if known else f"{kind}: {said}" if said else f"{kind} (it says nothing more)")
    if value is None:
        return possible, ""
    if type(value) in (int, float) and math.isfinite(value) and 0 <= value <= possible:
        return float(value), "" if value == possible else f"partly right: {value:g} of {possible:g} points"
    return 0.0, f"the test ended in a value that is not a mark between 0 and {possible:g}"


def seeds(key, assignment, submission):
    """A function from a test's name to its seed: the same in every run, and unknown to whoever has not the key."""

    def seed_of(name):
        message = "\0".join([assignment, name, submission]).encode()
        return int.from_bytes(hmac.new(key, message, hashlib.sha256).digest()[:8], "big") >> 1  # below 2**63

    return seed_of


def _sow(seed):
    os.environ["CLASSROOM_SEED"] = str(seed)
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
    if "torch" in sys.modules:
        # torch.manual_seed formats a traceback at each call, for a graphics card that may never be used.
        torch = sys.modules["torch"]
        (torch.manual_seed if torch.cuda.is_initialized() else torch.default_generator.manual_seed)(seed)


class _Alarm:
    """Raises OutOfTime when the time is over, and again every 0.2 s, should the code swallow it."""

    def __init__(self, seconds):
        self.seconds, self.rang = max(0.001, seconds), False

    def _ring(self, *_):
        self.rang = True
        raise OutOfTime("the cell's time is over")

    def __enter__(self):
        self.before = signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, self.seconds, 0.2)

    def __exit__(self, *error):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.before)


class _Capped(io.StringIO):
    def write(self, text):
        return super().write(text) if self.tell() + len(text) <= MAX_PRINTED else len(text)


class _Silent:
    """get_ipython() beside the grader: magics do nothing."""

    def __getattr__(self, name):
        return lambda *arguments, **options: None


def _text(error):
    try:
        return str(error)
    except Exception:
        return ""


# What a learner's cell showed, as it claims --------------------------------------------------------------------------


def _outputs_of(reply):
    """A worker's account of a cell's output in nbformat's form; whatever has another shape is left out."""
    import base64

    found = []
    claims = reply.get("outputs")
    for claim in claims[:200] if type(claims) is list else []:
        if type(claim) is not dict:
            continue
        kind = claim.get("type")
        if kind == "stream" and claim.get("name") in ("stdout", "stderr"):
            found.append({"output_type": "stream", "name": claim["name"], "text": _words(claim.get("text"))})
        elif kind == "error":
            text = _words(claim.get("text"), 6000)
            found.append(_error_output(_words(claim.get("name"), 100), _words(claim.get("value"), 6000), text))
        elif kind in ("display", "result") and type(claim.get("data")) is dict:
            data = {}
            if "text/plain" in claim["data"]:
                data["text/plain"] = _words(claim["data"]["text/plain"])
            for mime, signature in (("image/png", b"\x89PNG\r\n\x1a\n"), ("image/jpeg", b"\xff\xd8\xff")):
                image = claim["data"].get(mime)
                if type(image) is bytes and image.startswith(signature) and len(image) <= 1_000_000:
                    data[mime] = base64.b64encode(image).decode()
            found.append({"output_type": "display_data", "data": data, "metadata": {}})
    return found


def _words(text, limit=100_000):
    return plain(text[:limit]) if type(text) is str else ""


def _error_output(name, value, text):
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": text.splitlines()}
