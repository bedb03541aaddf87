-- What puts another posting right and says so by its external id: a journal `reversal_<journal>` takes a journal back,
-- `reclass_<document>_<line>` moves a line to another account, a credit memo `credit_<invoice>` that is applied to it takes a whole
-- invoice back.
-- What was taken back itself corrects nothing any more.
with named as (
    select
        transaction_id,
        currency_id,
        total,
        split_part(external_id, '_', 1) as kind,
        split_part(external_id, '_', 2) as corrected_id,
        nullif(split_part(external_id, '_', 3), '') as line_id
    from {{ ref('stg_netsuite__transactions') }}
    where
        is_posting
        and not is_voided
        and (
            transaction_type = 'journal'
            and (external_id like 'reversal\_%' escape '\' or external_id like 'reclass\_%' escape '\')
            or transaction_type = 'credit_note' and external_id like 'credit\_%' escape '\'
        )
),

halves as (
    select transaction_id, transaction_id as half_id from named where kind = 'reversal'
    union all
    select transaction_id, corrected_id from named where kind = 'reversal'
),

primary_book as (
    -- an account without further books does not name its only one
    select coalesce(min(accounting_book_id), '1') as accounting_book
    from {{ ref('stg_netsuite__accounting_books') }}
    where is_primary
),

partial as (
    -- a journal and its reversal leave nothing on any account; further books and memoranda follow rules of their own
    select halves.transaction_id
    from halves
    inner join {{ ref('stg_netsuite__transaction_accounting_lines') }} as postings
        on halves.half_id = postings.transaction_id and postings.is_posting
    inner join primary_book on postings.accounting_book = primary_book.accounting_book
    group by halves.transaction_id, postings.account_id
    having sum(postings.debit - postings.credit) <> 0
),

unapplied as (
    -- a memo credits a whole invoice as long as all of it is applied to that one: applied elsewhere, it leaves it open
    select named.transaction_id
    from named
    left join {{ ref('stg_netsuite__transaction_links') }} as links
        on
            named.transaction_id = links.next_transaction_id
            and named.corrected_id = links.previous_transaction_id
            and links.link_type = 'payment'
    where named.kind = 'credit'
    group by named.transaction_id, named.total
    having coalesce(sum(abs(links.amount)), 0) <> abs(named.total)
),

sound as (
    -- what takes something back is over as much
    select named.*
    from named
    inner join {{ ref('stg_netsuite__transactions') }} as corrected on named.corrected_id = corrected.transaction_id
    where
        (named.kind = 'reclass' and named.line_id is not null)
        or (
            named.kind in ('reversal', 'credit')
            and corrected.currency_id = named.currency_id
            -- a deposit is over what is left without the fees, its reversal over all of it
            and (abs(corrected.total) = abs(named.total) or corrected.transaction_type = 'deposit')
            and named.transaction_id not in (select transaction_id from partial)
            and named.transaction_id not in (select transaction_id from unapplied)
        )
)

select
    sound.transaction_id as source_id,
    'netsuite' as source_system,
    sound.kind,
    sound.corrected_id,
    case when sound.kind = 'reclass' then sound.corrected_id || '-' || sound.line_id end as corrected_line_key
from sound
left join sound as later on sound.transaction_id = later.corrected_id and later.kind = 'reversal'
where later.transaction_id is null
