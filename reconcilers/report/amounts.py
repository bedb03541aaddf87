"""Writes amounts for people; the only place of the report where minor units become decimals."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

# Attributes whose expected and observed values are minor units, whatever stands behind a colon, and
# classes of which that is so where they name no attribute.
MONEY_ATTRIBUTES = frozenset({
    "amount", "applied", "arr", "closed", "credit_note", "deferred", "end", "exchange_difference",
    "left", "list_price", "members", "movement", "mrr", "mrr_at_contract_quantity", "plan",
    "recognised", "tax", "total", "unit_mrr",
})  # fmt: skip
MONEY_CLASSES = frozenset({"JE-BAL-01", "PYT-BANK-01", "PYT-DEP-01"})


def amount(minor: int | None, currency: str, exponents: Mapping[str, int]) -> str:
    """'1,234.56 EUR'; an unknown currency stays in minor units and says so."""
    if minor is None:
        return ""
    if currency not in exponents:
        return f"{minor:,} minor units {currency}".strip()
    exponent = exponents[currency]
    return f"{Decimal(minor).scaleb(-exponent):,.{exponent}f} {currency}"


def value_of(
    code: str,
    attribute: str,
    value: str | None,
    currency: str | None,
    exponents: Mapping[str, int],
) -> str:
    """What was expected of an attribute or seen in it, as people read it: '1,234.56 EUR'.

    Values that are no amounts stay as they are; '' for none.
    """
    is_money = (
        attribute.partition(":")[0] in MONEY_ATTRIBUTES if attribute else code in MONEY_CLASSES
    )
    if not value or not currency or not is_money:
        return value or ""
    try:
        minor = Decimal(value)
    except InvalidOperation:
        return value
    if minor == minor.to_integral_value():
        return amount(int(minor), currency, exponents)
    return f"{minor.scaleb(-exponents[currency]):,f} {currency}" if currency in exponents else value


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
