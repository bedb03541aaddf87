"""Corporate groups: which customers belong together without being the same.

A parent is what the CRM or the ERP names as one. The CRM comes first where they disagree, and the
disagreement is kept; a ring of parents has no head, so its least id stands in for one.
"""

from reconcilers.identity.components import label_components
from reconcilers.identity.work import Work

_PARENTS = """
create or replace table identity_parent as
with placed as (
    select placed.cluster, node.node, node.system, node.key, node.role, node.is_active,
        case when node.system = 'salesforce' then left(node.parent_id, 15) else node.parent_id end
            as parent_key
    from identity_placed as placed
    join identity_node as node using (node)
),
said as (
    select child.cluster as child, parent.cluster as parent, child.role,
        row_number() over (
            partition by child.cluster
            order by case child.role when 'crm' then 1 else 2 end, child.is_active desc,
                child.node) as place
    from placed as child
    join placed as parent on child.system = parent.system and child.parent_key = parent.key
    where child.cluster <> parent.cluster
)
select
    child as a, min(parent) filter (place = 1) as b,
    min(role) filter (place = 1) as said_by, count(distinct parent) > 1 as has_two_parents
from said group by child
"""

_GROUPS = """
create or replace table identity_group as
with members as (
    select label.label, label.node as cluster, parent.b as parent, parent.said_by,
        coalesce(parent.has_two_parents, false) as has_two_parents
    from identity_family as label
    left join identity_parent as parent on label.node = parent.a
)
select
    members.*,
    coalesce(
        min(cluster) filter (parent is null) over (partition by label),
        min(cluster) over (partition by label)) as head,
    count(*) filter (parent is null) over (partition by label) = 0 as is_ring
from members
"""


def find_groups(work: Work) -> None:
    """Make identity_group (cluster, parent, head, said_by, has_two_parents, is_ring).

    `identity_placed` has one row per record with its cluster.
    """
    work.run(_PARENTS)
    label_components(work, "identity_parent", "identity_family")
    work.run(_GROUPS)
