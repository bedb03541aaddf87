"""Looks at the record of a correction: it drifts still, is as desired, or is something else."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum, auto
from typing import Any, Protocol

from extractors.protocol import Target
from reconcilers.corrections.correction import Refusal
from reconcilers.corrections.document import MARK, WHILE, WITHIN
from reconcilers.corrections.images import same, shows
from reconcilers.corrections.posted_lines import comparable

PAID = Refusal(
    "payment",
    "foreignamountunpaid",
    "the ERP does not show the invoice as wholly unpaid",
    "take off what is applied to it, then compensate again",
)


class Standing(Enum):
    """What the target shows now."""

    DRIFTED = auto()  # still as it was when the correction was planned
    DESIRED = auto()  # as the correction wants it
    OTHER = auto()  # neither: somebody changed it, or it is gone


@dataclass(frozen=True)
class Sight:
    """The standing of a record, in words that can be stored (no values of other fields).

    `is_ours` is true when the record itself proves that a correction of ours made it so. `record`
    is the record itself where it drifts still; it is never stored. `refusal` says why it may not be
    written now, although it stands as planned.
    """

    standing: Standing
    words: str
    record_id: str | None = None
    is_ours: bool = False
    record: Mapping[str, Any] | None = field(default=None, repr=False)
    refusal: Refusal | None = None


class Intended(Protocol):
    """A correction as far as looking needs it: an order of dispatch, or one that still waits."""

    @property
    def operation(self) -> str: ...
    @property
    def object(self) -> str: ...
    @property
    def record_id(self) -> str: ...
    @property
    def before(self) -> Mapping[str, Any] | None: ...
    @property
    def after(self) -> Mapping[str, Any]: ...
    @property
    def payload(self) -> Mapping[str, Any]: ...


async def look(target: Target, order: Intended) -> Sight:
    """Read the record, by id or by external id, and compare it with before and after."""
    if order.operation == "upsert":
        return await _look_for_document(target, order, order.record_id)
    if order.operation == "create":
        look_for = _look_for_made if WITHIN in order.after else _look_for_credit
        return await look_for(target, order)
    record = await target.read(order.object, order.record_id)
    if record is None:
        return Sight(Standing.OTHER, f"{order.object} {order.record_id} is gone")
    seen, before = comparable(record), comparable(_of_record(order.before or {}))
    if shows(seen, comparable(_of_record(order.after))):
        return Sight(Standing.DESIRED, "the record is already as desired", order.record_id)
    if order.before is not None and shows(seen, before):
        return Sight(Standing.DRIFTED, "the record still drifts", order.record_id, record=record)
    changed = ", ".join(
        name for name, value in sorted(before.items()) if not same(seen, name, value)
    )
    return Sight(Standing.OTHER, f"the value that drifted changed meanwhile ({changed})")


def _of_record(image: Mapping[str, Any]) -> Mapping[str, Any]:
    """An image without what has to hold elsewhere."""
    return {name: value for name, value in image.items() if name != WHILE}


async def _look_for_made(target: Target, order: Intended) -> Sight:
    """Whether a record with our mark stands among those that it would stand among."""
    mark = order.payload.get("metadata", {}).get(MARK)
    for record in await target.lookup(order.object, **order.after[WITHIN]):
        if mark and (record.get("metadata") or {}).get(MARK) == mark:
            words = "the document is there, with our mark"
            return Sight(Standing.DESIRED, words, str(record["id"]), is_ours=True)
    return Sight(Standing.DRIFTED, "there is no such document yet")


async def _look_for_credit(target: Target, order: Intended) -> Sight:
    """Whether the credit memo is there; if not, whether the invoice is still ours, and unpaid."""
    sight = await _look_for_document(target, order, order.after["externalId"])
    if sight.standing is not Standing.DRIFTED:
        return sight
    invoice = await target.find("invoice", order.record_id.removeprefix("eid:"))
    if invoice is None or not shows(invoice, order.before or {}):
        return Sight(Standing.OTHER, "the invoice is no longer the one that we posted")
    return sight if _is_unpaid(invoice) else replace(sight, refusal=PAID)


def _is_unpaid(invoice: Mapping[str, Any]) -> bool:
    total, left = invoice.get("foreigntotal"), invoice.get("foreignamountunpaid")
    return None not in {total, left} and Decimal(str(total)) == Decimal(str(left))


def _record_standing(order: Intended, record: Mapping[str, Any], record_id: str | None) -> Sight:
    """Of a record that has no memo to be known by, what it says must be what we wrote.

    Lists within it do not count: the vendor tells more of them than was written.
    """
    own = {
        name: value
        for name, value in order.payload.items()
        if not (isinstance(value, Mapping) and "items" in value)
    }
    if own and shows(record, own):
        return Sight(Standing.DESIRED, "the record is there, as desired", record_id)
    return Sight(Standing.OTHER, f"there is such a {order.object}, with other values", record_id)


async def _look_for_document(target: Target, order: Intended, external_id: str) -> Sight:
    """Whether the document stands under our external id, and whether it is the one we sent."""
    record = await target.find(order.object, external_id)
    if record is None:
        return Sight(Standing.DRIFTED, "there is no such document yet")
    given = record.get("id", record.get("Id"))
    record_id = None if given is None else str(given)
    if "memo" not in order.payload:
        return _record_standing(order, record, record_id)
    if order.payload and record.get("memo") == order.payload.get("memo"):
        words = "the document is there, with our memo"
        return Sight(Standing.DESIRED, words, record_id, is_ours=True)
    return Sight(Standing.OTHER, "the document is there, posted by somebody else", record_id)
