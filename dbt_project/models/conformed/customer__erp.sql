select
    customers.customer_id as source_id,
    'netsuite' as source_system,
    crosswalk.canonical_customer_id,
    coalesce(crosswalk.is_primary, false) as is_primary,
    customers.legal_name,
    customers.tax_id,
    customers.invoice_email,
    customers.country_code,
    terms.days_until_due as payment_terms_days,
    currencies.currency,
    cast(null as varchar) as channel,
    subsidiaries.legal_entity,
    not customers.is_inactive as is_active,
    false as is_prospect,
    customers.crm_account_id as crm_account_ref,
    -- some integrations key the ERP customer by the billing id instead of filling the link field
    coalesce(
        customers.stripe_customer_id,
        case when customers.external_id like 'cus\_%' escape '\' then customers.external_id end
    ) as billing_customer_ref,
    customers.customer_id as erp_customer_ref,
    customers.created_at,
    customers.modified_at,
    {{ fingerprint([
        'customers.legal_name', 'customers.tax_id', 'customers.invoice_email',
        'customers.country_code', 'terms.days_until_due',
    ]) }} as fingerprint
from {{ ref('stg_netsuite__customers') }} as customers
left join {{ ref('stg_netsuite__terms') }} as terms on customers.term_id = terms.term_id
left join {{ ref('stg_netsuite__currencies') }} as currencies on customers.currency_id = currencies.currency_id
left join {{ ref('stg_netsuite__subsidiaries') }} as subsidiaries
    on customers.subsidiary_id = subsidiaries.subsidiary_id
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'netsuite' and customers.customer_id = crosswalk.source_id
