with document_subsidiary as (
    -- a line made after the fact may lack a subsidiary; the document's others tell it
    select
        transaction_id,
        min(subsidiary_id) as subsidiary_id
    from {{ ref('stg_netsuite__transaction_lines') }}
    group by transaction_id
)

select
    lines.transaction_id || '-' || lines.line_id as source_id,
    'netsuite' as source_system,
    lines.transaction_id as journal_id,
    lines.line_id,
    accounts.account_number,
    accounts.account_type,
    subsidiaries.legal_entity,
    erp_currencies.currency,
    {{ minor_units('lines.debit', 'currencies.minor_per_unit') }} as debit_minor,
    {{ minor_units('lines.credit', 'currencies.minor_per_unit') }} as credit_minor,
    {{ fingerprint(['accounts.account_number', 'lines.debit', 'lines.credit']) }} as fingerprint
from {{ ref('stg_netsuite__transaction_accounting_lines') }} as lines
left join {{ ref('stg_netsuite__accounts') }} as accounts on lines.account_id = accounts.account_id
left join document_subsidiary on lines.transaction_id = document_subsidiary.transaction_id
left join {{ ref('stg_netsuite__subsidiaries') }} as subsidiaries
    on document_subsidiary.subsidiary_id = subsidiaries.subsidiary_id
left join {{ ref('stg_netsuite__currencies') }} as erp_currencies
    on subsidiaries.currency_id = erp_currencies.currency_id
left join {{ ref('currencies') }} as currencies on erp_currencies.currency = currencies.currency
-- further accounting books repeat the entry under other rules; lines that do not post are memoranda
where lines.accounting_book = '1' and lines.is_posting
