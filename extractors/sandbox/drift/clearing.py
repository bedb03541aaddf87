"""PYT-CLR: entries on the ERP's clearing account that no payout will ever take up."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.ledger import Entry, Rows, payment_rows
from extractors.sandbox.reference import BANK, CLEARING, CURRENCIES, exchange_rate, period_id
from extractors.sandbox.settlement_ledger import Header, transfer_rows
from extractors.sandbox.world.moments import moment
from extractors.sandbox.world.state import Company


def plant_unidentified(ground: Ground, count: int) -> None:
    """PYT-CLR-01: a journal, a customer's wire or a deposit by hand that names nothing."""
    hosts = [w for w in ground.facts.companies if w.erp_id and ground.is_free_company(w)]
    pools = dict.fromkeys(_ENTRIES, hosts)
    for variant, who in ground.choose(count, pools, lambda who: f"{who.number:06d}"):
        entered = ground.days_ago(9, 25)
        internal = ground.store.new_id("netsuite", "transaction")
        amount = ground.rng.randrange(12_001, 90_000)
        rows = _ENTRIES[variant](who, internal, amount, entered)
        ground.add_rows(rows, ground.tick())
        ground.claim(who, f"transaction:{internal}")
        ground.planted(("netsuite", internal), variant=variant)


def _header(who: Company, internal: str, entered: int) -> Header:
    entity, on = who.legal_entity, moment(entered).date()
    return Header(
        internal_id=internal,
        tranid=f"CLR-X{internal}",
        entity_id=None,
        subsidiary=entity.subsidiary_id,
        currency=CURRENCIES[entity.currency].id,
        exchange_rate=Decimal(1),
        trandate=on,
        period_id=period_id(on),
        externalid=None,
        custbody={"memo": "To be cleared"},
        at=moment(entered),
    )


def _journal(who: Company, internal: str, amount: int, entered: int) -> Rows:
    return transfer_rows(_header(who, internal, entered), amount, CLEARING.id, BANK.id)


def _deposit(who: Company, internal: str, amount: int, entered: int) -> Rows:
    header = _header(who, internal, entered)
    document = header.document
    entry = Entry(document)
    entry.add(BANK.id, amount, document.base(amount), mainline="T")
    entry.add(CLEARING.id, -amount, -document.base(amount))
    return header.rows("Deposit", entry, foreigntotal=document.text(amount))


def _payment(who: Company, internal: str, amount: int, entered: int) -> Rows:
    """A customer's wire, on account, booked where card money goes."""
    currency, on = next(iter(who.customers)), moment(entered).date()
    return payment_rows(
        internal_id=internal,
        tranid=f"PYMT-X{internal}",
        entity_id=who.erp_id or "",
        subsidiary=who.legal_entity.subsidiary_id,
        currency=CURRENCIES[currency].id,
        exchange_rate=_rate(currency, who, on),
        trandate=on,
        period_id=period_id(on),
        externalid=None,
        amount_minor=amount,
        applied=[],
        custbody={"memo": "Wire transfer"},
        at=moment(entered),
    )


def _rate(currency: str, who: Company, on: date) -> Decimal:
    return exchange_rate(currency, who.legal_entity.currency, on)


_ENTRIES: dict[str, Callable[[Company, str, int, int], Rows]] = {
    "journal_by_hand": _journal,
    "payment_by_hand": _payment,
    "deposit_by_hand": _deposit,
}
