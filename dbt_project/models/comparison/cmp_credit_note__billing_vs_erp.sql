with rows_of_both as (
    select
        billing.credit_note_id as billing_id,
        copies.erp_internal_id as erp_id,
        copies.copy_role,
        cast(null as varchar) as duplicate_of
    from {{ ref('credit_note__billing') }} as billing
    left join {{ ref('credit_note_copies') }} as copies
        on billing.credit_note_id = copies.credit_note_id and copies.copy_role = 'primary'
    union all
    select
        cast(null as varchar),
        erp_internal_id,
        copy_role,
        duplicate_of
    from {{ ref('credit_note_copies') }}
    where copy_role <> 'primary'
),

voided_copies as (
    select distinct credit_note_id from {{ ref('credit_note_copies') }}
    where copy_role = 'voided' and credit_note_id is not null
),

manual_invoices as (
    select erp_internal_id from {{ ref('invoice_copies') }}
    where copy_role = 'manual'
),

-- what of an issued note goes beyond the invoice that it and the notes before it take back
credited as (
    select
        notes.credit_note_id,
        invoices.total_minor as invoice_total_minor,
        sum(notes.total_minor) over (
            partition by notes.invoice_id order by notes.issued_at, notes.credit_note_id
            rows between unbounded preceding and current row
        ) as upto_minor
    from {{ ref('credit_note__billing') }} as notes
    inner join {{ ref('invoice__billing') }} as invoices on notes.invoice_id = invoices.invoice_id
    where not notes.is_voided
),

lines as (
    select credit_note_id, count(*) as line_count from {{ ref('credit_note_line__billing') }}
    group by credit_note_id
)

select
    coalesce('stripe:' || billing.credit_note_id, 'netsuite:' || erp.erp_internal_id) as row_key,
    'credit_note' as entity,
    coalesce(billing.canonical_customer_id, erp.canonical_customer_id) as canonical_id,
    coalesce(billing.correlation_id, erp.correlation_id) as correlation_id,
    billing.credit_note_id as billing_id,
    erp.erp_internal_id as erp_id,
    billing.credit_note_id is not null as has_billing,
    erp.erp_internal_id is not null as has_erp,
    coalesce(billing.legal_entity, erp.legal_entity) as legal_entity,
    coalesce(billing.currency, erp.currency) as currency,
    coalesce(billing.period, erp.period) as period,
    billing.total_minor as billing_amount_minor,
    erp.total_minor as erp_amount_minor,
    case
        when rows_of_both.copy_role = 'voided' then 'erp_voided'
        when rows_of_both.copy_role = 'of_copy' then 'credited_copy'
        when rows_of_both.copy_role = 'manual' and manual_invoices.erp_internal_id is not null then 'manual_erp'
        when erp.erp_internal_id is not null then null
        when billing.is_voided then 'void_before_post'
        when billing.total_minor = 0 then 'zero_total'
    end as excluded_reason,
    {{ coverage('billing_coverage_seconds', 'erp.created_at', 'stripe', 'credit_note') }},
    {{ coverage('erp_coverage_seconds', 'billing.issued_at', 'netsuite', 'transaction') }},
    {{ when_read(
        'counterpart_coverage_seconds',
        'coalesce(' ~ seconds_between('{in_erp_at}', '{stripe credit_note}')
        ~ ', ' ~ seconds_between('{issued_at}', '{netsuite transaction}') ~ ')',
        in_erp_at='case when billing.credit_note_id is null then erp.created_at end', issued_at='billing.issued_at'
    ) }},
    {{ coverage('erp_status_coverage_seconds', 'coalesce(billing.voided_at, billing.issued_at)', 'netsuite', 'transaction') }},
    coalesce(billing.issued_at, erp.created_at) as event_at,
    billing.legal_entity as billing_legal_entity,
    erp.legal_entity as erp_legal_entity,
    billing.currency as billing_currency,
    erp.currency as erp_currency,
    billing.number as billing_number,
    erp.number as erp_number,
    billing.invoice_id,
    billing.status as billing_status,
    erp.status as erp_status,
    billing.tax_minor as billing_tax_minor,
    erp.tax_minor as erp_tax_minor,
    billing.total_minor as billing_total_minor,
    erp.total_minor as erp_total_minor,
    coalesce(lines.line_count, 1) as line_count,
    coalesce(rows_of_both.copy_role = 'duplicate', false) as is_erp_duplicate,
    rows_of_both.duplicate_of,
    case
        when credited.credit_note_id is not null then cast(
            greatest(least(credited.upto_minor - credited.invoice_total_minor, billing.total_minor), 0) as bigint
        )
    end as excess_minor,
    case
        when billing.credit_note_id is not null and voided_copies.credit_note_id is not null then 'voided_in_erp'
        when billing.credit_note_id is not null then 'never_posted'
        when rows_of_both.copy_role = 'unsourced' then 'unknown_to_billing'
        else 'entered_by_hand'
    end as missing_because
from rows_of_both
left join {{ ref('credit_note__billing') }} as billing on rows_of_both.billing_id = billing.credit_note_id
left join {{ ref('credit_note__erp') }} as erp on rows_of_both.erp_id = erp.erp_internal_id
left join voided_copies on rows_of_both.billing_id = voided_copies.credit_note_id
left join manual_invoices on erp.invoice_erp_internal_id = manual_invoices.erp_internal_id
left join credited on rows_of_both.billing_id = credited.credit_note_id
left join lines on rows_of_both.billing_id = lines.credit_note_id
