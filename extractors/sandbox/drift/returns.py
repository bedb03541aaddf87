"""PAY-RET: charges that succeeded, are posted, and whose money went back to the payer's bank."""

from extractors.sandbox.drift.ground import SETTLED_DAYS, Ground
from extractors.sandbox.drift.payments import Paid, charge_again, charge_of, paid_at
from extractors.sandbox.drift.settlement import charged, open_again, wrong_status
from extractors.sandbox.stripe_balance import failure_entry
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY, HOUR

_RECENT_DAYS = 60
_BACK_DAYS = SETTLED_DAYS + 1


def plant_returned(ground: Ground, count: int) -> None:
    """PAY-RET-01: a debit that the bank took back, a card payment reversed, an invoice paid again.

    The invoice is open in billing again and paid in the ERP (INV-STAT-01); paid again it is the
    second charge that the ERP lacks (PAY-MISS-01).
    """
    recent = [p for p in charged(ground) if _is_recent(ground, p)]
    debits = [p for p in recent if p[0].invoice["collection_method"] == "send_invoice"]
    cards = [p for p in recent if p not in debits]
    pools = {"debit_returned": debits, "card_reversed": cards, "paid_again": recent}
    for variant, paid in ground.choose(count, pools, lambda pair: pair[0].id):
        posted, payment = paid
        charge = charge_of(paid)
        back_at = ground.rng.randrange(paid_at(paid) + HOUR, ground.now - _BACK_DAYS * DAY)
        ground.freeze(posted.who, posted.subject, f"charge:{charge}")
        ground.planted(("stripe", charge), ("netsuite", payment["id"]), variant=variant)
        if variant == "paid_again":
            second = charge_again(ground, paid, since=back_at)
            ground.follows("PAY-MISS-01", ("stripe", second), variant=variant, caused_by=second)
        else:
            open_again(ground, posted)
            ground.tell(wrong_status(posted, variant, caused_by=charge))
        _give_back(ground, charge, back_at)


def _is_recent(ground: Ground, paid: Paid) -> bool:
    """Paid weeks ago at most, long enough to come back since, and never asked back otherwise."""
    charge = ground.store.get("stripe", "charge", charge_of(paid))
    assert charge is not None
    is_whole = not charge["amount_refunded"] and not charge.get("disputed")
    days = (ground.now - paid_at(paid)) / DAY
    return is_whole and _BACK_DAYS + 1 < days < _RECENT_DAYS


def _give_back(ground: Ground, charge: str, at: int) -> None:
    store = ground.store
    known = store.get("stripe", "charge", charge)
    assert known is not None
    entry = failure_entry(store.new_id("stripe", "balance_transaction"), known, at)
    store.put("stripe", "balance_transaction", entry)
    failed = {"status": "failed", "paid": False, "failure_balance_transaction": entry["id"]}
    store.put("stripe", "charge", known | failed)
    intent = store.get("stripe", "payment_intent", known["payment_intent"])
    assert intent is not None
    store.put("stripe", "payment_intent", intent | {"status": "requires_payment_method"})
    for settled in _settled_by(ground, known["payment_intent"]):
        store.put("stripe", "invoice_payment", settled | {"status": "canceled"})


def _settled_by(ground: Ground, intent: str) -> list[Record]:
    rows = ground.store.rows("stripe", "invoice_payment")
    return [row for row in rows if row["payment"].get("payment_intent") == intent]
