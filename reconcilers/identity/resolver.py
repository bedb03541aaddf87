"""Links turned into customers: inside the engine, except where they contradict each other.

`identity_part` (node, label) holds what is joined so far. Links come in two rounds, firm ones and
scored ones; after each, the components that break a constraint are taken apart in Python.
"""

from collections import defaultdict

import polars as pl

from reconcilers.identity.clusters import Clusters, Edge, Method, Node
from reconcilers.identity.components import label_components
from reconcilers.identity.work import Work

# Links of one system are only followed where they say that a record was made twice; ERP customers
# of two legal entities of ours may well be one company.
_FIRM = """
create or replace table identity_firm as
with said as (
    select a, b, 0 as method, 1.0 as strength, true as fuses from identity_steward_link
    union all
    select a, b, 1, 2 * agrees::int - conflicts::int, agrees from identity_xref where is_firm
    union all
    select edge.a, edge.b, edge.rule, 0, edge.is_duplicate
    from identity_rule_edge as edge
    join identity_node as l on edge.a = l.node
    join identity_node as r on edge.b = r.node
    where edge.rule > 1 and edge.is_firm and not edge.has_two_taxes
        and (edge.is_duplicate or case l.role || r.role
            when 'crmcrm' then false when 'erperp' then l.legal_entity <> r.legal_entity
                else true end)
)
select
    a, b, min(method)::integer as method, max(strength)::double as strength, bool_or(fuses) as fuses
from said group by a, b
"""

# Records that are one because they were made twice, or because a steward says so, count as one.
_VIOLATING = """
create or replace table identity_violating as
with same as (
    select node.node, node.role, node.legal_entity, node.country, node.tax_id, part.label,
        coalesce(twin.label, node.node) as person
    from {parts} as part
    join identity_node as node using (node)
    left join identity_twin as twin using (node)
)
select label from same group by label
having count(distinct person) filter (role = 'crm') > 1
union
select label from same where role = 'erp' group by label, legal_entity
having count(distinct person) > 1
union
select label from same where role = 'erp' group by label
having count(distinct person) > 1 and bool_or(legal_entity is null)
union
select label from same where tax_id is not null group by label, country
having count(distinct tax_id) > 1
union
select l.label
from identity_never as never
join {parts} as l on never.a = l.node
join {parts} as r on never.b = r.node
where l.label = r.label
"""


def join_firm(work: Work) -> None:
    """Make identity_part, and identity_held of the firm links that were followed."""
    work.run(_FIRM)
    work.run(
        "create or replace table identity_fusing as select a, b from identity_firm where fuses "
        "and a in (select node from identity_node where role <> 'billing')"
    )
    label_components(work, "identity_fusing", "identity_twin")
    label_components(work, "identity_firm", "identity_part")
    work.run(_VIOLATING, parts="identity_part")
    work.run(
        "create or replace table identity_held as "
        "select firm.a, firm.b, firm.method, 0.0::double as bits, "
        "1.0::double as p, true as is_auto, false as is_scored "
        "from identity_firm as firm join identity_part as part on firm.a = part.node "
        "where part.label not in (select label from identity_violating)"
    )
    _untangle(work, "identity_firm", "identity_part", seeded=False)


def join_scored(work: Work) -> None:
    """Follow the chosen links of identity_chosen (a, b, bits, p, is_auto, method) between parts."""
    work.run(
        "create or replace table identity_joined_edge as select a, b from identity_chosen "
        "union all select node, label from identity_part where node <> label"
    )
    label_components(work, "identity_joined_edge", "identity_joined")
    work.run(_VIOLATING, parts="identity_joined")
    work.run(
        "insert into identity_held select c.a, c.b, c.method, c.bits, c.p, c.is_auto, true "
        "from identity_chosen as c join identity_joined as part on c.a = part.node "
        "where part.label not in (select label from identity_violating)"
    )
    _untangle(work, "identity_chosen", "identity_joined", seeded=True)
    work.run("create or replace table identity_part as from identity_joined")


def _untangle(work: Work, edges: str, parts: str, *, seeded: bool) -> None:
    """Take violating components apart; rewrites their labels in `parts`, adds to identity_held."""
    tangled = (
        f"join {parts} as part using (node) join identity_violating as v on part.label = v.label"
    )
    old = "coalesce(before.label, node.node)" if seeded else "node.node"
    before = "left join identity_part as before using (node)" if seeded else ""
    rows = work.rows(
        f"select node.node, role, legal_entity, country, tax_id, is_active, {old} "
        f"from identity_node as node {tangled} {before} order by node.node"
    )
    if not rows:
        return
    clusters = Clusters(
        (
            Node(
                number, role, entity, (country or "", tax) if tax else None, is_active=bool(active)
            )
            for number, role, entity, country, tax, active, _ in rows
        ),
        work.rows("select a, b from identity_never"),
    )
    groups = defaultdict(list)
    for number, *_, group in rows:
        groups[group].append(number)
    clusters.seed(groups)
    fuses = "e.fuses" if not seeded else "false"
    strength = "e.strength" if not seeded else "e.bits + case when e.is_auto then 1000 else 0 end"
    found = work.rows(
        f"select e.a, e.b, e.method, {strength}, {fuses} from {edges} as e "
        f"join (select node from {parts} as part join identity_violating as v "
        "on part.label = v.label)"
        " as inside on e.a = inside.node"
    )
    held = clusters.join(Edge(a, b, Method(m), s, f) for a, b, m, s, f in found)
    _write(work, parts, [(number, clusters.label(number)) for number, *_ in rows], held, edges)


def _write(
    work: Work, parts: str, labels: list[tuple[int, int]], held: list[Edge], edges: str
) -> None:
    frame = pl.DataFrame(labels, schema={"node": pl.Int32, "label": pl.Int32}, orient="row")
    kept = pl.DataFrame(
        [(edge.a, edge.b) for edge in held], schema={"a": pl.Int32, "b": pl.Int32}, orient="row"
    )
    work.con.register("_labels", frame)
    work.con.register("_held", kept)
    work.run(f"delete from {parts} where node in (select node from _labels)")
    work.run(f"insert into {parts} select node, label from _labels")
    scored = (
        "e.bits, e.p, e.is_auto, true" if edges == "identity_chosen" else "0.0, 1.0, true, false"
    )
    work.run(
        f"insert into identity_held select e.a, e.b, e.method, {scored} "
        f"from {edges} as e join _held as held on e.a = held.a and e.b = held.b"
    )
    work.con.unregister("_labels")
    work.con.unregister("_held")
