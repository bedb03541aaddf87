"""Measure matching against a truth: generated populations on a dense price grid, shipped passes.

A match is right when every pair in it belongs together. The rate is the share of left records that
are matched, by count and by money; worthless alone, always read with the precision.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import polars as pl

from extractors.sandbox.unmatched import GENERATORS, Labelled
from reconcilers.match import Mode, Pairing, load_pairings, match_populations
from reconcilers.match.intake import COLUMNS

# A pass with less precision than this may not be automatic: it acts without a look.
LEAST_PRECISION = 0.995
_LISTS = ("reference_keys", "document_numbers", "group_keys")
_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(COLUMNS, pl.String),
    **dict.fromkeys(_LISTS, pl.List(pl.String)),
    "amount_minor": pl.Int64,
    "item_date": pl.Date,
}
# The naive way looks this many days to either side.
_NAIVE_DAYS = 45


class EvaluationError(ValueError):
    """There is nothing to measure by; the message says what is missing."""


@dataclass(frozen=True)
class PassScore:
    """How one pass of one pairing fared; `rate` is its share of the left records."""

    pairing: str
    name: str
    mode: str
    matches: int
    right: int
    records: int
    rate: float

    @property
    def precision(self) -> float:
        return self.right / self.matches if self.matches else 1.0


@dataclass(frozen=True)
class PairingScore:
    """`expected` is the share of left records that have a counterpart at all."""

    name: str
    records: int
    expected: float
    automatic_rate: float
    automatic_money_rate: float
    automatic_precision: float
    rate: float
    naive_rate: float
    naive_precision: float
    residue: dict[str, int]
    passes: tuple[PassScore, ...]

    def as_dict(self) -> dict[str, Any]:
        passes = [{**asdict(each), "precision": each.precision} for each in self.passes]
        return {**asdict(self), "passes": passes}


@dataclass(frozen=True)
class MatchEvaluation:
    seed: int
    pairings: tuple[PairingScore, ...]

    @property
    def automatic_precision(self) -> float:
        """The least of any automatic pass: none hides behind another."""
        automatic = [p for each in self.pairings for p in each.passes if p.mode == Mode.AUTOMATIC]
        return min((each.precision for each in automatic), default=1.0)

    @property
    def is_good(self) -> bool:
        return self.automatic_precision >= LEAST_PRECISION

    def as_dict(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "is_good": self.is_good,
            "least_automatic_precision": self.automatic_precision,
            "pairings": [each.as_dict() for each in self.pairings],
        }


def evaluate_matching(
    seed: int, size: int, pairings: Sequence[Pairing] | None = None
) -> MatchEvaluation:
    """Match generated populations of about `size` records a side by these or the shipped passes.

    Raises EvaluationError.
    """
    scores = []
    for pairing in load_pairings() if pairings is None else pairings:
        if pairing.name not in GENERATORS:
            raise EvaluationError(
                f"no labelled records for the pairing {pairing.name}; there are some for "
                + ", ".join(GENERATORS)
            )
        labelled = GENERATORS[pairing.name](seed, size)
        con = duckdb.connect()
        try:
            scores.append(_score(con, pairing, labelled))
        finally:
            con.close()
    return MatchEvaluation(seed, tuple(scores))


def _score(con: duckdb.DuckDBPyConnection, pairing: Pairing, labelled: Labelled) -> PairingScore:
    for name, rows in (("lefts", labelled.left), ("rights", labelled.right)):
        con.register(name, pl.DataFrame(rows, schema=_SCHEMA))
    con.register("truth", pl.DataFrame(list(labelled.truth), schema=["a", "b"], orient="row"))
    match_populations(con, pairing, "lefts", "rights")
    passes = tuple(_pass_scores(con, pairing, len(labelled.left)))
    automatic = [each for each in passes if each.mode == Mode.AUTOMATIC]
    matches = sum(each.matches for each in automatic)
    naive = _naive_pairs(labelled)
    return PairingScore(
        name=pairing.name,
        records=len(labelled.left),
        expected=len({left for left, _ in labelled.truth}) / len(labelled.left),
        automatic_rate=sum(each.rate for each in automatic),
        automatic_money_rate=_money_rate(con),
        automatic_precision=sum(each.right for each in automatic) / matches if matches else 1.0,
        rate=sum(each.rate for each in passes),
        naive_rate=len(naive) / len(labelled.left),
        naive_precision=len(naive & labelled.truth) / len(naive) if naive else 1.0,
        residue=dict(
            con.sql(
                "select side || ' ' || reason, count(*) from match_residue group by 1 order by 1"
            ).fetchall()
        ),
        passes=passes,
    )


def _pass_scores(
    con: duckdb.DuckDBPyConnection, pairing: Pairing, population: int
) -> Iterable[PassScore]:
    found = con.sql("""
        with judged as (
            select match_id, bool_and(truth.a is not null) as is_right
            from match_allocation as part
            left join truth on part.left_id = truth.a and part.right_id = truth.b
            group by match_id
        )
        select pass_name, count(*), count(*) filter (is_right), sum(left_count)
        from match_result join judged using (match_id) group by pass_name
    """).fetchall()
    by_name = {name: counts for name, *counts in found}
    for each in pairing.passes:
        matches, right, records = by_name.get(each.name, (0, 0, 0))
        yield PassScore(
            pairing.name,
            each.name,
            each.mode,
            matches,
            right,
            int(records),
            int(records) / population,
        )


def _money_rate(con: duckdb.DuckDBPyConnection) -> float:
    """Share of the left side's money that automatic passes allocate, over all currencies."""
    allocated, total = con.sql("""
        select
            (select coalesce(sum(allocated_minor), 0) from match_result where mode = 'automatic'),
            (select sum(amount_minor) from match_item where side = 'left')
    """).fetchall()[0]
    return float(allocated / total)


def _naive_pairs(labelled: Labelled) -> set[tuple[str, str]]:
    """Amount and date alone, first match wins: what the passes are measured against."""
    free: dict[tuple[str, int], deque[dict[str, Any]]] = defaultdict(deque)
    for row in sorted(labelled.right, key=lambda row: (row["item_date"], row["item_id"])):
        free[row["currency"], row["amount_minor"]].append(row)
    pairs = set()
    for row in sorted(labelled.left, key=lambda row: (row["item_date"], row["item_id"])):
        queue = free[row["currency"], row["amount_minor"]]
        near = next(
            (
                other
                for other in queue
                if abs((other["item_date"] - row["item_date"]).days) <= _NAIVE_DAYS
            ),
            None,
        )
        if near is not None:
            queue.remove(near)
            pairs.add((row["item_id"], near["item_id"]))
    return pairs
