"""What happens to a customer's balance: the next invoice takes what credit notes left on it."""

from typing import Any

from extractors.sandbox.amounts import netsuite_time
from extractors.sandbox.tables import Record
from extractors.sandbox.world.erp_amounts import lower_invoice, minor_of, text_of
from extractors.sandbox.world.moments import MINUTE, moment
from extractors.sandbox.world.state import World


def take_balance(world: World, at: int, invoice: str) -> None:
    """A finalized invoice asks for less by what the customer has with us."""
    records = world.records
    record = records.need("stripe", "invoice", invoice)
    customer = records.need("stripe", "customer", record["customer"])
    balance = customer.get("balance", 0)
    taken = min(-balance, record["total"])
    if taken <= 0:
        return
    left = record["total"] - taken
    fields: dict[str, Any] = {
        "amount_due": left,
        "amount_remaining": left,
        "starting_balance": balance,
        "ending_balance": balance + taken,
    }
    if not left:
        reached = record["status_transitions"] | {"paid_at": at}
        fields |= {"status": "paid", "status_transitions": reached}
    records.change("stripe", "customer", customer["id"], at, balance=balance + taken)
    records.change("stripe", "invoice", invoice, at, **fields)
    applies_at = world.facts.posting_at[invoice] + 10 * MINUTE
    world.schedule(applies_at, "apply_balance", invoice=invoice)


def apply_balance(world: World, at: int, invoice: str) -> None:
    """The ERP applies the open credit memos of the customer, the oldest first."""
    record = world.records.need("stripe", "invoice", invoice)
    if world.is_frozen_invoice(record):
        return
    left = record["ending_balance"] - record["starting_balance"]
    waiting = world.facts.open_credits.get(record["customer"], [])
    while left and waiting and invoice in world.facts.erp_invoices:
        applied, is_used_up = _apply(world, at, waiting[0], invoice, left)
        left -= applied
        if is_used_up:
            waiting.pop(0)
        if not applied:
            return


def _apply(world: World, at: int, memo: str, invoice: str, most: int) -> tuple[int, bool]:
    """What of a memo was applied to an invoice, and whether nothing of it is left."""
    records = world.records
    credit = records.get("netsuite", "transaction", memo)
    if credit is None:
        return 0, True
    internal = world.facts.erp_invoices[invoice]
    is_open = -minor_of(credit["foreignamountunpaid"], credit["currency"])
    part = lower_invoice(world, at, invoice, internal, min(most, is_open))
    amount = part.amount_minor
    if amount:
        records.add("netsuite", "previoustransactionlinelink", _link(credit, internal, amount), at)
    left = is_open - amount
    changed = {"foreignamountunpaid": text_of(-left, credit["currency"])}
    changed["status"] = "A" if left else "B"
    changed["custbody_status_changed_at"] = netsuite_time(moment(at))
    records.change("netsuite", "transaction", memo, at, **changed)
    return amount, not left


def _link(credit: Record, internal: str, amount: int) -> Record:
    return {
        "previousdoc": internal,
        "previousline": "0",
        "nextdoc": credit["id"],
        "nextline": "0",
        "foreignamount": text_of(amount, credit["currency"]),
        "linktype": "Payment",
    }
