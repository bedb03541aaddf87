"""Who is the same customer in all systems: each record with a canonical id that stays.

A deterministic cascade: stewards' overrides, explicit cross-references, tax id, then domain with
country and name. A domain alone never decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypedDict

import duckdb
import polars as pl

from reconcilers import engine
from reconcilers.identity.clusters import Clusters, Method, Node, Xref
from reconcilers.identity.evidence import Evidence, gather
from reconcilers.identity.overrides import Overrides, Pair, Record, key_of, load_overrides
from reconcilers.identity.registry import ANCHOR_RANK, REGISTRY_SCHEMA, assign_ids
from reconcilers.identity.scorer import Proposal, Scorer

# Per method: name, confidence where no scorer states one, and the rule as reports print it.
_TOLD: Mapping[Method, tuple[str, float, str]] = {
    Method.OVERRIDE: ("override", 1.0, "R0 decided by a steward"),
    Method.XREF: ("xref", 0.99, "R1 explicit cross-reference"),
    Method.TAX_ID: ("tax_id", 0.95, "R2 tax id and country"),
    Method.DOMAIN_COUNTRY: ("domain_country", 0.90, "R3 domain, country and name"),
    Method.SCORE: ("score", 0.80, "R4 scored pair"),
    Method.SELF: ("self", 1.0, "stands alone"),
}


@dataclass(frozen=True)
class CrosswalkSummary:
    """Counts for the nightly report; `by_method` counts records."""

    records: int
    customers: int
    by_method: Mapping[str, int]
    dangling_xrefs: int
    contradictory_xrefs: int
    ambiguous: int
    vetoed: int
    generic_tax_ids: int
    generic_domains: int
    expired_overrides: int
    unknown_override_records: tuple[str, ...]
    new_records: int
    changed_records: int
    merged_customers: int
    split_customers: int


@dataclass(frozen=True)
class CrosswalkResult:
    """`new_assignments` is what the registry must add, in the columns of REGISTRY_SCHEMA."""

    summary: CrosswalkSummary
    new_assignments: pl.DataFrame


def resolve(
    con: duckdb.DuckDBPyConnection,
    overrides_path: str | Path,
    registry: pl.DataFrame,
    snapshot_date: date,
    *,
    scorer: Scorer | None = None,
) -> CrosswalkResult:
    """Read identity.identity_records, write identity.crosswalk.

    `registry` holds the first assignment of every record seen before, see REGISTRY_SCHEMA.
    Raises OverridesError, WarehouseBuiltForAnotherDay.
    """
    engine.require_built_for(con, snapshot_date)
    overrides = load_overrides(Path(overrides_path), snapshot_date)
    evidence = gather(con)
    people = _People(evidence.nodes)
    proposals = [] if scorer is None else scorer.propose(con)
    clusters = _clustered(people, evidence, overrides, proposals)
    placed = _placed(people, clusters, overrides)
    known = _with_history(placed, registry)
    crosswalk = _crosswalk(known, snapshot_date)
    engine.replace_table(con, "identity.crosswalk", crosswalk)
    unknown = sorted(f"{system} {key}" for system, key in overrides.records - people.numbers.keys())
    counted = {
        "dangling_xrefs": evidence.dangling_xrefs,
        "contradictory_xrefs": clusters.contradictory_xrefs,
        "ambiguous": clusters.ambiguous,
        "vetoed": clusters.vetoed,
        "generic_tax_ids": evidence.generic_tax_ids,
        "generic_domains": evidence.generic_domains,
        "expired_overrides": overrides.expired,
    }
    summary = CrosswalkSummary(
        **counted,
        **_history(known),
        **_coverage(crosswalk),
        unknown_override_records=tuple(unknown),
    )
    is_new = pl.col("previous_id").is_null()
    seen_first = known.select("system", "source_id", is_new.alias("is_new"))
    new = crosswalk.join(seen_first.filter("is_new"), on=["system", "source_id"], how="semi")
    return CrosswalkResult(summary, new.select(REGISTRY_SCHEMA.keys()))


class _People:
    """The records by number, and their numbers by (system, id as it is compared)."""

    def __init__(self, nodes: pl.DataFrame) -> None:
        self.frame = nodes
        keys = zip(nodes["system"], nodes["key"], nodes["node"], strict=True)
        self.numbers: dict[Record, int] = {(system, key): node for system, key, node in keys}

    def nodes(self, wanted: set[int]) -> dict[int, Node]:
        """Only records that something links are looked at one by one."""
        columns = ("node", "role", "legal_entity", "country_code", "tax_id", "is_active")
        some = self.frame.filter(pl.col("node").is_in(list(wanted))).select(columns)
        return {
            number: Node(
                number, role, entity, (country or "", tax) if tax else None, is_active=bool(active)
            )
            for number, role, entity, country, tax, active in some.iter_rows()
        }

    def pairs(self, pairs: Iterable[Pair]) -> list[tuple[int, int]]:
        """Pairs of numbers; a pair with a record that does not exist says nothing."""
        known = [tuple(self.numbers.get(key_of(*record)) for record in pair) for pair in pairs]
        return [(left, right) for left, right in known if left is not None and right is not None]


def _clustered(
    people: _People, evidence: Evidence, overrides: Overrides, proposals: Sequence[Proposal]
) -> Clusters:
    never, links = people.pairs(overrides.never), people.pairs(overrides.links)
    columns = ("a", "b", "a_role", "b_role", "agrees")
    xrefs = [Xref(*row) for row in evidence.xrefs.select(columns).iter_rows()]
    best_first = sorted(proposals, key=lambda each: (-each.probability, each.left, each.right))
    scored = people.pairs([(each.left, each.right) for each in best_first])
    named = [*never, *links, *scored, *((xref.a, xref.b) for xref in xrefs)]
    grouped = [*evidence.tax_groups, *evidence.domain_groups]
    clusters = Clusters(people.nodes({node for some in [*named, *grouped] for node in some}))
    clusters.bar(never)
    clusters.link(links)
    clusters.cross_reference(xrefs)
    clusters.agree(evidence.tax_groups, Method.TAX_ID)
    clusters.agree(evidence.domain_groups, Method.DOMAIN_COUNTRY)
    clusters.suggest(scored)
    return clusters


def _placed(people: _People, clusters: Clusters, overrides: Overrides) -> pl.DataFrame:
    """Every record with its cluster, its method, whether it is primary, and its claim's rank."""
    linked = clusters.linked()
    told = [_TOLD[clusters.methods.get(node, Method.SELF)] for node in linked]
    found = pl.DataFrame(
        {
            "node": linked,
            "cluster": [clusters.label(node) for node in linked],
            "method": [name for name, _, _ in told],
            "confidence": [confidence for _, confidence, _ in told],
            "rule": [rule for _, _, rule in told],
        },
        schema={
            "node": pl.Int64,
            "cluster": pl.Int64,
            "method": pl.String,
            "confidence": pl.Float64,
            "rule": pl.String,
        },
    )
    name, confidence, rule = _TOLD[Method.SELF]
    chosen = [people.numbers.get(record, 0) for record in overrides.primary]
    owners = [people.numbers.get(record, 0) for record in overrides.id_owners]
    joined = people.frame.join(found, on="node", how="left").with_columns(
        pl.col("cluster").fill_null(pl.col("node")),
        pl.col("method").fill_null(name),
        pl.col("confidence").fill_null(confidence),
        pl.col("rule").fill_null(rule),
        pl.col("node").is_in(chosen).alias("is_chosen"),
        pl.col("node").is_in(owners).alias("is_id_owner"),
    )
    return _ranked(joined)


def _ranked(joined: pl.DataFrame) -> pl.DataFrame:
    seniority = ["is_chosen", "is_active", "created_at", "node"]
    descending = [True, True, False, False]
    ordered = joined.sort(seniority, descending=descending, nulls_last=True)
    first = pl.int_range(pl.len()).over("cluster", "role") == 0
    placed = ordered.with_columns(first.alias("is_primary"))
    by_claim = placed.sort(
        ~pl.col("is_id_owner"),
        pl.col("role").replace_strict(ANCHOR_RANK, default=len(ANCHOR_RANK), return_dtype=pl.Int64),
        ~pl.col("is_primary"),
        "node",
    )
    return by_claim.with_row_index("rank")


def _with_history(placed: pl.DataFrame, registry: pl.DataFrame) -> pl.DataFrame:
    remembered = registry.select(
        "system",
        "source_id",
        pl.col("canonical_customer_id").alias("previous_id"),
        pl.col("first_seen_date").alias("seen_date"),
    )
    known = placed.join(remembered, on=["system", "source_id"], how="left", validate="m:1")
    return known.join(assign_ids(known), on="cluster", how="left", validate="m:1")


def _crosswalk(known: pl.DataFrame, snapshot_date: date) -> pl.DataFrame:
    return known.sort("node").select(
        "canonical_customer_id",
        "role",
        "system",
        "source_id",
        "is_primary",
        "method",
        "confidence",
        "rule",
        pl.min_horizontal("seen_date", pl.lit(snapshot_date)).alias("first_seen_date"),
        pl.lit(snapshot_date).alias("snapshot_date"),
    )


class _Coverage(TypedDict):
    records: int
    customers: int
    by_method: Mapping[str, int]


class _History(TypedDict):
    new_records: int
    changed_records: int
    merged_customers: int
    split_customers: int


def _coverage(crosswalk: pl.DataFrame) -> _Coverage:
    counts = crosswalk.group_by("method").len().sort("method").iter_rows()
    return {
        "records": crosswalk.height,
        "customers": crosswalk["canonical_customer_id"].n_unique(),
        "by_method": dict(counts),
    }


def _history(known: pl.DataFrame) -> _History:
    before = known.drop_nulls("previous_id")
    has_moved = pl.col("previous_id") != pl.col("canonical_customer_id")
    ids_per_cluster = before.group_by("cluster").agg(pl.col("previous_id").n_unique())
    clusters_per_id = before.group_by("previous_id").agg(pl.col("cluster").n_unique())
    return {
        "new_records": known["previous_id"].null_count(),
        "changed_records": before.filter(has_moved).height,
        "merged_customers": ids_per_cluster.filter(pl.col("previous_id") > 1).height,
        "split_customers": clusters_per_id.filter(pl.col("cluster") > 1).height,
    }
