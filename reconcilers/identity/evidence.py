"""What speaks for two records being one customer without any guess: references and equal values.

All of it is pairs of nodes in tables of the workspace, `a` below `b`. A pair is *firm*
    when a person
would sign it unseen; the others wait for their score.
"""

from reconcilers.identity.work import Work

# More records than this with one value are told in the report and not paired by it.
MAX_GROUP = 60

# One row per explicit reference, `target` null where the record that it names does not exist.
# Salesforce ids are compared on their first 15 characters, which are all that tell records apart.
_REFERENCES = """
create or replace table identity_reference as
with said as (
    unpivot (select node, xref_crm_id, xref_billing_id, xref_erp_id from identity_node)
    on xref_crm_id as crm, xref_billing_id as billing, xref_erp_id as erp
    into name names value said
)
select said.node, said.names as target_role, said.said as target_id, target.node as target
from said
left join identity_node as target
    on said.names = target.role
    and target.key = case
        when said.names = 'crm' and len(said.said) = 18 then left(said.said, 15) else said.said
    end
"""

# A reference is firm while its records do not disagree: in name (unless their tax ids are equal),
# tax id or country.
_XREFS = """
create or replace table identity_xref as
with pairs as (
    select distinct least(node, target) as a, greatest(node, target) as b
    from identity_reference
    where target is not null and node <> target
)
select
    pairs.a, pairs.b,
    coalesce(l.tax_id = r.tax_id, false) as agrees,
    coalesce(l.tax_id <> r.tax_id and l.country = r.country, false) as conflicts,
    (coalesce(l.core_key = r.core_key, true) or coalesce(l.tax_id = r.tax_id, false))
        and not coalesce(l.tax_id <> r.tax_id, false) and not coalesce(l.country <> r.country,
            false)
        as is_firm
from pairs
join identity_node as l on pairs.a = l.node
join identity_node as r on pairs.b = r.node
"""

# A record without a country stands with the others when they agree on one. A family that files
# under one tax id shares its stem, but not its names: such pairs are not firm.
_TAX = """
create or replace table identity_by_tax as
with known as (
    select node, tax_id, country, core, stem,
        count(distinct country) over (partition by tax_id) as countries,
        max(country) over (partition by tax_id) as only_country,
        count(*) over (partition by tax_id) as bearers
    from identity_node
    where tax_id is not null
),
keyed as (
    select *, coalesce(country, case when countries <= 1 then coalesce(only_country, '') end)
        as place
    from known where bearers between 2 and {max_group}
)
select l.node as a, r.node as b, coalesce(l.stem <> r.stem or l.core = r.core, true) as is_firm
from keyed as l
join keyed as r on l.tax_id = r.tax_id and l.place = r.place and l.node < r.node
"""

_DOMAIN = """
create or replace table identity_by_domain as
select l.node as a, r.node as b
from identity_node as l
join identity_node as r
    on l.domain = r.domain and l.country = r.country and l.core_key = r.core_key and l.node < r.node
"""

_POSTCODE = """
create or replace table identity_by_postcode as
select l.node as a, r.node as b
from identity_node as l
join identity_node as r
    on l.core_key = r.core_key and l.postcode = r.postcode and l.node < r.node
where coalesce(l.country = r.country, true)
"""

# 1 reference, 2 tax id, 3 domain with country and name, 4 name with postcode
_RULES = """
create or replace table identity_rule_edge as
with said as (
    select
        a, b, min(rule)::integer as rule, bool_or(is_firm) as is_firm,
        bool_or(rule = 1) as is_xref, bool_or(conflicts) as conflicts,
        bool_or(rule = 2 and is_firm) as by_tax, bool_or(rule = 3) as by_domain,
        bool_or(rule = 4) as by_postcode
    from (
        select a, b, 1 as rule, is_firm, conflicts from identity_xref
        union all
        select a, b, 2, is_firm, false from identity_by_tax
        union all
        select a, b, 3, true, false from identity_by_domain
        union all
        select a, b, 4, true, false from identity_by_postcode
    )
    group by a, b
)
select
    said.a, said.b, said.rule, said.is_firm, said.is_xref, said.conflicts,
    -- records of one system that are the same in so much were made twice
    l.system = r.system and l.role <> 'billing'
        and (l.role <> 'erp' or l.legal_entity is not distinct from r.legal_entity)
        and coalesce(l.core_key = r.core_key, false) and coalesce(l.country = r.country, true)
        and (by_tax or (by_domain and (by_postcode or coalesce(l.postcode = r.postcode, true)))
            or (by_postcode and (coalesce(l.phone = r.phone, false)
                or coalesce(l.street = r.street, false))))
        as is_duplicate,
    -- equal values never outweigh two tax ids of one country; one wrong digit is a slip
    case when l.tax_id <> r.tax_id and l.country = r.country
        then len(l.tax_id) < 8 or levenshtein(l.tax_id, r.tax_id) > 1 else false end
            as has_two_taxes
from said
join identity_node as l on said.a = l.node
join identity_node as r on said.b = r.node
"""


def gather(work: Work) -> None:
    """Make identity_reference, identity_xref and identity_rule_edge from identity_node."""
    work.run(_REFERENCES)
    work.run(_XREFS)
    work.run(_TAX, max_group=MAX_GROUP)
    work.run(_DOMAIN)
    work.run(_POSTCODE)
    work.run(_RULES)
