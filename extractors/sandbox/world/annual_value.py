"""What the CRM says of each account's recurring revenue: a roll-up of its signed contracts.

It counts what is signed at the prices of the lines, before discounts and tiers, also what begins
later; of the steps of a line only the one in force, or else the next.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal

from extractors.sandbox.amounts import decimal_text, rounded
from extractors.sandbox.reference import CURRENCIES, LEGAL_ENTITIES, exchange_rate
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY, YEAR_MONTHS, local_date
from extractors.sandbox.world.state import World

FIELD = "ARR__c"

_RATED_ON = date(2024, 1, 1)
"""The CRM converts other currencies at rates that somebody typed in long ago."""

Rows = Callable[[str], Iterable[Record]]


def roll_up(world: World, at: int) -> None:
    """Bring the accounts in step with their contracts, shortly before each night."""
    records = world.records
    changes = list(changed(lambda kind: records.rows("salesforce", kind), at))
    for account, value in changes:
        if not world.is_frozen("arr", account):
            records.change("salesforce", "Account", account, at, **{FIELD: value})
    world.schedule(at + DAY, "roll_up")


def changed(rows: Rows, at: int) -> Iterator[tuple[str, str | None]]:
    """(account, its new value) of the accounts that say something else."""
    lines = _by_contract(rows("Contract_Line__c"))
    contracts = defaultdict(list)
    for contract in rows("Contract"):
        if not contract["IsDeleted"]:
            contracts[contract["AccountId"]].append(contract)
    for account in list(rows("Account")):
        signed = contracts.get(account["Id"])
        value = _value(account, signed, lines, at) if signed else None
        if _number(value) != _number(account.get(FIELD)):
            yield account["Id"], value


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _by_contract(lines: Iterable[Record]) -> dict[str, list[Record]]:
    grouped = defaultdict(list)
    for line in lines:
        if not line["IsDeleted"]:
            grouped[line["Contract__c"]].append(line)
    return grouped


def _value(
    account: Record, contracts: list[Record], lines: dict[str, list[Record]], at: int
) -> str:
    currency = CURRENCIES[account["CurrencyIsoCode"]]
    total = Decimal(0)
    for contract in contracts:
        if contract["Status"] == "Activated":
            today = local_date(at, LEGAL_ENTITIES[contract["Legal_Entity__c"]].timezone)
            total += sum(map(yearly, counted(lines.get(contract["Id"], []), today.isoformat()))) * (
                exchange_rate(contract["CurrencyIsoCode"], account["CurrencyIsoCode"], _RATED_ON)
            )
    return decimal_text(rounded(total.scaleb(currency.precision)), currency.precision)


def counted(lines: Iterable[Record], today: str) -> Iterator[Record]:
    """Of each product of a contract the lines in force, or else those that begin next."""
    by_product = defaultdict(list)
    for line in lines:
        if line["End_Date__c"] >= today:
            by_product[line["Product__c"]].append(line)
    for same in by_product.values():
        first = min(line["Start_Date__c"] for line in same)
        yield from (line for line in same if line["Start_Date__c"] <= max(first, today))


def yearly(line: Record) -> Decimal:
    """What a line costs in a year before discounts, in units of its currency."""
    periods = 1 if line["Price_Period__c"] == "Year" else YEAR_MONTHS
    return Decimal(line["Unit_Price__c"]) * Decimal(line["Quantity__c"]) * periods
