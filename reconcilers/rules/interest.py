"""What money costs that comes late: interest by days, in whole minor units."""

import narwhals as nw

_COST_OF_CAPITAL_PERCENT = 8  # a year's interest on receivables
_PERCENT_DAYS = 100 * 365


def interest(minor: nw.Expr, days: nw.Expr) -> nw.Expr:
    """The interest on an amount over so many days, rounded to the minor unit."""
    return (minor * days * _COST_OF_CAPITAL_PERCENT + _PERCENT_DAYS // 2) // _PERCENT_DAYS
