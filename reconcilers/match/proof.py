"""What must be true of any outcome: exclusivity, allocations within amounts, nothing lost."""

from collections.abc import Sequence

import duckdb

from reconcilers.match.passes import Pairing
from reconcilers.match.warehouse import ALLOCATIONS, MATCHES, RESIDUE

_DOUBLE = f"""
select distinct pairing || ': ' || side || ' ' || item_id || ' stands in several matches'
from (
    select pairing, 'left' as side, left_id as item_id, match_id from {ALLOCATIONS}
    union all select pairing, 'right', right_id, match_id from {ALLOCATIONS}
)
group by pairing, side, item_id having count(distinct match_id) > 1
order by 1
"""

_ALLOCATED = f"""
select pairing, side, item_id, min(currency) as currency, sum(allocated_minor) as allocated_minor
from (
    select pairing, 'left' as side, left_id as item_id, currency, allocated_minor
    from {ALLOCATIONS}
    union all select pairing, 'right', right_id, currency, allocated_minor from {ALLOCATIONS}
)
group by pairing, side, item_id
"""


def doubly_matched(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Records that are in more than one match."""
    return _words(con, _DOUBLE)


def over_allocated(con: duckdb.DuckDBPyConnection, pairings: Sequence[Pairing]) -> list[str]:
    """Records with more allocated than is open, and matches whose parts are not the whole."""
    return [
        *_words(
            con,
            f"""
            with allocated as ({_ALLOCATED}), item as ({_population(pairings)})
            select pairing || ': of ' || side || ' ' || item_id || ' ' || allocated_minor
                || ' are allocated, ' || coalesce(amount_minor, 0) || ' are open'
            from allocated left join item using (pairing, side, item_id)
            where
                allocated.allocated_minor > coalesce(item.amount_minor, 0)
                or allocated.currency is distinct from item.currency
            order by 1
            """,
        ),
        *_words(
            con,
            f"""
            select result.pairing || ': ' || match_id || ' allocates '
                || coalesce(sum(part.allocated_minor), 0)
                || ', not ' || min(result.allocated_minor)
            from {MATCHES} as result left join {ALLOCATIONS} as part using (pairing, match_id)
            group by result.pairing, match_id
            having coalesce(sum(part.allocated_minor), 0) <> min(result.allocated_minor)
                or min(part.allocated_minor) <= 0
            order by 1
            """,
        ),
    ]


def unaccounted(con: duckdb.DuckDBPyConnection, pairings: Sequence[Pairing]) -> list[str]:
    """Sides and currencies whose matched and left-over money is not that of the population."""
    return _words(
        con,
        f"""
        with placed as (
            select pairing, side, item_id, currency, residue_minor as minor from {RESIDUE}
            union all
            select pairing, side, item_id, currency, allocated_minor from ({_ALLOCATED})
        ),
        outcome as (
            select pairing, side, currency, sum(minor) as minor, count(distinct item_id) as items
            from placed group by pairing, side, currency
        ),
        population as (
            select pairing, side, currency, sum(amount_minor) as minor, count(*) as items
            from ({_population(pairings)}) group by pairing, side, currency
        )
        select
            concat_ws(
                ' ', coalesce(outcome.pairing, population.pairing),
                coalesce(outcome.side, population.side),
                coalesce(outcome.currency, population.currency, 'without currency')
            ) || ': ' || coalesce(outcome.items, 0) || ' records of '
            || coalesce(population.items, 0) || ', ' || coalesce(outcome.minor, 0) || ' of '
            || coalesce(population.minor, 0)
        from outcome
        full join population
            on outcome.pairing = population.pairing and outcome.side = population.side
            and outcome.currency is not distinct from population.currency
        where
            outcome.items is distinct from population.items
            or outcome.minor is distinct from population.minor
        order by 1
        """,
    )


def _population(pairings: Sequence[Pairing]) -> str:
    """Every record of every population, read again from where it came."""
    return " union all ".join(
        f"select '{pairing.name}' as pairing, '{side}' as side, item_id, currency, amount_minor "
        f"from matching.{table}"
        for pairing in pairings
        for side, table in (("left", pairing.left), ("right", pairing.right))
    )


def _words(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [row[0] for row in con.sql(query).fetchall()]
