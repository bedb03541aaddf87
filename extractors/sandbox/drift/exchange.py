"""REV-FX: exchange differences of payments that the stored rates do not give."""

from dataclasses import dataclass
from decimal import Decimal

from extractors.sandbox.drift.documents import (
    Posted,
    base_precision,
    lines_of,
    posted_invoices,
    postings_of,
    remove_line,
    set_posting,
)
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.drift.settlement import has_one_payment, payment_of
from extractors.sandbox.reference import FX_GAIN, RECEIVABLE
from extractors.sandbox.tables import Record

_LEAST = 40
"""Minor units of an exchange difference that can be told from rounding."""


@dataclass(frozen=True)
class Settled:
    """An invoice with the payment that settled it, and what the payment posted."""

    posted: Posted
    payment: Record
    difference: Record
    receivable: Record


def plant_other_difference(ground: Ground, count: int) -> None:
    """REV-FX-01: the difference was left to receivables, has the wrong sign, or is another one."""
    recent = {each.id for each in posted_invoices(ground)}
    older = [p for p in posted_invoices(ground, in_closed_too=True) if p.id not in recent]
    settled = [found for each in older if (found := _settled(ground, each))]
    pools = dict.fromkeys(("left_out", "wrong_sign", "other_rate"), settled)
    for variant, each in ground.choose(count, pools, lambda each: each.posted.id):
        ground.freeze(each.posted.who, each.posted.subject)
        _change(ground, each, variant)
        ground.planted(
            ("netsuite", each.payment["id"]), attribute="exchange_difference", variant=variant
        )


def _settled(ground: Ground, posted: Posted) -> Settled | None:
    if not has_one_payment(ground, posted):
        return None
    payment = payment_of(ground, posted)
    on = {posting["account"]: posting for posting in postings_of(ground, payment["id"])}
    if not {FX_GAIN.id, RECEIVABLE.id} <= on.keys():
        return None
    difference = on[FX_GAIN.id]
    precision = base_precision(lines_of(ground, payment["id"])[0]["subsidiary"])
    is_enough = abs(Decimal(difference["amount"]).scaleb(precision)) >= _LEAST
    is_whole = payment["foreigntotal"] == posted.transaction["foreigntotal"]
    if not (is_enough and is_whole and ground.is_free(f"transaction:{payment['id']}")):
        return None
    return Settled(posted, payment, difference, on[RECEIVABLE.id])


def _change(ground: Ground, each: Settled, variant: str) -> None:
    """What the difference loses receivables gain: the payment still balances."""
    at, internal = ground.tick(), str(each.payment["id"])
    subsidiary = lines_of(ground, internal)[0]["subsidiary"]
    precision = base_precision(subsidiary)
    difference, receivable = (
        int(Decimal(posting["amount"]).scaleb(precision))
        for posting in (each.difference, each.receivable)
    )
    wanted = {"left_out": 0, "wrong_sign": -difference, "other_rate": difference * 3 // 2}[variant]
    if wanted:
        set_posting(ground, each.difference, wanted, subsidiary, at)
    else:
        key = (internal, each.difference["transactionline"])
        line = ground.store.get("netsuite", "transactionline", key)
        assert line is not None
        remove_line(ground, internal, line)
    set_posting(ground, each.receivable, receivable + difference - wanted, subsidiary, at)
    ground.change("netsuite", "transaction", internal, at)
