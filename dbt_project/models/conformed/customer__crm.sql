select
    accounts.account_id as source_id,
    'salesforce' as source_system,
    crosswalk.canonical_customer_id,
    coalesce(crosswalk.is_primary, false) as is_primary,
    accounts.legal_name,
    accounts.tax_id,
    accounts.invoice_email,
    accounts.country_code,
    accounts.payment_terms_days,
    accounts.currency,
    cast(null as varchar) as channel,
    cast(null as varchar) as legal_entity,
    accounts.master_account_id is null as is_active,
    coalesce(accounts.account_type = 'prospect', false) as is_prospect,
    accounts.account_id as crm_account_ref,
    accounts.stripe_customer_id as billing_customer_ref,
    accounts.netsuite_customer_id as erp_customer_ref,
    accounts.created_at,
    accounts.modified_at,
    {{ fingerprint([
        'accounts.legal_name', 'accounts.tax_id', 'accounts.invoice_email', 'accounts.country_code',
        'accounts.payment_terms_days',
    ]) }} as fingerprint
from {{ ref('stg_salesforce__accounts') }} as accounts
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'salesforce' and accounts.account_id = crosswalk.source_id
