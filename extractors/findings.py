"""What a look at the set-up found: each trap that is set says what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    An error keeps a night or a correction from going through; a warning costs completeness,
    safety or money in some cases, which `detail` names.
    """

    subject: str
    level: Level
    detail: str
    remedy: str = ""

    @property
    def is_ok(self) -> bool:
        return self.level == "ok"


@dataclass(frozen=True)
class Expected:
    """What the company's own files say its systems should be like, on a day of its books.

    Legal entities by their code: functional currency (ISO 4217), and time zone (IANA).
    """

    today: date
    currencies: frozenset[str]
    entity_currency: Mapping[str, str]
    entity_time_zone: Mapping[str, str]
    people_are_not: frozenset[str] = frozenset()


def verdict(subject: str, *, wrong: str, right: str, remedy: str, level: Level) -> Finding:
    """Of this level where something is wrong, else ok."""
    return Finding(subject, level, wrong, remedy) if wrong else Finding(subject, "ok", right)
