-- Customer records that one system holds several times: each beside the one that would survive, which is the one that
-- most financial documents name.
with records as (
    select
        'crm' as role, source_system, source_id, canonical_customer_id, is_primary, is_active, legal_name, tax_id,
        invoice_email, cast(null as varchar) as legal_entity, currency, cast(null as varchar) as place, created_at
    from {{ ref('customer__crm') }}
    union all
    -- a company has a billing customer per selling entity and currency, and an ERP customer per selling entity
    select
        'billing', source_system, source_id, canonical_customer_id, is_primary, is_active, legal_name, tax_id,
        invoice_email, legal_entity, currency, concat_ws('|', legal_entity, currency), created_at
    from {{ ref('customer__billing') }}
    union all
    select
        'erp', source_system, source_id, canonical_customer_id, is_primary, is_active, legal_name, tax_id,
        invoice_email, legal_entity, currency, legal_entity, created_at
    from {{ ref('customer__erp') }}
),

counted as (
    select
        records.*,
        count(*) over (
            partition by records.role, records.canonical_customer_id, coalesce(records.place, '')
        ) as records_in_place
    from records
    inner join {{ ref('customer_links') }} as links
        on records.source_system = links.system and records.source_id = links.source_id
    -- a link that a steward is still asked about proves no duplicate
    where records.is_active and links.band <> 'review'
),

doubled as (
    select * from counted
    where records_in_place > 1
),

references_of as (
    select
        named.role,
        named.source_id,
        named.kind,
        named.currency,
        count(*) as reference_count,
        sum(named.open_minor) as open_minor,
        sum(named.recurring_minor) as recurring_minor
    from {{ ref('customer_references') }} as named
    inner join doubled on named.role = doubled.role and named.source_id = doubled.source_id
    group by named.role, named.source_id, named.kind, named.currency
),

totals as (
    select
        role,
        source_id,
        coalesce(sum(reference_count) filter (where kind in ('contract', 'subscription', 'invoice', 'payment')), 0)
            as document_count,
        max(open_minor) > 0 as has_open
    from references_of
    group by role, source_id
),

kinds as (
    select
        role,
        source_id,
        string_agg(kind || ' ' || reference_count, ', ' order by kind) as to_hang_over
    from (
        select role, source_id, kind, sum(reference_count) as reference_count
        from references_of
        group by role, source_id, kind
    ) as by_kind
    group by role, source_id
),

ranked as (
    select
        doubled.*,
        first_value(doubled.source_id) over (
            partition by doubled.role, doubled.canonical_customer_id, coalesce(doubled.place, '')
            order by
                coalesce(totals.document_count, 0) desc, doubled.is_primary desc, doubled.created_at, doubled.source_id
        ) as survivor_id
    from doubled
    left join totals on doubled.role = totals.role and doubled.source_id = totals.source_id
),

parents as (
    select 'crm' as role, source_id, parent_source_id from {{ ref('customer_parent__crm') }}
    union all
    select 'erp', source_id, parent_source_id from {{ ref('customer_parent__erp') }}
),

money as (
    select
        role,
        source_id,
        currency,
        sum(open_minor) as open_minor,
        sum(recurring_minor) as recurring_minor
    from references_of
    group by role, source_id, currency
),

pairs as (
    select
        ranked.role,
        ranked.source_id,
        ranked.survivor_id,
        exists (
            select 1 from parents
            where parents.role = ranked.role and (
                (parents.source_id = ranked.source_id and parents.parent_source_id = ranked.survivor_id)
                or (parents.source_id = ranked.survivor_id and parents.parent_source_id = ranked.source_id)
            )
        ) as is_subsidiary,
        -- customers may keep several billing accounts on purpose: only equal papers prove one made twice
        ranked.role <> 'billing'
        or coalesce(ranked.tax_id = survivor.tax_id, false)
        or coalesce(
            lower(ranked.legal_name) = lower(survivor.legal_name)
            and ranked.invoice_email = survivor.invoice_email, false
        ) as is_proven,
        coalesce(totals.has_open, false) and coalesce(survivor_totals.has_open, false) as have_both_open,
        coalesce(least(money.open_minor, survivor_money.open_minor), 0) as open_minor,
        coalesce(least(money.recurring_minor, survivor_money.recurring_minor), 0) as recurring_minor,
        kinds.to_hang_over
    from ranked
    inner join records as survivor on ranked.role = survivor.role and ranked.survivor_id = survivor.source_id
    left join totals on ranked.role = totals.role and ranked.source_id = totals.source_id
    left join totals as survivor_totals
        on ranked.role = survivor_totals.role and ranked.survivor_id = survivor_totals.source_id
    left join money
        on ranked.role = money.role and ranked.source_id = money.source_id and ranked.currency = money.currency
    left join money as survivor_money
        on ranked.role = survivor_money.role and ranked.survivor_id = survivor_money.source_id
        and ranked.currency = survivor_money.currency
    left join kinds on ranked.role = kinds.role and ranked.source_id = kinds.source_id
    where ranked.source_id <> ranked.survivor_id
)

select
    records.source_system || ':' || records.source_id as row_key,
    'customer' as entity,
    records.canonical_customer_id as canonical_id,
    cast(null as varchar) as correlation_id,
    records.source_id as system_id,
    true as has_system,
    records.legal_entity,
    records.currency,
    cast(null as varchar) as period,
    cast(null as bigint) as system_amount_minor,
    case
        when not records.is_active then 'not_in_use'
        when records.canonical_customer_id is null then 'customer_unknown'
        when pairs.is_subsidiary then 'subsidiary'
        when not pairs.is_proven then 'account_of_its_own'
    end as excluded_reason,
    {{ coverage('system_coverage_seconds', 'records.created_at', 'netsuite', 'customer') }},
    records.created_at as event_at,
    records.role,
    records.source_system,
    pairs.survivor_id,
    coalesce(pairs.have_both_open, false) as have_both_open,
    cast(coalesce(pairs.open_minor, 0) as bigint) as open_minor,
    cast(coalesce(pairs.recurring_minor, 0) as bigint) as recurring_minor,
    coalesce(pairs.to_hang_over, 'nothing') as to_hang_over
from records
left join pairs on records.role = pairs.role and records.source_id = pairs.source_id
