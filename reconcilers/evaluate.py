"""Which rows drifted: one push-down pass per comparison, and where every row of every side went.

All predicates of a comparison become columns of one lazy frame. The engine counts all rows by what
became of them, and only rows on which a rule fired come back. A folded comparison has joined keys
and fingerprints before, and fetched full rows for what differs alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import narwhals as nw
import polars as pl

from reconcilers import engine
from reconcilers.causes import name_causes
from reconcilers.deltas import decompose
from reconcilers.drift import drift_of
from reconcilers.findings import (
    CELLS,
    DISPOSITIONS,
    DRIFT,
    EXCLUDED,
    GUARD,
    UNEXPLAINED,
    Findings,
    empty,
)
from reconcilers.ineffective import tell_ineffective
from reconcilers.lost_keys import lost_keys, tell_lost_keys
from reconcilers.matched_findings import matches_of, tell_bank, tell_cash, tell_deposits
from reconcilers.rates import Rates, rates_on
from reconcilers.rules.base import Rule
from reconcilers.rules.comparison import BY_NAME, CONTROL, Comparison

_SECONDS_PER_HOUR = 3600
# What two amounts that no rule tells apart may differ by: a document of ten lines rounds ten times.
ROUNDING_MINOR = 10


@dataclass(frozen=True)
class SystemicGuard:
    """When a rule fires so often (over `share` of at least `min_rows`) that a feed is at fault."""

    share: float = 0.30
    min_rows: int = 50

    def is_systemic(self, fired: int, population: int) -> bool:
        return population >= self.min_rows and fired > self.share * population


@dataclass(frozen=True)
class _Part:
    """What one comparison gave."""

    drift: pl.DataFrame
    cells: pl.DataFrame
    guard: pl.DataFrame


def evaluate(
    con: duckdb.DuckDBPyConnection,
    rules: Iterable[Rule],
    snapshot_date: date,
    *,
    rates: Rates | None = None,
    guard: SystemicGuard | None = None,
    corrections: Mapping[str, str] | None = None,
) -> Findings:
    """Evaluate the rules over the warehouse that is built for the day.

    `corrections` name by exception key what should have worked by now (see ineffective.py).

    Writes reconciliation.drift, .deltas, .dispositions, .rule_guard and .cells in place of what
    stood there.
    Raises WarehouseBuiltForAnotherDay, MissingRateError, and pandera's SchemaError.
    """
    engine.require_built_for(con, snapshot_date)
    book = load_rates(con, snapshot_date) if rates is None else rates
    limits = guard or SystemicGuard()
    by_comparison = _grouped(rules)
    parts: list[_Part] = []
    unreliable: frozenset[str] = frozenset()
    # Controls first: a hit makes what it could explain unproven.
    for comparison in sorted(
        by_comparison, key=lambda each: (each.name != CONTROL.name, each.name)
    ):
        blocked = not unreliable.isdisjoint(comparison.reads)
        pass_ = _Pass(comparison, by_comparison[comparison], snapshot_date, is_blocked=blocked)
        parts.append(pass_.run(con, book, limits))
        if comparison.name == CONTROL.name:
            unreliable = _broken_objects(parts[-1].drift)
    found = pl.concat([empty(DRIFT), *(part.drift for part in parts)])
    matches = matches_of(con, snapshot_date)
    told = tell_lost_keys(found, lost_keys(con, snapshot_date))
    for tell in (tell_deposits, tell_cash, tell_bank):
        told = tell(told, matches)
    caused = name_causes(con, told)
    drift = tell_ineffective(caused, corrections or {})
    findings = _findings(snapshot_date, drift, parts)
    engine.replace_table(con, "reconciliation.drift", findings.drift)
    engine.replace_table(con, "reconciliation.deltas", decompose(con, findings.drift))
    engine.replace_table(con, "reconciliation.dispositions", findings.dispositions)
    engine.replace_table(con, "reconciliation.rule_guard", findings.guard)
    engine.replace_table(con, "reconciliation.cells", findings.cells)
    return findings


def stored_findings(con: duckdb.DuckDBPyConnection, snapshot_date: date) -> Findings:
    """What `evaluate` wrote for the day that the warehouse is built for."""
    engine.require_built_for(con, snapshot_date)
    tables = ("drift", "dispositions", "rule_guard", "cells")
    frames = (engine.collect(engine.lazy(con, f"reconciliation.{name}")) for name in tables)
    return Findings(snapshot_date, *frames)


def load_rates(con: duckdb.DuckDBPyConnection, day: date, into: str = "USD") -> Rates:
    """The rates in force on the day into the reporting currency, from the warehouse's seeds."""
    fx_rates = engine.collect(engine.lazy(con, "seeds.fx_rates"))
    currencies = engine.collect(engine.lazy(con, "seeds.currencies"))
    return rates_on(fx_rates, currencies, day, into)


def _grouped(rules: Iterable[Rule]) -> dict[Comparison, list[Rule]]:
    """Rules by comparison, sorted, so that the order they come in does not matter."""
    grouped: dict[Comparison, list[Rule]] = {}
    for rule in sorted({rule.name: rule for rule in rules}.values(), key=lambda each: each.name):
        grouped.setdefault(BY_NAME[rule.over], []).append(rule)
    return grouped


def _broken_objects(control_drift: pl.DataFrame) -> frozenset[str]:
    named = control_drift.select(pl.concat_str("owner_system", pl.lit("."), "owner_id"))
    return frozenset(named.to_series())


@dataclass(frozen=True)
class _Pass:
    """One comparison with its rules as columns: `_fires_<n>`, `_waits_<n>` (within grace)."""

    comparison: Comparison
    rules: Sequence[Rule]
    snapshot_date: date
    is_blocked: bool

    def run(self, con: duckdb.DuckDBPyConnection, rates: Rates, limits: SystemicGuard) -> _Part:
        rows = engine.lazy(con, f"comparison.{self.comparison.name}")
        flagged = self._disposed(self._flagged(rows))
        counts = engine.collect(self._counts(flagged))
        alike = self._alike(con)
        # A comparison in which nothing fired is not gone through a second time for its rows.
        found = self._found(flagged, rates) if counts["code"].count() else []
        return _Part(
            drift=pl.concat([empty(DRIFT), *found]),
            cells=pl.concat([self._cells(counts), alike]),
            guard=self._guard(counts, int(alike["rows"].sum()), limits),
        )

    def _flagged(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        inside = nw.col("excluded_reason").is_null()
        fires: dict[str, nw.Expr] = {}
        waits: dict[str, nw.Expr] = {}
        for number, rule in enumerate(self.rules):
            fires[f"_fires_{number}"] = inside & rule.drifts.fill_null(value=False)
            fires[f"_applies_{number}"] = inside & rule.applies.fill_null(value=False)
            waits[f"_waits_{number}"] = nw.col(f"_fires_{number}") & _within_grace(rule)
        # A step of its own: a predicate that is named twice is planned twice.
        return frame.with_columns(**fires).with_columns(**waits)

    def _disposed(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Add `_disposition`: exactly one for every row, the worst of what fired on it."""
        due = [nw.col(f"_fires_{n}") & ~nw.col(f"_waits_{n}") for n in range(len(self.rules))]
        is_due = nw.any_horizontal(*due, ignore_nulls=True)
        is_waiting = nw.any_horizontal(*self._each("_waits"), ignore_nulls=True)
        stands = [nw.col(f"has_{side}") for side in self.comparison.sides]
        is_whole = nw.all_horizontal(*stands, ignore_nulls=True)
        if self.comparison.name == CONTROL.name:
            is_whole = nw.col("has_landed")  # a source need not count its records
        reason = nw.concat_str([nw.lit(EXCLUDED), nw.col("excluded_reason")])
        whole = nw.when(is_whole).then(nw.lit("matched")).otherwise(nw.lit(UNEXPLAINED))
        waiting = nw.when(is_waiting).then(nw.lit("in_flight")).otherwise(whole)
        open_ = nw.when(is_due).then(nw.lit(self._due)).otherwise(waiting)
        disposition = nw.when(nw.col("excluded_reason").is_null()).then(open_).otherwise(reason)
        return frame.with_columns(_disposition=disposition)

    def _code(self) -> nw.Expr:
        """The class whose rule fired on the row: of several, the first that is due."""
        code = nw.lit(None, dtype=nw.String)
        for number, rule in reversed(tuple(enumerate(self.rules))):
            code = nw.when(nw.col(f"_fires_{number}")).then(nw.lit(rule.code)).otherwise(code)
        for number, rule in reversed(tuple(enumerate(self.rules))):
            is_due = nw.col(f"_fires_{number}") & ~nw.col(f"_waits_{number}")
            code = nw.when(is_due).then(nw.lit(rule.code)).otherwise(code)
        return code

    @property
    def _due(self) -> str:
        return "unproven" if self.is_blocked else "exception"

    def _each(self, flag: str) -> list[nw.Expr]:
        return [nw.col(f"{flag}_{number}") for number in range(len(self.rules))]

    def _counts(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """All rows of the comparison, counted and summed by what became of them."""
        left, right = self.comparison.sides[0], self.comparison.sides[-1]
        columns = frame.collect_schema().names()
        keys = {
            "disposition": nw.col("_disposition"),
            "code": self._code(),
            "has_left": nw.col(f"has_{left}"),
            "has_right": nw.col(f"has_{right}"),
            "left_legal_entity": _first_of(columns, f"{left}_legal_entity", "legal_entity"),
            "right_legal_entity": _first_of(columns, f"{right}_legal_entity", "legal_entity"),
            "left_currency": _first_of(columns, f"{left}_currency", "currency"),
            "right_currency": _first_of(columns, f"{right}_currency", "currency"),
            "left_period": _first_of(columns, f"{left}_period", "period"),
            "right_period": _first_of(columns, f"{right}_period", "period"),
            "closeness": _closeness(
                nw.col(f"{left}_amount_minor") - nw.col(f"{right}_amount_minor")
            ),
        }
        measures = {
            "rows": nw.len(),
            "left_minor": nw.col(f"{left}_amount_minor").sum().cast(nw.Int64),
            "right_minor": nw.col(f"{right}_amount_minor").sum().cast(nw.Int64),
        }
        for number in range(len(self.rules)):
            due = nw.col(f"_fires_{number}") & ~nw.col(f"_waits_{number}")
            measures[f"fired_{number}"] = due.cast(nw.Int64).sum().cast(nw.Int64)
            population = nw.col(f"_applies_{number}").cast(nw.Int64).sum().cast(nw.Int64)
            measures[f"population_{number}"] = population
        grouped = frame.with_columns(**keys).group_by(*keys)
        return grouped.agg(**measures)

    def _found(self, flagged: nw.LazyFrame[Any], rates: Rates) -> list[pl.DataFrame]:
        """The drift of each rule."""
        fired = nw.any_horizontal(*self._each("_fires"), ignore_nulls=True)
        hits = nw.from_native(engine.collect(flagged.filter(fired)), eager_only=True)
        return [self._drift(hits, number, rates) for number in range(len(self.rules))]

    def _drift(self, hits: nw.DataFrame[pl.DataFrame], number: int, rates: Rates) -> pl.DataFrame:
        hit = hits.filter(nw.col(f"_fires_{number}"))
        if hit.is_empty():
            return empty(DRIFT)
        disposition = (
            nw.when(nw.col(f"_waits_{number}"))
            .then(nw.lit("in_flight"))
            .otherwise(nw.lit(self._due))
        )
        placed = hit.with_columns(
            disposition=disposition,
            comparison=nw.lit(self.comparison.name),
            snapshot_date=nw.lit(self.snapshot_date),
        )
        return drift_of(self.rules[number], placed, rates)

    def _cells(self, counts: pl.DataFrame) -> pl.DataFrame:
        named = counts.with_columns(pl.lit(self.comparison.name).alias("comparison"))
        amounts = pl.col("left_minor", "right_minor").fill_null(0)
        return named.with_columns(amounts).select(CELLS.columns.keys())

    def _alike(self, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        """The rows that were left out of the comparison, since both sides are equal."""
        if not self.comparison.is_folded:
            return empty(CELLS)
        folded = engine.collect(engine.lazy(con, self.comparison.folded))
        ends = ("left", "right")
        return folded.select(
            pl.lit(self.comparison.name).alias("comparison"),
            pl.lit("matched").alias("disposition"),
            pl.lit(None, dtype=pl.String).alias("code"),
            *(pl.col("legal_entity").alias(f"{end}_legal_entity") for end in ends),
            *(pl.col("currency").alias(f"{end}_currency") for end in ends),
            *(pl.col("period").alias(f"{end}_period") for end in ends),
            *(pl.lit(value=True).alias(f"has_{end}") for end in ends),
            pl.lit("equal").alias("closeness"),
            pl.col("row_count").alias("rows"),
            *(pl.col("amount_minor").alias(f"{end}_minor") for end in ends),
        )

    def _guard(self, counts: pl.DataFrame, alike: int, limits: SystemicGuard) -> pl.DataFrame:
        """How often each rule fired; on rows that are alike it could have, and did not."""
        rows = []
        for number, rule in enumerate(self.rules):
            fired = int(counts[f"fired_{number}"].sum())
            population = int(counts[f"population_{number}"].sum()) + alike
            rows.append(
                {
                    "code": rule.code,
                    "comparison": rule.over,
                    "attribute": rule.attribute,
                    "population": population,
                    "fired": fired,
                    "is_systemic": limits.is_systemic(fired, population),
                }
            )
        return pl.DataFrame(rows, schema=empty(GUARD).schema)


def _closeness(gap: nw.Expr) -> nw.Expr:
    """How far the amounts of a row are apart; of a side that has none, not at all."""
    close = nw.when(gap.abs() <= ROUNDING_MINOR).then(nw.lit("close")).otherwise(nw.lit("apart"))
    return nw.when((gap == 0) | gap.is_null()).then(nw.lit("equal")).otherwise(close)


def _within_grace(rule: Rule) -> nw.Expr:
    """Whether the target had less than the grace to learn of the event; unknown is no excuse."""
    if rule.coverage is None:
        return nw.lit(value=False)
    is_early = nw.col(rule.coverage) < rule.grace_hours * _SECONDS_PER_HOUR
    return is_early.fill_null(value=False)


def _first_of(columns: Sequence[str], *names: str) -> nw.Expr:
    return nw.col(next(name for name in names if name in columns))


def _findings(snapshot_date: date, drift: pl.DataFrame, parts: Sequence[_Part]) -> Findings:
    cells = pl.concat([empty(CELLS), *(part.cells for part in parts)])
    return Findings(
        snapshot_date=snapshot_date,
        drift=DRIFT.validate(drift.sort("code", "comparison", "row_key", "attribute")),
        dispositions=DISPOSITIONS.validate(_dispositions(cells)),
        guard=GUARD.validate(pl.concat([empty(GUARD), *(part.guard for part in parts)])),
        cells=CELLS.validate(cells.sort(pl.all())),
    )


def _dispositions(cells: pl.DataFrame) -> pl.DataFrame:
    """Each side's rows and money by disposition."""
    sides = []
    for name in cells["comparison"].unique().sort():
        comparison = BY_NAME[name]
        of = cells.filter(pl.col("comparison") == comparison.name)
        for end, side in zip(("left", "right"), comparison.sides, strict=False):
            standing = of.filter(f"has_{end}").rename({f"{end}_currency": "currency"})
            sides.append(
                standing.group_by("comparison", "disposition", "currency")
                .agg(pl.col("rows").sum(), pl.col(f"{end}_minor").sum().alias("amount_minor"))
                .with_columns(pl.lit(side).alias("side"))
                .select(DISPOSITIONS.columns.keys())
            )
    keys = ["comparison", "side", "disposition", "currency"]
    return pl.concat([empty(DISPOSITIONS), *sides]).sort(keys, nulls_last=True)
