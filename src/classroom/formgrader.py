"""nbgrader's formgrader on a class folder, for the marks that people give. No click in it runs a learner's code.

It is served on this computer only, behind a token. There are no kernels and no terminals behind it, the buttons for
autograding, feedback and releasing name the command to use instead, and what learners wrote is shown as `safe` leaves
it, under a policy that lets pages ask nobody else for anything.
"""

import os
from copy import deepcopy
from pathlib import Path

import jinja2
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from nbconvert.exporters import Exporter
from nbgrader.converters.base import NbGraderException
from nbgrader.server_extensions.formgrader import formgrader
from tornado import web

from classroom import safe
from classroom.course import ClassroomError
from classroom.database import opened
from classroom.files import scratch, write_text
from classroom.protection import protect

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


# In place of nbconvert's, which loads MathJax from elsewhere. Formulas stay as they were typed.
NO_MATHJAX = """{% macro mathjax() %}<script>
var MathJax = {Hub: {Startup: {signal: {Interest: done => setTimeout(() => done("End"))}}}};
</script>{% endmacro %}"""


class _Instead(Exporter):
    """Stands where a converter of nbgrader takes its exporter from, before it has touched a file."""

    advice = ""

    def __init__(self, *args, **kwargs):
        raise NbGraderException(self.advice)


class RunClassroomGrade(_Instead):
    advice = "nbgrader's autograde would run learners' code unprotected: run `classroom grade` instead"


class RunClassroomFeedback(_Instead):
    advice = "nbgrader's feedback would show hidden tests: run `classroom feedback` instead"


class RunClassroomRelease(_Instead):
    advice = "releasing is for `classroom release`, which makes the same files each time"


class NoKernels(AsyncMappingKernelManager):
    """Whoever opens a learner's notebook here can read it and not run it."""

    async def start_kernel(self, **kwargs):
        raise web.HTTPError(403, "no code is run in the formgrader: use `classroom grade`")


@jinja2.pass_context
def markdown(context, source):
    """Takes the place of nbconvert's filter of that name."""
    return safe.markdown(source, context.get("cell", {}).get("attachments"))


def serve(course, class_dir, url, port):
    """Serve the formgrader at http://127.0.0.1:PORT until Ctrl-C."""
    class_dir = Path(class_dir).resolve()
    with opened(url) as engine, engine.connect():
        pass  # which says in a sentence what is wrong with the gradebook
    os.environ["JUPYTER_NO_CONFIG"] = "1"  # nothing of this person's or computer's settings
    with scratch("formgrader-") as nowhere:
        os.chdir(nowhere)  # nbgrader reads the configuration in the working folder again for each request
        Path("nbgrader_config.py").touch()
        write_text(nowhere / "nbconvert" / "templates" / "formgrade" / "mathjax.html.j2", NO_MATHJAX)
        os.environ["JUPYTER_PATH"] = str(nowhere)  # where nbconvert looks for templates first
        os.environ["JUPYTER_RUNTIME_DIR"] = str(nowhere / "runtime")  # where the token is written to
        config = configuration(course, class_dir, url, port)
        config.FileContentsManager.root_dir = str(nowhere)  # the formgrader needs none of what it serves
        app = ServerApp(config=config)
        try:
            app.initialize([])
            app.start()
        except SystemExit as error:  # after which nothing else is tried
            raise ClassroomError(f"port {port} is taken: name another one with --port") from error
        finally:
            os.chdir(class_dir)


def configuration(course, class_dir, url, port):
    """The course's settings, with those of this class and of a server that runs no code."""
    config = deepcopy(course.config)
    config.CourseDirectory.root = str(class_dir)
    config.CourseDirectory.db_url = str(url)
    for name, folder in {"source": course.source, "release": course.release}.items():
        config.CourseDirectory[f"{name}_directory"] = os.path.relpath(folder, class_dir)
    for name in ("submitted", "autograded", "feedback"):
        config.CourseDirectory[f"{name}_directory"] = name
    protect(config)
    release = f"{__name__}.{RunClassroomRelease.__name__}"
    config.GenerateAssignment.exporter_class = release
    config.GenerateAssignment.preprocessors = [release]
    config.FormgradeExtension.debug = False  # it would print the settings on a page
    config.ServerApp.update(
        ip="127.0.0.1",
        port=port,
        port_retries=0,
        root_dir=str(class_dir),
        default_url="/formgrader",
        open_browser=False,
        answer_yes=True,
        allow_root=True,
        allow_remote_access=False,
        terminals_enabled=False,
        kernel_manager_class=f"{__name__}.{NoKernels.__name__}",
        jpserver_extensions={__name__: True},
        tornado_settings={"headers": {"Content-Security-Policy": POLICY}},
        log_level="WARN",
    )
    return config


def _jupyter_server_extension_points():
    return [{"module": __name__}]


def _load_jupyter_server_extension(app):
    # Before nbgrader's own handler, which would run the nbgrader_config.py of whatever folder a link names.
    start = f"{app.web_app.settings['base_url']}formgrader"
    first = [(f"{start}/?", web.RedirectHandler, {"url": f"{start}/manage_assignments", "permanent": False})]
    app.web_app.add_handlers(".*$", first)
    formgrader.load_jupyter_server_extension(app)
