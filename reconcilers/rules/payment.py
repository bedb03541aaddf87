"""Succeeded charges that the ledger lacks."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_G_SYNC_HOURS = 6

# Impact: the ledger still asks for money that was paid, so receivables are overstated (-).
PAY_MISS_01 = Rule(
    code="PAY-MISS-01",
    over="cmp_payment__billing_vs_erp",
    drifts=nw.col("has_billing") & ~nw.col("has_erp"),
    applies=nw.col("has_billing"),
    owner=party("billing"),
    replica=party("erp"),
    impact_minor=-nw.col("billing_amount_minor").fill_null(0),
    grace_hours=_G_SYNC_HOURS,
    coverage="erp_coverage_seconds",
    floor=floor_of("PAY-MISS-01"),
)

RULES = (PAY_MISS_01,)
