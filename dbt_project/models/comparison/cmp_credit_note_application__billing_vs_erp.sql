with billing as (
    select
        *,
        row_number() over (partition by credit_note_id, invoice_id order by applied_minor desc, method) = 1 as leads,
        sum(applied_minor) over (partition by credit_note_id, invoice_id) as pair_minor
    from {{ ref('credit_note_application__billing') }}
),

-- what the ERP applies by the memo that stands for a note, to the invoice copy that stands
erp as (
    select
        applications.source_id,
        applications.applied_minor,
        notes.credit_note_id,
        invoices.invoice_id,
        notes.credit_note_id is not null and invoices.invoice_id is not null as stands
    from {{ ref('credit_note_application__erp') }} as applications
    left join {{ ref('credit_note_copies') }} as notes
        on applications.erp_internal_id = notes.erp_internal_id and notes.copy_role = 'primary'
    left join {{ ref('invoice_copies') }} as invoices
        on applications.invoice_erp_internal_id = invoices.erp_internal_id and invoices.copy_role = 'primary'
),

rows_of_both as (
    select
        billing.source_id as billing_id,
        erp.source_id as erp_id,
        billing.credit_note_id,
        billing.invoice_id,
        billing.leads
    from billing
    left join erp
        on billing.leads and billing.credit_note_id = erp.credit_note_id and billing.invoice_id = erp.invoice_id
    union all
    select
        cast(null as varchar),
        erp.source_id,
        erp.credit_note_id,
        erp.invoice_id,
        erp.stands
    from erp
    left join billing on erp.credit_note_id = billing.credit_note_id and erp.invoice_id = billing.invoice_id
    where billing.source_id is null
),

unpaired as (
    select
        credit_note_id,
        coalesce(bool_or(erp_id is null), false) as lacks_in_erp,
        coalesce(bool_or(billing_id is null), false) as lacks_in_billing
    from rows_of_both
    where leads and credit_note_id is not null
    group by credit_note_id
),

-- which of a customer's credits an invoice took from the balance is billing's guess: their sum counts
invoice_sums as (
    select
        invoice_id,
        sum(billing_minor) as billing_minor,
        sum(erp_minor) as erp_minor
    from (
        select invoice_id, applied_minor as billing_minor, 0 as erp_minor from billing
        union all
        select invoice_id, 0, applied_minor from erp
        where stands
    ) as both_sides
    group by invoice_id
)

select
    coalesce('stripe:' || rows_of_both.billing_id, 'netsuite:' || rows_of_both.erp_id) as row_key,
    'credit_note_application' as entity,
    coalesce(billing_note.canonical_customer_id, erp_note.canonical_customer_id) as canonical_id,
    coalesce(billing.correlation_id, applied.correlation_id) as correlation_id,
    rows_of_both.billing_id,
    rows_of_both.erp_id,
    rows_of_both.billing_id is not null as has_billing,
    rows_of_both.erp_id is not null as has_erp,
    coalesce(billing.legal_entity, applied.legal_entity) as legal_entity,
    billing.legal_entity as billing_legal_entity,
    applied.legal_entity as erp_legal_entity,
    coalesce(billing.currency, applied.currency) as currency,
    coalesce(billing_note.period, erp_note.period) as period,
    billing.applied_minor as billing_amount_minor,
    applied.applied_minor as erp_amount_minor,
    case
        when rows_of_both.billing_id is not null and not rows_of_both.leads then 'counted_with_other_method'
        when rows_of_both.billing_id is not null and standing_note.erp_internal_id is null then 'note_not_in_erp'
        when rows_of_both.billing_id is not null and standing_invoice.erp_internal_id is null then 'invoice_not_in_erp'
        when rows_of_both.billing_id is null and not rows_of_both.leads then 'not_in_billing'
        -- the missing application of the note tells of it
        when rows_of_both.billing_id is null and unpaired.lacks_in_erp then 'instead_of_another'
        when billing_note.is_voided or billing_note.total_minor <> erp_note.total_minor then 'note_differs'
        when
            coalesce(billing.pair_minor, 0) <> coalesce(applied.applied_minor, 0)
            and coalesce(billing.method, 'customer_balance') = 'customer_balance'
            and sums.billing_minor = sums.erp_minor
            then 'same_sum_of_other_credits'
    end as excluded_reason,
    {{ coverage('billing_coverage_seconds', 'erp_note.created_at', 'stripe', 'credit_note') }},
    {{ coverage('erp_coverage_seconds', 'billing.applied_at', 'netsuite', 'transaction') }},
    {{ when_read(
        'counterpart_coverage_seconds',
        'coalesce(' ~ seconds_between('{in_erp_at}', '{stripe credit_note}')
        ~ ', ' ~ seconds_between('{applied_at}', '{netsuite transaction}') ~ ')',
        in_erp_at='case when rows_of_both.billing_id is null then erp_note.created_at end', applied_at='billing.applied_at'
    ) }},
    coalesce(billing.applied_at, erp_note.created_at) as event_at,
    rows_of_both.credit_note_id,
    rows_of_both.invoice_id,
    cast(billing.pair_minor as bigint) as billing_applied_minor,
    applied.applied_minor as erp_applied_minor,
    case
        when rows_of_both.billing_id is not null and unpaired.lacks_in_billing then 'wrong_invoice'
        when rows_of_both.billing_id is not null then 'unapplied'
        else 'only_in_erp'
    end as missing_because
from rows_of_both
left join billing on rows_of_both.billing_id = billing.source_id
left join {{ ref('credit_note_application__erp') }} as applied on rows_of_both.erp_id = applied.source_id
left join {{ ref('credit_note__billing') }} as billing_note on rows_of_both.credit_note_id = billing_note.credit_note_id
left join {{ ref('credit_note_copies') }} as standing_note
    on rows_of_both.credit_note_id = standing_note.credit_note_id and standing_note.copy_role = 'primary'
left join {{ ref('credit_note__erp') }} as erp_note
    on coalesce(applied.erp_internal_id, standing_note.erp_internal_id) = erp_note.erp_internal_id
left join {{ ref('invoice_copies') }} as standing_invoice
    on rows_of_both.invoice_id = standing_invoice.invoice_id and standing_invoice.copy_role = 'primary'
left join unpaired on rows_of_both.credit_note_id = unpaired.credit_note_id
left join invoice_sums as sums on rows_of_both.invoice_id = sums.invoice_id
