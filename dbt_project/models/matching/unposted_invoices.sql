-- The population of INV-MISS-01. A table for the reason of unapplied_payments.
{{ config(materialized='table') }}

with compared as (
    select * from {{ ref('cmp_invoice__billing_vs_erp') }}
    where has_billing and not has_erp and excluded_reason is null
),

service as (
    select
        invoice_id,
        {{ list_gathered('invoice_line_id') }} as line_ids,
        min(service_start_date) as start_date,
        max(service_end_date) as end_date
    from {{ ref('invoice_line__billing') }}
    where invoice_id in (select compared.billing_id from compared)
    group by invoice_id
)

select
    compared.billing_id as item_id,
    compared.billing_currency as currency,
    compared.billing_total_minor as amount_minor,
    compared.billing_invoice_date as item_date,
    compared.canonical_id as party,
    {{ list_of(["'service ' || cast(service.start_date as varchar) || ' ' || cast(service.end_date as varchar)"]) }}
    || coalesce(service.line_ids, {{ list_of([]) }}) as reference_keys,
    {{ list_of(['upper(compared.billing_number)']) }} as document_numbers,
    {{ list_of(['compared.correlation_id']) }} as group_keys
from compared
left join service on compared.billing_id = service.invoice_id
