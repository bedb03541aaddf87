"""Decisions of data stewards on who is whom; they outrank every rule until they expire."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandera.polars as pa

from reconcilers.edited_csv import (
    EditedFileError,
    Mistake,
    NumberedRow,
    Row,
    one_of,
    read_checked,
)
from reconcilers.rules.base import RECORDING_ROLES, SYSTEM_OF_ROLE

# link: the same customer. never_link: never one customer. primary: the record that speaks for its
# system. new_id_owner: after a split, the part with this record keeps the canonical id.
PAIR_ACTIONS = ("link", "never_link")
RECORD_ACTIONS = ("primary", "new_id_owner")

_SYSTEMS = tuple(SYSTEM_OF_ROLE[role] for role in RECORDING_ROLES)
_DATE = pa.Check.str_matches(r"^\d{4}-\d{2}-\d{2}$", error="must be YYYY-MM-DD")
_SCHEMA = pa.DataFrameSchema(
    {
        "action": one_of((*PAIR_ACTIONS, *RECORD_ACTIONS)),
        "left_system": one_of(_SYSTEMS),
        "left_id": pa.Column(str),
        "right_system": pa.Column(
            str,
            pa.Check.isin(_SYSTEMS, error=f"must be one of {', '.join(_SYSTEMS)}"),
            nullable=True,
        ),
        "right_id": pa.Column(str, nullable=True),
        "reason": pa.Column(str),
        "decided_by": pa.Column(str),
        "decided_on": pa.Column(str, _DATE),
        "expires_on": pa.Column(str, _DATE, nullable=True),
    },
    strict=True,
)

Record = tuple[str, str]  # system, source id
Pair = tuple[Record, Record]
Decision = tuple[str, date]  # by whom, on which day


class OverridesError(EditedFileError):
    """The overrides contradict each other or cannot be read."""


@dataclass(frozen=True)
class Overrides:
    """The decisions in force on a day, sorted, so that their order in the file does not matter."""

    links: tuple[Pair, ...] = ()
    never: tuple[Pair, ...] = ()
    primary: tuple[Record, ...] = ()
    id_owners: tuple[Record, ...] = ()
    expired: int = 0
    decided: Mapping[Pair, Decision] = field(default_factory=dict)

    @property
    def records(self) -> frozenset[Record]:
        pairs = (record for pair in (*self.links, *self.never) for record in pair)
        return frozenset((*pairs, *self.primary, *self.id_owners))


def load_overrides(path: Path, day: date) -> Overrides:
    """The decisions taken by the day and not expired on it; no file means no decisions.

    Raises OverridesError that names every line at fault.
    """
    if not path.exists():
        return Overrides()
    try:
        numbered = read_checked(path, _SCHEMA)
    except EditedFileError as error:
        raise OverridesError(path, error.mistakes) from error
    mistakes = [mistake for line, row in numbered for mistake in _malformed(line, row)]
    if mistakes:
        raise OverridesError(path, mistakes)
    current = [(line, row) for line, row in numbered if _is_in_force(row, day)]
    contradictions = _contradictions(current)
    if contradictions:
        raise OverridesError(path, contradictions)
    expired = sum(_date(row, "expires_on") < day for _, row in numbered if row["expires_on"])
    return _collected(current, expired)


def key_of(system: str, source_id: str) -> Record:
    """How ids are compared: of an 18-character Salesforce id, the first 15 tell records apart."""
    return (system, source_id[:15] if system == "salesforce" else source_id)


def _collected(current: Sequence[NumberedRow], expired: int) -> Overrides:
    def pairs(action: str) -> tuple[Pair, ...]:
        return tuple(sorted({_pair(row) for _, row in current if row["action"] == action}))

    def records(action: str) -> tuple[Record, ...]:
        return tuple(sorted({_left(row) for _, row in current if row["action"] == action}))

    return Overrides(
        links=pairs("link"),
        never=pairs("never_link"),
        primary=records("primary"),
        id_owners=records("new_id_owner"),
        expired=expired,
        decided={
            _pair(row): (row["decided_by"] or "", _date(row, "decided_on"))
            for _, row in sorted(current, key=lambda line: line[1]["decided_on"] or "")
            if row["action"] in PAIR_ACTIONS
        },
    )


def _malformed(line: int, row: Row) -> Iterable[Mistake]:
    is_pair = row["action"] in PAIR_ACTIONS
    for column in ("right_system", "right_id"):
        if is_pair and row[column] is None:
            yield Mistake(line, column, f"must be given for {row['action']}")
        if not is_pair and row[column] is not None:
            yield Mistake(line, column, f"has no meaning for {row['action']}")
    if is_pair and row["right_id"] and row["right_system"] and len(set(_pair(row))) == 1:
        yield Mistake(line, "right_id", "is the same record as on the left")
    for column in ("decided_on", "expires_on"):
        try:
            date.fromisoformat(row[column] or "2000-01-01")
        except ValueError as error:
            yield Mistake(line, column, str(error))


def _contradictions(current: Sequence[NumberedRow]) -> list[Mistake]:
    """A never_link between records that links join, directly or through others."""
    links = {_pair(row): line for line, row in reversed(current) if row["action"] == "link"}
    reach = _components(links)
    mistakes = []
    for line, row in current:
        if row["action"] != "never_link":
            continue
        left, right = _pair(row)
        if reach.get(left, left) == reach.get(right, right):
            group = reach[left]
            lines = sorted(at for pair, at in links.items() if reach[pair[0]] == group)
            named = ", ".join(map(str, lines))
            mistakes.append(Mistake(line, "action", f"contradicts the link in line {named}"))
    return mistakes


def _components(links: Mapping[Pair, int]) -> dict[Record, Record]:
    """Each linked record with the least record that it is joined to."""
    least = {record: record for pair in links for record in pair}
    changed = True
    while changed:
        changed = False
        for left, right in links:
            low = min(least[left], least[right])
            if (least[left], least[right]) != (low, low):
                least[left] = least[right] = low
                changed = True
    return least


def _is_in_force(row: Row, day: date) -> bool:
    has_begun = _date(row, "decided_on") <= day
    return has_begun and (row["expires_on"] is None or _date(row, "expires_on") >= day)


def _date(row: Row, column: str) -> date:
    return date.fromisoformat(row[column] or "")


def _left(row: Row) -> Record:
    return key_of(row["left_system"] or "", row["left_id"] or "")


def _pair(row: Row) -> Pair:
    right = key_of(row["right_system"] or "", row["right_id"] or "")
    low, high = sorted((_left(row), right))
    return (low, high)
