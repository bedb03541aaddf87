"""What two records of the same night say otherwise: which exceptions appear, vanish or change."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date

from sqlalchemy import select

from reconcilers.state.models import Observation
from reconcilers.state.store import State


@dataclass(frozen=True)
class Seen:
    """An exception as a night saw it; money in minor units of the reporting currency."""

    exception_key: str
    code: str
    cause: str | None
    owner_system: str | None
    owner_id: str | None
    attribute: str
    severity: str
    impact_reporting_minor: int | None
    explained_by: str | None


@dataclass(frozen=True)
class Difference:
    """One exception before and after: `appears`, `vanishes` or `changes`."""

    before: Seen | None
    after: Seen | None

    @property
    def change(self) -> str:
        if self.before is None:
            return "appears"
        return "vanishes" if self.after is None else "changes"

    @property
    def seen(self) -> Seen:
        """The exception as it would be, or as it was when it vanishes."""
        seen = self.after or self.before
        assert seen is not None
        return seen


def seen_on(state: State, night: date) -> dict[str, Seen]:
    """The exceptions that a night recorded, by key; neither in flight nor unproven ones."""
    names = [item.name for item in fields(Seen)]
    query = select(*(getattr(Observation, name) for name in names)).where(
        Observation.snapshot_date == night, Observation.disposition == "exception"
    )
    with state.read() as session:
        rows = [Seen(**row) for row in session.execute(query).mappings()]
    return {row.exception_key: row for row in rows}


def differences(before: Mapping[str, Seen], after: Mapping[str, Seen]) -> list[Difference]:
    """What is not the same, by class, the dearest first."""
    found = [
        Difference(before.get(key), after.get(key))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    ]
    return sorted(found, key=_dearest)


def _dearest(difference: Difference) -> tuple[str, str, int, str]:
    seen = difference.seen
    money = abs(seen.impact_reporting_minor or 0)
    return difference.change, seen.code, -money, seen.exception_key
