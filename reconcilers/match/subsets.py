"""Which records of one side add up to one record of the other, exactly and only in small groups."""

import duckdb

from reconcilers.match.passes import Cardinality, Pass


def propose_subsets(con: duckdb.DuckDBPyConnection, number: int, each: Pass) -> None:
    """Each subset of the candidates that makes up the target is a proposal of its own.

    A target with more candidates than `max_candidates` is left alone with a verdict. All amounts
    are positive, so a sum that is too large already cannot become right again.
    """
    one, many = ("left", "right")
    if each.cardinality is Cardinality.MANY_TO_ONE:
        one, many = many, one
    _choose_targets(con, number, each, one, many)
    con.execute(f"""
        create or replace temp table match_subset as
        with recursive grown as (
            select target_id, target_minor, place, [item_id] as members, amount_minor as total
            from match_candidate
            where amount_minor <= target_minor
            union all
            select
                grown.target_id, grown.target_minor, next.place,
                list_append(grown.members, next.item_id), grown.total + next.amount_minor
            from grown
            inner join match_candidate as next
                on grown.target_id = next.target_id and next.place > grown.place
            where
                len(grown.members) < {each.max_members}
                and grown.total + next.amount_minor <= grown.target_minor
        )
        select target_id, members from grown where total = target_minor
    """)
    con.execute(f"""
        create or replace temp table match_group as
        with named as (
            select target_id, members, array_to_string([target_id] || members, chr(31)) as gid
            from match_subset
        )
        select gid, '{one}' as side, target_id as item_id from named
        union all
        select gid, '{many}', unnest(members) from named
    """)


def _choose_targets(
    con: duckdb.DuckDBPyConnection, number: int, each: Pass, one: str, many: str
) -> None:
    con.execute(f"""
        create or replace temp table match_candidate as
        select
            pair.{one}_id as target_id, target.amount_minor as target_minor,
            item.item_id, item.amount_minor,
            row_number() over (
                partition by pair.{one}_id order by item.amount_minor desc, item.item_id
            ) as place,
            count(*) over (partition by pair.{one}_id) as candidate_count
        from match_pair as pair
        inner join match_item as target
            on target.side = '{one}' and pair.{one}_id = target.item_id
        inner join match_item as item on item.side = '{many}' and pair.{many}_id = item.item_id
    """)
    con.execute(
        f"insert into match_verdict "
        f"select distinct ?, '{one}', target_id, 'too_many_candidates', []::varchar[] "
        f"from match_candidate where candidate_count > {each.max_candidates}",
        [number],
    )
    con.execute(f"delete from match_candidate where candidate_count > {each.max_candidates}")
