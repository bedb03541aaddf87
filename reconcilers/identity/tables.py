"""What identity leaves in the warehouse, beside the crosswalk itself."""

import duckdb
import polars as pl

from reconcilers import engine
from reconcilers.identity.model import Model
from reconcilers.identity.questions import publish_queue
from reconcilers.identity.reasons import give_reasons
from reconcilers.identity.registry import current_ids
from reconcilers.identity.unused import publish_unused
from reconcilers.identity.work import Work

_INTERNAL = "node, cluster, auto_cluster"
# By then all that is decided is in the view identity_crosswalk and what it reads.
_ASKED_NO_MORE = (
    "candidate", "to_score", "score", "weighed", "rivalry", "ranked", "decided", "chosen", "held",
    "rule_edge", "by_tax", "by_domain", "by_postcode", "firm", "twin", "joined", "joined_edge",
    "part_fact", "masked", "unmasked", "otherwise", "auto", "auto_edge", "part",
)  # fmt: skip

# Records whose rows are made, sorted and written at a time: evidence is long.
_AT_ONCE = 1_000_000

_SOME_LINKS = """
create or replace table identity_link_pair as
select distinct a, b, is_scored from identity_own_link where {some}
"""

_SWAP = """
begin;
drop table if exists "{home}".identity.crosswalk;
alter table "{home}".identity.crosswalk_next rename to crosswalk;
commit
"""

# Beside each record why it stands where it stands, as JSON: null where nothing links it.
_CROSSWALK = """
{write} "{home}".identity.crosswalk_next {as_}
select
    crosswalk.* exclude ({internal}),
    case
        when link.node is null then null
        when link.is_scored then json_object(
            'linked_to', linked_to, 'rule', rule, 'keys', reason.keys, 'probability', round(p, 6),
            'bits', round(bits, 3), 'weights', reason.weights,
            'first_seen', since_date, 'last_seen', snapshot_date)
        when steward.a is not null then json_object(
            'linked_to', linked_to, 'rule', rule, 'keys', reason.keys,
            'override', json_object('decided_on', steward.decided_on),
            'first_seen', since_date, 'last_seen', snapshot_date)
        else json_object(
            'linked_to', linked_to, 'rule', rule, 'keys', reason.keys,
            'first_seen', since_date, 'last_seen', snapshot_date)
    end::varchar as evidence,
    -- who the steward is stays here: evidence travels on into canonical and trace
    case when not link.is_scored then steward.decided_by end as decided_by
from identity_crosswalk as crosswalk
left join identity_own_link as link using (node)
left join identity_reason as reason on link.a = reason.a and link.b = reason.b
left join identity_steward_link as steward on link.a = steward.a and link.b = steward.b
where {some}
order by node
"""

_HELD = """
create or replace table "{home}".identity.held_changes as
select system, source_id, previous_id as canonical_customer_id,
    canonical_customer_id as proposed_customer_id, method, rule, band, linked_to, snapshot_date
from identity_crosswalk
join identity_before using (node)
where {is_held} and previous_id <> canonical_customer_id
order by node
"""

_GROUPS = """
create or replace table "{home}".identity.customer_groups as
select
    child.canonical_customer_id, parent.canonical_customer_id as parent_customer_id,
    'grp_' || substr(head.canonical_customer_id, 5) as customer_group_id,
    said.said_by, said.has_two_parents, said.is_ring
from identity_group as said
join identity_id as child using (cluster)
left join identity_id as parent on said.parent = parent.cluster
join identity_id as head on said.head = head.cluster
order by 1
"""


def publish(work: Work, model: Model) -> None:
    """Write identity.crosswalk and the tables beside it into the warehouse."""
    work.drop(*_ASKED_NO_MORE)
    for start in range(0, work.count("identity_node") + 1, _AT_ONCE):
        some = f"node between {start} and {start + _AT_ONCE - 1}"
        work.run(_SOME_LINKS, some=some)
        give_reasons(work, "identity_link_pair", "identity_reason", model)
        write, as_ = ("insert into", "") if start else ("create or replace table", "as")
        work.run(_CROSSWALK, home=work.home, internal=_INTERNAL, some=some, write=write, as_=as_)
    work.run(_SWAP, home=work.home)
    work.drop("link_pair", "reason")
    work.run(_GROUPS, home=work.home)
    publish_unused(work)
    publish_queue(work, model)


def publish_held(work: Work, *, is_held: bool) -> None:
    """Write identity.held_changes: whom a held night would move; empty when it is not held."""
    work.run(f'create schema if not exists "{work.home}".identity')
    work.run(_HELD, home=work.home, is_held=is_held)


def publish_aliases(
    con: duckdb.DuckDBPyConnection, aliases: pl.DataFrame, crosswalk: pl.DataFrame
) -> None:
    """Write identity.customer_aliases: each id that was given up, with the id to use today."""
    named = pl.concat([aliases["old_id"], aliases["new_id"]]).unique()
    live = set(named.filter(named.is_in(crosswalk["canonical_customer_id"].unique().implode())))
    engine.replace_table(con, "identity.customer_aliases", current_ids(aliases, live))
