"""TO-USG ties what was metered to what became of it, and adds up only what adds up."""

import duckdb
import pytest

from reconcilers.tieout_usage import usage_lines

STAGED = [("m_sum", "a", 2.5), ("m_sum", "b", 4), ("m_last", "c", 7), ("m_last", "d", 9)]
PLACED = [(*row, "billed" if row[1] in "ac" else "unbilled") for row in STAGED]


TABLES = """
    create schema raw;
    create schema staging;
    create schema canonical;
    create table raw.snapshots as select 'stripe' as system, 'usage' as object;
    create table staging.stg_stripe__meters (meter_id varchar, aggregation varchar);
    create table staging.stg_stripe__usages
        (meter_id varchar, usage_id varchar, quantity decimal(28, 12), is_last_reading boolean);
    create table canonical.usage
        (meter_id varchar, usage_id varchar, quantity decimal(28, 12), disposition varchar);
    insert into staging.stg_stripe__meters values ('m_sum', 'sum'), ('m_last', 'last');
    insert into staging.stg_stripe__usages values ('m_sum', 'old', 5, false);
"""


@pytest.fixture
def con():
    with duckdb.connect() as con:
        con.execute(TABLES)
        con.executemany("insert into staging.stg_stripe__usages values (?, ?, ?, true)", STAGED)
        con.executemany("insert into canonical.usage values (?, ?, ?, ?)", PLACED)
        yield con


def told(con):
    return {line["scope"]: (line["holds"], line["detail"]) for line in usage_lines(con)}


def test_units_are_told_and_of_last_values_the_days_that_hold_them(con):
    assert told(con) == {
        "m_sum": (True, "6.5 units metered: 2.5 billed, 4 unbilled"),
        "m_last": (True, "2 last values metered: 1 billed, 1 unbilled"),
    }


def test_a_day_that_is_billed_by_two_items_counts_once(con):
    con.execute("insert into canonical.usage values ('m_sum', 'a', 2.5, 'unbilled')")
    assert told(con)["m_sum"] == (True, "6.5 units metered: 2.5 billed, 4 unbilled")


@pytest.mark.parametrize("meter", ["m_sum", "m_last"])
def test_a_value_that_changed_on_the_way_breaks_the_line(con, meter):
    con.execute("update canonical.usage set quantity = quantity + 1 where meter_id = ?", [meter])
    assert not told(con)[meter][0]


def test_a_day_that_is_published_nowhere_breaks_the_line(con):
    con.execute("delete from canonical.usage where meter_id = 'm_last'")
    assert told(con)["m_last"] == (False, "2 last values metered: none published")


def test_without_a_reading_of_usage_nothing_is_tied(con):
    con.execute("delete from raw.snapshots")
    assert told(con) == {}
