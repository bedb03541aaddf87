-- Payouts beside what the bank booked of them. A deposit that is not what its payout is, is a matter of
-- cmp_payout__billing_vs_erp: here the bank is held against the payout, and the deposit stands beside the two.
with payouts as (
    select * from {{ ref('payout__billing') }}
),

movements as (
    select * from {{ ref('bank_movements') }}
    where is_processor
),

words as (
    select
        movement_key,
        unnest(reference_keys) as word
    from movements
),

names as (
    select payout_id, payout_id as word from payouts
    union all
    select payout_id, trace_id from payouts
),

named as (
    -- a line can name several payouts, and a payout can have several lines: it came, and went back
    select distinct
        words.movement_key,
        names.payout_id
    from words
    inner join names on words.word = names.word
),

open_payouts as (
    select * from payouts
    where is_settled and payout_id not in (select payout_id from named)
),

open_movements as (
    select * from movements
    where movement_key not in (select movement_key from named)
),

alike as (
    -- where nothing is named: the lines with the amount in those days. As many lines as payouts pair in their order
    select
        movements.movement_key,
        payouts.payout_id,
        count(*) over (partition by movements.movement_key) as payout_count,
        count(*) over (partition by payouts.payout_id) as line_count,
        row_number() over (
            partition by movements.movement_key order by payouts.arrival_date, payouts.payout_id
        ) as payout_place,
        row_number() over (
            partition by payouts.payout_id order by movements.booking_date, movements.movement_key
        ) as line_place
    from open_payouts as payouts
    inner join open_movements as movements
        on
            payouts.currency = movements.currency
            and payouts.amount_minor = movements.amount_minor
            and {{ days_between('payouts.arrival_date', 'movements.booking_date') }} between -1 and 5
),

paired as (
    select movement_key, payout_id from named
    union all
    select min(movement_key), payout_id
    from alike
    where payout_count = line_count and payout_place = line_place
    group by payout_id
    having count(*) = 1
),

signs as (
    select
        paired.movement_key,
        case when (min(movements.amount_minor) < 0) = (sum(payouts.amount_minor) < 0) then 1 else -1 end as sign
    from paired
    inner join movements on paired.movement_key = movements.movement_key
    inner join payouts on paired.payout_id = payouts.payout_id
    group by paired.movement_key
),

shared as (
    -- of a line for several payouts each gets what it is, and the last one what is left; of one that takes them back
    -- each loses what it was
    select
        paired.payout_id,
        paired.movement_key,
        movements.booking_date,
        case
            when row_number() over (partition by paired.movement_key order by paired.payout_id desc) > 1
                then signs.sign * payouts.amount_minor
            else
                movements.amount_minor
                - signs.sign * sum(payouts.amount_minor) over (partition by paired.movement_key)
                + signs.sign * payouts.amount_minor
        end as amount_minor
    from paired
    inner join movements on paired.movement_key = movements.movement_key
    inner join payouts on paired.payout_id = payouts.payout_id
    inner join signs on paired.movement_key = signs.movement_key
),

banked as (
    select
        payout_id,
        coalesce(min(movement_key) filter (where amount_minor > 0), min(movement_key)) as movement_key,
        min(booking_date) as booking_date,
        sum(amount_minor) as amount_minor,
        coalesce(-sum(amount_minor) filter (where amount_minor < 0), 0) as returned_minor
    from shared
    group by payout_id
),

accounts as (
    -- a payout can have come to any account of its currency into which the provider pays
    select
        account,
        min(currency) as currency,
        min(from_date) as from_date
    from {{ ref('bank_coverages') }}
    where takes_payouts
    group by account
),

arrivals as (
    select distinct currency, arrival_date from payouts
),

covered as (
    -- up to when the statements go on that were there on a day
    select
        arrivals.currency,
        arrivals.arrival_date,
        accounts.account,
        min(accounts.from_date) as from_date,
        max(coverages.to_date) as covered_date,
        max(max(coverages.to_date)) over (partition by arrivals.currency, arrivals.arrival_date) as furthest_date
    from arrivals
    inner join accounts on arrivals.currency = accounts.currency
    left join {{ ref('bank_coverages') }} as coverages
        on accounts.account = coverages.account and coverages.from_date <= arrivals.arrival_date
    group by arrivals.currency, arrivals.arrival_date, accounts.account
),

known as (
    -- an account that was left weeks before that day, while another went on, is not waited for
    select
        currency,
        arrival_date,
        max(from_date) as from_date,
        min(covered_date) as covered_date
    from covered
    where
        covered_date is null
        or furthest_date < arrival_date
        or covered_date >= {{ days_after('arrival_date', -14) }}
    group by currency, arrival_date
),

rows_of_both as (
    select
        payouts.payout_id as billing_id,
        banked.movement_key as bank_id,
        payouts.arrival_date as due_date,
        known.covered_date,
        case
            when not payouts.is_settled and banked.amount_minor = 0 then 'failed_and_returned'
            when banked.payout_id is not null then null
            when not payouts.is_settled then 'not_arrived'
            when known.currency is null then 'bank_not_read'
            when payouts.arrival_date < known.from_date then 'before_statements'
        end as excluded_reason
    from payouts
    left join banked on payouts.payout_id = banked.payout_id
    left join known
        on payouts.currency = known.currency and payouts.arrival_date is not distinct from known.arrival_date
    union all
    select
        cast(null as varchar),
        movements.movement_key,
        movements.booking_date,
        max(coverages.to_date),
        cast(null as varchar)
    from movements
    inner join {{ ref('bank_coverages') }} as coverages
        on movements.account = coverages.account and coverages.from_date <= movements.booking_date
    where movements.movement_key not in (select movement_key from paired)
    group by movements.movement_key, movements.booking_date
),

valued as (
    select
        rows_of_both.*,
        billing.status,
        coalesce(billing.is_settled, false) as is_settled,
        billing.sent_at,
        billing.arrival_date,
        coalesce(billing.currency, movements.currency) as currency,
        billing.amount_minor as billing_amount_minor,
        coalesce(banked.booking_date, movements.booking_date) as booking_date,
        cast(coalesce(banked.amount_minor, movements.amount_minor) as bigint) as booked_minor,
        cast(coalesce(banked.returned_minor, 0) as bigint) as returned_minor,
        -- what the bank keeps for taking the money in
        cast(
            case
                when
                    banked.returned_minor = 0
                    and billing.amount_minor - banked.amount_minor between 1 and {{ var('bank_fee_band_minor') }}
                    then billing.amount_minor - banked.amount_minor
                else 0
            end as bigint
        ) as bank_fee_minor
    from rows_of_both
    left join payouts as billing on rows_of_both.billing_id = billing.payout_id
    left join banked on rows_of_both.billing_id = banked.payout_id
    left join movements on rows_of_both.bank_id = movements.movement_key
)

select
    coalesce('stripe:' || valued.billing_id, 'bank:' || valued.bank_id) as row_key,
    'payout' as entity,
    cast(null as varchar) as canonical_id,
    cast(null as varchar) as correlation_id,
    valued.billing_id,
    valued.bank_id,
    deposits.erp_internal_id as erp_id,
    valued.billing_id is not null as has_billing,
    valued.bank_id is not null as has_bank,
    erp.legal_entity,
    valued.currency,
    {{ accounting_period('coalesce(valued.arrival_date, valued.booking_date)') }} as period,
    valued.billing_amount_minor,
    case when valued.bank_id is not null then valued.booked_minor + valued.bank_fee_minor end as bank_amount_minor,
    valued.excluded_reason,
    {{ coverage('billing_coverage_seconds', 'cast(valued.booking_date as timestamp)', 'stripe', 'payout') }},
    {{ seconds_between('cast(valued.due_date as timestamp)', 'cast(valued.covered_date as timestamp)') }}
        as bank_coverage_seconds,
    {{ seconds_between(
        'cast(' ~ business_days_after('valued.due_date', 3) ~ ' as timestamp)', 'cast(valued.covered_date as timestamp)'
    ) }} as due_coverage_seconds,
    coalesce(valued.covered_date > {{ business_days_after('valued.due_date', 5) }}, false) as is_long_due,
    coalesce(valued.sent_at, cast(valued.booking_date as timestamp)) as event_at,
    valued.status as billing_status,
    valued.is_settled,
    valued.arrival_date as billing_date,
    valued.booking_date as bank_date,
    valued.covered_date,
    valued.returned_minor,
    valued.bank_fee_minor
from valued
left join {{ ref('deposit_copies') }} as deposits
    on valued.billing_id = deposits.payout_id and deposits.copy_role = 'primary'
left join {{ ref('deposit__erp') }} as erp on deposits.erp_internal_id = erp.erp_internal_id
