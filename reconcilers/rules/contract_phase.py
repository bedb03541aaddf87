"""Steps of ramps that billing plans otherwise, or not at all."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_G_BILL_HOURS = 48
_A_YEAR = 12

_what = nw.col("disagreement")
_late = nw.col("start_days").fill_null(0)
_stepped = nw.col("step_minor").fill_null(0)
_gap = nw.col("crm_amount_minor").fill_null(0) - nw.col("billing_amount_minor").fill_null(0)
# Twelve months are 365 days; half a minor unit is rounded away from zero.
_of_days = (_stepped.abs() * _A_YEAR * _late.abs() + 182) // 365
_is_less = (_stepped < 0) != (_late < 0)


def _terms(side: str) -> nw.Expr:
    """Units, what they cost a month in minor units, and from when."""
    parts = [
        nw.col(f"{side}_{name}").cast(nw.String)
        for name in ("quantity", "amount_minor", "start_date")
    ]
    return nw.concat_str([parts[0], nw.lit(" at "), parts[1], nw.lit(" from "), parts[2]])


# Impact: the monthly difference over the months of the step that are left, of another start what
# the step adds over the days between: + billing will charge less than the paper says.
CON_RAMP_01 = Rule(
    code="CON-RAMP-01",
    over="cmp_contract_phase__crm_vs_billing",
    drifts=~_what.is_null(),
    applies=nw.col("has_crm") & nw.col("has_billing"),
    owner=party("crm"),
    replica=party("billing"),
    attribute="phase",
    part=nw.col("product_code"),
    expected=_terms("crm"),
    observed=_terms("billing").fill_null("no phase"),
    impact_minor=nw.when(_what == "other_start")
    .then(nw.when(_is_less).then(-_of_days).otherwise(_of_days))
    .otherwise(_gap * nw.col("remaining_months").fill_null(1)),
    grace_hours=_G_BILL_HOURS,
    coverage="billing_coverage_seconds",
    cause=_what,
    floor=floor_of("CON-RAMP-01"),
)

RULES = (CON_RAMP_01,)
