"""Add-ons that should end with their contract, and do not, or run beside it."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_OVER = "cmp_contract_add_on__crm_vs_billing"
_G_BILL_HOURS = 48
_A_YEAR = 12

_both = nw.col("has_crm") & nw.col("has_billing")
_mrr = nw.col("crm_amount_minor").fill_null(0)
_short = nw.col("end_days").fill_null(0)


def _of_days(days: nw.Expr) -> nw.Expr:
    """Recurring revenue of so many days, twelve months being 365 of them."""
    return (_mrr * _A_YEAR * days + 182) // 365


# Impact: revenue of the days between the two ends: + the add-on ends before its contract.
CON_COT_01_ENDS = Rule(
    code="CON-COT-01",
    over=_OVER,
    drifts=_both & (_short != 0),
    applies=_both,
    owner=party("crm"),
    replica=party("billing"),
    attribute="end_date",
    part=nw.col("product_code"),
    expected=nw.col("contract_end_date").cast(nw.String),
    observed=nw.col("add_on_end_date").cast(nw.String),
    impact_minor=nw.when(_short < 0).then(-_of_days(-_short)).otherwise(_of_days(_short)),
    grace_hours=_G_BILL_HOURS,
    coverage="billing_coverage_seconds",
    cause=nw.when(_short < 0).then(nw.lit("ends_after")).otherwise(nw.lit("ends_before")),
    floor=floor_of("CON-COT-01"),
)

# Impact: revenue of the days of a period between the two anchors (+), which are charged apart.
CON_COT_01_APART = Rule(
    code="CON-COT-01",
    over=_OVER,
    drifts=_both & ~nw.col("other_subscription_id").is_null(),
    applies=_both,
    owner=party("crm"),
    replica=party("billing"),
    attribute="subscription",
    part=nw.col("product_code"),
    expected=nw.lit("an item of the contract's subscription"),
    observed=nw.concat_str([nw.lit("alone in "), nw.col("other_subscription_id")]),
    impact_minor=_of_days(nw.col("stub_days").fill_null(0)),
    grace_hours=_G_BILL_HOURS,
    coverage="billing_coverage_seconds",
    cause=nw.lit("another_subscription"),
    floor=floor_of("CON-COT-01"),
)

RULES = (CON_COT_01_ENDS, CON_COT_01_APART)
