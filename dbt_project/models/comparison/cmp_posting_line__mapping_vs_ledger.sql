-- Every line of the ledger with the accounts that the posting matrix and the account mapping allow for it.
with documents as (
    select
        transactions.transaction_id,
        case
            when transactions.transaction_type = 'payment' and payments.payment_id is not null then 'card_payment'
            when transactions.transaction_type = 'payment' then 'bank_payment'
            when disputes.erp_internal_id is not null then 'dispute'
            when transactions.transaction_id in (select journal_id from {{ ref('revenue_events') }}) then 'recognition'
            else transactions.transaction_type
        end as document
    from {{ ref('stg_netsuite__transactions') }} as transactions
    left join {{ ref('payment__erp') }} as payments on transactions.transaction_id = payments.erp_internal_id
    left join {{ ref('dispute_entry__erp') }} as disputes on transactions.transaction_id = disputes.erp_internal_id
),

document_lines as (
    select
        lines.transaction_id || '-' || lines.line_id as journal_line_key,
        lines.item_id is not null as has_item,
        products.product_family,
        case
            when lines.is_main_line then 'main'
            when lines.is_tax_line then 'tax'
            when lines.item_id is not null and lines.service_start_date is not null then 'deferred_item'
            when lines.item_id is not null then 'item'
            else 'other'
        end as line
    from {{ ref('stg_netsuite__transaction_lines') }} as lines
    left join {{ ref('stg_netsuite__items') }} as items on lines.item_id = items.item_id
    left join {{ ref('products') }} as products on items.product_code = products.product_code
),

moved as (
    -- where a reclass put the whole of a line
    select
        corrections.corrected_line_key as journal_line_key,
        lines.legal_entity,
        lines.debit_minor,
        lines.credit_minor,
        max(lines.account_number) as account_number,
        max(lines.account_class) as account_class
    from {{ ref('ledger_correction__erp') }} as corrections
    inner join {{ ref('journal_entry_lines') }} as lines on corrections.source_id = lines.journal_id
    where corrections.kind = 'reclass'
    group by corrections.corrected_line_key, lines.legal_entity, lines.debit_minor, lines.credit_minor
),

posted as (
    select
        lines.journal_line_key,
        lines.journal_id,
        lines.canonical_customer_id,
        lines.correlation_id,
        lines.legal_entity,
        lines.currency,
        lines.period,
        lines.debit_minor,
        lines.credit_minor,
        coalesce(moved.account_number, lines.account_number) as account_number,
        coalesce(moved.account_class, lines.account_class) as account_class,
        documents.document,
        document_lines.line,
        document_lines.has_item,
        document_lines.product_family,
        entries.posted_at
    from {{ ref('journal_entry_lines') }} as lines
    inner join {{ ref('journal_entries') }} as entries on lines.journal_id = entries.journal_id
    left join documents on lines.journal_id = documents.transaction_id
    left join moved
        on lines.journal_line_key = moved.journal_line_key
        and lines.legal_entity = moved.legal_entity
        and lines.debit_minor = moved.debit_minor
        and lines.credit_minor = moved.credit_minor
    left join document_lines on lines.journal_line_key = document_lines.journal_line_key
),

kinds as (
    -- a ledger has millions of lines of few kinds
    select distinct document, line, legal_entity, has_item, product_family, account_number
    from posted
    -- of a product without a family nothing is known
    where not has_item or product_family is not null
),

mapped as (
    select
        kinds.document,
        kinds.line,
        kinds.legal_entity,
        kinds.has_item,
        kinds.product_family,
        kinds.account_number,
        string_agg(distinct mapping.account_number, ' or ' order by mapping.account_number) as accounts,
        bool_or(mapping.account_number = kinds.account_number) as is_allowed,
        bool_or({{ account_class('chart.account_type') }} in ('income', 'expense')) as has_result_account,
        bool_or({{ account_class('chart.account_type') }} not in ('income', 'expense')) as has_balance_account
    from kinds
    inner join {{ ref('posting_matrix') }} as allowed
        on kinds.document = allowed.document and kinds.line = allowed.line
    inner join {{ ref('ledger_accounts') }} as mapping
        on allowed.event_type = mapping.event_type
        and kinds.legal_entity = mapping.legal_entity
        -- a line without an item may be of any product
        and (not kinds.has_item or mapping.product_family in ('*', kinds.product_family))
    left join {{ ref('stg_netsuite__accounts') }} as chart
        on mapping.account_number = chart.account_number and not chart.is_inactive
    group by
        kinds.document, kinds.line, kinds.legal_entity, kinds.has_item, kinds.product_family, kinds.account_number
)

select
    'netsuite:' || posted.journal_line_key as row_key,
    'posting_line' as entity,
    posted.canonical_customer_id as canonical_id,
    posted.correlation_id,
    posted.journal_line_key as erp_id,
    case when mapped.accounts is not null then posted.journal_line_key end as mapping_id,
    posted.journal_line_key as ledger_id,
    mapped.accounts is not null as has_mapping,
    true as has_ledger,
    posted.legal_entity,
    posted.currency,
    posted.period,
    case when mapped.accounts is not null then posted.debit_minor + posted.credit_minor end as mapping_amount_minor,
    posted.debit_minor + posted.credit_minor as ledger_amount_minor,
    case
        when mapped.accounts is null then 'not_mapped'
        when posted.debit_minor + posted.credit_minor = 0 then 'zero_amount'
    end as excluded_reason,
    cast(null as bigint) as mapping_coverage_seconds,
    {{ coverage('ledger_coverage_seconds', 'posted.posted_at', 'netsuite', 'transaction') }},
    posted.posted_at as event_at,
    posted.document,
    posted.line,
    posted.product_family,
    mapped.accounts as mapping_accounts,
    posted.account_number as ledger_account,
    coalesce(mapped.is_allowed, false) as is_allowed,
    -- a balance sheet account in place of one of income or expense, or the other way round
    coalesce(
        case
            when posted.account_class in ('income', 'expense') then not mapped.has_result_account
            else not mapped.has_balance_account
        end,
        false
    ) as is_result_shifted,
    posted.account_number in (select account_number from {{ ref('ledger_accounts') }}) as is_mapped_account
from posted
left join mapped
    on posted.document = mapped.document
    and posted.line = mapped.line
    and posted.legal_entity = mapped.legal_entity
    and posted.has_item = mapped.has_item
    and posted.product_family is not distinct from mapped.product_family
    and posted.account_number is not distinct from mapped.account_number
