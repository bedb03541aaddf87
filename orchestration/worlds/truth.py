"""What is wrong in a world of copies: the truth of the first company, with the ids of each copy."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from orchestration.worlds.roles import Role
from orchestration.worlds.stencil import filled_in, is_own, marked

TRUTH_FILE = "truth.parquet"
_NAMING = ("attribute", "owner_id", "replica_id", "caused_by")
_SCHEMA = {
    **dict.fromkeys(
        ("code", "attribute", "owner_system", "owner_id", "replica_system", "replica_id"), pl.String
    ),
    "variant": pl.String,
    "planted": pl.Boolean,
    "caused_by": pl.String,
}
# Internal ids of the ERP are told by their form; those of items, which a company has once, are not
# told from others, but drift of products alone is of items.
_NUMBER, _ACCOUNT = r"^[0-9]+([-/][0-9]+)*$", r"^[A-Z]{0,2}[0-9][0-9A-Z]*\|"
_OF_ITEMS = "PRD-"


def truth_of_copies(truth: Iterable[Mapping[str, Any]], copies: int) -> pl.DataFrame:
    """The truth of all copies. What hits that which a company has once is true once."""
    first = pl.DataFrame([dict(row) for row in truth], schema=_SCHEMA)
    stencil = first.with_columns(_marked(name) for name in _NAMING)
    own = stencil.filter(pl.any_horizontal(is_own(pl.col("owner_id", "replica_id"))))
    printed = (
        own.with_columns(filled_in(pl.col(name), copy) for name in _NAMING)
        for copy in range(1, copies)
    )
    return pl.concat([first, *printed])


def read_truth(raw: Path) -> list[dict[str, Any]] | None:
    """The truth beside a raw zone that was written as a world; None beside any other."""
    file = raw / TRUTH_FILE
    return pl.read_parquet(file).to_dicts() if file.exists() else None


def _marked(name: str) -> pl.Expr:
    column = pl.col(name)
    is_number = column.str.contains(_NUMBER) & ~pl.col("code").str.starts_with(_OF_ITEMS)
    return (
        pl.when(is_number)
        .then(marked(column, Role.NUMBER))
        .when(column.str.contains(_ACCOUNT))
        .then(marked(column, Role.BANK))
        .otherwise(marked(column, Role.IDS))
        .alias(name)
    )
