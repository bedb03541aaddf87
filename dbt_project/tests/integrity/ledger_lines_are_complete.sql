-- Every posting line of the primary book is a canonical ledger line; lines whose transaction is missing or does not
-- post are left out.
-- Debits and credits are tied apart, since they may well differ from each other: that is drift, not a broken contract.
{% set staged_lines %}
    select erp_currencies.currency, lines.debit, lines.credit
    from {{ ref('stg_netsuite__transaction_accounting_lines') }} as lines
    inner join {{ ref('stg_netsuite__transactions') }} as transactions on lines.transaction_id = transactions.transaction_id
    left join (
        select transaction_id, min(subsidiary_id) as subsidiary_id
        from {{ ref('stg_netsuite__transaction_lines') }}
        group by transaction_id
    ) as subsidiary_of on lines.transaction_id = subsidiary_of.transaction_id
    left join {{ ref('stg_netsuite__subsidiaries') }} as subsidiaries on subsidiary_of.subsidiary_id = subsidiaries.subsidiary_id
    left join {{ ref('stg_netsuite__currencies') }} as erp_currencies on subsidiaries.currency_id = erp_currencies.currency_id
    where
        lines.accounting_book = (
            select coalesce(min(accounting_book_id), '1')
            from {{ ref('stg_netsuite__accounting_books') }}
            where is_primary
        )
        and lines.is_posting and transactions.is_posting
{% endset %}
{% set canonical_lines %}
    select
        lines.currency,
        {{ in_units('lines.debit_minor', 'currencies.minor_per_unit') }} as debit,
        {{ in_units('lines.credit_minor', 'currencies.minor_per_unit') }} as credit
    from {{ ref('journal_entry_lines') }} as lines
    left join {{ ref('currencies') }} as currencies on lines.currency = currencies.currency
{% endset %}
{% set both_sides %}
    select currency || ' debit' as currency, debit as amount from lines
    union all
    select currency || ' credit' as currency, credit as amount from lines
{% endset %}
{{ unequal_totals(
    "with lines as (" ~ staged_lines ~ ")" ~ both_sides,
    "with lines as (" ~ canonical_lines ~ ")" ~ both_sides
) }}
