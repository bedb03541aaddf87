"""What happens to money that goes back: a refund in Stripe, and a customer refund in the ERP."""

from decimal import Decimal

from extractors.sandbox.amounts import netsuite_time
from extractors.sandbox.ledger import Application
from extractors.sandbox.reference import (
    BANK,
    CLEARING,
    CURRENCY_BY_ID,
    ENTITY_BY_SUBSIDIARY,
    exchange_rate,
    period_id,
)
from extractors.sandbox.settlement_ledger import Header, refund_rows
from extractors.sandbox.stripe_balance import refund_entry, refund_of
from extractors.sandbox.tables import Record
from extractors.sandbox.world.erp_amounts import minor_of
from extractors.sandbox.world.moments import MINUTE, local_date, moment
from extractors.sandbox.world.state import World


def refund_charge(world: World, at: int, charge: Record, amount: int) -> str:
    """Give back part of a charge or all of it; its fee is not returned."""
    records = world.records
    entry = records.new_id("stripe", "balance_transaction")
    made = refund_of(records.new_id("stripe", "refund"), entry, charge, amount)
    refund = records.add("stripe", "refund", made, at)
    records.add("stripe", "balance_transaction", refund_entry(entry, refund, at), at)
    world.facts.unswept.append(entry)
    refunded = charge["amount_refunded"] + amount
    records.change("stripe", "charge", charge["id"], at, amount_refunded=refunded)
    return str(made["id"])


def schedule_refund(world: World, at: int, note: Record, memo: str) -> None:
    """The ERP pays out a credit memo, minutes after it has it."""
    link = next(iter(note["refunds"]), None)
    refund = link["refund"] if link else None
    later = at + world.rng("post_refund", note["id"]).randrange(3, 20) * MINUTE
    world.schedule(later, "post_refund", invoice=note["invoice"], memo=memo, refund=refund)


def post_refund(world: World, at: int, invoice: str, memo: str, refund: str | None) -> None:
    """By the card where Stripe gave the money back, else by the bank."""
    billed = world.records.need("stripe", "invoice", invoice)
    credit = world.records.get("netsuite", "transaction", memo)
    if credit is None or world.is_frozen_invoice(billed):
        return
    amount = -minor_of(credit["foreignamountunpaid"], credit["currency"])
    header = _header(world, at, credit, refund)
    part = Application(memo, amount, Decimal(credit["exchangerate"]))
    account = CLEARING.id if refund else BANK.id
    world.records.add_rows(refund_rows(header, part, account), at)
    if refund:
        world.facts.undeposited[refund] = header.internal_id
    used = {"status": "B", "foreignamountunpaid": "0"}
    used["custbody_status_changed_at"] = netsuite_time(moment(at))
    world.records.change("netsuite", "transaction", memo, at, **used)


def _header(world: World, at: int, credit: Record, refund: str | None) -> Header:
    main = world.records.need("netsuite", "transactionline", (str(credit["id"]), "0"))
    entity = ENTITY_BY_SUBSIDIARY[main["subsidiary"]]
    given = world.records.need("stripe", "refund", refund) if refund else {"created": at}
    trandate = local_date(given["created"], entity.timezone)
    currency = CURRENCY_BY_ID[credit["currency"]].code
    thread = credit.get("custbody_q2c_correlation_id")
    mirrored = {"memo": "Wire transfer"}
    if refund:
        mirrored = {"custbody_stripe_refund_id": refund}
        mirrored["custbody_stripe_charge_id"] = given["charge"]
    return Header(
        internal_id=world.records.new_id("netsuite", "transaction"),
        tranid=f"RFND{world.count('refund'):06d}",
        entity_id=credit["entity"],
        subsidiary=entity.subsidiary_id,
        currency=credit["currency"],
        exchange_rate=exchange_rate(currency, entity.currency, trandate),
        trandate=trandate,
        period_id=period_id(trandate),
        externalid=refund,
        custbody=mirrored | ({"custbody_q2c_correlation_id": thread} if thread else {}),
        at=moment(at),
    )
