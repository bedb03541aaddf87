"""Amounts of any currency in the one that the company reports in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import polars as pl


class MissingRateError(LookupError):
    """There is money in a currency that has no rate into the reporting currency."""


@dataclass(frozen=True)
class Rate:
    """Units of the reporting currency for one unit of the currency, and its minor-unit exponent."""

    per_unit: Decimal
    exponent: int


@dataclass(frozen=True)
class Rates:
    by_currency: Mapping[str, Rate]
    reporting_exponent: int = 2

    def reporting_minor(self, amount_minor: int, currency: str | None) -> int:
        """The amount in minor units of the reporting currency, rounded half to even."""
        if amount_minor == 0:
            return 0
        rate = self._rate(currency)
        scale = Decimal(10) ** (self.reporting_exponent - rate.exponent)
        exact = Decimal(amount_minor) * rate.per_unit * scale
        return int(exact.to_integral_value(ROUND_HALF_EVEN))

    def convert(self, amounts: pl.Series, currencies: pl.Series) -> pl.Series:
        """Row by row; raises MissingRateError that names every currency without a rate."""
        self.require(currencies.filter(amounts != 0))
        pairs = zip(amounts, currencies, strict=True)
        return pl.Series([self.reporting_minor(*pair) for pair in pairs], dtype=pl.Int64)

    def require(self, currencies: Iterable[str | None]) -> None:
        missing = {str(each) for each in currencies if each not in self.by_currency}
        if missing:
            raise MissingRateError(
                "Valuing drift in the reporting currency: no rate for "
                f"{', '.join(sorted(missing))}. Add it to the seed fx_rates."
            )

    def _rate(self, currency: str | None) -> Rate:
        self.require([currency])
        return self.by_currency[str(currency)]


def rates_on(
    fx_rates: pl.DataFrame, currencies: pl.DataFrame, day: date, into: str = "USD"
) -> Rates:
    """The rates in force on the day, from the frames of the seeds fx_rates and currencies."""
    exponent: dict[str, int] = dict(currencies.select("currency", "exponent").iter_rows())
    dated = fx_rates.filter(
        pl.col("reporting_currency") == into, pl.col("valid_from").cast(pl.Date) <= day
    ).sort("valid_from")
    rate_of = {row["currency"]: Decimal(str(row["rate"])) for row in dated.iter_rows(named=True)}
    usable = {
        name: Rate(rate, exponent[name]) for name, rate in rate_of.items() if name in exponent
    }
    if into not in exponent:
        raise MissingRateError(f"The reporting currency {into} is not in the seed currencies.")
    return Rates(usable, reporting_exponent=exponent[into])
