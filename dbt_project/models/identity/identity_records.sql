-- One row per customer record of any system, as it was entered. What tells customers apart is worked out of it by the
-- identity step, in one place for every source of records.
with crm as (
    select
        'salesforce' as system,
        'crm' as role,
        account_id as source_id,
        legal_name,
        website,
        invoice_email as email,
        street,
        city,
        postal_code,
        country_code,
        tax_id,
        cast(null as varchar) as legal_entity,
        parent_account_id as parent_id,
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
        cast(null as varchar) as website,
        customers.invoice_email as email,
        customers.street,
        customers.city,
        customers.postal_code,
        customers.country_code,
        tax_ids.tax_id,
        cast(null as varchar) as legal_entity,
        cast(null as varchar) as parent_id,
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
        customers.customer_id as source_id,
        customers.legal_name,
        customers.website,
        customers.invoice_email as email,
        cast(null as varchar) as street,
        cast(null as varchar) as city,
        customers.postal_code,
        customers.country_code,
        customers.tax_id,
        subsidiaries.legal_entity,
        customers.parent_customer_id as parent_id,
        customers.crm_account_id as xref_crm_id,
        -- some integrations key the ERP customer by the billing id instead of filling the link field
        coalesce(
            customers.stripe_customer_id,
            case when customers.external_id like 'cus\_%' escape '\' then customers.external_id end
        ) as xref_billing_id,
        cast(null as varchar) as xref_erp_id,
        not customers.is_inactive as is_active,
        customers.created_at
    from {{ ref('stg_netsuite__customers') }} as customers
    left join {{ ref('stg_netsuite__subsidiaries') }} as subsidiaries
        on customers.subsidiary_id = subsidiaries.subsidiary_id
)

select * from crm
union all
select * from billing
union all
select * from erp
