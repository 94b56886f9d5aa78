"""One switch for the experiments of pages and notebooks: SEQ2BERT_PROFILE=smoke shrinks them to seconds."""

import os
from typing import TypeVar

from seq2bert.files import CourseError

T = TypeVar("T")


def choose(full: T, smoke: T) -> T:
    """`smoke` where SEQ2BERT_PROFILE is "smoke", `full` where it is "full" or not set.

    Raises:
        CourseError: SEQ2BERT_PROFILE is something else.
    """
    profile = os.environ.get("SEQ2BERT_PROFILE") or "full"
    if profile not in ("full", "smoke"):
        raise CourseError(f"SEQ2BERT_PROFILE must be full or smoke, got {profile!r}")
    return smoke if profile == "smoke" else full
