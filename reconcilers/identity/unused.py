"""What records say and identity does not follow, for whoever wants to know why two stayed apart."""

from reconcilers.identity.candidates import MAX_SHARING
from reconcilers.identity.intake import CAPS
from reconcilers.identity.work import Work

# A value that too many names carry, a blocking key that too many records share, a reference to a
# record that does not exist, and parents that form a ring or contradict each other.
_UNUSED = """
create or replace table "{home}".identity.unused_evidence as
with record as (
    select node, cluster, canonical_customer_id
    from identity_placed join identity_id using (cluster)
),
said as (
    {generic}
    union all
    select 'too many records', kind, value, sharing, {max_sharing}, node from identity_dropped_key
    union all
    select 'names nobody', target_role || ' reference', target_id, count(*), null, min(node)
    from identity_reference where target is null group by target_role, target_id
    union all
    select 'ring of parents', 'parent', record.canonical_customer_id,
        count(distinct member.cluster), null, min(record.node)
    from identity_group as head
    join identity_group as member on head.cluster = member.head
    join record on head.cluster = record.cluster
    where head.is_ring and head.cluster = head.head
    group by record.canonical_customer_id
    union all
    select 'two parents', 'parent', record.canonical_customer_id, null, 1, min(record.node)
    from identity_group as child
    join record using (cluster)
    where child.has_two_parents
    group by record.canonical_customer_id
)
select
    said.reason, said.what, said.value, said.uses::bigint as uses, said.most::bigint as most,
    node.system as example_system, node.source_id as example_id
from said
join identity_node as node using (node)
order by reason, what, uses desc, value
"""
_GENERIC = """
select 'too many names' as reason, '{what}' as what, {column} as value, names as uses,
    {cap} as most, node
from identity_generic_{column}
"""


def publish_unused(work: Work) -> None:
    """Write identity.unused_evidence."""
    generic = " union all ".join(
        _GENERIC.format(what=column.replace("_", " "), column=column, cap=cap)
        for column, cap in CAPS.items()
    )
    work.run(_UNUSED, home=work.home, generic=generic, max_sharing=MAX_SHARING)
