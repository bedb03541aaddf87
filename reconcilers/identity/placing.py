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

_TOLD_SCHEMA = {
    "number": pl.Int32,
    "method": pl.String,
    "confidence": pl.Float64,
    "rule": pl.String,
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

# `rank` orders records by the strength of their claim to an id: a steward's word, the role, the
# record that speaks for its system, and the node, which is unique.
_PLACED = """
create or replace table identity_placed as
with placed as (
    select
        node.node, node.role,
        coalesce(part.label, node.node)::integer as cluster,
        coalesce(auto.label, node.node)::integer as auto_cluster,
        coalesce(link.method, {alone})::integer as method,
        case when link.method = {score} or not link.is_auto then link.p end as score,
        case when link.node is null then 'none' when link.is_auto then 'auto' else 'review' end
            as band,
        link.other,
        owner.node is not null as is_id_owner,
        row_number() over (
            partition by coalesce(part.label, node.node), node.role
            order by chosen.node is null, not node.is_active, node.created_at nulls last, node.node
        ) = 1 as is_primary
    from identity_node as node
    left join identity_part as part using (node)
    left join identity_auto as auto using (node)
    left join identity_own_link as link using (node)
    left join identity_primary as chosen using (node)
    left join identity_id_owner as owner using (node)
)
select
    * exclude (role),
    (((not is_id_owner)::bigint * 8 + {anchor_rank}) * 2 + (not is_primary)::bigint)
        * 4294967296 + node as rank
from placed
"""

_CLAIMS = """
select
    cluster, before.previous_id, is_id_owner, rank,
    'cus_' || left(sha256(node.system || '|' || node.source_id), 20) as own_id
from identity_placed as placed
join identity_node as node using (node)
left join identity_before as before using (node)
"""

_CROSSWALK = """
create or replace view identity_crosswalk as
select
    id.canonical_customer_id, node.role, node.system, node.source_id, placed.is_primary,
    told.method, coalesce(placed.score, told.confidence) as confidence, told.rule,
    least(before.seen_date, {day}) as first_seen_date, {day} as snapshot_date,
    regexp_replace(coalesce(head.canonical_customer_id, id.canonical_customer_id), 'cus_', 'grp_')
        as customer_group_id,
    placed.score, placed.band, other.system || ' ' || other.source_id as linked_to,
    least(case when before.previous_id = id.canonical_customer_id
        then before.previous_since_date end, {day}) as since_date,
    placed.node, placed.cluster, placed.auto_cluster
from identity_placed as placed
join identity_node as node using (node)
join identity_told as told on placed.method = told.number
join identity_id as id using (cluster)
left join identity_before as before using (node)
left join identity_group as family using (cluster)
left join identity_id as head on family.head = head.cluster
left join identity_node as other on placed.other = other.node
"""


def place(work: Work, overrides: Overrides, snapshot_date: date) -> None:
    """Make the view identity_crosswalk: every record under its id, as it is published.

    Beside what is published it has `node`, `cluster`, and `auto_cluster`, whose records are joined
    by links that nobody needs to look at. Makes identity_id and identity_group on the way.
    """
    work.run(_OWN_LINK)
    _nodes(work, "identity_primary", overrides.primary)
    _nodes(work, "identity_id_owner", overrides.id_owners)
    ranks = " ".join(f"when '{role}' then {rank}" for role, rank in ANCHOR_RANK.items())
    work.run(
        _PLACED,
        alone=int(Method.SELF),
        score=int(Method.SCORE),
        anchor_rank=f"case role {ranks} else {len(ANCHOR_RANK)} end",
    )
    _keep(work, "identity_id", assign_ids(work.con.sql(_CLAIMS).pl()))
    find_groups(work)
    told = [(int(method), *words) for method, words in TOLD.items()]
    _keep(work, "identity_told", pl.DataFrame(told, schema=_TOLD_SCHEMA, orient="row"))
    work.run(_CROSSWALK, day=f"date '{snapshot_date}'")


def _nodes(work: Work, table: str, records: tuple[Record, ...]) -> None:
    keys = [key_of(*record) for record in records]
    said = pl.DataFrame(keys, schema={"system": pl.String, "key": pl.String}, orient="row")
    work.con.register("_said", said)
    work.run(
        f"create or replace table {table} as "
        "select node from identity_node semi join _said using (system, key)"
    )
    work.con.unregister("_said")


def _keep(work: Work, table: str, frame: pl.DataFrame) -> None:
    work.con.register("_frame", frame)
    work.run(f"create or replace table {table} as from _frame")
    work.con.unregister("_frame")
