"""The policies of revenue, as the SQL that the models run: whatever is sold, its periods add up to it."""

import datetime as dt
from calendar import monthrange
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.effort import examples

pytestmark = pytest.mark.slow

POLICIES = ("daily", "even_month", "half_month", "point_in_time", "usage")
SOLD = "policy varchar, amount_minor bigint, start_date date, end_date date"
USED = "usage_date date, quantity decimal(28, 12)"
LEAP_DAY = dt.date(2024, 2, 29)

days = st.dates(dt.date(2019, 1, 1), dt.date(2031, 12, 31))
# Minor units: of yen and of dinars too, an amount is a whole number. Past 1e15 the product no longer fits 64 bits.
amounts = st.one_of(
    st.integers(-1000, 1000), st.integers(-(10**10), 10**10), st.integers(-(10**17), 10**17)
)
terms = st.one_of(st.just(0), st.integers(0, 70), st.integers(0, 4000))
lines = st.lists(
    st.tuples(st.sampled_from(POLICIES), amounts, days, terms), min_size=1, max_size=25
)


@pytest.fixture(scope="module")
def periods_of(new_warehouse):
    """What the macro makes of sold lines (policy, amount, first day, days after it)."""
    warehouse = new_warehouse("revenue")
    outcome = warehouse.dbt(
        "compile", "--quiet", "--inline", "{{ revenue_periods('sold', 'used') }}"
    )
    assert outcome.returncode == 0, outcome.stdout
    con = duckdb.connect()

    def run(sold, used=()):
        con.execute(f"create or replace table sold (line_key integer, {SOLD})")
        con.execute(f"create or replace table used (line_key integer, {USED})")
        if used:
            con.executemany("insert into used values (?, ?, ?)", used)
        rows = [
            (key, policy, amount, start, start + dt.timedelta(days=term))
            for key, (policy, amount, start, term) in enumerate(sold)
        ]
        con.executemany("insert into sold values (?, ?, ?, ?, ?)", rows)
        found = defaultdict(list)
        frame: pl.DataFrame = con.sql(f"{outcome.stdout} order by line_key, period").pl()
        for row in frame.iter_rows(named=True):
            found[row["line_key"]].append(row)
        return [found[key] for key in range(len(rows))]

    yield run
    con.close()


many = settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def month_of(day):
    return f"{day:%Y-%m}"


@many
@given(sold=lines)
@example(sold=[(policy, 100, LEAP_DAY, 0) for policy in POLICIES])
@example(sold=[(policy, -1, LEAP_DAY, 366) for policy in POLICIES])
@example(sold=[(policy, 0, dt.date(2026, 1, 31), 364) for policy in POLICIES])
@example(sold=[(policy, 9_007_199_254_740_993, LEAP_DAY, 1460) for policy in POLICIES])
def test_the_periods_of_a_line_add_up_to_it_inside_its_term(periods_of, sold):
    for (policy, amount, start, term), periods in zip(sold, periods_of(sold), strict=True):
        end = start + dt.timedelta(days=term)
        assert sum(period["amount_minor"] for period in periods) == amount, policy
        assert periods[-1]["cumulative_minor"] == amount
        assert all(month_of(start) <= period["period"] <= month_of(end) for period in periods)
        assert all(start <= p["first_day"] <= p["last_day"] <= end for p in periods)
        assert len({period["period"] for period in periods}) == len(periods)


@many
@given(sold=lines)
def test_what_is_earned_never_goes_back(periods_of, sold):
    for (policy, amount, _, _), periods in zip(sold, periods_of(sold), strict=True):
        signs = {(p["amount_minor"] > 0) - (p["amount_minor"] < 0) for p in periods} - {0}
        assert signs <= {(amount > 0) - (amount < 0)}, policy
        earned = [period["cumulative_minor"] for period in periods]
        assert earned == sorted(earned, reverse=amount < 0)


@many
@given(sold=lines)
def test_a_credit_undoes_its_line_in_every_period(periods_of, sold):
    undoing = [(policy, -amount, start, term) for policy, amount, start, term in sold]
    for earned, undone in zip(periods_of(sold), periods_of(undoing), strict=True):
        shares = [(period["period"], -period["amount_minor"]) for period in earned]
        assert [(period["period"], period["amount_minor"]) for period in undone] == shares


def parts_until(policy, start, end, day):
    """How many of how many equal parts are earned by the end of a day's month: the policies in words."""
    months = [
        (year, month)
        for year in range(start.year, end.year + 1)
        for month in range(1, 13)
        if (start.year, start.month) <= (year, month) <= (end.year, end.month)
    ]
    until = months.index((day.year, day.month)) + 1
    if policy == "daily":
        month_ends = dt.date(day.year, day.month, monthrange(day.year, day.month)[1])
        return (min(month_ends, end) - start).days + 1, (end - start).days + 1
    if policy == "even_month":
        return until, len(months)
    if policy == "half_month" and len(months) > 1:
        halves = [1] + [2] * (len(months) - 2) + [1]
        return sum(halves[:until]), sum(halves)
    return 1, 1


@many
@given(sold=lines)
def test_the_cumulative_amount_is_the_exact_share_rounded_half_away_from_zero(periods_of, sold):
    for (policy, amount, start, term), periods in zip(sold, periods_of(sold), strict=True):
        end = start + dt.timedelta(days=term)
        for period in periods:
            parts, all_parts = parts_until(policy, start, end, period["last_day"])
            exact = Decimal(amount) * parts / all_parts
            assert period["cumulative_minor"] == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def test_point_in_time_is_the_first_month_and_usage_the_last(periods_of):
    sold = [(policy, 90, dt.date(2025, 12, 31), 62) for policy in ("point_in_time", "usage")]
    first, last = periods_of(sold)
    assert [(p["period"], p["amount_minor"]) for p in first] == [("2025-12", 90)]
    assert [(p["period"], p["amount_minor"]) for p in last] == [("2026-03", 90)]


CREDIT_POLICIES = ("remainder", "catch_up")
CREDITS = "schedule_key varchar, line_key integer, credit_policy varchar, amount_minor bigint, start_date date"
COMPILED = (
    "with earned as ({{ revenue_periods('sold', 'used') }}), taken as ({{ credit_periods('credits', 'earned') }}) "
    "select cast(line_key as varchar) as schedule_key, period, amount_minor from earned "
    "union all select * from taken order by 1, 2"
)
costs = st.one_of(st.integers(0, 1000), st.integers(0, 10**10), st.integers(0, 10**17))
# How much of the line, in thousandths, and how many days after its first one; up to three credits of a line.
credit_lists = st.lists(
    st.tuples(st.integers(1, 1500), st.integers(-60, 900)), min_size=1, max_size=3
)
credited_lines = st.lists(
    st.tuples(
        st.sampled_from(POLICIES),
        costs,
        days,
        terms,
        st.sampled_from(CREDIT_POLICIES),
        credit_lists,
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture(scope="module")
def credited(new_warehouse):
    """Periods by schedule ("3": the line, "3/0": its first credit): {schedule: {period: amount}}."""
    warehouse = new_warehouse("credits")
    outcome = warehouse.dbt("compile", "--quiet", "--inline", COMPILED)
    assert outcome.returncode == 0, outcome.stdout
    con = duckdb.connect()

    def run(sold, given):
        con.execute(f"create or replace table sold (line_key integer, {SOLD})")
        con.execute(f"create or replace table used (line_key integer, {USED})")
        con.execute(f"create or replace table credits ({CREDITS})")
        con.executemany("insert into sold values (?, ?, ?, ?, ?)", sold)
        con.executemany("insert into credits values (?, ?, ?, ?, ?)", given)
        found = defaultdict(dict)
        for key, period, amount in con.sql(outcome.stdout).fetchall():
            found[key][period] = amount
        return found

    yield run
    con.close()


def rows_of(sold):
    """The rows of lines (policy, amount, first day, term, credit policy, credits) and of credits."""
    lines = [
        (key, policy, amount, start, start + dt.timedelta(days=term))
        for key, (policy, amount, start, term, _, _) in enumerate(sold)
    ]
    notes = [
        (f"{key}/{n}", key, how, -max(1, amount * share // 1000), start + dt.timedelta(days=after))
        for key, (_, amount, start, _, how, given) in enumerate(sold)
        for n, (share, after) in enumerate(given)
    ]
    return lines, notes


@many
@given(sold=credited_lines)
def test_the_periods_of_a_credit_add_up_to_it_and_none_lies_before_it(credited, sold):
    lines, notes = rows_of(sold)
    found = credited(lines, notes)
    for key, _, _, amount, start in notes:
        assert sum(found[key].values()) == amount
        assert all(period >= month_of(start) and part < 0 for period, part in found[key].items())


@many
@given(sold=credited_lines)
def test_what_is_not_earned_yet_is_taken_back_first_and_never_twice(credited, sold):
    """By more than the credit's own month only what is left of a month goes; a unit may round."""
    lines, notes = rows_of(sold)
    found = credited(lines, notes)
    for line, *_ in lines:
        own = [row for row in notes if row[1] == line]
        months = {month_of(row[4]) for row in own}
        for period, earned in found[str(line)].items():
            taken = sum(found[row[0]].get(period, 0) for row in own)
            assert period in months or -taken <= earned + len(own)
        if len(own) == 1 and own[0][2] == "remainder":
            key, _, _, amount, start = own[0]
            ahead = sum(e for p, e in found[str(line)].items() if p >= month_of(start))
            exactly = {p: e for p, e in found[str(line)].items() if p >= month_of(start) and e}
            if ahead == -amount:
                assert {p: -part for p, part in found[key].items()} == exactly
            beyond = max(-amount - ahead, 0)
            assert -found[key].get(month_of(start), 0) >= beyond


def test_a_credit_of_all_that_is_sold_leaves_no_month(credited):
    sold = [
        (policy, 1001, dt.date(2026, 1, 31), 100, how, [(1000, 0)])
        for policy in POLICIES
        for how in CREDIT_POLICIES
    ]
    found = credited(*rows_of(sold))
    for key in range(len(sold)):
        assert found[f"{key}/0"] == {p: -part for p, part in found[str(key)].items()}


quantities = st.decimals(0, 10**9, places=6)
days_used = st.lists(st.tuples(st.integers(-2, 130), quantities), max_size=40)


@many
@given(amount=amounts, start=days, term=st.integers(0, 120), used=days_used)
@example(amount=100, start=LEAP_DAY, term=31, used=[(0, Decimal("0.000001")), (31, Decimal(0))])
def test_usage_is_earned_in_the_months_of_its_days(periods_of, amount, start, term, used):
    end = start + dt.timedelta(days=term)
    told = [(0, start + dt.timedelta(days=after), quantity) for after, quantity in used]
    (periods,) = periods_of([("usage", amount, start, term)], told)
    assert sum(period["amount_minor"] for period in periods) == amount
    total = sum(quantity for _, _, quantity in told)
    if not total:
        assert [period["period"] for period in periods] == [month_of(end)]
        return
    for period in periods:
        # What was used a day before or after the term counts on its first or last day.
        until = sum(
            q for _, day, q in told if month_of(min(max(day, start), end)) <= period["period"]
        )
        exact = Decimal(amount) * until / total
        assert abs(period["cumulative_minor"] - exact) <= Decimal("0.5000001") + abs(exact) / 10**20
