"""Joined records put in order: who speaks for a customer, how each came to it, under which id."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from reconcilers.identity.clusters import Method
from reconcilers.identity.groups import find_groups
from reconcilers.identity.overrides import Overrides, Record, key_of
from reconcilers.identity.registry import ANCHOR_RANK, assign_ids
from reconcilers.identity.work import Work

# Per method: name, confidence where no scorer states one, and the rule as reports print it.
TOLD: Mapping[Method, tuple[str, float, str]] = {
    Method.OVERRIDE: ("override", 1.0, "R0 decided by a steward"),
    Method.XREF: ("xref", 0.99, "R1 explicit cross-reference"),
    Method.TAX_ID: ("tax_id", 0.95, "R2 tax id and country"),
    Method.DOMAIN_COUNTRY: ("domain_country", 0.90, "R3 domain, country and name"),
    Method.NAME_POSTCODE: ("name_postcode", 0.90, "R4 name and postcode"),
    Method.SCORE: ("score", 0.80, "R5 scored pair"),
    Method.SELF: ("self", 1.0, "stands alone"),
}

# A record's own best link says how it came to its customer, and how sure that is.
_OWN_LINK = """
create or replace table identity_own_link as
with ends as (
    select a as node, b as other, method, bits, p, is_auto, is_scored from identity_held
    union all
    select b, a, method, bits, p, is_auto, is_scored from identity_held
),
chosen as (
    select node, bool_or(is_auto) as is_auto, arg_min(
        struct_pack(other, method, bits, p, is_scored), (method, not is_auto, -bits, other)
    ) as best
    from ends group by node
)
select
    node, is_auto, best.other, best.method, best.bits, best.p, best.is_scored,
    least(node, best.other) as a, greatest(node, best.other) as b
from chosen
"""

_PLACED = """
create or replace table identity_placed as
select
    node.node, node.system, node.key, node.role, node.source_id, node.parent_id, node.is_active,
    node.created_at,
    'cus_' || left(sha256(node.system || '|' || node.source_id), 20) as own_id,
    coalesce(part.label, node.node)::integer as cluster,
    coalesce(auto.label, node.node)::integer as auto_cluster,
    coalesce(link.method, {alone})::integer as method,
    case when link.method = {score} or not link.is_auto then link.p end as score,
    case when link.node is null then 'none' when link.is_auto then 'auto' else 'review' end as band,
    other.system || ' ' || other.source_id as linked_to
from identity_node as node
left join identity_part as part using (node)
left join identity_auto as auto using (node)
left join identity_own_link as link using (node)
left join identity_node as other on link.other = other.node
"""


def place(work: Work, overrides: Overrides) -> pl.DataFrame:
    """Every record with its cluster, its method, whether it is primary, and its claim's rank."""
    work.run(_OWN_LINK)
    work.run(_PLACED, alone=int(Method.SELF), score=int(Method.SCORE))
    frame = work.con.sql("from identity_placed").pl()
    return _ranked(
        frame.with_columns(
            _is_one_of(overrides.primary).alias("is_chosen"),
            _is_one_of(overrides.id_owners).alias("is_id_owner"),
        )
    )


def _is_one_of(records: tuple[Record, ...]) -> pl.Expr:
    named = [f"{system} {key}" for system, key in (key_of(*record) for record in records)]
    return (pl.col("system") + " " + pl.col("key")).is_in(named)


def _ranked(frame: pl.DataFrame) -> pl.DataFrame:
    seniority = ["is_chosen", "is_active", "created_at", "node"]
    descending = [True, True, False, False]
    ordered = frame.sort(seniority, descending=descending, nulls_last=True)
    first = pl.struct("cluster", "role").is_first_distinct()
    placed = ordered.with_columns(first.alias("is_primary"))
    by_claim = placed.sort(
        ~pl.col("is_id_owner"),
        pl.col("role").replace_strict(ANCHOR_RANK, default=len(ANCHOR_RANK), return_dtype=pl.Int64),
        ~pl.col("is_primary"),
        "node",
    )
    return by_claim.with_row_index("rank")


def with_history(placed: pl.DataFrame, registry: pl.DataFrame) -> pl.DataFrame:
    """With the id that each record had and since when, and the id of its customer now."""
    remembered = registry.select(
        "system",
        "source_id",
        pl.col("canonical_customer_id").alias("previous_id"),
        pl.col("first_seen_date").alias("seen_date"),
        pl.col("since_date").alias("previous_since_date"),
    )
    known = placed.join(remembered, on=["system", "source_id"], how="left", validate="m:1")
    return known.join(assign_ids(known), on="cluster", how="left", validate="m:1")


def crosswalk_frame(work: Work, known: pl.DataFrame, snapshot_date: date) -> pl.DataFrame:
    """The crosswalk as it is published; makes identity_group on the way."""
    find_groups(work)
    ids = known.select("cluster", "canonical_customer_id").unique("cluster")
    groups = work.con.sql("select cluster, head from identity_group").pl()
    heads = groups.join(ids, left_on="head", right_on="cluster").select(
        "cluster", pl.col("canonical_customer_id").alias("head_id")
    )
    told = known.join(heads, on="cluster", how="left", validate="m:1").sort("node")
    stayed = pl.col("previous_id") == pl.col("canonical_customer_id")
    group = pl.coalesce("head_id", "canonical_customer_id").str.replace(
        "cus_", "grp_", literal=True
    )
    return told.select(
        "canonical_customer_id",
        "role",
        "system",
        "source_id",
        "is_primary",
        _told(0, pl.String).alias("method"),
        pl.coalesce("score", _told(1, pl.Float64)).alias("confidence"),
        _told(2, pl.String).alias("rule"),
        pl.min_horizontal("seen_date", pl.lit(snapshot_date)).alias("first_seen_date"),
        pl.lit(snapshot_date).alias("snapshot_date"),
        group.alias("customer_group_id"),
        "score",
        "band",
        "linked_to",
        pl.min_horizontal(pl.when(stayed).then("previous_since_date"), pl.lit(snapshot_date)).alias(
            "since_date"
        ),
        "node",
        "cluster",
        "auto_cluster",
    )


def _told(place_in_tuple: int, kind: type[pl.DataType]) -> pl.Expr:
    words = {int(method): told[place_in_tuple] for method, told in TOLD.items()}
    return pl.col("method").replace_strict(words, return_dtype=kind)
