"""What identity leaves in the warehouse, beside the crosswalk itself."""

import duckdb
import polars as pl

from reconcilers import engine
from reconcilers.identity.questions import publish_queue
from reconcilers.identity.registry import current_ids
from reconcilers.identity.work import Work

_INTERNAL = ("cluster", "auto_cluster")

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


def publish(work: Work, crosswalk: pl.DataFrame) -> None:
    """Write identity.crosswalk, customer_groups and review_queue into the warehouse."""
    work.run(f'create schema if not exists "{work.home}".identity')
    work.con.register("_crosswalk", crosswalk)
    columns = ", ".join(name for name in crosswalk.columns if name not in _INTERNAL)
    work.run(
        f'create or replace table "{work.home}".identity.crosswalk as '
        f"select {columns} from _crosswalk"
    )
    work.run(_GROUPS, home=work.home)
    work.con.unregister("_crosswalk")
    publish_queue(work)


def publish_aliases(
    con: duckdb.DuckDBPyConnection, aliases: pl.DataFrame, crosswalk: pl.DataFrame
) -> None:
    """Write identity.customer_aliases: each id that was given up, with the id to use today."""
    live = set(crosswalk["canonical_customer_id"])
    engine.replace_table(con, "identity.customer_aliases", current_ids(aliases, live))
