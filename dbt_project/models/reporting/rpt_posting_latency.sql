-- How long invoices took from billing's finalization to the ledger, by month of finalization.
select
    billing.legal_entity,
    billing.period,
    count(*) as invoice_count,
    cast(quantile_disc({{ seconds_between('billing.issued_at', 'erp.issued_at') }}, 0.5) as bigint) as median_seconds,
    cast(quantile_disc({{ seconds_between('billing.issued_at', 'erp.issued_at') }}, 0.95) as bigint) as p95_seconds,
    max({{ seconds_between('billing.issued_at', 'erp.issued_at') }}) as slowest_seconds
from {{ ref('invoice__billing') }} as billing
inner join {{ ref('invoice_copies') }} as copies
    on billing.invoice_id = copies.invoice_id and copies.copy_role = 'primary'
inner join {{ ref('invoice__erp') }} as erp on copies.erp_internal_id = erp.erp_internal_id
where billing.issued_at is not null
group by billing.legal_entity, billing.period
