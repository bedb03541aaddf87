-- Which item line of the standing ERP invoice is which line of billing: the one that names it, else one that sells the
-- same for the same days and amount. Lines of other copies pair with nothing.
with erp as (
    select
        lines.source_id as erp_line_id,
        lines.erp_internal_id,
        copies.invoice_id,
        lines.invoice_line_id,
        lines.product_code,
        lines.service_start_date,
        lines.service_end_date,
        lines.amount_minor
    from {{ ref('invoice_line__erp') }} as lines
    inner join {{ ref('invoice_copies') }} as copies
        on lines.erp_internal_id = copies.erp_internal_id and copies.copy_role = 'primary'
    where lines.line_type = 'item'
),

named as (
    select
        billing.source_id as line_key,
        min(erp.erp_line_id) as erp_line_id
    from erp
    inner join {{ ref('invoice_line__billing') }} as billing
        on erp.invoice_line_id = billing.source_id and erp.invoice_id = billing.invoice_id
    group by billing.source_id
),

unnamed_erp as (
    select
        erp.*,
        row_number() over (
            partition by
                erp.invoice_id, erp.product_code, erp.service_start_date, erp.service_end_date, erp.amount_minor
            order by erp.erp_line_id
        ) as place
    from erp
    left join named on erp.erp_line_id = named.erp_line_id
    where named.erp_line_id is null
),

unnamed_billing as (
    select
        billing.*,
        row_number() over (
            partition by
                billing.invoice_id, billing.product_code, billing.service_start_date, billing.service_end_date,
                billing.amount_minor
            order by billing.source_id
        ) as place
    from {{ ref('invoice_line__billing') }} as billing
    left join named on billing.source_id = named.line_key
    where named.line_key is null
),

alike as (
    select
        unnamed_erp.erp_line_id,
        unnamed_billing.source_id as line_key
    from unnamed_erp
    inner join unnamed_billing
        on
            unnamed_erp.invoice_id = unnamed_billing.invoice_id
            and unnamed_erp.product_code = unnamed_billing.product_code
            and unnamed_erp.service_start_date is not distinct from unnamed_billing.service_start_date
            and unnamed_erp.service_end_date is not distinct from unnamed_billing.service_end_date
            and unnamed_erp.amount_minor = unnamed_billing.amount_minor
            and unnamed_erp.place = unnamed_billing.place
)

select
    erp.erp_line_id,
    erp.erp_internal_id,
    erp.invoice_id,
    coalesce(named.line_key, alike.line_key) as line_key,
    case when named.line_key is not null then 'line_id' when alike.line_key is not null then 'content' end as paired_by
from erp
left join named on erp.erp_line_id = named.erp_line_id
left join alike on erp.erp_line_id = alike.erp_line_id
