with documents as (
    select
        customer_id,
        currency,
        issued_at as document_at,
        case when status = 'void' then 0 else total_minor end as amount_minor
    from {{ ref('invoice__billing') }}
    where issued_at is not null and total_minor <> 0
    union all
    select
        customer_id,
        currency,
        paid_at as document_at,
        0 as amount_minor
    from {{ ref('payment__billing') }}
    where is_settled
),

documents_of as (
    select
        customer_id,
        min(currency) as currency,
        sum(amount_minor) as documents_minor,
        min(document_at) as first_document_at
    from documents
    group by customer_id
),

candidates as (
    -- the ERP customer that a reference names, else the one of the same legal entity, else the cluster's primary one
    select
        billing.source_id as billing_id,
        erp.source_id as erp_id,
        row_number() over (
            partition by billing.source_id
            order by
                coalesce(billing.erp_customer_ref = erp.source_id, false) desc,
                coalesce(erp.billing_customer_ref = billing.source_id, false) desc,
                coalesce(billing.legal_entity = erp.legal_entity, false) desc,
                erp.is_active desc, erp.is_primary desc, erp.source_id
        ) as preference
    from {{ ref('customer__billing') }} as billing
    inner join {{ ref('customer__erp') }} as erp on billing.canonical_customer_id = erp.canonical_customer_id
),

pairs as (
    select
        billing.source_id as billing_id,
        candidates.erp_id,
        cast(null as varchar) as excluded_reason
    from {{ ref('customer__billing') }} as billing
    left join candidates on billing.source_id = candidates.billing_id and candidates.preference = 1
),

clusters_with_billing as (
    select distinct canonical_customer_id
    from {{ ref('customer__billing') }}
    where canonical_customer_id is not null
),

unpaired as (
    select
        cast(null as varchar) as billing_id,
        erp.source_id as erp_id,
        case
            when clusters_with_billing.canonical_customer_id is null then 'no_billing_customer' else 'not_primary'
        end as excluded_reason
    from {{ ref('customer__erp') }} as erp
    left join clusters_with_billing on erp.canonical_customer_id = clusters_with_billing.canonical_customer_id
    where erp.source_id not in (select candidates.erp_id from candidates where candidates.preference = 1)
),

rows_of_both as (
    select * from pairs
    union all
    select * from unpaired
)

select
    coalesce('stripe:' || billing.source_id, 'netsuite:' || erp.source_id) as row_key,
    'customer' as entity,
    coalesce(billing.canonical_customer_id, erp.canonical_customer_id) as canonical_id,
    cast(null as varchar) as correlation_id,
    billing.source_id as billing_id,
    erp.source_id as erp_id,
    billing.source_id is not null as has_billing,
    erp.source_id is not null as has_erp,
    coalesce(billing.legal_entity, erp.legal_entity) as legal_entity,
    coalesce(documents_of.currency, billing.currency, erp.currency) as currency,
    cast(null as varchar) as period,
    case
        when billing.source_id is not null then cast(coalesce(documents_of.documents_minor, 0) as bigint)
    end as billing_amount_minor,
    cast(null as bigint) as erp_amount_minor,
    case
        when billing.source_id is null then rows_of_both.excluded_reason
        when erp.source_id is null and documents_of.customer_id is null then 'no_documents'
    end as excluded_reason,
    {{ coverage(
        'billing_coverage_seconds',
        'case when billing.source_id is null then erp.created_at else erp.modified_at end',
        'stripe', 'customer'
    ) }},
    -- the ERP needs a customer from its first document on
    {{ coverage(
        'erp_coverage_seconds',
        'case
            when erp.source_id is not null then billing.modified_at
            else coalesce(documents_of.first_document_at, billing.created_at)
        end',
        'netsuite', 'customer'
    ) }},
    coalesce(documents_of.first_document_at, billing.created_at, erp.created_at) as event_at,
    billing.channel,
    documents_of.customer_id is not null as has_documents,
    cast(coalesce(documents_of.documents_minor, 0) as bigint) as documents_minor,
    documents_of.first_document_at,
    billing.legal_name as billing_legal_name,
    erp.legal_name as erp_legal_name,
    billing.tax_id as billing_tax_id,
    erp.tax_id as erp_tax_id,
    billing.invoice_email as billing_invoice_email,
    erp.invoice_email as erp_invoice_email,
    billing.country_code as billing_country_code,
    erp.country_code as erp_country_code
from rows_of_both
left join {{ ref('customer__billing') }} as billing on rows_of_both.billing_id = billing.source_id
left join {{ ref('customer__erp') }} as erp on rows_of_both.erp_id = erp.source_id
left join documents_of on billing.source_id = documents_of.customer_id
