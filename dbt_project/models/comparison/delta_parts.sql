{{ config(materialized='view') }}

-- What the gap between two amounts is made of: parts of (owner less replica) of each row whose amounts differ. The parts of
-- a row add up to its gap; what nothing explains is a part of its own.
with invoices as (
    select
        row_key,
        billing_id as invoice_id,
        erp_id as erp_internal_id,
        line_count,
        billing_total_minor - erp_total_minor as gap_minor,
        billing_tax_minor - erp_tax_minor as tax_minor
    from {{ ref('cmp_invoice__billing_vs_erp') }}
    where billing_total_minor <> erp_total_minor and billing_currency = erp_currency
),

line_gaps as (
    select
        invoices.row_key,
        billing.amount_minor as billing_minor,
        erp.amount_minor as erp_minor,
        billing.quantity <> erp.quantity as is_other_quantity,
        billing.is_proration
        or billing.service_start_date <> erp.service_start_date
        or billing.service_end_date <> erp.service_end_date as is_other_time
    from invoices
    inner join {{ ref('invoice_line__billing') }} as billing on invoices.invoice_id = billing.invoice_id
    left join {{ ref('invoice_line_copies') }} as copies on billing.source_id = copies.line_key
    left join {{ ref('invoice_line__erp') }} as erp on copies.erp_line_id = erp.source_id
    union all
    select invoices.row_key, null, erp.amount_minor, false, false
    from invoices
    inner join {{ ref('invoice_line__erp') }} as erp on invoices.erp_internal_id = erp.erp_internal_id
    left join {{ ref('invoice_line_copies') }} as copies on erp.source_id = copies.erp_line_id
    where erp.line_type = 'item' and copies.line_key is null
),

notes as (
    select
        row_key,
        billing_id as credit_note_id,
        erp_id as erp_internal_id,
        line_count,
        billing_total_minor - erp_total_minor as gap_minor,
        billing_tax_minor - erp_tax_minor as tax_minor
    from {{ ref('cmp_credit_note__billing_vs_erp') }}
    where billing_total_minor <> erp_total_minor and billing_currency = erp_currency
),

note_lines as (
    select notes.row_key, lines.invoice_line_id, lines.amount_minor as billing_minor, cast(null as bigint) as erp_minor
    from notes
    inner join {{ ref('credit_note_line__billing') }} as lines on notes.credit_note_id = lines.credit_note_id
    union all
    select notes.row_key, lines.invoice_line_id, null, lines.amount_minor
    from notes
    inner join {{ ref('credit_note_line__erp') }} as lines on notes.erp_internal_id = lines.erp_internal_id
),

-- where a side does not say which line it credits, the lines of the note stand for one
note_line_gaps as (
    select row_key, sum(billing_minor) as billing_minor, sum(erp_minor) as erp_minor
    from (
        select
            row_key,
            billing_minor,
            erp_minor,
            case
                when count(*) over (partition by row_key) = count(invoice_line_id) over (partition by row_key)
                    then invoice_line_id
            end as invoice_line_id
        from note_lines
    ) as lines
    group by row_key, invoice_line_id
),

gaps as (
    select 'cmp_invoice__billing_vs_erp' as comparison, row_key, line_count, gap_minor from invoices
    union all
    select 'cmp_credit_note__billing_vs_erp', row_key, line_count, gap_minor from notes
    union all
    select 'cmp_payment__billing_vs_erp', row_key, 1, billing_amount_minor - erp_amount_minor
    from {{ ref('cmp_payment__billing_vs_erp') }}
    where billing_amount_minor <> erp_amount_minor
    union all
    select 'cmp_payout__billing_vs_erp', row_key, 1, billing_amount_minor - erp_amount_minor
    from {{ ref('cmp_payout__billing_vs_erp') }}
    where billing_amount_minor <> erp_amount_minor
),

known as (
    select
        'cmp_invoice__billing_vs_erp' as comparison,
        row_key,
        case when abs(tax_minor) <= coalesce(line_count, 1) then 'rounding' else 'tax' end as part,
        tax_minor as amount_minor
    from invoices
    union all
    select
        'cmp_invoice__billing_vs_erp',
        row_key,
        case
            when coalesce(billing_minor, 0) < 0 or coalesce(erp_minor, 0) < 0 then 'discount'
            when erp_minor is null then 'missing_line'
            when billing_minor is null then 'extra_line'
            when is_other_time then 'proration_or_timing'
            when is_other_quantity then 'quantity'
            else 'price'
        end,
        coalesce(billing_minor, 0) - coalesce(erp_minor, 0)
    from line_gaps
    union all
    select
        'cmp_credit_note__billing_vs_erp',
        row_key,
        case when abs(tax_minor) <= coalesce(line_count, 1) then 'rounding' else 'tax' end,
        tax_minor
    from notes
    union all
    select
        'cmp_credit_note__billing_vs_erp',
        row_key,
        case when erp_minor is null then 'missing_line' when billing_minor is null then 'extra_line' else 'price' end,
        coalesce(billing_minor, 0) - coalesce(erp_minor, 0)
    from note_line_gaps
    union all
    select
        'cmp_payment__billing_vs_erp',
        row_key,
        case when billing_currency <> erp_currency then 'fx' else 'fee' end,
        billing_amount_minor - erp_amount_minor
    from {{ ref('cmp_payment__billing_vs_erp') }}
    where billing_currency <> erp_currency or billing_amount_minor - erp_amount_minor = billing_fee_minor
    union all
    select 'cmp_payout__billing_vs_erp', row_key, 'fee', erp_fee_minor - billing_fee_minor
    from {{ ref('cmp_payout__billing_vs_erp') }}
    where billing_amount_minor <> erp_amount_minor
),

summed as (
    select comparison, row_key, part, cast(sum(amount_minor) as bigint) as amount_minor
    from known
    group by comparison, row_key, part
    having sum(amount_minor) <> 0
),

rest as (
    select
        gaps.comparison,
        gaps.row_key,
        gaps.line_count,
        gaps.gap_minor - coalesce(sum(summed.amount_minor), 0) as amount_minor
    from gaps
    left join summed on gaps.comparison = summed.comparison and gaps.row_key = summed.row_key
    group by gaps.comparison, gaps.row_key, gaps.line_count, gaps.gap_minor
)

select
    comparison,
    row_key,
    part,
    cast(sum(amount_minor) as bigint) as amount_minor
from (
    select summed.* from summed
    inner join gaps on summed.comparison = gaps.comparison and summed.row_key = gaps.row_key
    union all
    select
        comparison,
        row_key,
        case when abs(amount_minor) <= coalesce(line_count, 1) then 'rounding' else 'unexplained' end,
        amount_minor
    from rest
) as parts
group by comparison, row_key, part
having sum(amount_minor) <> 0
