"""Who the customers are, what they bought and what they were billed, before any record is made."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from extractors.sandbox.ids import salesforce_id, stripe_id
from extractors.sandbox.reference import (
    LEGAL_ENTITIES,
    PRODUCTS,
    LegalEntity,
    Product,
)
from extractors.sandbox.world.moments import DAY, moment
from extractors.sandbox.world.names import Identity, identity

MONTHS = 24
MONTH = 30.44 * DAY
TERMS = 30
_GROWTH = 0.6
_YEARLY_SHARE = 0.88
_BY_CARD_SHARE = 0.8
_ON_THE_FIRST_SHARE = 0.15
_UNPAID_SHARE = 0.06
_REFUNDED_SHARE = 0.02
# What one customer brings, as a first guess.
_ROWS_PER_CUSTOMER = 50


@dataclass(frozen=True)
class Sold:
    """A product and how many of it; `unit` is its price in minor units per billing period."""

    product: Product
    quantity: int
    unit: int

    @property
    def amount(self) -> int:
        return self.unit * self.quantity


@dataclass(frozen=True)
class Customer:
    """What is known of one customer before any record is made. Times are unix seconds."""

    number: int
    at: int
    entity: LegalEntity
    paper: Identity
    is_yearly: bool
    by_card: bool
    sold: tuple[Sold, ...]
    stages: tuple[str, ...]
    bills: tuple["Bill", ...]

    @property
    def currency(self) -> str:
        return self.entity.currency

    def tax_on(self, sold: Sold) -> int:
        return (sold.amount * int(self.entity.tax_rate) + 50) // 100

    @property
    def id(self) -> str:
        return stripe_id("customer", self.number)

    @property
    def account_id(self) -> str:
        return salesforce_id("Account", self.number)

    @property
    def erp_id(self) -> str:
        return str(self.number)


@dataclass(frozen=True)
class Bill:
    """An invoice: when it was made, when it was paid if it was, whether it was paid back."""

    at: int
    paid_at: int | None
    is_refunded: bool


def sized(records: int, seed: int, since: int, until: int) -> list[Customer]:
    """As many customers as it takes for so many records."""
    count = max(records // _ROWS_PER_CUSTOMER, 1)
    for _ in range(2):
        customers = _plan(count, seed, since, until)
        rows = sum(map(_rows_of, customers))
        count = max(round(count * records / rows), 1)
    return _plan(count, seed, since, until)


def _plan(count: int, seed: int, since: int, until: int) -> list[Customer]:
    chance = Random(f"{seed}:plan")
    return [_customer(number, count, chance, since, until) for number in range(1, count + 1)]


def _customer(number: int, count: int, chance: Random, since: int, until: int) -> Customer:
    at = since + int((until - since - DAY) * ((number - chance.random()) / count) ** _GROWTH)
    code = chance.choices(tuple(LEGAL_ENTITIES), (5, 2, 2, 1))[0]
    entity = LEGAL_ENTITIES[code]
    is_yearly = chance.random() < _YEARLY_SHARE
    by_card = chance.random() < _BY_CARD_SHARE
    months = 10 if is_yearly else 1
    sold = tuple(
        Sold(
            product,
            chance.randrange(5, 250) if product.is_seat else 1,
            product.monthly[entity.currency] * months,
        )
        for product in chance.sample(
            PRODUCTS, chance.choices((1, 2, 3, 5, 14), (50, 25, 15, 9, 1))[0]
        )
    )
    lost = chance.choices(
        ("Closed Lost", "Qualification", "Proposal"), (6, 1, 1), k=chance.randrange(6)
    )
    return Customer(
        number,
        at,
        entity,
        identity(code, number, 0, chance),
        is_yearly,
        by_card,
        sold,
        ("Closed Won", *lost),
        tuple(_bills(at, chance, until, is_yearly=is_yearly, by_card=by_card)),
    )


def _bills(
    at: int, chance: Random, until: int, *, is_yearly: bool, by_card: bool
) -> Iterator[Bill]:
    on_the_first = chance.random() < _ON_THE_FIRST_SHARE
    started = moment(at).replace(hour=0, minute=0, second=0)
    for cycle in range(MONTHS * 2):
        made = at + int(cycle * MONTH * (12 if is_yearly else 1))
        if on_the_first and cycle:
            made = first_of_month(started, cycle * (12 if is_yearly else 1))
        if made >= until - DAY // 4:
            return
        wait = 60 if by_card else chance.randrange(3 * DAY, 28 * DAY)
        is_paid = chance.random() >= _UNPAID_SHARE and made + wait < until - DAY // 8
        is_refunded = is_paid and by_card and chance.random() < _REFUNDED_SHARE
        yield Bill(made, made + wait if is_paid else None, is_refunded)


def first_of_month(started: datetime, months: int) -> int:
    index = started.year * 12 + started.month - 1 + months
    return int(datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC).timestamp())


def _rows_of(customer: Customer) -> int:
    """How many records one customer brings."""
    lines = len(customer.sold)
    paid = sum(bill.paid_at is not None for bill in customer.bills)
    refunded = sum(bill.is_refunded for bill in customer.bills)
    ledger_lines = lines + 1 + (customer.entity.tax_rate > 0)
    crm = 3 + len(customer.stages) + lines
    stripe = 2 + len(customer.bills) + (4 if customer.by_card else 1) * paid + 2 * refunded
    erp = 1 + len(customer.bills) * (1 + 2 * ledger_lines) + paid * 6
    return crm + stripe + erp
