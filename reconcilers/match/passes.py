"""What a pairing and a pass are; see passes.toml for what each field means to a reader."""

from dataclasses import dataclass
from enum import StrEnum


class By(StrEnum):
    """What two records must have in common."""

    REFERENCE = "reference"
    NUMBER = "number"
    AMOUNT = "amount"
    SUM = "sum"  # everything within a party or group, on both sides, adds up to the same
    SUBSET = "subset"  # one record is the sum of some of the other side's


class Cardinality(StrEnum):
    """How many records of the left and of the right side make one match."""

    ONE_TO_ONE = "1:1"
    ONE_TO_MANY = "1:n"
    MANY_TO_ONE = "n:1"
    MANY_TO_MANY = "n:m"


class Mode(StrEnum):
    AUTOMATIC = "automatic"
    SUGGESTED = "suggested"


class Amounts(StrEnum):
    EQUAL = "equal"
    ANY = "any"  # the smaller side is allocated in full, the rest stays open


class Within(StrEnum):
    """Inside what records are looked for; ANYWHERE is the whole currency."""

    PARTY = "party"
    GROUP = "group"
    ANYWHERE = "anywhere"


@dataclass(frozen=True)
class Pass:
    """One way of matching. Days count from the left record's date to the right's."""

    name: str
    by: By
    mode: Mode
    cardinality: Cardinality = Cardinality.ONE_TO_ONE
    within: Within = Within.ANYWHERE
    amounts: Amounts = Amounts.EQUAL
    tolerance_minor: int = 0
    days_before: int | None = None
    days_after: int | None = None
    max_candidates: int = 100
    max_members: int = 50

    @property
    def is_automatic(self) -> bool:
        return self.mode is Mode.AUTOMATIC


@dataclass(frozen=True)
class Pairing:
    """Two populations (tables of the schema `matching`) and the passes, in their order."""

    name: str
    left: str
    right: str
    passes: tuple[Pass, ...]
