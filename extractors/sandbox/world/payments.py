"""What happens to money: card charges, bank transfers through Stripe, and wires beside it."""

from typing import Any

from extractors.sandbox.stripe_money import DECLINED, decline_of
from extractors.sandbox.tables import Record
from extractors.sandbox.world.balance import enter_charge
from extractors.sandbox.world.disputes import consider_dispute
from extractors.sandbox.world.moments import DAY, MINUTE, copy_lag, daytime, is_daytime
from extractors.sandbox.world.state import Company, World, subscription_of

_FAILING = {1: 0.03, 2: 0.15}
"""Share of card charges that fail, by attempt; the third always succeeds."""
_RETRY_DAYS = 3
_LATE = 0.06
_IN_TWO_PARTS = 0.05


def collect(world: World, at: int, invoice: str, who: Company) -> None:
    """Charge the card at once, or expect the money when this customer pays."""
    if who.pay_by == "card":
        charge_card(world, at, invoice, 1, world.records.new_id("stripe", "payment_intent"))
        return
    rng = world.rng("pays", invoice)
    if rng.random() < _LATE and not who.is_scripted:
        pays_at = daytime(at + (who.terms + rng.randrange(3, 25)) * DAY, rng)
    else:
        pays_at = at + rng.randrange(5 * DAY, max(who.terms - 4, 6) * DAY)
    in_two_parts = who.pay_by == "wire" and rng.random() < _IN_TWO_PARTS and not who.is_scripted
    told = who.quirks.get("pays_at")
    if told is not None and at < told <= at + who.terms * DAY:
        pays_at, in_two_parts = told, "in_two_parts" in who.quirks
    if who.pay_by == "transfer":
        world.schedule(pays_at, "begin_transfer", invoice=invoice)
        return
    if in_two_parts:
        first = told if told == pays_at else daytime(pays_at, rng)
        world.schedule(first, "wire", invoice=invoice, share=rng.randrange(30, 70))
        pays_at = daytime(first + rng.randrange(6, 12) * DAY, rng)
    world.schedule(pays_at, "wire", invoice=invoice, share=100)


def _open_invoice(world: World, invoice: str) -> Record | None:
    """The invoice, if it still waits for money and no planted drift depends on it."""
    record = world.records.need("stripe", "invoice", invoice)
    is_open = record["status"] == "open" and not world.is_frozen_invoice(record)
    return record if is_open else None


def charge_card(world: World, at: int, invoice: str, attempt: int, intent: str) -> None:
    """Try the card; a failure makes the subscription past due and is tried again days later."""
    record = _open_invoice(world, invoice)
    if record is None:
        return
    if not _card_fails(world, at, record, attempt):
        charge = _add_charge(world, at, record, intent, "succeeded")
        _settle(
            world, at, record, record["amount_remaining"], paid_by=_by_intent(intent), charge=charge
        )
        consider_dispute(world, at, charge, invoice)
        return
    _add_charge(world, at, record, intent, "failed")
    tried = {"attempted": True, "attempt_count": attempt}
    world.records.change("stripe", "invoice", invoice, at, **tried)
    subscription = subscription_of(record)
    late = world.facts.late.setdefault(subscription, [])
    if invoice not in late:
        late.append(invoice)
    world.schedule(at, "set_standing", subscription=subscription, status="past_due")
    again = daytime(at + _RETRY_DAYS * DAY, world.rng("retry", invoice, attempt))
    world.schedule(again, "charge_card", invoice=invoice, attempt=attempt + 1, intent=intent)


def _card_fails(world: World, at: int, invoice: Record, attempt: int) -> bool:
    who = world.company_of(invoice)
    if who.is_scripted:
        return who.quirks.get("card_fails_from", at + 1) <= at < who.quirks["card_fails_until"]
    chance = world.rng("card", invoice["id"], attempt).random()
    return is_daytime(at) and chance < _FAILING.get(attempt, 0)


def begin_transfer(world: World, at: int, invoice: str) -> None:
    """The customer starts a bank transfer; the money takes some days."""
    record = _open_invoice(world, invoice)
    if record is None:
        return
    intent = world.records.new_id("stripe", "payment_intent")
    charge = _add_charge(world, at, record, intent, "pending")
    rng = world.rng("transfer", invoice)
    arrives = daytime(at + rng.randrange(2, 5) * DAY, rng)
    world.schedule(arrives, "end_transfer", invoice=invoice, intent=intent, charge=charge)


def end_transfer(world: World, at: int, invoice: str, intent: str, charge: str) -> None:
    record = _open_invoice(world, invoice)
    if record is None:
        return
    fields: Record = {"status": "succeeded", "paid": True}
    fields["balance_transaction"] = world.records.new_id("stripe", "balance_transaction")
    enter_charge(world, world.records.change("stripe", "charge", charge, at, **fields), at)
    _note_intent(world, at, record, intent=intent, charge=charge, status="succeeded")
    _settle(
        world, at, record, record["amount_remaining"], paid_by=_by_intent(intent), charge=charge
    )


def wire(world: World, at: int, invoice: str, share: int) -> None:
    """Money arrives at the bank; billing is told that `share` percent of the rest is paid."""
    record = _open_invoice(world, invoice)
    if record is None:
        return
    amount = record["amount_remaining"] * share // 100
    paid_by = {
        "type": "payment_record",
        "payment_record": world.records.new_id("stripe", "payment_record"),
    }
    _settle(world, at, record, amount, paid_by=paid_by, charge=None)


def _by_intent(intent: str) -> dict[str, str]:
    return {"type": "payment_intent", "payment_intent": intent}


def _add_charge(world: World, at: int, invoice: Record, intent: str, status: str) -> str:
    records = world.records
    charge = records.new_id("stripe", "charge")
    is_paid = status == "succeeded"
    fields: Record = {
        "id": charge,
        "amount": invoice["amount_remaining"],
        "amount_refunded": 0,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "status": status,
        "paid": is_paid,
        "payment_intent": intent,
        "balance_transaction": (
            records.new_id("stripe", "balance_transaction") if is_paid else None
        ),
        "metadata": {},
    }
    if status == "failed":
        fields |= DECLINED
    made = records.add("stripe", "charge", fields, at)
    if is_paid:
        enter_charge(world, made, at)
    _note_intent(world, at, invoice, intent=intent, charge=charge, status=status)
    return charge


_INTENT_STATUS = {
    "failed": "requires_payment_method",
    "pending": "processing",
    "succeeded": "succeeded",
}


def _note_intent(
    world: World, at: int, invoice: Record, *, intent: str, charge: str, status: str
) -> None:
    """Keep the payment intent, which stays the same through all attempts, in step."""
    amount = invoice["amount_remaining"]
    fields: Record = {
        "amount_received": amount if status == "succeeded" else 0,
        "last_payment_error": decline_of(charge) if status == "failed" else None,
        "latest_charge": charge,
        "status": _INTENT_STATUS[status],
    }
    if world.records.get("stripe", "payment_intent", intent) is not None:
        world.records.change("stripe", "payment_intent", intent, at, **fields)
        return
    of = {"amount": amount, "invoice": invoice["id"]}
    of |= {name: invoice[name] for name in ("currency", "customer")}
    world.records.add("stripe", "payment_intent", {"id": intent, **of, **fields}, at)


def _settle(
    world: World,
    at: int,
    invoice: Record,
    amount: int,
    *,
    paid_by: dict[str, str],
    charge: str | None,
) -> None:
    """Book a payment on the invoice, and let the ERP have it after the invoice itself."""
    records = world.records
    made = {
        "id": records.new_id("stripe", "invoice_payment"),
        "invoice": invoice["id"],
        "amount_paid": amount,
        "currency": invoice["currency"],
        "status": "paid",
        "payment": paid_by,
        "status_transitions": {"paid_at": at},
    }
    records.add("stripe", "invoice_payment", made, at)
    left = invoice["amount_remaining"] - amount
    fields: dict[str, Any] = {
        "amount_paid": invoice["amount_paid"] + amount,
        "amount_remaining": left,
        "attempted": True,
        "attempt_count": invoice.get("attempt_count", 0) + (charge is not None),
    }
    if not left:
        transitions = invoice["status_transitions"] | {"paid_at": at}
        fields |= {"status": "paid", "status_transitions": transitions}
        _recover(world, at, invoice)
    records.change("stripe", "invoice", invoice["id"], at, **fields)
    rng = world.rng("post_payment", made["id"])
    posted = world.facts.posting_at[invoice["id"]] + rng.randrange(5, 40) * MINUTE
    lands = max(at + copy_lag(at, rng), posted)
    world.schedule(
        lands, "post_payment", invoice=invoice["id"], amount=amount, charge=charge, paid_at=at
    )


def _recover(world: World, at: int, invoice: Record) -> None:
    subscription = subscription_of(invoice)
    late = world.facts.late.get(subscription, [])
    if invoice["id"] in late:
        late.remove(invoice["id"])
        if not late:
            world.schedule(at, "set_standing", subscription=subscription, status="active")
