"""INV-STAT and PAY-MISS: invoices and payments of which one system knows more than the other."""

from decimal import Decimal
from typing import Any

from extractors.sandbox.amounts import netsuite_time
from extractors.sandbox.drift.documents import (
    Posted,
    applications,
    posted_invoices,
    unlink,
)
from extractors.sandbox.drift.ground import SETTLED_DAYS, Ground, Truth, minor_of
from extractors.sandbox.ledger import Application, payment_rows
from extractors.sandbox.reference import BANK, period_id
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY, HOUR, moment


def _subject(posted: Posted) -> str:
    return posted.id


def plant_other_status(ground: Ground, count: int) -> None:
    """INV-STAT-01: void, paid or written off on one side, and not on the other, for days."""
    posted = posted_invoices(ground)
    unpaid = [p for p in posted if p.is_open and _finalized(p) < ground.now - 6 * DAY]
    pools = {
        "void_not_posted": unpaid,
        "wire_not_posted": unpaid,
        "paid_in_erp_only": unpaid,
        "written_off_in_billing": unpaid,
    }
    for variant, chosen in ground.choose(count, pools, _subject):
        _STATUSES[variant](ground, chosen, ground.tick())
        ground.freeze(chosen.who, chosen.subject)
        ground.planted(
            ("stripe", chosen.id),
            ("netsuite", chosen.internal),
            attribute="status",
            variant=variant,
        )


def _finalized(posted: Posted) -> int:
    return int(posted.invoice["status_transitions"]["finalized_at"])


def has_one_payment(ground: Ground, posted: Posted) -> bool:
    """Whether one payment, days old, settles the whole ERP invoice."""
    if not posted.is_paid:
        return False
    if len(applications(ground, posted.internal)) != 1:
        return False
    return ground.is_settled(payment_of(ground, posted)["lastmodifieddate"])


def payment_of(ground: Ground, posted: Posted) -> Record:
    """The one ERP payment of an invoice."""
    (link,) = applications(ground, posted.internal)
    payment = ground.store.get("netsuite", "transaction", link["nextdoc"])
    assert payment is not None
    return payment


def _some_time_since(ground: Ground, posted: Posted) -> int:
    """An instant after the invoice was posted and before the last days."""
    earliest = _finalized(posted) + 8 * HOUR
    return ground.rng.randrange(earliest, ground.now - SETTLED_DAYS * DAY)


def _reopen(ground: Ground, posted: Posted, at: int) -> None:
    """The ERP invoice counts as unpaid, as it did when it was posted."""
    ground.change(
        "netsuite",
        "transaction",
        posted.internal,
        at,
        status="A",
        foreignamountunpaid=posted.transaction["foreigntotal"],
        custbody_status_changed_at=posted.transaction["createddate"],
    )


def unapply(ground: Ground, posted: Posted, at: int) -> None:
    (link,) = applications(ground, posted.internal)
    unlink(ground, link)
    _reopen(ground, posted, at)


def _move(ground: Ground, posted: Posted, status: str, reached: str, **fields: Any) -> None:
    """Change the billing side, as of days ago."""
    transitions = posted.invoice["status_transitions"] | {reached: fields.pop("when")}
    changed = {"id": posted.id, "status": status, "status_transitions": transitions, **fields}
    ground.store.put("stripe", "invoice", changed)


def _void(ground: Ground, posted: Posted, at: int) -> None:
    del at
    _move(ground, posted, "void", "voided_at", when=_some_time_since(ground, posted))


def _write_off(ground: Ground, posted: Posted, at: int) -> None:
    del at
    when = _some_time_since(ground, posted)
    _move(ground, posted, "uncollectible", "marked_uncollectible_at", when=when)


def _wire(ground: Ground, posted: Posted, at: int) -> None:
    """Billing was told of a wire; the ERP was not."""
    del at
    when = _some_time_since(ground, posted)
    amount = posted.invoice["amount_remaining"]
    record = ground.store.new_id("stripe", "payment_record")
    ground.store.put(
        "stripe",
        "invoice_payment",
        {
            "id": ground.store.new_id("stripe", "invoice_payment"),
            "invoice": posted.id,
            "amount_paid": amount,
            "currency": posted.invoice["currency"],
            "status": "paid",
            "payment": {"type": "payment_record", "payment_record": record},
            "status_transitions": {"paid_at": when},
            "created": when,
        },
    )
    paid = {"amount_paid": amount, "amount_remaining": 0}
    _move(ground, posted, "paid", "paid_at", when=when, **paid)


def _pay_in_erp(ground: Ground, posted: Posted, at: int) -> None:
    """Money was applied in the ERP that billing does not know of."""
    when = _some_time_since(ground, posted)
    transaction = posted.transaction
    amount = minor_of(transaction["foreigntotal"], transaction["currency"])
    rate = Decimal(transaction["exchangerate"])
    internal = ground.store.new_id("netsuite", "transaction")
    trandate = moment(when).date()
    rows = payment_rows(
        internal_id=internal,
        tranid=f"PYMT-X{internal}",
        entity_id=transaction["entity"],
        subsidiary=posted.who.legal_entity.subsidiary_id,
        currency=transaction["currency"],
        exchange_rate=rate,
        trandate=trandate,
        period_id=period_id(trandate),
        externalid=None,
        amount_minor=amount,
        applied=[Application(posted.internal, amount, rate)],
        custbody={"memo": "Wire transfer"},
        at=moment(when),
        bank_account=BANK.id,
    )
    ground.add_rows(rows, at)
    ground.claim(posted.who, f"transaction:{internal}")
    changed = netsuite_time(moment(when))
    paid = {"status": "B", "foreignamountunpaid": "0", "custbody_status_changed_at": changed}
    ground.change("netsuite", "transaction", posted.internal, at, **paid)


_STATUSES = {
    "void_not_posted": _void,
    "wire_not_posted": _wire,
    "paid_in_erp_only": _pay_in_erp,
    "written_off_in_billing": _write_off,
}


def plant_payment_missing(ground: Ground, count: int) -> None:
    """PAY-MISS-01: the ERP has no payment for a charge; so its invoice stays open (INV-STAT-01)."""
    paid = charged(ground)
    mailed = [p for p in paid if p[0].invoice["collection_method"] == "send_invoice"]
    pools = {"card": [p for p in paid if p not in mailed], "bank_transfer": mailed}
    for variant, (posted, payment) in ground.choose(count, pools, lambda pair: pair[0].id):
        charge = payment["custbody_stripe_charge_id"]
        ground.store.delete("netsuite", "transaction", payment["id"])
        _reopen(ground, posted, ground.tick())
        ground.freeze(posted.who, posted.subject, f"charge:{charge}")
        ground.planted(("stripe", charge), variant=variant)
        ground.tell(wrong_status(posted, variant, caused_by=charge))


def wrong_status(posted: Posted, variant: str, *, caused_by: str) -> Truth:
    """INV-STAT-01 of an invoice whose state follows from another plant."""
    return Truth(
        "INV-STAT-01",
        "status",
        "stripe",
        posted.id,
        "netsuite",
        posted.internal,
        variant,
        planted=False,
        caused_by=caused_by,
    )


def charged(ground: Ground) -> list[tuple[Posted, Record]]:
    """Paid invoices with the one ERP payment that settles them, made for a Stripe charge."""
    found = []
    for posted in posted_invoices(ground):
        if not has_one_payment(ground, posted):
            continue
        payment = payment_of(ground, posted)
        charge = payment["custbody_stripe_charge_id"]
        if charge and charge not in ground.busy:
            found.append((posted, payment))
    return found
