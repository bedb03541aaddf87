"""Who is the same customer in all systems: each record with a canonical id that stays.

Overrides of stewards, explicit references, equal values, then the scorer for what is left; vetoes
over all of it. A domain alone never decides.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from reconcilers import engine
from reconcilers.identity import decision, evidence, tables
from reconcilers.identity.candidates import find_candidates
from reconcilers.identity.components import label_components
from reconcilers.identity.intake import take_in
from reconcilers.identity.measures import Measures, measure
from reconcilers.identity.model import Model, load_model
from reconcilers.identity.overrides import Decision, Overrides, Pair, load_overrides
from reconcilers.identity.placing import place
from reconcilers.identity.questions import ask
from reconcilers.identity.registry import History, changes
from reconcilers.identity.resolver import join_firm, join_scored
from reconcilers.identity.scorer import Scorer, SplinkScorer
from reconcilers.identity.work import Work, workspace

_PLACED = """
select system, source_id, canonical_customer_id, cluster, auto_cluster
from identity_placed
join identity_node using (node)
join identity_id using (cluster)
order by node
"""
_METHODS = """
select told.method, count(*)
from identity_placed as placed
join identity_told as told on placed.method = told.number
group by 1 order by 1
"""
_BANDS = "select band, count(*) from identity_placed group by 1 order by 1"

# The second round sees who stands together after the first, and who is then still free.
_ROUNDS = 2


@dataclass(frozen=True)
class CrosswalkSummary:
    """Counts for the nightly report; `by_method` and `by_band` count records."""

    records: int
    customers: int
    by_method: Mapping[str, int]
    by_band: Mapping[str, int]
    expired_overrides: int
    unknown_override_records: tuple[str, ...]
    new_records: int
    changed_records: int
    merged_customers: int
    split_customers: int
    measures: Measures


@dataclass(frozen=True)
class CrosswalkResult:
    """`history` is what the registry must add, unless the night `is_held`.

    `placed` has system, source_id and canonical_customer_id of every record, and numbers of its own
    beside: `cluster`, and `auto_cluster`, whose records are joined by links that nobody needs to
    look at.
    """

    summary: CrosswalkSummary
    history: History
    placed: pl.DataFrame
    is_held: bool


def _never(_: CrosswalkSummary) -> bool:
    return False


def resolve(
    con: duckdb.DuckDBPyConnection,
    overrides_path: str | Path,
    registry: pl.DataFrame,
    snapshot_date: date,
    *,
    scorer: Scorer | None = None,
    model: Model | None = None,
    holds: Callable[[CrosswalkSummary], bool] = _never,
) -> CrosswalkResult:
    """Read identity.identity_records, write identity.crosswalk and the tables beside it.

    `registry` holds the last assignment of every record before that day, see REGISTRY_SCHEMA.
    A night that `holds` says is to be held leaves the accepted tables as they are and tells what it
    would have changed in identity.held_changes.
    Raises OverridesError, ModelError, WarehouseBuiltForAnotherDay.
    """
    engine.require_built_for(con, snapshot_date)
    overrides = load_overrides(Path(overrides_path), snapshot_date)
    model = model or load_model()
    scorer = scorer or SplinkScorer(model)
    with workspace(con) as work:
        take_in(work)
        unknown = _tell(work, overrides, registry)
        link(work, scorer, model)
        ask(work)
        place(work, overrides, snapshot_date)
        measures = measure(work, scorer, model)
        placed = work.con.sql(_PLACED).pl()
        history = changes(placed, registry, snapshot_date)
        summary = _summary(work, history, measures, overrides.expired, unknown)
        is_held = holds(summary)
        tables.publish_held(work, is_held=is_held)
        if not is_held:
            tables.publish(work, model)
    return CrosswalkResult(summary, history, placed, is_held)


def link(work: Work, scorer: Scorer, model: Model) -> None:
    """From identity_node to identity_part (who is joined) and identity_held (by which links)."""
    evidence.gather(work)
    join_firm(work)
    find_candidates(work)
    decision.find_open_pairs(work)
    scorer.score(work, "identity_to_score", "identity_score")
    decision.weigh(work)
    for _ in range(_ROUNDS):
        decision.decide(work, model)
        if not work.count("identity_chosen"):
            break
        join_scored(work)
    work.run(
        "create or replace table identity_auto_edge as select a, b from identity_held where is_auto"
    )
    label_components(work, "identity_auto_edge", "identity_auto")


def _tell(work: Work, overrides: Overrides, registry: pl.DataFrame) -> tuple[str, ...]:
    """What people and past nights say, as tables; returns records that stewards name in vain."""
    _pairs(work, "identity_steward_link", overrides.links, overrides.decided)
    _pairs(work, "identity_never", overrides.never, overrides.decided)
    records = sorted(overrides.records)
    said = pl.DataFrame(records, schema={"system": pl.String, "key": pl.String}, orient="row")
    work.con.register("_said", said)
    unknown = work.rows(
        "select system || ' ' || key from _said "
        "anti join identity_node using (system, key) order by 1"
    )
    work.con.unregister("_said")
    work.con.register("_before", registry)
    work.run(
        "create or replace table identity_before as "
        "select node, canonical_customer_id as previous_id, first_seen_date as seen_date, "
        "since_date as previous_since_date "
        "from _before join identity_node using (system, source_id)"
    )
    work.con.unregister("_before")
    return tuple(name for (name,) in unknown)


def _pairs(work: Work, table: str, pairs: Iterable[Pair], decided: Mapping[Pair, Decision]) -> None:
    """Pairs of nodes; a pair with a record that does not exist says nothing."""
    columns = ("left_system", "left_key", "right_system", "right_key", "decided_by", "decided_on")
    rows = [(*pair[0], *pair[1], decided[pair][0], str(decided[pair][1])) for pair in pairs]
    work.con.register(
        "_pairs", pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    )
    work.run(
        f"create or replace table {table} as "
        "select distinct least(l.node, r.node) as a, greatest(l.node, r.node) as b, "
        "decided_by, decided_on from _pairs "
        "join identity_node as l on left_system = l.system and left_key = l.key "
        "join identity_node as r on right_system = r.system and right_key = r.key"
    )
    work.con.unregister("_pairs")


def _summary(
    work: Work,
    history: History,
    measures: Measures,
    expired: int,
    unknown: tuple[str, ...],
) -> CrosswalkSummary:
    aliases = history.aliases
    changed = int(aliases["records"].sum())
    return CrosswalkSummary(
        records=work.count("identity_node"),
        customers=work.count("identity_id"),
        by_method=dict(work.rows(_METHODS)),
        by_band=dict(work.rows(_BANDS)),
        expired_overrides=expired,
        unknown_override_records=unknown,
        new_records=history.assignments.height - changed,
        changed_records=changed,
        merged_customers=aliases.filter(kind="merged")["new_id"].n_unique(),
        split_customers=aliases.filter(kind="split")["old_id"].n_unique(),
        measures=measures,
    )
