-- Every contract has a buyer; every invoice of billing has a buyer and one who is billed, every posted one a receivable.
select coalesce(expected.document_id, found.document_id) as document_id, coalesce(expected.role, found.role) as role
from (
    select 'contract' as document_type, contract_id as document_id, 'sold_to' as role from {{ ref('contracts') }}
    union all
    select 'contract', contract_id, 'bill_to' from {{ ref('contracts') }} where subscription_id is not null
    union all
    select 'invoice', invoice_key, 'sold_to' from {{ ref('invoices') }} where invoice_id is not null
    union all
    select 'invoice', invoice_key, 'bill_to' from {{ ref('invoices') }} where invoice_id is not null
    union all
    select 'invoice', invoice_key, 'posted_to' from {{ ref('invoices') }} where erp_internal_id is not null
) as expected
full outer join {{ ref('customer_roles') }} as found
    on
        expected.document_type = found.document_type
        and expected.document_id = found.document_id
        and expected.role = found.role
where expected.document_id is null or found.document_id is null
