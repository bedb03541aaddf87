with document_subsidiary as (
    -- a line made after the fact may lack a subsidiary; the document's others tell it
    select
        transaction_id,
        min(subsidiary_id) as subsidiary_id
    from {{ ref('stg_netsuite__transaction_lines') }}
    group by transaction_id
),

document_lines as (
    -- NetSuite signs the amount of a line: debits are positive
    select
        transaction_id,
        line_id,
        stripe_line_id,
        case when amount > 0 then amount when amount <= 0 then 0 end as debit,
        case when amount < 0 then -amount when amount >= 0 then 0 end as credit
    from {{ ref('stg_netsuite__transaction_lines') }}
),

primary_book as (
    -- an account without further books does not name its only one
    select coalesce(min(accounting_book_id), '1') as accounting_book
    from {{ ref('stg_netsuite__accounting_books') }}
    where is_primary
)

select
    lines.transaction_id || '-' || lines.line_id as source_id,
    'netsuite' as source_system,
    lines.transaction_id as journal_id,
    lines.line_id,
    accounts.account_id as erp_account_id,
    accounts.account_number,
    accounts.account_type,
    {{ account_class('accounts.account_type') }} as account_class,
    document_lines.stripe_line_id as invoice_line_id,
    subsidiaries.legal_entity,
    functional.currency,
    {{ minor_units('lines.debit', 'functional_units.minor_per_unit') }} as debit_minor,
    {{ minor_units('lines.credit', 'functional_units.minor_per_unit') }} as credit_minor,
    transacted.currency as transaction_currency,
    {{ minor_units('document_lines.debit', 'transacted_units.minor_per_unit') }} as transaction_debit_minor,
    {{ minor_units('document_lines.credit', 'transacted_units.minor_per_unit') }} as transaction_credit_minor,
    corrections.corrected_id as corrected_journal_id,
    {{ fingerprint(['accounts.account_number', 'lines.debit', 'lines.credit']) }} as fingerprint
from {{ ref('stg_netsuite__transaction_accounting_lines') }} as lines
-- further accounting books repeat the entry under other rules; lines that do not post are memoranda
inner join primary_book on lines.accounting_book = primary_book.accounting_book
left join {{ ref('stg_netsuite__accounts') }} as accounts on lines.account_id = accounts.account_id
left join document_lines
    on lines.transaction_id = document_lines.transaction_id and lines.line_id = document_lines.line_id
left join {{ ref('stg_netsuite__transactions') }} as transactions on lines.transaction_id = transactions.transaction_id
left join {{ ref('stg_netsuite__currencies') }} as transacted on transactions.currency_id = transacted.currency_id
left join {{ ref('currencies') }} as transacted_units on transacted.currency = transacted_units.currency
left join {{ ref('ledger_correction__erp') }} as corrections
    on lines.transaction_id = corrections.source_id and corrections.kind in ('reversal', 'reclass')
left join document_subsidiary on lines.transaction_id = document_subsidiary.transaction_id
left join {{ ref('stg_netsuite__subsidiaries') }} as subsidiaries
    on document_subsidiary.subsidiary_id = subsidiaries.subsidiary_id
left join {{ ref('stg_netsuite__currencies') }} as functional on subsidiaries.currency_id = functional.currency_id
left join {{ ref('currencies') }} as functional_units on functional.currency = functional_units.currency
where lines.is_posting
