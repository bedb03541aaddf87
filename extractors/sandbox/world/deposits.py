"""What happens when a payout has come to the bank: the ERP deposits it out of card clearing."""

from collections import defaultdict
from decimal import Decimal

from extractors.sandbox.reference import CURRENCIES, LEGAL_ENTITIES, LegalEntity, period_id
from extractors.sandbox.settlement_ledger import Banked, Header, deposit_rows
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import copy_lag, local_date, moment
from extractors.sandbox.world.state import World

_TREASURER = {entity.currency: entity for entity in LEGAL_ENTITIES.values()}
"""Currency -> the company that has the bank account of payouts in it, whoever sold."""


def schedule_deposit(world: World, at: int, payout: str) -> None:
    """Finance books the payout in the night after it came."""
    lag = copy_lag(at, world.rng("deposit", payout))
    world.schedule(at + lag, "deposit_payout", payout=payout)


def deposit_payout(world: World, at: int, payout: str) -> None:
    """A deposit by payout id, with its members and the fees that were kept back."""
    members = world.facts.paid_out.pop(payout, None)
    if members is None:
        return
    records = world.records
    entries = [records.need("stripe", "balance_transaction", key) for key in members]
    fees: dict[str, int] = defaultdict(int)
    for entry in entries:
        for detail in entry.get("fee_details") or ():
            fees[detail["description"]] += detail["amount"]
    banked = [_banked(world, entry) for entry in entries]
    record = records.need("stripe", "payout", payout)
    records.add_rows(deposit_rows(_header(world, at, record), banked, fees), at)


def _banked(world: World, entry: Record) -> Banked:
    source = str(entry["source"])
    member = world.facts.undeposited.pop(source, None)
    if member is not None and world.records.get("netsuite", "transaction", member) is None:
        member = None
    return Banked(entry["id"], source, entry["amount"], member)


def _header(world: World, at: int, payout: Record) -> Header:
    currency = payout["currency"].upper()
    entity: LegalEntity = _TREASURER[currency]
    trandate = local_date(payout["arrival_date"], "UTC")
    return Header(
        internal_id=world.records.new_id("netsuite", "transaction"),
        tranid=f"DEP{world.count('deposit'):06d}",
        entity_id=None,
        subsidiary=entity.subsidiary_id,
        currency=CURRENCIES[currency].id,
        exchange_rate=Decimal(1),
        trandate=trandate,
        period_id=period_id(trandate),
        externalid=payout["id"],
        custbody={"custbody_stripe_payout_id": payout["id"]},
        at=moment(at),
    )
