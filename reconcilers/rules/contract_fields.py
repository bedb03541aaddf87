"""What drift of the terms of a contract means: when it runs, who is billed for it, and how."""

from collections.abc import Mapping

import narwhals as nw

from reconcilers.rules.meaning import Field, Meaning

_MONTHS = {"monthly": 1, "quarterly": 3, "annual": 12}
_A_YEAR = 12

_mrr = nw.col("crm_amount_minor").fill_null(0)


def _over_days(days: nw.Expr) -> nw.Expr:
    """Recurring revenue of so many days, twelve months being 365 of them."""
    size = (_mrr * _A_YEAR * days.abs() + 182) // 365
    return nw.when(days < 0).then(-size).otherwise(size)


def _months(frequency: nw.Expr) -> nw.Expr:
    months: nw.Expr = nw.lit(0)
    for name, count in _MONTHS.items():
        months = nw.when(frequency == name).then(nw.lit(count)).otherwise(months)
    return months


# + service or money comes short of the paper or later than it says: billing begins late, ends
# early, asks in smaller parts, or lets go what renews. Another company or currency puts all that is
# left in question.
def _term_effect(of: Field) -> nw.Expr:
    attribute = of.rule.attribute
    if attribute in {"start_date", "end_date"}:
        return _over_days(nw.col(f"{attribute}_days").fill_null(0))
    if attribute == "billing_frequency":
        return _mrr * (_months(of.owner) - _months(of.replica.fill_null("")))
    if attribute == "is_auto_renewed":
        return nw.when(of.owner).then(_mrr * _A_YEAR).otherwise(-_mrr * _A_YEAR)
    return _mrr * nw.col("remaining_months").fill_null(1)


MEANINGS: Mapping[str, Meaning] = {
    "CON-TERM-01": Meaning(
        impact_minor=_term_effect,
        floors={
            "end_date": nw.when(nw.col("is_over_on_one_side").fill_null(value=False))
            .then(nw.lit("S2"))
            .otherwise(nw.lit("S3"))
        },
    ),
}
