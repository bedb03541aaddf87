"""What the system-of-record matrix lets us write, compiled from its rows; all else is refused.

Asked by the plan and again just before a call, of what is really sent: no rule and no bug writes
an attribute in a system that owns it, or that the matrix gives no copy of it. Pure.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from reconcilers.corrections.correction import Refusal
from reconcilers.corrections.wire_fields import DOCUMENTS, PLACES, leaves
from reconcilers.ownership import Ownership, load_ownership, owned_on
from reconcilers.rules.base import ROLE_OF_SYSTEM

SHIPPED = Path(__file__).parents[2] / "dbt_project" / "seeds" / "system_of_record.csv"
Attribute = tuple[str, str]  # entity and attribute of the matrix
# What is done to a document by a call of its own, whatever its body sets.
DEEDS: Mapping[tuple[str, str], Attribute] = {
    ("stripe", "invoice/pay"): ("payment", "bank_receipt"),
    ("stripe", "invoice/finalize"): ("contract", "billing_frequency"),
    ("stripe", "invoice/void"): ("contract", "billing_frequency"),
    ("stripe", "subscription_schedule/cancel"): ("contract", "recurring_mrr"),
    ("stripe", "invoiceitem/delete"): ("usage_rating", "billed"),
    ("stripe", "subscription_item/delete"): ("contract_line", "co_termed_item"),
}


class Write(Protocol):
    """As much of a correction, planned or claimed, as the guard looks at."""

    @property
    def system(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def object(self) -> str: ...
    @property
    def operation(self) -> str: ...
    @property
    def payload(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Guard:
    """The matrix as a law: judges a write by the rows that are in force on a day."""

    rows: tuple[Ownership, ...]
    _days: dict[date, Mapping[Attribute, Sequence[Ownership]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def refusals(self, write: Write, day: date) -> tuple[Refusal, ...]:
        """Every reason why the matrix of the day does not give this write; none for no payload."""
        if write.operation == "update":
            return tuple(self._of_fields(write, day))
        return tuple(self._of_document(write, day)) if write.payload else ()

    def against(self, attribute: Attribute, system: str, day: date) -> Refusal | None:
        """Why a system's copy of an attribute may not be overwritten on the day."""
        if no := self._against_copy(attribute, system, day):
            return no
        if self._on(day)[attribute][0].conflict_rule == "FROZEN":
            return _refusal(
                attribute,
                "it is frozen: once issued it never changes",
                "correct it by another document, or change the rule in the matrix",
            )
        return None

    def approvals(self, write: Write, day: date) -> set[str]:
        """What the matrix asks for any of the attributes that a write sets: P, P2 or nothing."""
        if write.operation != "update":
            return set()
        found = (_attribute_in(write, leaf, value) for leaf, value in leaves(write.payload))
        return {row.approval for each in found if each for row in self._on(day).get(each, ())}

    def _of_fields(self, write: Write, day: date) -> Iterator[Refusal]:
        told = set()
        if "/" in write.object and (no := self._of_deed(write, day)):
            told.add(DEEDS.get((write.system, write.object)))
            yield no
        for leaf, value in leaves(write.payload):
            found = _attribute_in(write, leaf, value)
            name = f"{write.object}.{'.'.join(leaf)}"
            if found is None:
                yield Refusal(
                    "matrix",
                    name,
                    "no attribute of the matrix is kept in this field",
                    "declare it among the PLACES, and who owns it in system_of_record.csv",
                )
            elif found not in told and (no := self.against(found, write.system, day)):
                told.add(found)
                yield no

    def _of_deed(self, write: Write, day: date) -> Refusal | None:
        """A deed changes a document even where its body is empty."""
        if (moved := DEEDS.get((write.system, write.object))) is not None:
            return self.against(moved, write.system, day)
        return Refusal(
            "matrix",
            write.object,
            f"{write.system} is asked for no {write.object}",
            "declare among the DEEDS which attribute it moves",
        )

    def _of_document(self, write: Write, day: date) -> Iterator[Refusal]:
        """A new document changes nothing that was issued: its holder needs only be the copy."""
        known = DOCUMENTS.get((write.system, write.object), ())
        noes = [self._against_copy(attribute, write.system, day) for attribute in known]
        if not known:
            yield Refusal(
                "matrix",
                write.object,
                f"{write.system} is posted no {write.object}",
                "declare among the DOCUMENTS whose amounts it carries",
            )
        elif all(noes):
            yield from (no for no in noes[:1] if no)

    def _against_copy(self, attribute: Attribute, system: str, day: date) -> Refusal | None:
        role, rows = ROLE_OF_SYSTEM.get(system, system), self._on(day).get(attribute, ())
        if not rows:
            return _refusal(
                attribute,
                f"no row of the matrix names it on {day}",
                f"say in system_of_record.csv who owns it, with {role} as a copy",
            )
        if rows[0].owner == role:
            return _refusal(
                attribute,
                f"{role} owns it",
                "correct the copies, or change the owner in the matrix",
            )
        if role not in {row.replica for row in rows}:
            return _refusal(
                attribute,
                f"the matrix gives {role} no copy of it",
                f"add a row with {role} as replica, or correct it where it is kept",
            )
        return None

    def _on(self, day: date) -> Mapping[Attribute, Sequence[Ownership]]:
        if day not in self._days:
            rows: dict[Attribute, list[Ownership]] = defaultdict(list)
            for row in owned_on(self.rows, day):
                rows[row.entity, row.attribute].append(row)
            self._days[day] = dict(rows)
        return self._days[day]


def load_guard(path: Path) -> Guard:
    """The guard of a matrix.

    Raises MatrixError.
    """
    return Guard(load_ownership(path))


@cache
def shipped_guard() -> Guard:
    """The guard of the matrix that ships with Tieout."""
    return load_guard(SHIPPED)


def _attribute_in(write: Write, leaf: tuple[str, ...], value: object) -> Attribute | None:
    return next(
        (
            (entity, attribute)
            for (holder, entity, attribute), place in PLACES.items()
            if holder == write.system
            and write.object in {place.object, *place.also}
            and (not place.only or write.action in place.only)
            and place.covers(leaf, value)
        ),
        None,
    )


def _refusal(attribute: Attribute, problem: str, fix: str) -> Refusal:
    return Refusal("matrix", ".".join(attribute), problem, fix)
