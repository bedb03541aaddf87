-- Every link field in which a customer record names its counterpart in another system, beside the counterpart that the
-- crosswalk knows. The crosswalk decides; a field is a copy.
with records as (
    select
        'crm' as role, source_system, source_id, left(source_id, 15) as key, canonical_customer_id, is_active,
        cast(null as varchar) as legal_entity, created_at, modified_at,
        cast(null as varchar) as crm_account_ref, billing_customer_ref, erp_customer_ref
    from {{ ref('customer__crm') }}
    union all
    select
        'billing', source_system, source_id, source_id, canonical_customer_id, is_active, legal_entity, created_at,
        modified_at, crm_account_ref, null, erp_customer_ref
    from {{ ref('customer__billing') }}
    union all
    select
        'erp', source_system, source_id, source_id, canonical_customer_id, is_active, legal_entity, created_at,
        modified_at, crm_account_ref, billing_customer_ref, null
    from {{ ref('customer__erp') }}
),

certain as (
    select records.*
    from records
    inner join {{ ref('customer_links') }} as links
        on records.source_system = links.system and records.source_id = links.source_id
    where records.is_active and links.band <> 'review'
),

fields as (
    select 'crm_account_ref' as attribute, 'crm' as target_role, 'salesforce' as target_system
    union all
    select 'billing_customer_ref', 'billing', 'stripe'
    union all
    select 'erp_customer_ref', 'erp', 'netsuite'
),

copies as (
    select
        records.*,
        fields.attribute,
        fields.target_role,
        fields.target_system,
        case fields.target_role
            when 'crm' then records.crm_account_ref
            when 'billing' then records.billing_customer_ref
            else records.erp_customer_ref
        end as copied_id
    from records
    inner join fields on records.role <> fields.target_role
),

keyed as (
    -- of an id of the CRM the first 15 characters tell records apart
    select
        *,
        case when target_role = 'crm' then left(copied_id, 15) else copied_id end as copied_key
    from copies
),

counterparts as (
    select
        copies.role,
        copies.source_id,
        copies.attribute,
        candidates.source_id as candidate_id,
        candidates.created_at as candidate_created_at,
        case copies.role
            when 'crm' then left(candidates.crm_account_ref, 15)
            when 'billing' then candidates.billing_customer_ref
            else candidates.erp_customer_ref
        end = copies.key as names_back
    from copies
    inner join certain as candidates
        on copies.canonical_customer_id = candidates.canonical_customer_id
        and copies.target_role = candidates.role
    where copies.role <> 'billing' or copies.target_role <> 'erp'
        or coalesce(copies.legal_entity = candidates.legal_entity, true)
),

expected as (
    -- the only counterpart that names the record, else the only one that there is
    select
        role,
        source_id,
        attribute,
        case
            when count(*) filter (where names_back) = 1 then min(candidate_id) filter (where names_back)
            when count(*) = 1 then min(candidate_id)
        end as expected_id,
        coalesce(bool_or(names_back), false) as names_back
    from counterparts
    group by role, source_id, attribute
),

merged as (
    select
        left(merges.source_id, 15) as key,
        survivor.canonical_customer_id
    from {{ ref('stg_control__merged') }} as merges
    inner join records as survivor on survivor.role = 'crm' and left(merges.surviving_id, 15) = survivor.key
    where merges.system = 'salesforce' and merges.object = 'account'
),

judged as (
    select
        keyed.*,
        expected.expected_id,
        case
            when keyed.copied_id is null and expected.expected_id is not null and expected.names_back then 'empty'
            when keyed.copied_id is null then null
            when merged.key is not null and merged.canonical_customer_id = keyed.canonical_customer_id then 'merged'
            when named.source_id is null then 'dangling'
            when named.canonical_customer_id <> keyed.canonical_customer_id then 'crossed'
            when not named.is_active then 'not_in_use'
        end as fault
    from keyed
    left join expected
        on keyed.role = expected.role and keyed.source_id = expected.source_id and keyed.attribute = expected.attribute
    left join records as named on keyed.target_role = named.role and keyed.copied_key = named.key
    left join merged on keyed.target_role = 'crm' and keyed.copied_key = merged.key
),

posted as (
    select
        'billing' as role, customer_id, currency,
        sum(
            case when status in ('open', 'partially_paid') then amount_due_minor else 0 end
            + case
                when not is_voided
                    and {{ seconds_between('issued_at', watermark('stripe', 'invoice')) }} <= 2592000
                    then total_minor
                else 0
            end
        ) as at_stake_minor
    from {{ ref('invoice__billing') }}
    group by customer_id, currency
    union all
    select
        'erp', customer_id, currency,
        sum(
            amount_due_minor
            + case
                when not is_voided
                    and {{ seconds_between('issued_at', watermark('netsuite', 'transaction')) }} <= 2592000
                    then total_minor
                else 0
            end
        )
    from {{ ref('invoice__erp') }}
    group by customer_id, currency
),

at_stake as (
    -- of a record with documents in several currencies the one with the most at stake speaks
    select
        *,
        row_number() over (partition by role, customer_id order by at_stake_minor desc, currency) as place
    from posted
)

select
    judged.source_system || ':' || judged.source_id || ':' || judged.attribute as row_key,
    'customer' as entity,
    judged.canonical_customer_id as canonical_id,
    cast(null as varchar) as correlation_id,
    judged.source_id as copy_id,
    judged.expected_id as crosswalk_id,
    true as has_copy,
    judged.expected_id is not null as has_crosswalk,
    judged.legal_entity,
    at_stake.currency,
    cast(null as varchar) as period,
    cast(null as bigint) as copy_amount_minor,
    cast(null as bigint) as crosswalk_amount_minor,
    case
        when not judged.is_active then 'not_in_use'
        when judged.canonical_customer_id is null then 'customer_unknown'
        when judged.fault is null and judged.expected_id is null then 'no_single_counterpart'
        when judged.fault is null and judged.copied_id is null then 'neither_names_the_other'
    end as excluded_reason,
    -- a field may still be filled; one that is wrong will not mend itself
    case
        when judged.fault = 'empty'
            then {{ seconds_between('greatest(judged.created_at, candidate.created_at)', watermark('salesforce', 'account')) }}
    end as copy_coverage_seconds,
    cast(null as bigint) as crosswalk_coverage_seconds,
    judged.modified_at as event_at,
    judged.role as copy_role,
    judged.source_system as copy_system,
    judged.target_role as crosswalk_role,
    judged.target_system as crosswalk_system,
    judged.attribute,
    judged.copied_id,
    judged.fault,
    cast(coalesce(at_stake.at_stake_minor, 0) as bigint) as at_stake_minor
from judged
left join records as candidate
    on judged.target_role = candidate.role and judged.expected_id = candidate.source_id
left join at_stake
    on at_stake.place = 1
    and at_stake.role = case when judged.role = 'billing' or judged.target_role = 'billing' then 'billing' else 'erp' end
    and at_stake.customer_id = case
        when judged.role = 'billing' or (judged.target_role <> 'billing' and judged.role = 'erp') then judged.source_id
        else coalesce(judged.expected_id, judged.copied_id)
    end
