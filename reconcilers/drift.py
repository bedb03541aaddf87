"""Rows on which a rule fired, as rows of the drift frame."""

import hashlib

import narwhals as nw
import polars as pl

from reconcilers.findings import DRIFT
from reconcilers.rates import Rates
from reconcilers.rules.base import NOTHING, Party, Rule
from reconcilers.rules.severity import severity

_CARRIED = (
    "snapshot_date",
    "entity",
    "canonical_id",
    "correlation_id",
    "comparison",
    "row_key",
    "currency",
    "disposition",
    "event_at",
    "legal_entity",
    "period",
)


def drift_of(rule: Rule, hits: nw.DataFrame[pl.DataFrame], rates: Rates) -> pl.DataFrame:
    """The drift rows of one rule; impact in minor units, also in the reporting currency."""
    described = hits.select(*_CARRIED, **_described(rule)).to_native()
    valued = described.with_columns(
        rates.convert(described["impact_minor"], described["currency"]).alias(
            "impact_reporting_minor"
        )
    )
    judged = nw.from_native(valued, eager_only=True).with_columns(
        severity=severity(nw.col("_floor"), nw.col("impact_reporting_minor"))
    )
    keyed = judged.to_native().with_columns(
        exception_keys(judged.to_native()).alias("exception_key")
    )
    return keyed.select(DRIFT.columns.keys())


def _described(rule: Rule) -> dict[str, nw.Expr]:
    attribute: nw.Expr = nw.lit(rule.attribute)
    if rule.part is not None:
        attribute = nw.concat_str([attribute, nw.lit(":"), rule.part])
    return {
        "code": nw.lit(rule.code),
        **_party("owner", rule.owner),
        **_party("replica", rule.replica),
        "attribute": attribute,
        "expected": rule.expected,
        "observed": rule.observed,
        "cause": rule.cause.cast(nw.String),
        "impact_minor": rule.impact_minor.cast(nw.Int64),
        "_floor": rule.floor,
        "explained_by": NOTHING,
    }


def _party(name: str, party: Party | None) -> dict[str, nw.Expr]:
    """A record that does not exist has a role, but neither an id nor a system that holds it."""
    if party is None:
        return {f"{name}_{part}": NOTHING for part in ("role", "system", "id")}
    system = nw.when(~party.id.is_null()).then(party.system)
    return {f"{name}_role": party.role, f"{name}_system": system, f"{name}_id": party.id}


def exception_keys(drift: pl.DataFrame) -> pl.Series:
    """A stable name for each exception: class, subject and what of it. Never an amount or a day.

    The subject is the row of the comparison rather than the canonical customer, whose id may
    change when customers are merged or split.
    """
    parts = drift.select("code", "comparison", "row_key", "attribute").iter_rows()
    return pl.Series(
        [hashlib.sha256("|".join(part).encode()).hexdigest()[:32] for part in parts],
        dtype=pl.String,
    )
