-- Since when each subscription has an open invoice that is due, by what was read of invoices. Where the oldest was voided since,
-- the next may not be due yet: such a subscription is not here.
{{ config(materialized='view', meta={'turns': true}) }}
select
    subscription_id,
    min(coalesce(due_at, finalized_at)) as overdue_at
from {{ ref('stg_stripe__invoices') }}
where
    stripe_status = 'open'
    and subscription_id is not null
    and coalesce(due_at, finalized_at) <= {{ watermark('stripe', 'invoice') }}
group by subscription_id
