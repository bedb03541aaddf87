-- One row per balance transaction that an automatic payout paid out, once it is reconciled.
{{ config(materialized='table') }}

with members as (
    select
        id as payout_id,
        unnest({{ stripe_list('balance_transactions') }}) as member
    from {{ source('stripe', 'payout') }}
)

select
    payout_id,
    member ->> '$' as balance_transaction_id
from members
