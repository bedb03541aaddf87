with signatures as (
    -- what a journal books, whatever the order of its lines
    select
        lines.journal_id,
        string_agg(
            concat_ws('|', lines.account_number, lines.debit_minor, lines.credit_minor), ';'
            order by lines.account_number, lines.debit_minor, lines.credit_minor
        ) as signature
    from {{ ref('journal_entry_lines') }} as lines
    where lines.document_type = 'journal'
    group by lines.journal_id
),

taken_back as (
    -- what a reversal takes back, and the reversal itself, book nothing together
    select corrected_id as journal_id from {{ ref('ledger_correction__erp') }} where kind = 'reversal'
    union
    select source_id from {{ ref('ledger_correction__erp') }} where kind = 'reversal'
),

told_apart as (
    select
        entries.journal_id,
        cast(entries.journal_id as bigint) as journal_number,
        'dispute_stage' as basis,
        concat_ws('|', disputes.dispute_id, disputes.stage) as same
    from {{ ref('journal_entries') }} as entries
    inner join {{ ref('dispute_entry__erp') }} as disputes on entries.journal_id = disputes.erp_internal_id
    where disputes.dispute_id is not null
    union all
    -- two disputes may come to the same lines on one day: their stages tell them apart
    select
        entries.journal_id,
        cast(entries.journal_id as bigint),
        'signature',
        concat_ws('|', entries.legal_entity, entries.currency, entries.entry_date, transactions.memo, signatures.signature)
    from {{ ref('journal_entries') }} as entries
    inner join signatures on entries.journal_id = signatures.journal_id
    left join {{ ref('stg_netsuite__transactions') }} as transactions on entries.journal_id = transactions.transaction_id
    left join {{ ref('dispute_entry__erp') }} as disputes on entries.journal_id = disputes.erp_internal_id
    where disputes.dispute_id is null
),

copies as (
    -- the oldest stands
    select
        journal_id,
        basis,
        first_value(journal_id) over (partition by basis, same order by journal_number) as standing_id
    from told_apart
    where journal_id not in (select journal_id from taken_back)
)

select
    'netsuite:' || entries.journal_id as row_key,
    'journal_entry' as entity,
    entries.canonical_customer_id as canonical_id,
    entries.correlation_id,
    entries.journal_id as erp_id,
    true as has_erp,
    entries.legal_entity,
    entries.currency,
    entries.period,
    entries.debit_minor as erp_amount_minor,
    cast(null as varchar) as excluded_reason,
    {{ coverage('erp_coverage_seconds', 'entries.posted_at', 'netsuite', 'transaction') }},
    entries.posted_at as event_at,
    entries.journal_type,
    entries.number as erp_number,
    entries.line_count,
    entries.debit_minor,
    entries.credit_minor,
    entries.debit_minor - entries.credit_minor as difference_minor,
    copies.standing_id as duplicate_of,
    copies.basis as duplicate_basis
from {{ ref('journal_entries') }} as entries
left join copies on entries.journal_id = copies.journal_id and entries.journal_id <> copies.standing_id
