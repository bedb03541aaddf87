"""Prices of the price book that billing has otherwise, and prices that stand on another basis."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_LIST = "cmp_price__crm_vs_billing"
_LINES = "cmp_contract_line__crm_vs_billing"
_MONTHS_AT_RISK = 12

_both = nw.col("has_crm") & nw.col("has_billing")
_is_other = ~nw.col("is_equal").fill_null(value=True)
_is_slip = ~nw.col("price_ratio").is_null()
_a_year_of_the_gap = nw.col("monthly_gap_minor").fill_null(0) * _MONTHS_AT_RISK

# Impact: what live subscriptions at billing's price pay less a year than the price book says (+).
PRD_PRC_01 = Rule(
    code="PRD-PRC-01",
    over=_LIST,
    drifts=_both & _is_other & ~_is_slip,
    applies=_both,
    owner=party("crm"),
    replica=party("billing"),
    attribute="list_price",
    expected=nw.col("crm_list_price"),
    observed=nw.col("billing_list_price"),
    impact_minor=_a_year_of_the_gap,
    floor=floor_of("PRD-PRC-01"),
)

PRD_BAS_01_OF_LIST = Rule(
    code="PRD-BAS-01",
    over=_LIST,
    drifts=_both & _is_other & _is_slip,
    applies=_both,
    owner=party("crm"),
    replica=party("billing"),
    attribute="list_price",
    expected=nw.col("crm_list_price"),
    observed=nw.col("billing_list_price"),
    impact_minor=_a_year_of_the_gap,
    cause=nw.col("price_ratio"),
    floor=floor_of("PRD-BAS-01"),
)

_agreed, _charged = (
    nw.col(f"{role}_mrr_at_contract_quantity_minor").fill_null(0) for role in ("crm", "billing")
)

# Impact: price effect over the months left, as that of the line's value, which follows from it.
PRD_BAS_01_OF_LINES = Rule(
    code="PRD-BAS-01",
    over=_LINES,
    drifts=_both & _is_slip,
    applies=_both,
    owner=party("crm"),
    replica=party("billing"),
    attribute="unit_mrr",
    part=nw.col("product_code"),
    expected=nw.col("crm_unit_mrr_minor").cast(nw.String),
    observed=nw.col("billing_unit_mrr_minor").cast(nw.String),
    impact_minor=(_agreed - _charged) * nw.col("remaining_months").fill_null(1),
    cause=nw.col("price_ratio"),
    floor=floor_of("PRD-BAS-01"),
)

RULES = (PRD_PRC_01, PRD_BAS_01_OF_LIST, PRD_BAS_01_OF_LINES)
