"""Sources of key figures for tests: empty but for what is named."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from reconcilers.corrections.policy import load_policy
from reconcilers.kpis.sources import Sources
from reconcilers.rates import Rate, Rates
from tests.drift_samples import DAY

POLICY = load_policy()
RATES = Rates({"USD": Rate(Decimal(1), 2), "JPY": Rate(Decimal("0.0067"), 0)})
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "dispositions": {
        "comparison": pl.String, "side": pl.String, "disposition": pl.String,
        "currency": pl.String, "rows": pl.Int64, "amount_minor": pl.Int64,
    },
    "matches": {
        "pairing": pl.String, "pass_name": pl.String, "mode": pl.String, "records": pl.Int64,
    },
    "tieouts": {
        "code": pl.String, "currency": pl.String, "left_minor": pl.Int64,
        "unexplained_minor": pl.Int64,
    },
    "latencies": {
        "code": pl.String, "dimension": pl.String, "member": pl.String, "value": pl.Int64,
    },
    "receivables": {
        "legal_entity": pl.String, "currency": pl.String, "open_days_minor": pl.Int64,
        "sold_minor": pl.Int64,
    },
    "lineage": {
        "legal_entity": pl.String, "currency": pl.String, "key_minor": pl.Int64,
        "inferred_minor": pl.Int64, "self_serve_minor": pl.Int64, "posted_minor": pl.Int64,
    },
    "coverage": {
        "legal_entity": pl.String, "currency": pl.String, "tied_minor": pl.Int64,
        "moved_minor": pl.Int64,
    },
    "disputes": {
        "legal_entity": pl.String, "disputed_count": pl.Int64, "payment_count": pl.Int64,
    },
    "events": {"event_type": pl.String, "event_count": pl.Int64, "hours": pl.Int64},
    "quarantine": {"snapshot_date": pl.Date},
}  # fmt: skip


def frames(**rows: list[tuple[Any, ...]]) -> dict[str, pl.DataFrame]:
    """Frames of the warehouse with these rows, in the order of the columns above."""
    return {
        name: pl.DataFrame(rows.get(name, []), schema=dict(columns), orient="row")
        for name, columns in COLUMNS.items()
    }


def sources(day: date = DAY, **changes: Any) -> Sources:
    """A night on which nothing was, but for what is named."""
    empty: dict[str, Any] = {
        "nights": [day],
        "policy": POLICY,
        "rates": RATES,
        "frames": frames(),
        "before": {},
        "now": {},
        "first_sights": [],
        "corrections": [],
        "tries": [],
        "refused_events": [],
        "reviews": [],
    }
    return Sources(day=day, **{**empty, **changes})
