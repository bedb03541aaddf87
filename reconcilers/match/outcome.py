"""What came of a pairing: matches, who pays what of whom, what is left on both sides and why."""

import duckdb

from reconcilers.match.passes import Pairing

_SHOWN_CANDIDATES = 5

_MATCHES = """
create or replace temp table match_result as
with members as (
    select member.*, item.currency, item.amount_minor
    from match_member as member inner join match_item as item using (side, item_id)
),
grouped as (
    select
        pass_number, gid, min(currency) as currency,
        array_to_string(list_sort(list(side || chr(31) || item_id)), chr(30)) as members,
        count(*) filter (side = 'left') as left_count,
        count(*) filter (side = 'right') as right_count,
        cast(sum(amount_minor) filter (side = 'left') as bigint) as left_minor,
        cast(sum(amount_minor) filter (side = 'right') as bigint) as right_minor
    from members group by pass_number, gid
)
select
    $pairing as pairing,
    substr(sha256($pairing || chr(30) || members), 1, 32) as match_id,
    pass.name as pass_name, grouped.pass_number, pass.mode,
    case when left_count = 1 then '1' else 'n' end || ':'
    || case when right_count = 1 then '1' when left_count = 1 then 'n' else 'm' end as cardinality,
    grouped.currency, left_count, right_count, left_minor, right_minor,
    least(left_minor, right_minor) as allocated_minor,
    grouped.gid
from grouped
inner join match_pass as pass using (pass_number)
"""

# Money is laid along a line in the order of dates; where two records overlap, one pays the other.
_ALLOCATIONS = """
create or replace temp table match_allocation as
with placed as (
    select
        result.match_id, result.currency, member.side, member.item_id, item.amount_minor,
        cast(sum(item.amount_minor) over (
            partition by result.match_id, member.side
            order by item.item_date nulls last, member.item_id
            rows unbounded preceding
        ) as bigint) as until
    from match_result as result
    inner join match_member as member using (pass_number, gid)
    inner join match_item as item using (side, item_id)
)
select
    $pairing as pairing, l.match_id, l.item_id as left_id, r.item_id as right_id, l.currency,
    least(l.until, r.until) - greatest(l.until - l.amount_minor, r.until - r.amount_minor)
        as allocated_minor
from placed as l
inner join placed as r
    on
        l.match_id = r.match_id and l.side = 'left' and r.side = 'right'
        and l.until - l.amount_minor < r.until and r.until - r.amount_minor < l.until
"""

_RESIDUE = f"""
create or replace temp table match_residue as
with allocated as (
    select 'left' as side, left_id as item_id, match_id, allocated_minor from match_allocation
    union all
    select 'right', right_id, match_id, allocated_minor from match_allocation
),
used as (
    select side, item_id, min(match_id) as match_id, sum(allocated_minor) as allocated_minor
    from allocated group by side, item_id
),
matched as (
    select member.side, member.item_id, result.match_id
    from match_member as member inner join match_result as result using (pass_number, gid)
),
gravest as (
    -- of all that was said the gravest, where it was said first, and with the most to look at;
    -- the rest of the order leaves no tie, which threads would decide
    select
        side, item_id,
        arg_min(row(reason, pass_number, candidates), row(
            case reason when 'ambiguous' then 1 when 'too_many_candidates' then 2 else 3 end,
            pass_number, -len(candidates), candidates, reason
        )) as said
    from match_verdict group by side, item_id
),
sides as (select side, count(*) as items from match_item group by side)
select
    $pairing as pairing, item.side, item.item_id, item.currency, item.amount_minor,
    cast(item.amount_minor - coalesce(used.allocated_minor, 0) as bigint) as residue_minor,
    case
        when matched.match_id is not null then 'partly_allocated'
        when item.currency is null then 'no_currency'
        when item.amount_minor is null or item.amount_minor <= 0 then 'amount_not_positive'
        when sides.items is null then 'other_side_empty'
        else coalesce(gravest.said[1], 'no_candidate')
    end as reason,
    matched.match_id,
    case when matched.match_id is null then pass.name end as pass_name,
    case when matched.match_id is null then coalesce(len(gravest.said[3]), 0) else 0 end
        as candidate_count,
    case when matched.match_id is null then array_to_string(
        gravest.said[3][1:{_SHOWN_CANDIDATES}], ','
    ) end as candidates
from match_item as item
left join used using (side, item_id)
left join matched using (side, item_id)
left join gravest using (side, item_id)
left join match_pass as pass on gravest.said[2] = pass.pass_number
left join sides on sides.side <> item.side
where matched.match_id is null or item.amount_minor > coalesce(used.allocated_minor, 0)
"""


def sum_up(con: duckdb.DuckDBPyConnection, pairing: Pairing) -> None:
    """Make `match_result`, `match_allocation` and `match_residue` of what was accepted."""
    rows = [(number, each.name, each.mode) for number, each in enumerate(pairing.passes, start=1)]
    con.execute(
        "create or replace temp table match_pass (pass_number bigint, name varchar, mode varchar)"
    )
    con.executemany("insert into match_pass values (?, ?, ?)", rows)
    for statement in (_MATCHES, _ALLOCATIONS, _RESIDUE):
        con.execute(statement, {"pairing": pairing.name})
