"""What a pass proposes: groups of records, as rows of `match_group` (gid, side, item_id).

A block is what records must share to be looked at together. A block with more records on one side
than `max_candidates` is crowded: its records get a verdict, and nobody guesses.
"""

import duckdb

from reconcilers.match.passes import Amounts, By, Cardinality, Pass, Within
from reconcilers.match.subsets import propose_subsets

_VALUES = {
    By.REFERENCE: ("value", "cross join unnest(reference_keys) as shared(value)"),
    By.NUMBER: ("value", "cross join unnest(document_numbers) as shared(value)"),
    By.AMOUNT: ("cast(amount_minor as varchar)", ""),
    By.SUM: ("''", ""),
    By.SUBSET: ("''", ""),
}
_PLACES = {
    Within.PARTY: ("party", ""),
    Within.GROUP: ("place", "cross join unnest(group_keys) as places(place)"),
    Within.ANYWHERE: ("''", ""),
}
_FREE = """
    currency is not null and amount_minor > 0 and not exists (
        select 1 from match_member as taken
        where match_item.side = taken.side and match_item.item_id = taken.item_id
    )
"""


def propose(con: duckdb.DuckDBPyConnection, number: int, each: Pass) -> None:
    """Fill `match_group` with what this pass (the number counts from 1) would match."""
    _block(con, each)
    if each.by is By.SUBSET:
        _pair(con, each)
        propose_subsets(con, number, each)
        return
    _tell_crowded(con, number)
    if each.cardinality is Cardinality.MANY_TO_MANY:
        _propose_blocks(con)
        return
    _pair(con, each)
    gid = {
        Cardinality.ONE_TO_ONE: "left_id || chr(31) || right_id",
        Cardinality.ONE_TO_MANY: "left_id",
        Cardinality.MANY_TO_ONE: "right_id",
    }[each.cardinality]
    con.execute(f"""
        create or replace temp table match_group as
        select distinct {gid} as gid, 'left' as side, left_id as item_id from match_pair
        union all
        select distinct {gid}, 'right', right_id from match_pair
    """)


def _block(con: duckdb.DuckDBPyConnection, each: Pass) -> None:
    value, values = _VALUES[each.by]
    place, places = _PLACES[each.within]
    con.execute(f"""
        create or replace temp table match_block as
        with keyed as (
            select
                currency, {value} as value, {place} as place,
                side, item_id, amount_minor, item_date
            from match_item {values} {places}
            where {_FREE}
        ),
        shared as (
            select
                currency, value, place,
                count(*) filter (side = 'left') as left_count,
                count(*) filter (side = 'right') as right_count
            from keyed group by all having left_count > 0 and right_count > 0
        )
        select
            *, greatest(left_count, right_count) > {each.max_candidates} as is_crowded
        from keyed
        inner join shared using (currency, value, place)
    """)


def _tell_crowded(con: duckdb.DuckDBPyConnection, number: int) -> None:
    """Note whom nobody looked at, even if the days could have made them fewer."""
    con.execute(
        "insert into match_verdict "
        "select distinct ?, side, item_id, 'too_many_candidates', []::varchar[] "
        "from match_block where is_crowded",
        [number],
    )
    con.execute("delete from match_block where is_crowded")


def _propose_blocks(con: duckdb.DuckDBPyConnection) -> None:
    """Whole blocks; two keys that name the same records are one proposal."""
    con.execute("""
        create or replace temp table match_group as
        with named as (
            select
                concat_ws(chr(31), currency, value, place) as gid, side, item_id,
                string_agg(side || chr(31) || item_id, chr(30) order by side, item_id) over (
                    partition by currency, value, place
                    rows between unbounded preceding and unbounded following
                ) as members
            from match_block
        )
        select distinct min(gid) over (partition by members) as gid, side, item_id from named
    """)


def _pair(con: duckdb.DuckDBPyConnection, each: Pass) -> None:
    """Pairs of records of one block that stand close enough in time."""
    conditions = ["l.side = 'left'", "r.side = 'right'"]
    if each.days_before is not None:
        conditions.append(f"r.item_date >= l.item_date - {each.days_before}")
    if each.days_after is not None:
        conditions.append(f"r.item_date <= l.item_date + {each.days_after}")
    if each.cardinality is Cardinality.ONE_TO_ONE and each.amounts is Amounts.EQUAL:
        conditions.append(f"abs(l.amount_minor - r.amount_minor) <= {each.tolerance_minor}")
    con.execute(f"""
        create or replace temp table match_pair as
        select distinct l.item_id as left_id, r.item_id as right_id
        from match_block as l
        inner join match_block as r using (currency, value, place)
        where {" and ".join(conditions)}
    """)
