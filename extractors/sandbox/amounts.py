"""Amounts and times as NetSuite writes them."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal


def rounded(value: Decimal) -> int:
    """Half away from zero."""
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def decimal_text(minor: int, precision: int) -> str:
    return format(Decimal(minor).scaleb(-precision), "f")


def netsuite_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
