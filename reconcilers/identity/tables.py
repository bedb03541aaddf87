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

_INTERNAL = ("node", "cluster", "auto_cluster")

# Beside each record why it stands where it stands, as JSON: null where nothing links it.
_CROSSWALK = """
create or replace table "{home}".identity.crosswalk as
select
    {columns},
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
from _crosswalk
left join identity_own_link as link using (node)
left join identity_reason as reason on link.a = reason.a and link.b = reason.b
left join identity_steward_link as steward on link.a = steward.a and link.b = steward.b
order by node
"""

_HELD = """
create or replace table "{home}".identity.held_changes as
select system, source_id, previous_id as canonical_customer_id,
    canonical_customer_id as proposed_customer_id, method, rule, band, linked_to, snapshot_date
from _crosswalk
join identity_before using (node)
where {is_held} and previous_id <> canonical_customer_id
order by node
"""

_GROUPS = """
create or replace table "{home}".identity.customer_groups as
with ids as (select distinct cluster, canonical_customer_id from _crosswalk)
select
    child.canonical_customer_id, parent.canonical_customer_id as parent_customer_id,
    'grp_' || substr(head.canonical_customer_id, 5) as customer_group_id,
    said.said_by, said.has_two_parents, said.is_ring
from identity_group as said
join ids as child using (cluster)
left join ids as parent on said.parent = parent.cluster
join ids as head on said.head = head.cluster
order by 1
"""


def publish(work: Work, crosswalk: pl.DataFrame, model: Model) -> None:
    """Write identity.crosswalk and the tables beside it into the warehouse."""
    work.run(
        "create or replace table identity_link_pair as "
        "select distinct a, b, is_scored from identity_own_link"
    )
    give_reasons(work, "identity_link_pair", "identity_reason", model)
    work.con.register("_crosswalk", crosswalk)
    columns = ", ".join(f"_crosswalk.{name}" for name in crosswalk.columns if name not in _INTERNAL)
    work.run(_CROSSWALK, home=work.home, columns=columns)
    work.run(_GROUPS, home=work.home)
    publish_unused(work)
    work.con.unregister("_crosswalk")
    publish_queue(work, model)


def publish_held(work: Work, crosswalk: pl.DataFrame, *, is_held: bool) -> None:
    """Write identity.held_changes: whom a held night would move; empty when it is not held."""
    work.run(f'create schema if not exists "{work.home}".identity')
    work.con.register("_crosswalk", crosswalk)
    work.run(_HELD, home=work.home, is_held=is_held)
    work.con.unregister("_crosswalk")


def publish_aliases(
    con: duckdb.DuckDBPyConnection, aliases: pl.DataFrame, crosswalk: pl.DataFrame
) -> None:
    """Write identity.customer_aliases: each id that was given up, with the id to use today."""
    named = pl.concat([aliases["old_id"], aliases["new_id"]]).unique()
    live = set(named.filter(named.is_in(crosswalk["canonical_customer_id"].unique().implode())))
    engine.replace_table(con, "identity.customer_aliases", current_ids(aliases, live))
