"""What all generated populations have in common: the price grid, customers, ids and days."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

Row = dict[str, Any]

FIRST_DAY = date(2025, 7, 1)
MONTHS = 12
_PRICES = (2_900, 4_900, 9_900)
_SEATS = (1, 1, 1, 2, 2, 3, 5, 5, 10, 10, 20, 25)
_CURRENCIES = ("USD", "USD", "USD", "EUR", "GBP", "JPY")


@dataclass
class Labelled:
    """Both populations and which pairs (left id, right id) belong together."""

    left: list[Row] = field(default_factory=list)
    right: list[Row] = field(default_factory=list)
    truth: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True)
class Customer:
    """Pays the same every month, in one currency."""

    id: str
    currency: str
    amount_minor: int


def customers(rng: Random, count: int) -> list[Customer]:
    return [
        Customer(
            id=f"c{number:05d}",
            currency=rng.choice(_CURRENCIES),
            amount_minor=rng.choice(_PRICES) * rng.choice(_SEATS),
        )
        for number in range(count)
    ]


def months(rng: Random) -> list[date]:
    """The same day of each month."""
    day = rng.randrange(28)
    return [FIRST_DAY + timedelta(days=day + 30 * month) for month in range(MONTHS)]


def record(item_id: str, currency: str, amount_minor: int, on: date, **fields: Any) -> Row:
    return {
        "item_id": item_id,
        "currency": currency,
        "amount_minor": amount_minor,
        "item_date": on,
        "party": None,
        "reference_keys": [],
        "document_numbers": [],
        "group_keys": [],
        **fields,
    }


def days_later(rng: Random, on: date, first: int, last: int) -> date:
    return on + timedelta(days=rng.randint(first, last))
