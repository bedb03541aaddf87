"""When two values of an attribute differ, by each comparator, on the engine and on frames alike."""

from datetime import date

import duckdb
import narwhals as nw
import polars as pl
import pytest

from reconcilers.evaluate import evaluate
from reconcilers.lost_keys import CODE as LOST_KEY
from reconcilers.rules.codes import CODES
from reconcilers.rules.comparators import COMPARATORS, Tolerance
from tests.comparison_tables import DAY, rules_over, warehouse

MAY, JUNE = date(2026, 5, 31), date(2026, 6, 1)


def differ(name, owner, replica, tolerance=None, *, line_count=1, dtype=None):
    """Whether the values differ; DuckDB and Polars must agree on it."""
    values = {"owner": [owner], "replica": [replica], "line_count": [line_count]}
    kind = dtype or (pl.String if isinstance(owner or replica, str) else pl.Int64)
    frame = pl.DataFrame(values, schema={"owner": kind, "replica": kind, "line_count": pl.Int64})
    differs = COMPARATORS[name](nw.col("owner"), nw.col("replica"), tolerance or Tolerance())
    con = duckdb.connect()
    con.register("pairs", frame)
    pushed = nw.from_native(con.table("pairs")).select(differs=differs).collect("polars")
    eager = nw.from_native(frame).select(differs=differs)
    assert pushed["differs"].to_list() == eager["differs"].to_list()
    return eager["differs"].to_list()[0]


@pytest.mark.parametrize(
    ("name", "sample", "dtype"),
    [
        ("exact", "a", pl.String),
        ("text", "a", pl.String),
        ("set", "a", pl.String),
        ("date", MAY, pl.Date),
        ("money", 5, pl.Int64),
        ("ratio", 5, pl.Int64),
    ],
)
def test_only_an_owner_that_states_a_value_can_differ(name, sample, dtype):
    assert differ(name, None, sample, dtype=dtype) is False
    assert differ(name, None, None, dtype=dtype) is False
    assert differ(name, sample, None, dtype=dtype) is True
    assert differ(name, sample, sample, dtype=dtype) is False


def test_each_comparator_is_tried_above():
    assert set(COMPARATORS) == {"exact", "text", "set", "date", "money", "ratio"}


@pytest.mark.parametrize(("owner", "replica"), [("a", "A"), ("a", "a "), ("", "a")])
def test_exact_forgives_nothing(owner, replica):
    assert differ("exact", owner, replica)


def test_dates_differ_by_a_single_day():
    assert differ("date", MAY, JUNE, dtype=pl.Date)


@pytest.mark.parametrize(
    ("owner", "replica", "differs"),
    [
        ("a,b", "b, a", False),
        ("a,b,b", "b,a", False),
        ("a,b", "a", True),
        ("a", "a,b", True),
        ("A", "a", True),
    ],
)
def test_sets_differ_by_their_members(owner, replica, differs):
    assert differ("set", owner, replica) is differs


@pytest.mark.parametrize(
    ("owner", "replica", "points", "differs"),
    [
        (10_000, 10_001, 1, False),
        (10_000, 9_999, 1, False),
        (10_000, 10_002, 1, True),
        (-10_000, -10_001, 1, False),
        (0, 1, 9_999, True),
        (10_000, 10_001, 0, True),
    ],
)
def test_a_ratio_is_in_basis_points_of_the_owner(owner, replica, points, differs):
    assert differ("ratio", owner, replica, Tolerance(points)) is differs


@pytest.mark.parametrize(
    ("apart", "lines", "tolerance", "differs"),
    [
        (1, 9, Tolerance(0), True),
        (3, 1, Tolerance(3), False),
        (4, 9, Tolerance(3), True),  # not per line
        (27, 9, Tolerance(3, per_line=True), False),
        (28, 9, Tolerance(3, per_line=True), True),
        (6, 9, Tolerance(1, per_line=True, cap=5), True),
        (5, 9, Tolerance(1, per_line=True, cap=5), False),
    ],
)
def test_money_may_differ_by_its_tolerance(apart, lines, tolerance, differs):
    for sign in (1, -1):
        assert differ("money", 100, 100 + sign * apart, tolerance, line_count=lines) is differs


def test_the_catalogue_names_what_the_rules_find():
    # A lost key is two findings told as one: no rule of its own.
    assert {rule.code for rule in rules_over()} | {LOST_KEY} == set(CODES)


def test_no_two_rules_have_one_name():
    names = [rule.name for rule in rules_over()]
    assert len(set(names)) == len(names)


def test_a_night_without_records_finds_nothing():
    findings = evaluate(warehouse(), rules_over(), DAY)
    assert findings.drift.is_empty()
    assert findings.dispositions.is_empty()
    assert findings.guard.height == len(rules_over())
