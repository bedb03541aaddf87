-- One row per customer record of any system, reduced to what tells customers apart.
with crm as (
    select
        'salesforce' as system,
        'crm' as role,
        account_id as source_id,
        legal_name,
        coalesce({{ host_of('website') }}, {{ host_of('invoice_email') }}) as host,
        country_code,
        tax_id,
        cast(null as varchar) as xref_crm_id,
        stripe_customer_id as xref_billing_id,
        netsuite_customer_id as xref_erp_id,
        master_account_id is null as is_active,
        created_at
    from {{ ref('stg_salesforce__accounts') }}
),

billing as (
    select
        'stripe' as system,
        'billing' as role,
        customers.customer_id as source_id,
        customers.legal_name,
        {{ host_of('customers.invoice_email') }} as host,
        customers.country_code,
        tax_ids.tax_id,
        customers.crm_account_id as xref_crm_id,
        cast(null as varchar) as xref_billing_id,
        customers.netsuite_customer_id as xref_erp_id,
        true as is_active,
        customers.created_at
    from {{ ref('stg_stripe__customers') }} as customers
    left join {{ ref('stg_stripe__tax_ids') }} as tax_ids
        on customers.customer_id = tax_ids.customer_id and tax_ids.recency = 1
),

erp as (
    select
        'netsuite' as system,
        'erp' as role,
        customer_id as source_id,
        legal_name,
        coalesce({{ host_of('website') }}, {{ host_of('invoice_email') }}) as host,
        country_code,
        tax_id,
        crm_account_id as xref_crm_id,
        -- some integrations key the ERP customer by the billing id instead of filling the link field
        coalesce(
            stripe_customer_id, case when external_id like 'cus\_%' escape '\' then external_id end
        ) as xref_billing_id,
        cast(null as varchar) as xref_erp_id,
        not is_inactive as is_active,
        created_at
    from {{ ref('stg_netsuite__customers') }}
),

records as (
    select * from crm
    union all
    select * from billing
    union all
    select * from erp
)

select
    records.system,
    records.role,
    records.source_id,
    records.legal_name,
    {{ name_key('records.legal_name') }} as name_key,
    case when free_mail_domains.domain is null then records.host end as domain,
    records.country_code,
    records.tax_id,
    records.xref_crm_id,
    records.xref_billing_id,
    records.xref_erp_id,
    records.is_active,
    records.created_at
from records
left join {{ ref('free_mail_domains') }} as free_mail_domains on records.host = free_mail_domains.domain
