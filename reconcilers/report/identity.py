"""How sure the night is of who is whom, and what it did not follow, in counts. Pure."""

from dataclasses import dataclass

import polars as pl

# Names of customers never leave identity; counts do.
IDENTITY_QUERY = """
    select 1 as place, 'customers' as what, count(distinct canonical_customer_id) as count
    from identity.crosswalk
    union all
    select 2, 'records, ' || case band
        when 'auto' then 'joined' when 'review' then 'joined until somebody looks'
        else 'alone' end, count(*)
    from identity.crosswalk group by band
    union all
    select 3, 'questions to stewards', count(*) from identity.review_queue
    union all
    select 4, 'not followed: ' || reason || ', ' || what, count(*)
    from identity.unused_evidence group by reason, what
    order by place, what
"""


@dataclass(frozen=True)
class IdentityLine:
    """One count of the night."""

    what: str
    count: int


def identity_lines(frame: pl.DataFrame) -> tuple[IdentityLine, ...]:
    return tuple(IdentityLine(what, count) for what, count in frame.select("what", "count").rows())
