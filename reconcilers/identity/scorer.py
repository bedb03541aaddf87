"""The door for a scorer, which judges pairs that no rule decides, and Splink behind it.

What a scorer says is weak evidence: it comes after every rule, under the same vetoes. Its model is
trained beforehand and frozen, since one that learns every night would churn ids.
"""

import logging
from dataclasses import dataclass
from typing import Protocol

from reconcilers.identity.comparisons import ASPECTS, USED_COLUMNS
from reconcilers.identity.model import Model
from reconcilers.identity.work import Work


class Scorer(Protocol):
    """Whatever can say how probable it is that two records are one customer."""

    def score(self, work: Work, pairs: str, out: str) -> None:
        """Make the table `out` (a, b, bits, p) for the pairs (a, b) of the table `pairs`."""
        ...


@dataclass(frozen=True)
class SplinkScorer:
    """Splink with a frozen model, on pairs that we choose; the same model runs on Spark."""

    model: Model

    def score(self, work: Work, pairs: str, out: str) -> None:
        if not work.count(pairs):
            work.run(f"create or replace table {out} (a integer, b integer, bits double, p double)")
            return
        scored = predicted(work, pairs, self.model.settings())
        work.run(
            f"create or replace table {out} as select node_l as a, node_r as b, "
            f"match_weight::double as bits, match_probability::double as p from {scored}"
        )
        clean(work)


def predicted(work: Work, pairs: str, settings: dict[str, object]) -> str:
    """Let Splink score the pairs; the name of its table, which `clean` removes."""
    from splink import DuckDBAPI, Linker  # noqa: PLC0415 - only a night that scores pays for it

    columns = ", ".join(USED_COLUMNS)
    work.run(f"create or replace view splink_node as select {columns} from identity_node")
    work.run(
        f"create or replace table splink_pair as select '0' as match_key, a as join_key_l, "
        f"b as join_key_r from {pairs}"
    )
    api = DuckDBAPI(work.con)
    nodes = api.register("splink_node")
    linker = Linker(nodes, settings, validate_settings=False)
    logging.getLogger("splink").setLevel(logging.ERROR)  # a new Linker sets it to chatter
    linker.table_management.register_blocked_pairs_for_predict(api.register("splink_pair"))
    return str(linker.inference.predict(warning_mode="never").physical_name)


def clean(work: Work) -> None:
    """Drop what Splink left in the workspace."""
    left = work.rows(
        "select table_name, table_type from information_schema.tables "
        "where table_catalog = current_database() and table_name like '%splink%'"
    )
    for name, kind in left:
        work.run(f'drop {"view" if kind == "VIEW" else "table"} if exists "{name}"')


def gammas() -> list[str]:
    """The columns in which Splink tells the level of each aspect."""
    return [f"gamma_{aspect.name.replace(' ', '_')}" for aspect in ASPECTS]
