with {{ erp_document_facts('deposit') }},

primary_postings as (
    -- an account without further books does not name its only one
    select postings.*
    from {{ ref('stg_netsuite__transaction_accounting_lines') }} as postings
    inner join (
        select coalesce(min(accounting_book_id), '1') as accounting_book
        from {{ ref('stg_netsuite__accounting_books') }}
        where is_primary
    ) as primary_book on postings.accounting_book = primary_book.accounting_book
),

parts as (
    select
        erp_internal_id,
        count(*) filter (where not is_fee) as member_count,
        sum(gross_minor) filter (where not is_fee) as gross_minor,
        -sum(gross_minor) filter (where is_fee) as fee_minor
    from {{ ref('deposit_line__erp') }}
    group by erp_internal_id
)

select
    document_facts.transaction_id as source_id,
    'netsuite' as source_system,
    {{ mirrored_id('document_facts.stripe_payout_id', 'document_facts.external_id', 'po') }} as payout_id,
    document_facts.transaction_id as erp_internal_id,
    document_facts.number,
    document_facts.is_voided or reversals.source_id is not null as is_voided,
    document_facts.transaction_date as deposit_date,
    document_facts.period,
    document_facts.legal_entity,
    document_facts.currency,
    bank.account_number as bank_account_number,
    cast(coalesce(parts.gross_minor, 0) as bigint) as gross_minor,
    cast(coalesce(parts.fee_minor, 0) as bigint) as fee_minor,
    document_facts.total_minor as net_minor,
    coalesce(parts.member_count, 0) as member_count,
    document_facts.created_at,
    document_facts.modified_at,
    {{ fingerprint([
        'document_facts.is_voided or reversals.source_id is not null', 'document_facts.currency', 'document_facts.total_minor', 'parts.fee_minor',
    ]) }} as fingerprint
from document_facts
left join parts on document_facts.transaction_id = parts.erp_internal_id
left join (
    select
        lines.transaction_id,
        min(accounts.account_number) as account_number
    from {{ ref('stg_netsuite__transaction_lines') }} as lines
    inner join primary_postings as postings
        on lines.transaction_id = postings.transaction_id and lines.line_id = postings.line_id
    left join {{ ref('stg_netsuite__accounts') }} as accounts on postings.account_id = accounts.account_id
    where lines.is_main_line
    group by lines.transaction_id
) as bank on document_facts.transaction_id = bank.transaction_id
left join {{ ref('ledger_correction__erp') }} as reversals
    on document_facts.transaction_id = reversals.corrected_id and reversals.kind = 'reversal'
