-- What of each charge pays which invoice: as billing says, beside how the ledger applied the payment that stands for it.
with billing as (
    select
        applications.*,
        payments.erp_internal_id as erp_payment_id,
        invoices.erp_internal_id as erp_invoice_id,
        row_number() over (
            partition by applications.payment_id, applications.invoice_id order by applications.source_id
        ) as place
    from {{ ref('payment_application__billing') }} as applications
    left join {{ ref('payment_copies') }} as payments
        on applications.payment_id = payments.payment_id and payments.copy_role = 'primary'
    left join {{ ref('invoice_copies') }} as copies
        on applications.invoice_id = copies.invoice_id and copies.copy_role = 'primary'
    left join {{ ref('invoice__erp') }} as invoices
        on copies.erp_internal_id = invoices.erp_internal_id and not invoices.is_voided
),

erp as (
    select
        applications.*,
        copies.copy_role,
        row_number() over (
            partition by applications.erp_internal_id, applications.invoice_id order by applications.source_id
        ) as place
    from {{ ref('payment_application__erp') }} as applications
    inner join {{ ref('payment_copies') }} as copies on applications.erp_internal_id = copies.erp_internal_id
),

told_of as (
    -- what billing noted of money that came beside it
    select
        invoice_id,
        sum(applied_minor) as told_minor
    from {{ ref('payment_application__billing') }}
    where payment_record_id is not null
    group by invoice_id
),

banked as (
    -- what the bank collected for invoices that billing still asks for, one after the other, less what billing noted of it
    select
        erp.source_id,
        erp.applied_minor,
        invoices.invoice_id,
        invoices.status,
        invoices.amount_due_minor,
        sum(erp.applied_minor) over (
            partition by erp.invoice_id order by erp.applied_at, erp.source_id rows unbounded preceding
        ) - coalesce(told_of.told_minor, 0) as untold_so_far_minor
    from erp
    inner join {{ ref('invoice_copies') }} as copies
        on erp.invoice_erp_internal_id = copies.erp_internal_id and copies.copy_role = 'primary'
    inner join {{ ref('invoice__billing') }} as invoices
        on erp.invoice_id = invoices.invoice_id and erp.currency = invoices.currency
    left join told_of on erp.invoice_id = told_of.invoice_id
    where erp.copy_role = 'bank_collected' and invoices.status in ('open', 'partially_paid')
),

untold as (
    select
        source_id,
        invoice_id,
        status,
        amount_due_minor,
        cast(
            least(greatest(untold_so_far_minor, 0), amount_due_minor)
            - least(greatest(untold_so_far_minor - applied_minor, 0), amount_due_minor) as bigint
        ) as untold_minor
    from banked
),

on_one_invoice as (
    select
        billing.source_id as billing_source_id,
        erp.source_id as erp_source_id
    from billing
    inner join erp
        on
            billing.erp_payment_id = erp.erp_internal_id
            and billing.invoice_id = erp.invoice_id
            and billing.place = erp.place
),

-- what is left of one payment on both sides is one finding: paid here, applied there
billing_left as (
    select
        billing.source_id,
        billing.erp_payment_id,
        row_number() over (partition by billing.erp_payment_id order by billing.source_id) as place
    from billing
    left join on_one_invoice on billing.source_id = on_one_invoice.billing_source_id
    where on_one_invoice.billing_source_id is null
),

erp_left as (
    select
        erp.source_id,
        erp.erp_internal_id,
        row_number() over (partition by erp.erp_internal_id order by erp.source_id) as place
    from erp
    left join on_one_invoice on erp.source_id = on_one_invoice.erp_source_id
    where on_one_invoice.erp_source_id is null
),

rows_of_both as (
    select * from on_one_invoice
    union all
    select billing_left.source_id, erp_left.source_id
    from billing_left
    full join erp_left
        on billing_left.erp_payment_id = erp_left.erp_internal_id and billing_left.place = erp_left.place
),

compared as (
    select
        billing.*,
        rows_of_both.billing_source_id,
        rows_of_both.erp_source_id,
        erp.erp_internal_id as applied_payment_id,
        erp.invoice_erp_internal_id as applied_to_id,
        erp.invoice_id as applied_to,
        erp.applied_minor as erp_applied_minor,
        erp.copy_role,
        erp.legal_entity as erp_legal_entity,
        erp.currency as erp_currency,
        erp.correlation_id as erp_correlation_id,
        erp.applied_at as erp_applied_at,
        coalesce(untold.untold_minor, 0) as untold_minor,
        untold.invoice_id as untold_invoice_id,
        untold.status as untold_status,
        untold.amount_due_minor as untold_due_minor,
        coalesce(billing.invoice_id <> coalesce(erp.invoice_id, ''), false) and erp.source_id is not null as is_elsewhere,
        -- what could be applied and is not: short of what billing says, and no more than is left on either side
        greatest(least(
            billing.applied_minor - case when billing.invoice_id = erp.invoice_id then erp.applied_minor else 0 end,
            coalesce(unapplied.amount_minor, 0),
            coalesce(invoices.amount_due_minor, 0)
        ), 0) as to_apply_minor,
        invoices.amount_due_minor > 0 as is_due_in_erp,
        invoices.due_date as erp_due_date
    from rows_of_both
    left join billing on rows_of_both.billing_source_id = billing.source_id
    left join erp on rows_of_both.erp_source_id = erp.source_id
    left join untold on rows_of_both.erp_source_id = untold.source_id
    left join {{ ref('unapplied_payments') }} as unapplied on billing.erp_payment_id = unapplied.item_id
    left join {{ ref('invoice__erp') }} as invoices on billing.erp_invoice_id = invoices.erp_internal_id
)

select
    coalesce('stripe:' || billing_source_id, 'netsuite:' || erp_source_id) as row_key,
    'payment_application' as entity,
    coalesce(payments.canonical_customer_id, erp_payments.canonical_customer_id) as canonical_id,
    coalesce(compared.correlation_id, erp_correlation_id) as correlation_id,
    billing_source_id as billing_id,
    erp_source_id as erp_id,
    billing_source_id is not null as has_billing,
    erp_source_id is not null as has_erp,
    coalesce(compared.legal_entity, erp_legal_entity) as legal_entity,
    coalesce(compared.currency, compared.erp_currency) as currency,
    {{ accounting_period('cast(coalesce(compared.applied_at, erp_applied_at) as date)') }} as period,
    compared.applied_minor as billing_amount_minor,
    erp_applied_minor as erp_amount_minor,
    case
        when billing_source_id is null then
            case
                when copy_role = 'bank_collected' and untold_minor = 0 then 'collected_by_bank'
                when copy_role = 'duplicate' then 'payment_twice'
                when copy_role = 'voided' then 'payment_voided'
                when copy_role = 'unsourced' then 'charge_unknown'
                when charges.status = 'failed' then 'charge_failed'
            end
        when payments.payment_id is null then 'collected_by_bank'
        when erp_payment_id is null then 'payment_not_in_erp'
        when erp_invoice_id is null then 'invoice_not_in_erp'
        when is_elsewhere then null
        when to_apply_minor = 0 and coalesce(erp_applied_minor, 0) < compared.applied_minor then 'nothing_open'
        when erp_applied_minor > compared.applied_minor and erp_payments.amount_minor > payments.amount_minor
            then 'payment_differs'
    end as excluded_reason,
    {{ coverage('billing_coverage_seconds', 'erp_applied_at', 'stripe', 'invoice_payment') }},
    {{ coverage('erp_coverage_seconds', 'compared.applied_at', 'netsuite', 'transaction') }},
    {{ coverage(
        'apply_coverage_seconds',
        'cast(' ~ business_days_after('cast(coalesce(compared.applied_at, erp_applied_at) as date)', 2) ~ ' as timestamp)',
        'netsuite', 'transaction'
    ) }},
    coalesce(compared.applied_at, erp_applied_at) as event_at,
    compared.payment_id,
    coalesce(erp_payment_id, applied_payment_id) as erp_payment_id,
    compared.invoice_id as billing_invoice_id,
    compared.applied_to_id as erp_invoice_id,
    coalesce(compared.applied_to, 'erp-' || compared.applied_to_id) as erp_invoice,
    coalesce(is_elsewhere, false) as is_elsewhere,
    cast(coalesce(to_apply_minor, 0) as bigint) as to_apply_minor,
    {{ when_read(
        'is_overdue',
        'coalesce({is_due} and {due_date} < cast({netsuite transaction} as date), false)',
        is_due='is_due_in_erp', due_date='erp_due_date'
    ) }},
    untold_minor,
    untold_invoice_id,
    untold_status,
    untold_due_minor,
    {{ coverage(
        'told_coverage_seconds',
        'cast(' ~ business_days_after('erp_payments.payment_date', 2) ~ ' as timestamp)',
        'stripe', 'invoice'
    ) }}
from compared
left join {{ ref('payment__billing') }} as payments on compared.payment_id = payments.payment_id
left join {{ ref('payment__erp') }} as erp_payments on compared.applied_payment_id = erp_payments.erp_internal_id
left join {{ ref('payment__billing') }} as charges on erp_payments.payment_id = charges.payment_id
