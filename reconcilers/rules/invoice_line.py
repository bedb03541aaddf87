"""Lines that only one side of an invoice has, though both sides come to the same total."""

import narwhals as nw

from reconcilers.rules.base import Rule, either
from reconcilers.rules.severity import floor_of

_G_SYNC_HOURS = 6

_is_missing = nw.col("has_billing")

# Impact: revenue that the ledger shows under other lines (+), or shows as another one (-).
INV_LINE_01 = Rule(
    code="INV-LINE-01",
    over="cmp_invoice_line__billing_vs_erp",
    drifts=~(nw.col("has_billing") & nw.col("has_erp")),
    applies=nw.col("has_billing") | nw.col("has_erp"),
    owner=either("billing", "erp", _is_missing),
    replica=either("billing", "erp", ~_is_missing),
    impact_minor=nw.when(_is_missing)
    .then(nw.col("billing_amount_minor").fill_null(0))
    .otherwise(-nw.col("erp_amount_minor").fill_null(0)),
    grace_hours=_G_SYNC_HOURS,
    coverage="erp_coverage_seconds",
    cause=nw.when(_is_missing).then(nw.lit("line_missing")).otherwise(nw.lit("line_extra")),
    floor=floor_of("INV-LINE-01"),
)

RULES = (INV_LINE_01,)
