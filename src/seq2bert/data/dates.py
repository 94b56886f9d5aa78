"""Dates as people write them around the world -> ISO dates: a warm-up whose rule is known.

`5 de marzo de 2019 -> 2019-03-05`. The patterns and month names of 1,082 locales come from Unicode's CLDR through
the package Babel. Days, not texts, are dealt into training and test, so no test day was seen in any language.
"""

import hashlib
from datetime import date, timedelta
from functools import cache

import torch

from seq2bert.files import CourseError

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2099, 12, 31)


@cache
def locales() -> tuple[str, ...]:
    """The locales that write a long date with the month as a word, in alphabetical order.

    Raises:
        CourseError: the package Babel is missing.
    """
    try:
        from babel import localedata
    except ImportError as error:
        raise CourseError(
            "data set 'dates' needs the package Babel; install it with: pip install babel==2.18.0"
        ) from error
    named = (name for name in localedata.locale_identifiers() if len(name) > 1 and name != "root")
    return tuple(sorted(name for name in named if sum(map(str.isalpha, write(LAST_DAY, name))) >= 3))


def write(day: date, locale: str) -> str:
    """A day in the long format of a locale.

    >>> write(date(2019, 3, 5), "es")
    '5 de marzo de 2019'
    """
    from babel.dates import format_date

    return format_date(day, "long", locale=locale).replace("\u202f", " ").replace("\xa0", " ")


def is_test_day(day: date) -> bool:
    """One day in ten belongs to the test: those whose hash says so."""
    return hashlib.sha256(day.isoformat().encode()).digest()[0] % 10 == 0


def draw(
    count: int, generator: torch.Generator, test: bool = False, places: tuple[str, ...] | None = None
) -> list[tuple[str, str]]:
    """Random days in random locales.

    Args:
        count: how many pairs.
        generator: the source of the draw.
        test: True draws test days, False training days.
        places: the locales to draw from; all of them if None.

    Returns:
        `count` pairs (text, ISO date).

    >>> draw(2, torch.Generator().manual_seed(0))
    [('13 februari 2075', '2075-02-13'), ('11 kwietnia 1912', '1912-04-11')]
    """
    pairs: list[tuple[str, str]] = []
    days, places = (LAST_DAY - FIRST_DAY).days + 1, places or locales()
    while len(pairs) < count:
        day = FIRST_DAY + timedelta(days=int(torch.randint(days, (), generator=generator)))
        place = places[int(torch.randint(len(places), (), generator=generator))]
        if is_test_day(day) == test:
            pairs.append((write(day, place), day.isoformat()))
    return pairs
