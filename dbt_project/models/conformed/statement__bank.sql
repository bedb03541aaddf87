-- Statements of an account in their order. One follows the other when it opens with the balance that the other closed
-- with, however long after: banks write none for days on which nothing is booked.
with ordered as (
    select
        statements.*,
        {{ minor_units('statements.opening_balance', 'currencies.minor_per_unit') }} as opening_minor,
        {{ minor_units('statements.closing_balance', 'currencies.minor_per_unit') }} as closing_minor
    from {{ ref('stg_bank__statements') }} as statements
    inner join {{ ref('currencies') }} as currencies on statements.currency = currencies.currency
),

beside as (
    select
        *,
        lag(closing_minor) over (partition by account order by from_date, to_date, number) as closed_minor,
        lag(to_date) over (partition by account order by from_date, to_date, number) as closed_date
    from ordered
)

select
    statement_id as source_id,
    'bank' as source_system,
    statement_id,
    account,
    number,
    currency,
    from_date,
    to_date,
    opening_minor,
    closing_minor,
    case
        when closed_date is null then 'first'
        when
            opening_minor = closed_minor and from_date >= closed_date then 'follows'
        when from_date <= closed_date then 'overlap'
        else 'gap'
    end as continuity
from beside
