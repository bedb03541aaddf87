"""How good the crosswalk is against a truth: precision and recall of pairs.

A pair is two records of two systems that are one customer. Pairs within one system (an account that
was entered twice) are counted apart: they decide nothing that money flows over.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

KEYS = ("system", "source_id")


@dataclass(frozen=True)
class Score:
    """Pairs that a way of matching found, how many of them are true, and how many there are."""

    name: str
    found: int
    true: int
    expected: int

    @property
    def precision(self) -> float:
        return self.true / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.true / self.expected if self.expected else 1.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def as_dict(self) -> dict[str, Any]:
        rounded = {name: round(getattr(self, name), 5) for name in ("precision", "recall", "f1")}
        return {**asdict(self), **rounded}


def score_pairs(labelled: pl.DataFrame, column: str, name: str, *, across: bool = True) -> Score:
    """Compare the groups of `column` with those of `entity_id`; null in `column` groups nothing.

    `labelled` has system, entity_id and the column; `across` counts pairs of two systems only.
    """
    known = labelled.drop_nulls("entity_id")
    grouped = known.drop_nulls(column)
    return Score(
        name,
        found=_pairs(grouped, [column], across=across),
        true=_pairs(grouped, [column, "entity_id"], across=across),
        expected=_pairs(known, ["entity_id"], across=across),
    )


def _pairs(rows: pl.DataFrame, groups: Sequence[str], *, across: bool) -> int:
    """All pairs within the groups, less those within one system."""
    within = rows.group_by(*groups, "system").agg(pl.len().cast(pl.Int64).alias("n"))
    whole = within.group_by(*groups).agg(pl.col("n").sum())
    same_system = _choose_two(within) if across else 0
    return _choose_two(whole) - same_system


def _choose_two(counts: pl.DataFrame) -> int:
    return int((counts["n"] * (counts["n"] - 1) // 2).sum())


def disagreements(labelled: pl.DataFrame) -> dict[str, int]:
    """Customers with records of several entities, and entities that are spread over several."""
    known = labelled.drop_nulls("entity_id")
    per_customer = known.group_by("customer").agg(pl.col("entity_id").n_unique().alias("n"))
    per_entity = known.group_by("entity_id").agg(pl.col("customer").n_unique().alias("n"))
    return {
        "customers_of_several_entities": per_customer.filter(pl.col("n") > 1).height,
        "entities_in_several_customers": per_entity.filter(pl.col("n") > 1).height,
    }
