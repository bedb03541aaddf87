"""What happens when a cardholder's bank takes money back: opened, then won or lost weeks later."""

from extractors.sandbox.reference import (
    BAD_DEBT,
    CLEARING,
    CURRENCIES,
    DISPUTED,
    exchange_rate,
    period_id,
)
from extractors.sandbox.settlement_ledger import Header, transfer_rows
from extractors.sandbox.stripe_balance import dispute_entry, dispute_of, reversal_entry, shown
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY, copy_lag, daytime, local_date, moment
from extractors.sandbox.world.state import World

_DISPUTED = 0.02
_WON = 0.4
_MOVES = {
    "opened": (DISPUTED.id, CLEARING.id),
    "won": (CLEARING.id, DISPUTED.id),
    "lost": (BAD_DEBT.id, DISPUTED.id),
}
"""Stage -> accounts that its journal debits and credits."""


def consider_dispute(world: World, at: int, charge: str, invoice: str) -> None:
    """Whether a cardholder will dispute a charge, days later."""
    rng = world.rng("dispute", charge)
    who = world.company_of(world.records.need("stripe", "invoice", invoice))
    if rng.random() < _DISPUTED and not who.is_scripted:
        opens_at = daytime(at + rng.randrange(3, 40) * DAY, rng)
        world.schedule(opens_at, "open_dispute", charge=charge, invoice=invoice)


def open_dispute(world: World, at: int, charge: str, invoice: str) -> None:
    """The money is withdrawn at once, with a fee that does not come back."""
    records = world.records
    charged = records.need("stripe", "charge", charge)
    if charged["amount_refunded"] or world.is_frozen_invoice(_invoice(world, invoice)):
        return
    key = records.new_id("stripe", "dispute")
    made = dispute_of(key, charged, charged["amount"], at)
    entry = dispute_entry(records.new_id("stripe", "balance_transaction"), made, at)
    moved = records.add("stripe", "balance_transaction", entry, at)
    world.facts.unswept.append(entry["id"])
    records.change("stripe", "charge", charge, at, disputed=True)
    reason = world.rng("why", charge).choice(("fraudulent", "product_not_received", "general"))
    told = {"balance_transactions": [shown(moved)], "reason": reason}
    records.add("stripe", "dispute", {**made, "status": "needs_response", **told}, at)
    _copy(world, at, key, invoice, "opened")
    ends_at = daytime(at + world.rng("dispute_end", charge).randrange(15, 60) * DAY, world.rng(key))
    world.schedule(ends_at, "close_dispute", dispute=key, invoice=invoice)


def _invoice(world: World, invoice: str) -> Record:
    return world.records.need("stripe", "invoice", invoice)


def close_dispute(world: World, at: int, dispute: str, invoice: str) -> None:
    """Won: the money comes back. Lost: it does not."""
    if world.is_frozen_invoice(_invoice(world, invoice)):
        return
    records = world.records
    known = records.need("stripe", "dispute", dispute)
    is_won = world.rng("won", dispute).random() < _WON
    fields: Record = {"status": "won" if is_won else "lost"}
    if is_won:
        entry = reversal_entry(records.new_id("stripe", "balance_transaction"), known, at)
        moved = records.add("stripe", "balance_transaction", entry, at)
        world.facts.unswept.append(entry["id"])
        fields["balance_transactions"] = [*known["balance_transactions"], shown(moved)]
    records.change("stripe", "dispute", dispute, at, **fields)
    _copy(world, at, dispute, invoice, fields["status"])


def _copy(world: World, at: int, dispute: str, invoice: str, stage: str) -> None:
    lands = at + copy_lag(at, world.rng("post_dispute", dispute, stage))
    world.schedule(lands, "post_dispute", dispute=dispute, invoice=invoice, stage=stage)


def post_dispute(world: World, at: int, dispute: str, invoice: str, stage: str) -> None:
    """The ERP moves the amount: out of clearing, then back into it or to bad debt."""
    record = world.records.need("stripe", "dispute", dispute)
    billed = _invoice(world, invoice)
    if world.is_frozen_invoice(billed):
        return
    header = _header(world, at, record, billed, stage)
    world.records.add_rows(transfer_rows(header, record["amount"], *_MOVES[stage]), at)


def _header(world: World, at: int, dispute: Record, invoice: Record, stage: str) -> Header:
    entity = world.company_of(invoice).legal_entity
    currency = dispute["currency"].upper()
    opened = local_date(dispute["created"], entity.timezone)
    trandate = opened if stage == "opened" else local_date(at, entity.timezone)
    thread = invoice["metadata"].get("q2c_correlation_id")
    mirrored = {"custbody_stripe_dispute_id": dispute["id"], "custbody_stripe_dispute_stage": stage}
    return Header(
        internal_id=world.records.new_id("netsuite", "transaction"),
        tranid=f"JE-DSP-{world.count('dispute'):05d}",
        entity_id=None,
        subsidiary=entity.subsidiary_id,
        currency=CURRENCIES[currency].id,
        # what a dispute moves comes back, or is lost, at the rate at which it was taken
        exchange_rate=exchange_rate(currency, entity.currency, opened),
        trandate=trandate,
        period_id=period_id(trandate),
        externalid=dispute["id"] if stage == "opened" else f"{dispute['id']}-{stage}",
        custbody={"memo": f"Dispute {stage}", **mirrored}
        | ({"custbody_q2c_correlation_id": thread} if thread else {}),
        at=moment(at),
    )
