"""How far the commercial threads get, as a report says it. Pure."""

from dataclasses import dataclass, fields

import polars as pl

STUCK_LISTED = 25
HOPS_QUERY = """
    select
        threads.hop,
        expectations.what,
        count(*) as threads,
        count(reached_at) as reached,
        count(*) filter (where is_late) as late,
        count(*) filter (where is_stuck) as stuck,
        count(*) filter (where reached_at is null and not is_stuck) as waiting,
        quantile_disc(latency_seconds, 0.5) as median_seconds,
        quantile_disc(latency_seconds, 0.95) as p95_seconds,
        min(expected_seconds) as expected_seconds
    from reporting.rpt_process_threads as threads
    join seeds.process_expectations as expectations on threads.hop = expectations.hop
    group by threads.hop, expectations.what, threads.position
    order by threads.position
"""
STUCK_QUERY = """
    select
        contract_id,
        coalesce(correlation_id, '') as correlation_id,
        threads.hop,
        expectations.what,
        coalesce(blocking_key, '') as blocking_key,
        waited_seconds,
        expected_seconds,
        recurring_mrr_minor,
        currency
    from reporting.rpt_process_threads as threads
    join seeds.process_expectations as expectations on threads.hop = expectations.hop
    where is_stuck
    order by waited_seconds - expected_seconds desc, contract_id, threads.position
"""


@dataclass(frozen=True)
class HopLine:
    """One hop of all threads; `median_seconds` and `p95_seconds` count from the hop before."""

    hop: str
    what: str
    threads: int
    reached: int
    late: int
    stuck: int
    waiting: int
    median_seconds: int | None
    p95_seconds: int | None
    expected_seconds: int

    @property
    def completion(self) -> float | None:
        """Reached of those that had to be there by now; None when none had to."""
        due = self.reached + self.stuck
        return self.reached / due if due else None


@dataclass(frozen=True)
class StuckLine:
    """A thread that does not go on: the hop that it lacks, and the record behind which it stands.

    `recurring_mrr_minor` is a month of the contract, minor units of `currency`.
    """

    contract_id: str
    correlation_id: str
    hop: str
    what: str
    blocking_key: str
    waited_seconds: int
    expected_seconds: int
    recurring_mrr_minor: int
    currency: str


def hop_lines(frame: pl.DataFrame) -> tuple[HopLine, ...]:
    names = [item.name for item in fields(HopLine)]
    return tuple(HopLine(**row) for row in frame.select(names).to_dicts())


def stuck_lines(frame: pl.DataFrame) -> tuple[StuckLine, ...]:
    names = [item.name for item in fields(StuckLine)]
    return tuple(StuckLine(**row) for row in frame.select(names).to_dicts())
