"""PAY-DUP and PAY-AMT: payments that stand twice in a system, or with another amount."""

from datetime import date, timedelta
from decimal import Decimal

from extractors.sandbox.drift.documents import (
    Posted,
    applications,
    base_precision,
    copy_document,
    leave_open,
    lines_of,
    postings_of,
    set_line,
    set_posting,
)
from extractors.sandbox.drift.ground import SETTLED_DAYS, Ground, minor_of, text_of
from extractors.sandbox.drift.settlement import charged, wrong_status
from extractors.sandbox.ledger import payment_rows
from extractors.sandbox.reference import period_id
from extractors.sandbox.stripe_balance import charge_entry
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY, HOUR, moment

Paid = tuple[Posted, Record]
"""A paid invoice with the one ERP payment, made for a charge, that settles it."""

_RECENT_DAYS = 45
_LEAST = 5_000


def _subject(paid: Paid) -> str:
    return paid[0].id


def charge_of(paid: Paid) -> str:
    return str(paid[1]["custbody_stripe_charge_id"])


def plant_payment_twice(ground: Ground, count: int) -> None:
    """PAY-DUP-01: the ERP entered a payment again, or the customer was charged again."""
    recent = [p for p in charged(ground) if paid_at(p) > ground.now - _RECENT_DAYS * DAY]
    pools = dict.fromkeys(("same_charge", "by_hand", "charged_twice"), recent)
    for variant, paid in ground.choose(count, pools, _subject):
        posted, at = paid[0], ground.tick()
        ground.freeze(posted.who, posted.subject, f"charge:{charge_of(paid)}")
        if variant == "charged_twice":
            ground.planted(("stripe", _charge_again(ground, paid, at)), variant=variant)
            continue
        internal = _enter_again(ground, paid[1], at, has_id=variant == "same_charge")
        ground.claim(posted.who, f"transaction:{internal}")
        ground.planted(("netsuite", internal), variant=variant)


def paid_at(paid: Paid) -> int:
    return int(paid[0].invoice["status_transitions"]["paid_at"])


def _enter_again(ground: Ground, payment: Record, at: int, *, has_id: bool) -> str:
    """A second payment that pays nothing; a clerk's is dated two days later and names no charge."""
    day = date.fromisoformat(payment["trandate"])
    on = day if has_id else day + timedelta(days=2)
    anonymous = {"custbody_stripe_charge_id": None, "memo": "Payment received"}
    return copy_document(
        ground,
        payment,
        at,
        trandate=on.isoformat(),
        postingperiod=period_id(on),
        **({} if has_id else anonymous),
    )


def _charge_again(ground: Ground, paid: Paid, at: int) -> str:
    """A second charge for a paid invoice; the ERP has its money too, on account."""
    posted, payment = paid
    charge = charge_again(ground, paid, since=paid_at(paid))
    made = ground.store.get("stripe", "charge", charge)
    assert made is not None
    when = made["created"]
    trandate = moment(when).date()
    rows = payment_rows(
        internal_id=ground.store.new_id("netsuite", "transaction"),
        tranid=f"{payment['tranid']}-2",
        entity_id=payment["entity"],
        subsidiary=posted.who.legal_entity.subsidiary_id,
        currency=payment["currency"],
        exchange_rate=Decimal(payment["exchangerate"]),
        trandate=trandate,
        period_id=period_id(trandate),
        externalid=charge,
        amount_minor=made["amount"],
        applied=[],
        custbody={"custbody_stripe_charge_id": charge},
        at=moment(when),
    )
    ground.add_rows(rows, at)
    return charge


def charge_again(ground: Ground, paid: Paid, *, since: int) -> str:
    """A second charge for an invoice, as much as the first, in billing alone; returns its id."""
    posted, _ = paid
    first = ground.store.get("stripe", "charge", charge_of(paid))
    assert first is not None
    when = ground.rng.randrange(since + HOUR, ground.now - SETTLED_DAYS * DAY)
    charge = _second_charge(ground, posted, first, when)
    ground.claim(posted.who, f"charge:{charge}")
    return charge


def _second_charge(ground: Ground, posted: Posted, first: Record, when: int) -> str:
    store = ground.store
    kinds = ("charge", "payment_intent", "balance_transaction", "invoice_payment")
    charge, intent, entry, settled = (store.new_id("stripe", kind) for kind in kinds)
    old = store.get("stripe", "payment_intent", first["payment_intent"])
    assert old is not None
    since = {"created": when}
    made = store.put(
        "stripe",
        "charge",
        first | since | {"id": charge, "payment_intent": intent, "balance_transaction": entry},
    )
    store.put("stripe", "payment_intent", old | since | {"id": intent, "latest_charge": charge})
    store.put("stripe", "balance_transaction", charge_entry(entry, made, when))
    store.put(
        "stripe",
        "invoice_payment",
        since
        | {
            "id": settled,
            "invoice": posted.id,
            "amount_paid": made["amount"],
            "currency": made["currency"],
            "status": "paid",
            "payment": {"type": "payment_intent", "payment_intent": intent},
            "status_transitions": {"paid_at": when},
        },
    )
    return charge


def plant_other_amount(ground: Ground, count: int) -> None:
    """PAY-AMT-01: the ERP booked a charge less its fee, or with another amount altogether.

    Booked too low it leaves the rest of the invoice open (INV-STAT-01). In another currency than
    that of the books its exchange difference would be off as well.
    """
    paid = [
        (posted, payment)
        for posted, payment in charged(ground)
        if posted.invoice["total"] >= _LEAST and Decimal(payment["exchangerate"]) == 1
    ]
    pools = dict.fromkeys(("fee_netted", "typed_too_low", "typed_too_high"), paid)
    for variant, chosen in ground.choose(count, pools, _subject):
        posted, payment = chosen
        charge, at = charge_of(chosen), ground.tick()
        amount = minor_of(payment["foreigntotal"], payment["currency"])
        delta = _delta(ground, charge, variant)
        _set_amount(ground, payment, amount + delta, at)
        ground.freeze(posted.who, posted.subject, f"charge:{charge}")
        ground.planted(
            ("stripe", charge), ("netsuite", payment["id"]), attribute="amount", variant=variant
        )
        if delta < 0:
            (link,) = applications(ground, posted.internal)
            applied = minor_of(link["foreignamount"], payment["currency"])
            leave_open(ground, posted, applied - amount - delta, at)
            ground.tell(wrong_status(posted, variant, caused_by=charge))


def _delta(ground: Ground, charge: str, variant: str) -> int:
    """By how much the ERP's amount is too high, minor units."""
    known = ground.store.get("stripe", "charge", charge)
    assert known is not None
    entry = ground.store.get("stripe", "balance_transaction", known["balance_transaction"])
    assert entry is not None
    if variant == "fee_netted":
        return -int(entry["fee"])
    typed = int(entry["fee"]) + ground.rng.randrange(7, 900)
    return typed if variant == "typed_too_high" else -typed


def _set_amount(ground: Ground, payment: Record, minor: int, at: int) -> None:
    """Give a payment another amount; what its invoice was booked at is left to the receivable."""
    bank, receivable, *_ = lines_of(ground, payment["id"])
    set_line(ground, payment, bank, -minor, at)
    set_line(ground, payment, receivable, minor, at)
    _, posting, *_ = postings = postings_of(ground, payment["id"])
    precision = base_precision(bank["subsidiary"])
    base = [int(Decimal(line["amount"]).scaleb(precision)) for line in postings]
    set_posting(ground, posting, base[1] - sum(base), bank["subsidiary"], at)
    text = text_of(minor, payment["currency"])
    ground.change("netsuite", "transaction", payment["id"], at, foreigntotal=text)
