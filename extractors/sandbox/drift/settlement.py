"""INV-STAT and PAY-MISS: invoices and payments of which one system knows more than the other."""

from typing import Any

from extractors.sandbox.drift.documents import (
    Posted,
    applications,
    posted_invoices,
    unlink,
)
from extractors.sandbox.drift.ground import SETTLED_DAYS, Ground, Truth
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY, HOUR


def _subject(posted: Posted) -> str:
    return posted.id


def plant_other_status(ground: Ground, count: int) -> None:
    """INV-STAT-01: void, paid or written off on one side, and not on the other, for days."""
    posted = posted_invoices(ground)
    unpaid = [p for p in posted if p.is_open and finalized(p) < ground.now - 6 * DAY]
    pools = {
        "void_not_posted": unpaid,
        "wire_not_posted": unpaid,
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


def finalized(posted: Posted) -> int:
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


def open_again(ground: Ground, posted: Posted) -> None:
    """Billing asks for a paid invoice again, as if nothing had come."""
    invoice = posted.invoice
    transitions = invoice["status_transitions"] | {"paid_at": None}
    unpaid = {"amount_paid": 0, "amount_remaining": invoice["amount_paid"], "status": "open"}
    ground.store.put("stripe", "invoice", invoice | unpaid | {"status_transitions": transitions})


def _some_time_since(ground: Ground, posted: Posted) -> int:
    """An instant after the invoice was posted and before the last days."""
    earliest = finalized(posted) + 8 * HOUR
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


_STATUSES = {
    "void_not_posted": _void,
    "wire_not_posted": _wire,
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
