"""Which proposals become matches: only those that nothing speaks against and nobody contests."""

import duckdb

from reconcilers.match.passes import Amounts, By, Cardinality, Pass, Within

# Records once found ambiguous, or too many to look at, are never matched automatically later on:
# the passes behind are the weaker evidence.
_IS_HELD = """
exists (
    select 1 from match_verdict as told
    where placed.side = told.side and placed.item_id = told.item_id
        and told.reason in ('ambiguous', 'too_many_candidates')
)
"""


def judge(con: duckdb.DuckDBPyConnection, number: int, each: Pass) -> None:
    """Accept proposals into `match_member`, and tell the others why not."""
    _sum_up(con, each)
    is_held = _IS_HELD if each.is_automatic else "false"
    con.execute(f"""
        create or replace temp table match_judged as
        with placed as (
            select member.gid, member.side, member.item_id, facts.refused
            from match_group as member inner join match_facts as facts using (gid)
        ),
        standing as (
            select
                *,
                count(*) over (partition by side, item_id) > 1 or {is_held} as is_contested
            from placed where refused is null
        ),
        judged as (
            select gid, case when bool_or(is_contested) then 'ambiguous' end as reason
            from standing group by gid
            union all
            select gid, refused from match_facts where refused is not null
        )
        select member.gid, member.side, member.item_id, judged.reason
        from match_group as member inner join judged using (gid)
    """)
    con.execute(
        "insert into match_member select ?, gid, side, item_id from match_judged "
        "where reason is null",
        [number],
    )
    _tell_why_not(con, number)


def _sum_up(con: duckdb.DuckDBPyConnection, each: Pass) -> None:
    """Counts and sums of each proposal, and what refuses it for itself."""
    unequal = f"abs(left_minor - right_minor) > {each.tolerance_minor}"
    is_pair = each.cardinality is Cardinality.ONE_TO_ONE or each.by is By.SUBSET
    refusals = [("least(left_count, right_count) = 0", "no_candidate")]
    if not is_pair:
        many = f"greatest(left_count, right_count) > {each.max_members}"
        refusals.append((many, "too_many_candidates"))
    if each.amounts is Amounts.EQUAL:
        # That a customer's open items do not add up is the ordinary case and tells nothing.
        is_told = each.by is not By.SUM or each.within is not Within.PARTY
        refusals.append((unequal, "amounts_differ" if is_told else "no_candidate"))
    if each.cardinality is Cardinality.MANY_TO_MANY:
        refusals += _outside_of_days(each)
    cases = " ".join(f"when {condition} then '{reason}'" for condition, reason in refusals)
    con.execute(f"""
        create or replace temp table match_facts as
        with facts as (
            select
                gid,
                count(*) filter (side = 'left') as left_count,
                count(*) filter (side = 'right') as right_count,
                coalesce(sum(amount_minor) filter (side = 'left'), 0) as left_minor,
                coalesce(sum(amount_minor) filter (side = 'right'), 0) as right_minor,
                min(item_date) filter (side = 'left') as left_first,
                max(item_date) filter (side = 'left') as left_last,
                min(item_date) filter (side = 'right') as right_first,
                max(item_date) filter (side = 'right') as right_last
            from match_group inner join match_item using (side, item_id)
            group by gid
        )
        select gid, case {cases} end as refused from facts
    """)


def _outside_of_days(each: Pass) -> list[tuple[str, str]]:
    outside = []
    if each.days_before is not None:
        outside.append(f"right_first < left_last - {each.days_before}")
    if each.days_after is not None:
        outside.append(f"right_last > left_first + {each.days_after}")
    return [(f"coalesce({condition}, true)", "no_candidate") for condition in outside]


def _tell_why_not(con: duckdb.DuckDBPyConnection, number: int) -> None:
    """The reason of each record that stays free, with the first few records that it was held to."""
    con.execute(
        """
        insert into match_verdict
        with refused as (select * from match_judged where reason <> 'no_candidate'),
        told as (
            select side, item_id, reason, gid from refused
            anti join match_member using (side, item_id)
        )
        select
            ?, told.side, told.item_id, told.reason,
            list_sort(list(distinct other.item_id)) as candidates
        from told
        inner join refused as other on told.gid = other.gid and told.side <> other.side
        group by told.side, told.item_id, told.reason
        """,
        [number],
    )
