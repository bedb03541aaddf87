"""What a night found, as frames with a checked shape."""

from dataclasses import dataclass
from datetime import date

import pandera.polars as pa
import polars as pl

from reconcilers.rules.severity import SEVERITIES

# From the worst to the mildest: a row on which several rules fire has the worst of theirs.
OPEN_DISPOSITIONS = ("exception", "unproven", "in_flight")
UNEXPLAINED = "unexplained"
EXCLUDED = "excluded:"


def _required(*checks: pa.Check) -> pa.Column:
    return pa.Column(pl.String, list(checks))


def _optional() -> pa.Column:
    return pa.Column(pl.String, nullable=True)


DRIFT = pa.DataFrameSchema(
    {
        "snapshot_date": pa.Column(pl.Date),
        "code": _required(pa.Check.str_matches(r"^[A-Z]{2,4}-[A-Z]{2,5}-\d{2}$")),
        "entity": _required(),
        "canonical_id": _optional(),
        "correlation_id": _optional(),
        "comparison": _required(),
        "row_key": _required(),
        "owner_role": _required(),
        "owner_system": _required(),
        "owner_id": _required(),
        "replica_role": _optional(),
        "replica_system": _optional(),
        "replica_id": _optional(),
        "attribute": _required(),
        "expected": _optional(),
        "observed": _optional(),
        "cause": _optional(),
        "impact_minor": pa.Column(pl.Int64),
        "currency": _optional(),
        "impact_reporting_minor": pa.Column(pl.Int64),
        "severity": _required(pa.Check.isin(SEVERITIES)),
        "disposition": _required(pa.Check.isin(OPEN_DISPOSITIONS)),
        "event_at": pa.Column(pl.Datetime("us"), nullable=True),
        "exception_key": pa.Column(pl.String, pa.Check.str_matches(r"^[0-9a-f]{32}$"), unique=True),
        "legal_entity": _optional(),
        "period": _optional(),
        "explained_by": _optional(),
    },
    strict=True,
    ordered=True,
)

DISPOSITIONS = pa.DataFrameSchema(
    {
        "comparison": _required(),
        "side": _required(),
        "disposition": _required(),
        "currency": _optional(),
        "rows": pa.Column(pl.Int64, pa.Check.gt(0)),
        "amount_minor": pa.Column(pl.Int64),
    },
    strict=True,
    ordered=True,
    unique=["comparison", "side", "disposition", "currency"],
)

# How often each rule fired. A systemic rule is a fault of a feed: its corrections are held.
GUARD = pa.DataFrameSchema(
    {
        "code": _required(),
        "comparison": _required(),
        "attribute": _required(),
        "population": pa.Column(pl.Int64),
        "fired": pa.Column(pl.Int64),
        "is_systemic": pa.Column(pl.Boolean),
    },
    strict=True,
    ordered=True,
)

# The rows of a comparison, counted by what became of them; tie-out totals are sums of these.
CELLS = pa.DataFrameSchema(
    {
        "comparison": _required(),
        "disposition": _required(),
        "code": _optional(),  # the class that fired on the row, the first by name of several
        "left_legal_entity": _optional(),
        "right_legal_entity": _optional(),
        "left_currency": _optional(),
        "right_currency": _optional(),
        "left_period": _optional(),
        "right_period": _optional(),
        "has_left": pa.Column(pl.Boolean),
        "has_right": pa.Column(pl.Boolean),
        "closeness": _required(pa.Check.isin(["equal", "close", "apart"])),  # of the sides' amounts
        "rows": pa.Column(pl.Int64),
        "left_minor": pa.Column(pl.Int64),
        "right_minor": pa.Column(pl.Int64),
    },
    strict=True,
    ordered=True,
)


@dataclass(frozen=True)
class Findings:
    """One night's drift, where every row of every side went, and how often each rule fired.

    `cells` is the finer count behind `dispositions` that the tie-outs need.
    """

    snapshot_date: date
    drift: pl.DataFrame
    dispositions: pl.DataFrame
    guard: pl.DataFrame
    cells: pl.DataFrame

    @property
    def evaluated(self) -> frozenset[str]:
        """The comparisons that were evaluated, be they empty or not."""
        return frozenset(self.guard["comparison"])

    @property
    def systemic_codes(self) -> frozenset[str]:
        """Classes of which at least one rule fired on too large a share of its population."""
        return frozenset(self.guard.filter("is_systemic")["code"])


def empty(schema: pa.DataFrameSchema) -> pl.DataFrame:
    return pl.DataFrame(schema={name: column.dtype.type for name, column in schema.columns.items()})
