-- Every document of which people changed a financial field, with what it said before and what they left.
with changes as (
    -- several changes of a field are one: from what it was to what it is
    select
        journal_id,
        attribute,
        bool_and(is_of_line) as is_of_line,
        {{ value_before('old_value', 'note_number') }} as old_value,
        {{ value_after('new_value', 'note_number') }} as new_value,
        case when bool_and(change_minor is not null) then sum(change_minor) end as change_minor,
        max(line_minor) as line_minor,
        bool_or(is_after_close) as is_after_close,
        max(edited_at) as edited_at
    from {{ ref('journal_edits') }}
    where not is_by_integration
    group by journal_id, attribute
),

put_right as (
    -- what the integration wrote again after that
    select edits.journal_id, edits.attribute
    from {{ ref('journal_edits') }} as edits
    inner join changes on edits.journal_id = changes.journal_id and edits.attribute = changes.attribute
    where edits.is_by_integration and edits.edited_at > changes.edited_at
    group by edits.journal_id, edits.attribute
),

standing as (
    select
        changes.*,
        {{ minor_units('transactions.total', 'units.minor_per_unit') }} as total_minor,
        changes.old_value is distinct from changes.new_value and put_right.journal_id is null as is_standing
    from changes
    inner join {{ ref('stg_netsuite__transactions') }} as transactions on changes.journal_id = transactions.transaction_id
    left join {{ ref('stg_netsuite__currencies') }} as currencies on transactions.currency_id = currencies.currency_id
    left join {{ ref('currencies') }} as units on currencies.currency = units.currency
    left join put_right on changes.journal_id = put_right.journal_id and changes.attribute = put_right.attribute
),

documents as (
    select
        journal_id,
        string_agg(attribute, ', ' order by attribute) filter (where is_standing) as attributes,
        string_agg(coalesce(old_value, 'none'), ', ' order by attribute) filter (where is_standing) as old_values,
        string_agg(coalesce(new_value, 'none'), ', ' order by attribute) filter (where is_standing) as new_values,
        -- what one line gained another one may have lost
        cast({{ moved_minor('is_standing', 'total_minor') }} as bigint) as change_minor,
        bool_or(is_standing) as is_standing,
        coalesce(bool_or(is_after_close) filter (where is_standing), false) as is_after_close,
        max(edited_at) as edited_at
    from standing
    group by journal_id
),

owned as (
    -- the integration posts what names a record of billing, and the runs of recognition
    select transaction_id
    from {{ ref('stg_netsuite__transactions') }}
    where
        coalesce(
            stripe_invoice_id, stripe_charge_id, stripe_credit_note_id, stripe_refund_id, stripe_dispute_id,
            stripe_payout_id, correlation_id
        ) is not null
    union
    select journal_id from {{ ref('revenue_events') }} where journal_id is not null
)

select
    'netsuite:' || documents.journal_id as row_key,
    'journal_entry' as entity,
    entries.canonical_customer_id as canonical_id,
    entries.correlation_id,
    documents.journal_id as erp_id,
    true as has_erp,
    entries.legal_entity,
    coalesce(currencies.currency, entries.currency) as currency,
    entries.period,
    documents.change_minor as erp_amount_minor,
    case
        when not documents.is_standing then 'put_back'
        when owned.transaction_id is null then 'entered_by_people'
    end as excluded_reason,
    cast(null as bigint) as erp_coverage_seconds,
    documents.edited_at as event_at,
    entries.number as erp_number,
    documents.attributes,
    documents.old_values,
    documents.new_values,
    documents.is_after_close
from documents
inner join {{ ref('journal_entries') }} as entries on documents.journal_id = entries.journal_id
inner join {{ ref('stg_netsuite__transactions') }} as transactions on documents.journal_id = transactions.transaction_id
left join owned on documents.journal_id = owned.transaction_id
left join {{ ref('stg_netsuite__currencies') }} as currencies on transactions.currency_id = currencies.currency_id
