-- The population of INV-MISS-02.
with compared as (
    select * from {{ ref('cmp_invoice__billing_vs_erp') }}
    where has_erp and not has_billing and not is_erp_duplicate and excluded_reason is null
),

service as (
    select
        erp_internal_id,
        {{ list_gathered('invoice_line_id') }} as line_ids,
        min(service_start_date) as start_date,
        max(service_end_date) as end_date
    from {{ ref('invoice_line__erp') }}
    where erp_internal_id in (select compared.erp_id from compared)
    group by erp_internal_id
)

select
    compared.erp_id as item_id,
    compared.erp_currency as currency,
    compared.erp_total_minor as amount_minor,
    compared.erp_invoice_date as item_date,
    compared.canonical_id as party,
    {{ list_of(["'service ' || cast(service.start_date as varchar) || ' ' || cast(service.end_date as varchar)"]) }}
    || coalesce(service.line_ids, {{ list_of([]) }}) as reference_keys,
    {{ list_of(['upper(compared.erp_number)']) }} as document_numbers,
    {{ list_of(['compared.correlation_id']) }} as group_keys
from compared
left join service on compared.erp_id = service.erp_internal_id
