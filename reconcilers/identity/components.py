"""Connected components inside the engine: each node with the least node that it is joined to."""

from reconcilers.identity.work import Work

_START = """
create or replace table {out} as
select node, least(node, min(other)) as label
from (select a as node, b as other from {edges} union all select b, a from {edges})
group by node
"""

# The least label of the neighbours, then of the node that this label names: long chains halve.
_STEP = """
create or replace table {out}_next as
with near as (
    select edge.a as node, label.label from {edges} as edge join {out} as label
        on edge.b = label.node
    union all
    select edge.b, label.label from {edges} as edge join {out} as label on edge.a = label.node
),
least_label as (
    select node, min(label) as label from (from near union all select node, label
        from {out}) group by node
)
select least_label.node, least(least_label.label, jump.label) as label
from least_label
join {out} as jump on least_label.label = jump.node
"""


def label_components(work: Work, edges: str, out: str) -> None:
    """Make the table `out` (node, label) from columns a and b of `edges`; loners are left out."""
    work.run(_START, out=out, edges=edges)
    changed = 1
    while changed:
        work.run(_STEP, out=out, edges=edges)
        changed = work.rows(
            f"select count(*) from {out}_next as after join {out} as before using (node) "
            "where after.label <> before.label"
        )[0][0]
        work.run(f"drop table {out}; alter table {out}_next rename to {out}")
