select
    journal_id,
    journal_type,
    number,
    canonical_customer_id,
    correlation_id,
    period,
    legal_entity,
    currency,
    debit_minor,
    credit_minor,
    line_count,
    entry_date,
    posted_at,
    modified_at
from {{ ref('journal_entry__erp') }}
