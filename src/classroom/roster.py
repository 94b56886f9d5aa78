"""Who is in a class: a CSV file, as written by hand or as downloaded from Canvas or Moodle.

Known columns, in any order and spelling: id, name, email, and optionally login, canvas_id, moodle_id, sis_id, section,
handed_in. Canvas's exported gradebook and Moodle's grading worksheet are rosters as they are.
"""

import csv
import io
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from classroom.archive import Refused, shown
from classroom.course import SIMPLE_NAME, ClassroomError

SPELLINGS = {
    "id": "id learner learnerid studentid user userid",
    "login": "login loginid sisloginid username",
    "name": "name fullname student studentname displayname",
    "first": "firstname givenname forename",
    "last": "lastname surname familyname",
    "email": "email emailaddress mail",
    "canvas_id": "canvasid canvasuserid",
    "moodle_id": "moodleid identifier participant participantid",
    "sis_id": "sisid sisuserid idnumber studentnumber matriculationnumber",
    "section": "section sections group groups",
    "handed_in": "handedin submitted lastmodifiedsubmission",
}
COLUMNS = {spelling: column for column, spellings in SPELLINGS.items() for spelling in spellings.split()}
NUMBER = {"canvas": "canvas_id", "moodle": "moodle_id"}


@dataclass(frozen=True)
class Person:
    """One learner of a class; `learner` is the name of their folder."""

    learner: str
    id: str
    name: str = ""
    email: str = ""
    login: str = ""
    canvas_id: str = ""
    moodle_id: str = ""
    sis_id: str = ""
    section: str = ""
    handed_in: str = ""

    def ids(self):
        return {text.casefold() for text in (self.learner, self.id, self.login, self.email, self.sis_id) if text}

    def squashed(self):
        """The name as it may be written: Jane Doe, Doe, Jane, doejane."""
        words = re.split(r"[\s,]+", self.name.strip())
        return {_squash("".join(words[n:] + words[:n])) for n in range(len(words))} | {
            _squash(text) for text in self.ids()
        }


@dataclass(frozen=True)
class Roster:
    people: list = field(default_factory=list)  # of Person, in the order of the file

    def find(self, name, lms="", number=""):
        """The person whom a hand-in belongs to.

        Args:
            name: how the learning platform, or whoever made the folder, calls the person.
            lms, number: "canvas" or "moodle" and the number that it gave to the person; empty if there is none.

        Raises:
            Refused: nobody, or more than one, is called so, or the number says that it is somebody else.
        """
        column = NUMBER.get(lms)
        for person in self.people if column else []:
            if number == getattr(person, column):
                return person
        found = [p for p in self.people if name.casefold() in p.ids()]
        found = found or [p for p in self.people if _squash(name) and _squash(name) in p.squashed()]
        if not found:
            raise Refused(f"'{shown(name)}' is not in the roster")
        if len(found) > 1:
            some = " or ".join(p.id for p in found[:3])
            raise Refused(f"'{shown(name)}' may be {some} of the roster: name them apart, by {column or 'their id'}")
        if column and getattr(found[0], column):
            raise Refused(f"'{shown(name)}' is called like {found[0].id} of the roster but has another {column}")
        return found[0]


def read_roster(path):
    """The Roster in a CSV file (comma, semicolon or tab; UTF-8 or what Excel writes)."""
    path = Path(path)
    lines = _lines(path)
    header = [re.sub(r"[\W_]", "", cell).casefold() for cell in lines[0]] if lines else []
    columns = [COLUMNS.get(cell, "") for cell in header]
    if {"student", "id"} <= set(header):  # Canvas's gradebook: ID is Canvas's own number
        columns = ["canvas_id" if cell == "id" else column for cell, column in zip(header, columns, strict=True)]
    if not {"id", "login", "sis_id", "email"} & set(columns):
        raise ClassroomError(f"{path} is not a roster: its first line must name a column id, and best name and email")
    people, seen = [], {}
    for number, cells in enumerate(lines[1:], start=2):
        row = {column: cell.strip() for column, cell in zip(columns, cells, strict=False) if column}
        if not any(cell.strip() for cell in cells) or row.get("name", "").startswith("Points Possible"):
            continue
        row["name"] = row.get("name") or f"{row.get('first', '')} {row.get('last', '')}".strip()
        row["moodle_id"] = re.sub(r"\D", "", row.get("moodle_id", ""))  # "Participant 123"
        own = next((row[key] for key in ("id", "login", "sis_id", "email", "canvas_id") if row.get(key)), "")
        learner = re.sub(r"[^A-Za-z0-9_.-]", "_", unicodedata.normalize("NFKD", own).encode("ascii", "ignore").decode())
        if not SIMPLE_NAME.fullmatch(learner):
            raise ClassroomError(f"{path}, line {number}: '{shown(own)}' cannot be an id: use letters and digits")
        if learner.casefold() in seen:
            raise ClassroomError(f"{path}: lines {seen[learner.casefold()]} and {number} have the same id, {learner}")
        seen[learner.casefold()] = number
        kept = {key: row[key] for key in Person.__dataclass_fields__ if row.get(key)}
        people.append(Person(**{**kept, "learner": learner, "id": own}))
    if not people:
        raise ClassroomError(f"{path} names nobody: it needs a line a learner")
    return Roster(people)


def _lines(path):
    content = path.read_bytes()
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeError:
            continue
    else:
        raise ClassroomError(f"{path} is not a text file: save it as CSV in UTF-8")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise ClassroomError(f"{path} is not CSV: {error}") from error


def _squash(text):
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
