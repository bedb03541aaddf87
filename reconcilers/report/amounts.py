"""Writes amounts for people; the only place of the report where minor units become decimals."""

from collections.abc import Mapping
from decimal import Decimal


def amount(minor: int | None, currency: str, exponents: Mapping[str, int]) -> str:
    """'1,234.56 EUR'; an unknown currency stays in minor units and says so."""
    if minor is None:
        return ""
    if currency not in exponents:
        return f"{minor:,} minor units {currency}".strip()
    exponent = exponents[currency]
    return f"{Decimal(minor).scaleb(-exponent):,.{exponent}f} {currency}"


def whole(minor: int, currency: str, exponents: Mapping[str, int]) -> str:
    """The amount without its minor units, for headlines: '1,235 EUR'."""
    exponent = exponents.get(currency, 0)
    return f"{Decimal(minor).scaleb(-exponent):,.0f} {currency}"


def percent(share: float | None) -> str:
    """'99.97 %'. Never shows 100 % for less than all."""
    if share is None:
        return "none due"
    if share < 1 and round(share * 100, 2) == 100:  # noqa: PLR2004
        return "99.99 %"
    return f"{share * 100:.2f} %"
