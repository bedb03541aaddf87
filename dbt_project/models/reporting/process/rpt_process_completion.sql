-- How far the threads get and how fast, per hop and legal entity. A hop that is still within what is expected is waiting.
select
    hop,
    min(position) as position,
    legal_entity,
    count(*) as thread_count,
    count(reached_at) as reached_count,
    count(*) filter (where is_late) as late_count,
    count(*) filter (where is_stuck) as stuck_count,
    count(*) filter (where reached_at is null and not is_stuck) as waiting_count,
    -- of the threads that had to be there by now, in hundredths of a percent, rounded down: never 100 % for less than all
    cast(
        10000 * count(reached_at)
        // nullif(count(*) filter (where reached_at is not null or is_stuck), 0) as bigint
    ) as completion_basis_points,
    cast(quantile_disc(latency_seconds, 0.5) as bigint) as median_seconds,
    cast(quantile_disc(latency_seconds, 0.95) as bigint) as p95_seconds,
    max(latency_seconds) as slowest_seconds,
    min(expected_seconds) as expected_seconds
from {{ ref('rpt_process_threads') }}
group by hop, legal_entity
