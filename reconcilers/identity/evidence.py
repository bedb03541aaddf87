"""What speaks for two records being one customer, found inside the engine.

Works on temporary tables of the connection; nothing is left in the warehouse.
"""

from dataclasses import dataclass

import duckdb
import polars as pl

# A tax id or domain that more names carry than this belongs to a tax group, an agent or a landlord.
MAX_NAMES_PER_TAX_ID = 4
MAX_NAMES_PER_DOMAIN = 12

_NODES = """
create or replace temp table identity_node as
select
    row_number() over (
        order by case role when 'crm' then 1 when 'erp' then 2 else 3 end, system, source_id
    ) as node,
    case when system = 'salesforce' then left(source_id, 15) else source_id end as key,
    'cus_' || left(sha256(system || '|' || source_id), 20) as own_id,
    {legal_entity} as legal_entity,
    system, role, source_id, name_key, domain, country_code, tax_id,
    xref_crm_id, xref_billing_id, xref_erp_id, is_active, created_at
from identity.identity_records
"""

# One row per explicit reference, `target` null where the record that it names does not exist.
# Salesforce ids are compared on their first 15 characters, which are all that tell records apart.
_REFERENCES = """
create or replace temp table identity_reference as
with said as (
    unpivot (select node, xref_crm_id, xref_billing_id, xref_erp_id from identity_node)
    on xref_crm_id as crm, xref_billing_id as billing, xref_erp_id as erp
    into name names value said
)
select said.node, said.names as target_role, target.node as target
from said
left join identity_node as target
    on said.names = target.role
    and target.key = case
        when said.names = 'crm' and len(said.said) = 18 then left(said.said, 15) else said.said
    end
"""

# One row per pair and direction of "belongs to"; a child has one parent of each role.
_XREFS = """
with pairs as (
    select
        least(reference.node, reference.target) as a,
        greatest(reference.node, reference.target) as b
    from identity_reference as reference
    where reference.target is not null and reference.node <> reference.target
    group by all
)
select
    pairs.a, pairs.b, a.role as a_role, b.role as b_role,
    coalesce(a.tax_id = b.tax_id, false) as agrees,
    coalesce(a.tax_id <> b.tax_id and a.country_code = b.country_code, false) as conflicts
from pairs
join identity_node as a on pairs.a = a.node
join identity_node as b on pairs.b = b.node
order by agrees desc, conflicts, pairs.a, pairs.b
"""

_TAX_GROUPS = """
with known as (
    select *, count(distinct country_code) over (partition by tax_id) as countries,
        max(country_code) over (partition by tax_id) as only_country
    from identity_node
    where tax_id is not null and tax_id not in (select tax_id from identity_generic_tax)
),
keyed as (
    -- a record without a country stands with the others when they agree on one
    select
        node,
        tax_id || '|' || coalesce(
            country_code, case when countries <= 1 then coalesce(only_country, '') end
        ) as key
    from known
)
select list(node order by node) as nodes from keyed
where key is not null
group by key having count(*) > 1 order by min(node), key
"""

_DOMAIN_GROUPS = """
select list(node order by node) as nodes from identity_node
where domain not in (select domain from identity_generic_domain)
    and country_code is not null and name_key is not null
group by domain, country_code, name_key having count(*) > 1
order by min(node), domain, country_code, name_key
"""

_GENERICS = """
create or replace temp table identity_generic_{name} as
select {column} from identity_node where {column} is not null
group by {column} having count(distinct name_key) > {limit}
"""


@dataclass(frozen=True)
class Evidence:
    """Records by number; every list has an order that does not depend on the order of rows."""

    nodes: pl.DataFrame
    xrefs: pl.DataFrame
    tax_groups: list[list[int]]
    domain_groups: list[list[int]]
    dangling_xrefs: int
    generic_tax_ids: int
    generic_domains: int


def gather(con: duckdb.DuckDBPyConnection) -> Evidence:
    """Read identity.identity_records; a column `legal_entity` is used where there is one."""
    columns = con.sql("select * from identity.identity_records limit 0").columns
    legal_entity = "legal_entity" if "legal_entity" in columns else "cast(null as varchar)"
    con.execute(_NODES.format(legal_entity=legal_entity))
    con.execute(_REFERENCES)
    con.execute(_GENERICS.format(name="tax", column="tax_id", limit=MAX_NAMES_PER_TAX_ID))
    con.execute(_GENERICS.format(name="domain", column="domain", limit=MAX_NAMES_PER_DOMAIN))
    return Evidence(
        nodes=con.sql("select * from identity_node order by node").pl(),
        xrefs=con.sql(_XREFS).pl(),
        tax_groups=_groups(con, _TAX_GROUPS),
        domain_groups=_groups(con, _DOMAIN_GROUPS),
        dangling_xrefs=_count(con, "identity_reference where target is null"),
        generic_tax_ids=_count(con, "identity_generic_tax"),
        generic_domains=_count(con, "identity_generic_domain"),
    )


def _groups(con: duckdb.DuckDBPyConnection, query: str) -> list[list[int]]:
    return [nodes for (nodes,) in con.sql(query).fetchall()]


def _count(con: duckdb.DuckDBPyConnection, what: str) -> int:
    return int(con.sql(f"select count(*) from {what}").fetchall()[0][0])
