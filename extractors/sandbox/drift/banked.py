"""PAY-OOB: money that came to the bank, stands in the ERP, and that nobody told billing of."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from extractors.sandbox.amounts import netsuite_time
from extractors.sandbox.drift.documents import Posted, posted_invoices
from extractors.sandbox.drift.ground import Ground, minor_of, text_of
from extractors.sandbox.drift.settlement import (
    finalized,
    has_one_payment,
    open_again,
    payment_of,
    wrong_status,
)
from extractors.sandbox.ledger import Application, payment_rows
from extractors.sandbox.reference import BANK, period_id
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY, HOUR, moment

_TOLD_DAYS = 5
"""Two business days are over within so many days of the calendar."""
_OLD_DAYS = 8


def plant_untold(ground: Ground, count: int) -> None:
    """PAY-OOB-01: a wire for an invoice or a part of one, a cheque for two, a note taken back.

    Billing goes on asking for what the ERP has (INV-STAT-01).
    """
    posted = posted_invoices(ground)
    unpaid = [p for p in posted if p.is_open and finalized(p) < ground.now - _OLD_DAYS * DAY]
    pairs = list(_pairs(unpaid))
    paired = {posted.id for pair in pairs for posted in pair}
    single = [(posted,) for posted in unpaid if posted.id not in paired]
    pools: dict[str, list[tuple[Posted, ...]]] = {
        "wire_in_full": [*single],
        "wire_in_part": [*single],
        "one_cheque_for_two": [*pairs],
        "note_taken_back": [(p,) for p in posted if _is_wired(ground, p)],
    }
    for variant, paid in ground.choose(count, pools, lambda invoices: invoices[0].id):
        if variant == "note_taken_back":
            _take_back(ground, paid[0], variant)
        else:
            _pay(ground, paid, variant, share=60 if variant == "wire_in_part" else 100)


def _is_wired(ground: Ground, posted: Posted) -> bool:
    """Whether one wire, more than two business days old, paid the invoice on both sides."""
    if not has_one_payment(ground, posted) or len(_notes(ground, posted)) != 1:
        return False
    payment = payment_of(ground, posted)
    paid_at = posted.invoice["status_transitions"]["paid_at"]
    return not payment["custbody_stripe_charge_id"] and paid_at < ground.now - _OLD_DAYS * DAY


def _notes(ground: Ground, posted: Posted) -> list[Record]:
    """What billing noted of the payments of an invoice."""
    return ground.store.rows("stripe", "invoice_payment", invoice=posted.id)


def _take_back(ground: Ground, posted: Posted, variant: str) -> None:
    """Somebody took the note of a wire for a mistake, and billing asks again."""
    (note,) = _notes(ground, posted)
    ground.store.put("stripe", "invoice_payment", note | {"status": "canceled"})
    open_again(ground, posted)
    payment = payment_of(ground, posted)["id"]
    ground.freeze(posted.who, posted.subject, f"transaction:{payment}")
    ground.planted(("netsuite", payment), ("stripe", posted.id), variant=variant)
    ground.tell(wrong_status(posted, variant, caused_by=payment))


def _pairs(unpaid: Iterable[Posted]) -> Iterable[tuple[Posted, Posted]]:
    """Two open invoices of one customer in one currency; none is in two pairs."""
    owed: dict[tuple[str, str], list[Posted]] = defaultdict(list)
    for posted in unpaid:
        owed[posted.transaction["entity"], posted.transaction["currency"]].append(posted)
    for invoices in owed.values():
        yield from zip(invoices[::2], invoices[1::2], strict=False)


def _pay(ground: Ground, paid: tuple[Posted, ...], variant: str, *, share: int) -> None:
    at = ground.tick()
    earliest = max(finalized(posted) for posted in paid) + 8 * HOUR
    when = ground.rng.randrange(earliest, ground.now - _TOLD_DAYS * DAY)
    amounts = {posted.internal: _total(posted) * share // 100 for posted in paid}
    payment = _enter(ground, paid, amounts, when, at)
    first, *others = paid
    ground.planted(("netsuite", payment), ("stripe", first.id), variant=variant)
    for posted in others:
        ground.follows(
            ground.code, ("netsuite", payment), ("stripe", posted.id), variant=variant,
            caused_by=payment,
        )  # fmt: skip
    for posted in paid:
        _settle(ground, posted, _total(posted) - amounts[posted.internal], when, at)
        ground.freeze(posted.who, posted.subject)
        ground.tell(wrong_status(posted, variant, caused_by=payment))


def _total(posted: Posted) -> int:
    return minor_of(posted.transaction["foreigntotal"], posted.transaction["currency"])


def _enter(
    ground: Ground, paid: tuple[Posted, ...], amounts: dict[str, int], when: int, at: int
) -> str:
    """The ERP's payment, applied to the invoices by their internal ids; returns its own."""
    first = paid[0]
    rate = Decimal(first.transaction["exchangerate"])
    internal = ground.store.new_id("netsuite", "transaction")
    trandate = moment(when).date()
    rates = {p.internal: Decimal(p.transaction["exchangerate"]) for p in paid}
    rows = payment_rows(
        internal_id=internal,
        tranid=f"PYMT-X{internal}",
        entity_id=first.transaction["entity"],
        subsidiary=first.who.legal_entity.subsidiary_id,
        currency=first.transaction["currency"],
        exchange_rate=rate,
        trandate=trandate,
        period_id=period_id(trandate),
        externalid=None,
        amount_minor=sum(amounts.values()),
        applied=[Application(invoice, minor, rates[invoice]) for invoice, minor in amounts.items()],
        custbody={"memo": "Wire transfer"},
        at=moment(when),
        bank_account=BANK.id,
    )
    ground.add_rows(rows, at)
    ground.claim(first.who, f"transaction:{internal}")
    return internal


def _settle(ground: Ground, posted: Posted, left: int, when: int, at: int) -> None:
    ground.change(
        "netsuite",
        "transaction",
        posted.internal,
        at,
        status="A" if left else "B",
        foreignamountunpaid=text_of(left, posted.transaction["currency"]),
        custbody_status_changed_at=netsuite_time(moment(when)),
    )
