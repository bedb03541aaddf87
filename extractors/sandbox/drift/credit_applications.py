"""CRN-APPL: credit memos that settle nothing, another invoice, or less than billing says."""

from collections.abc import Iterable, Sequence

from extractors.sandbox.drift.credited import (
    Credited,
    ask_more,
    credited,
    tell_reopened,
)
from extractors.sandbox.drift.documents import Posted, posted_invoices, unlink
from extractors.sandbox.drift.ground import Ground, minor_of, text_of
from extractors.sandbox.schema import System

_LEAST = 2_000


def plant_other_application(ground: Ground, count: int) -> None:
    """CRN-APPL-01: a memo's application was taken off, moved to another invoice, or cut in half.

    An invoice that is paid in billing asks for the rest again in the ERP (INV-STAT-01).
    """
    found = [c for c in credited(ground) if c.lowers_its_invoice and c.note["total"] >= _LEAST]
    unpaid = [p for p in posted_invoices(ground) if p.is_open]
    astray = [c for c in found if any(_others(c, unpaid))]
    pools = {"wrong_invoice": astray, "unapplied": found, "in_part": found}
    used: set[str] = set()
    for variant, chosen in ground.choose(count, pools, lambda credit: credit.subject):
        at = ground.tick()
        other = next((p for p in _others(chosen, unpaid) if p.subject not in used), None)
        ground.freeze(chosen.who, chosen.subject)
        if variant == "wrong_invoice" and other is not None:
            used.add(other.subject)
            ground.freeze(other.who, other.subject)
            _move(ground, chosen, other, at)
        else:
            _take_off(ground, chosen, at, "in_part" if variant == "in_part" else "unapplied")


def _others(credit: Credited, unpaid: Iterable[Posted]) -> Iterable[Posted]:
    """Open invoices of the same customer that would take all of the credit and ask for more."""
    for posted in unpaid:
        transaction = posted.transaction
        same = (transaction["entity"], transaction["currency"])
        if same == (credit.memo["entity"], credit.memo["currency"]):
            left = minor_of(transaction["foreignamountunpaid"], transaction["currency"])
            if left > credit.note["total"] and transaction["id"] != credit.posted["id"]:
                yield posted


def _sides(credit: Credited) -> Sequence[tuple[System, str]]:
    billing = f"{credit.id}/{credit.invoice['id']}/invoice"
    return ("stripe", billing), ("netsuite", f"{credit.internal}/{credit.posted['id']}")


def _take_off(ground: Ground, credit: Credited, at: int, variant: str) -> None:
    """All of the credit, or half of it, settles nothing."""
    (link,) = credit.links
    billing, erp = _sides(credit)
    total = credit.note["total"]
    left = total if variant == "unapplied" else total // 2
    if variant == "unapplied":
        unlink(ground, link)
        ground.planted(billing, variant=variant)
    else:
        text = text_of(total - left, credit.memo["currency"])
        ground.add("netsuite", "previoustransactionlinelink", link | {"foreignamount": text}, at)
        ground.planted(billing, erp, attribute="applied", variant=variant)
    unapplied = text_of(-left, credit.memo["currency"])
    fields = {"foreignamountunpaid": unapplied, "status": "A"}
    ground.change("netsuite", "transaction", credit.internal, at, **fields)
    ask_more(ground, credit, left, at)
    tell_reopened(ground, credit, variant, billing[1])


def _move(ground: Ground, credit: Credited, other: Posted, at: int) -> None:
    """The credit settles another invoice of the customer."""
    (link,) = credit.links
    unlink(ground, link)
    moved = link | {"previousdoc": other.internal}
    ground.add("netsuite", "previoustransactionlinelink", moved, at)
    ask_more(ground, credit, credit.note["total"], at)
    currency = other.transaction["currency"]
    left = minor_of(other.transaction["foreignamountunpaid"], currency) - credit.note["total"]
    fields = {"foreignamountunpaid": text_of(left, currency)}
    ground.change("netsuite", "transaction", other.internal, at, **fields)
    billing, _ = _sides(credit)
    ground.planted(billing, variant="wrong_invoice")
    tell_reopened(ground, credit, "wrong_invoice", billing[1])
