"""Invoices that billing should have issued by now, and numbers that it skipped."""

import narwhals as nw

from reconcilers.rules.base import SYSTEM_OF_ROLE, Party, Rule
from reconcilers.rules.interest import interest
from reconcilers.rules.severity import floor_of

_CODE = "INV-SCHD-01"
_SECONDS_PER_DAY = 86_400

_fault = nw.col("fault")
_is_gap = (_fault == "number_gap").fill_null(value=False)
_expected = nw.col("expected_minor").fill_null(0)
_late_days = nw.col("billing_coverage_seconds").fill_null(0) // _SECONDS_PER_DAY

# Impact: what the delay costs (+); once the month is over all of it is missing from the month. A
# number that is gone is worth nothing that is known.
INV_SCHD_01 = Rule(
    code=_CODE,
    over="cmp_invoice__within_billing",
    drifts=~_fault.is_null(),
    applies=~nw.col("row_key").is_null(),
    owner=Party(
        role=nw.lit("billing"),
        system=nw.lit(SYSTEM_OF_ROLE["billing"]),
        id=nw.coalesce(nw.col("billing_id"), nw.col("subscription_id")),
    ),
    replica=None,
    expected=nw.when(_is_gap).then(nw.lit("every number")).otherwise(nw.lit("issued")),
    observed=nw.when(_is_gap)
    .then(
        nw.concat_str(
            [
                nw.col("skipped_count").cast(nw.String),
                nw.lit(" skipped before "),
                nw.col("number"),
            ]
        )
    )
    .otherwise(nw.when(_fault == "stale_draft").then(nw.lit("draft")).otherwise(nw.lit("missing"))),
    impact_minor=nw.when(_is_gap)
    .then(nw.lit(0))
    .otherwise(
        nw.when(nw.col("is_month_over").fill_null(value=False))
        .then(_expected)
        .otherwise(interest(_expected, _late_days))
    ),
    coverage="billing_coverage_seconds",
    cause=_fault,
    floor=nw.when(_is_gap).then(nw.lit("S3")).otherwise(floor_of(_CODE)),
)

RULES = (INV_SCHD_01,)
