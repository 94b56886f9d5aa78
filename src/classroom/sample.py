"""The sample class: made-up learners, every file of whom is listed with its hash in sample-class.json.

Grading runs what was handed in. Until it runs in a sandbox, only code that the course itself wrote may be graded,
so everything here refuses at the first file that the manifest does not vouch for.
"""

import hashlib
import os
import stat
from dataclasses import dataclass

from classroom.course import SIMPLE_NAME, ClassroomError
from classroom.files import read_json

MANIFEST = "sample-class.json"
REFUSED = 3


@dataclass(frozen=True)
class Submission:
    learner: str
    files: dict  # {path inside the submission: sha256}
    expected: float
    about: str


def load_sample(class_dir, assignment):
    """The manifest's submissions, {learner: Submission}, sorted; does not look at submitted/."""
    path = class_dir / MANIFEST
    if not class_dir.is_dir():
        raise ClassroomError(f"there is no class folder {class_dir}")
    if not path.exists():
        raise _stranger(f"{class_dir} has no {MANIFEST}: it")
    manifest = read_json(path)
    try:
        subject = manifest["assignment"]
        learners = {
            name: Submission(name, dict(entry["files"]), float(entry["expected"]), str(entry.get("about", "")))
            for name, entry in sorted(manifest["learners"].items())
        }
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ClassroomError(f"{path} is not a manifest of a sample class: {type(error).__name__}: {error}") from error
    if subject != assignment:
        raise ClassroomError(f"{path} is about the assignment '{subject}', not '{assignment}'")
    for name in learners:
        if not SIMPLE_NAME.fullmatch(name):
            raise ClassroomError(f"{path}: rename the learner '{name}': only letters, digits, '_', '-' and '.'")
    return learners


def verify(class_dir, assignment, learners):
    """Refuse unless submitted/ holds exactly the files of the manifest."""
    submitted = class_dir / "submitted"
    names = sorted(p.name for p in submitted.iterdir()) if submitted.is_dir() else []
    for name in names:
        if name not in learners and (submitted / name / assignment).exists():
            raise _stranger(f"submitted/{name}/{assignment}")
    for submission in learners.values():
        read_submission(class_dir, assignment, submission)


def read_submission(class_dir, assignment, submission):
    """{path: bytes} of a submission, each file just hashed and found to be the manifest's."""
    folder = class_dir / "submitted" / submission.learner / assignment
    content = {}
    for parent, directories, files in os.walk(folder):
        for name in sorted(directories + files):
            path = os.path.join(parent, name)
            inside = os.path.relpath(path, folder)
            shown = f"submitted/{submission.learner}/{assignment}/{inside}"
            mode = os.lstat(path).st_mode
            if stat.S_ISDIR(mode):
                continue
            if not stat.S_ISREG(mode) or inside not in submission.files:
                raise _stranger(shown)
            with open(path, "rb") as file:
                content[inside] = file.read()
            if hashlib.sha256(content[inside]).hexdigest() != submission.files[inside]:
                raise _stranger(f"{shown} was changed: it")
    missing = sorted(submission.files.keys() - content.keys())
    if missing:
        shown = f"submitted/{submission.learner}/{assignment}/{missing[0]}"
        raise ClassroomError(f"{shown} is in {MANIFEST} but not there: make the sample class again", REFUSED)
    return content


def _stranger(what):
    return ClassroomError(
        f"{what} is not part of the sample class; grading strangers' code needs the sandbox, "
        "which this version does not have yet",
        REFUSED,
    )
