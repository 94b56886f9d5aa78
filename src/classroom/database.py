"""The database under a gradebook: opening it, its tables, and what its complaints mean."""

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import sqlalchemy as sa

from classroom.course import ClassroomError

PATIENCE = 30  # seconds to wait for another program that is writing to the gradebook

# What this package reads and writes of nbgrader's tables; a column that TYPES does not name is a string.
COLUMNS = {
    "assignment": "id name duedate",
    "notebook": "id name assignment_id",
    "base_cell": "id name notebook_id type",
    "student": "id",
    "submitted_assignment": "id assignment_id student_id timestamp extension",
    "submitted_notebook": "id assignment_id notebook_id flagged late_submission_penalty",
    "grade": "id notebook_id cell_id auto_score manual_score extra_credit needs_manual_grade",
    "comment": "id notebook_id cell_id auto_comment manual_comment",
}
TYPES = {
    **dict.fromkeys(("duedate", "timestamp"), sa.DateTime()),
    **dict.fromkeys(("auto_score", "manual_score", "extra_credit", "late_submission_penalty"), sa.Float()),
    **dict.fromkeys(("flagged", "needs_manual_grade"), sa.Boolean()),
    **dict.fromkeys(("auto_comment", "manual_comment"), sa.Text()),
    "extension": sa.Interval(),
}


def _table(name, columns):
    return sa.table(name, *(sa.column(column, TYPES.get(column, sa.String())) for column in columns.split()))


T = SimpleNamespace(**{name: _table(name, columns) for name, columns in COLUMNS.items()})


def file_url(path):
    return sa.URL.create("sqlite", database=str(path)).render_as_string()


def file_of(url):
    """The file of an SQLite gradebook; None for a database server."""
    url = sa.make_url(url)
    return Path(url.database) if url.get_backend_name() == "sqlite" else None


def exists(url):
    """Whether there can be a gradebook; asking makes no file."""
    file = file_of(url)
    return file is None or file.exists()


def has_tables(engine):
    """Whether nbgrader's tables are there, all of them: their version is what is written last."""
    with engine.connect() as connection:
        there = sa.inspect(connection).has_table("alembic_version")
        return there and connection.scalar(sa.text("SELECT count(*) FROM alembic_version")) > 0


def check_whole(engine):
    if engine.name == "sqlite":
        with engine.connect() as connection:
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if said != "ok":
            raise ClassroomError(_damaged(engine.url, " ".join(str(said).split())))


@contextmanager
def opened(url, new=False):
    """An engine on the gradebook; whatever the database complains of becomes one sentence."""
    if not new and not exists(url):
        raise ClassroomError(f"there is no gradebook {shown(url)}: run `classroom rebuild-gradebook`")
    waiting = {
        "sqlite": {"timeout": PATIENCE},
        "postgresql": {"connect_timeout": PATIENCE, "options": f"-c lock_timeout={PATIENCE}s"},
    }
    try:
        engine = sa.create_engine(url, connect_args=waiting.get(sa.make_url(url).get_backend_name(), {}))
        try:
            yield engine
        finally:
            engine.dispose()
    except ImportError as error:
        raise ClassroomError(f"the gradebook {shown(url)} needs the package {error.name}: install it") from error
    except (sa.exc.SQLAlchemyError, UnicodeError) as error:
        raise ClassroomError(sentence(url, getattr(error, "orig", None) or error)) from error


SIGNS = {  # what SQLite and PostgreSQL say, by what it means; the first that fits
    "busy": ("locked", "lock timeout", "lock_not_available"),
    "damaged": ("not a database", "malformed", "corrupt", "unsupported file format"),
    "full": ("is full", "disk i/o error", "no space left", "could not extend"),
    "unwritable": ("readonly", "read-only", "permission denied", "unable to open"),
    "empty": ("no such table", 'relation "'),
    "outdated": ("no such column", "column "),
    "unreachable": ("connection", "could not translate", "does not exist", "authentication", "password"),
}
ADVICE = {
    "busy": f"is being written to by another program, for more than {PATIENCE} s: let it end, then run this again",
    "full": "cannot be written, there is no space left: make room, then run this again; the results are kept",
    "unwritable": "cannot be opened for writing: see who may write to it and to its folder",
    "unreachable": "cannot be reached: see that the server runs and the URL is right",
    "empty": "holds nothing of nbgrader's: run `classroom rebuild-gradebook`",
    "outdated": "was made by another version of nbgrader: run `nbgrader db upgrade`",
}


def kind_of(error):
    text = f"{error}".lower()
    return next((kind for kind, signs in SIGNS.items() if any(sign in text for sign in signs)), None)


def sentence(url, error):
    said = (f"{error}".strip().splitlines() or [type(error).__name__])[0]
    kind = kind_of(error)
    if kind == "damaged":
        return _damaged(url, said)
    return f"the gradebook {shown(url)} {ADVICE.get(kind, 'cannot be used')} ({said})"


def _damaged(url, said):
    return (
        f"the gradebook {shown(url)} is damaged ({said}): run `classroom rebuild-gradebook`, which keeps it under "
        "another name and fills a new one from the results"
    )


def shown(url):
    """A URL for people: the file itself, or the address without its password."""
    return file_of(url) or sa.make_url(url).render_as_string(hide_password=True)
