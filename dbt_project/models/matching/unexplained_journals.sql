-- Journals by hand or by another system: neither the revenue of a plan nor a document of the canonical layer.
with entries as (
    select * from {{ ref('journal_entries') }} where journal_type = 'journal'
),

lines as (
    select * from {{ ref('journal_entry_lines') }} where journal_id in (select entries.journal_id from entries)
),

explained as (
    select journal_id from {{ ref('revenue_events') }} where journal_id in (select entries.journal_id from entries)
    union
    select journal_id from lines where document_key is not null
),

totals as (
    select
        journal_id,
        min(transaction_currency) as currency,
        cast(sum(transaction_debit_minor) as bigint) as debit_minor
    from lines
    group by journal_id
)

select
    entries.journal_id as item_id,
    totals.currency,
    totals.debit_minor as amount_minor,
    entries.entry_date as item_date,
    entries.canonical_customer_id as party,
    {{ words_of('transactions.memo') }} as reference_keys,
    coalesce({{ words_of('upper(transactions.memo)') }}, {{ list_of([]) }}) || {{ list_of(['upper(entries.number)']) }}
        as document_numbers,
    {{ list_of(['entries.correlation_id']) }} as group_keys
from entries
left join totals on entries.journal_id = totals.journal_id
left join {{ ref('stg_netsuite__transactions') }} as transactions on entries.journal_id = transactions.transaction_id
left join explained on entries.journal_id = explained.journal_id
where explained.journal_id is null
