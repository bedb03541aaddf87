"""What two builds of a part tell of a table: which rows it gives up, and which it takes in."""

import duckdb
import pytest

from orchestration.parts import PartTable, find_changes, put_changes

TABLE = PartTable("model.tieout.invoices", "canonical.invoices", "invoice_id", 0)


@pytest.fixture
def con():
    with duckdb.connect() as con:
        for name in ("before", "after"):
            con.execute(f"ATTACH ':memory:' AS {name}")
        for name in ("", "before.", "after."):
            con.execute(f"CREATE SCHEMA {name}canonical")
            con.execute(f"CREATE TABLE {name}canonical.invoices (invoice_id VARCHAR, total BIGINT)")
        yield con


def fill(con, **rows):
    for name, those in rows.items():
        place = "" if name == "stands" else f"{name}."
        for row in those:
            con.execute(f"INSERT INTO {place}canonical.invoices VALUES (?, ?)", row)


def test_a_part_that_had_no_rows_shows_nothing(con):
    assert not find_changes(con, TABLE)


def test_what_differs_is_exchanged_and_all_else_stays(con):
    fill(
        con,
        stands=[("in_1", 1), ("in_2", 2), ("in_3", None), ("in_9", 9)],
        before=[("in_1", 1), ("in_2", 2), ("in_3", None)],
        after=[("in_1", 1), ("in_2", 20), ("in_4", 4)],
    )
    assert find_changes(con, TABLE)
    put_changes(con, [TABLE])
    assert sorted(con.sql("FROM canonical.invoices").fetchall()) == [
        ("in_1", 1),
        ("in_2", 20),
        ("in_4", 4),
        ("in_9", 9),
    ]


@pytest.mark.parametrize(
    "stands",
    [
        [],  # it goes, and is not there
        [("in_1", 7)],  # it is there otherwise
        [("in_1", 1), ("in_2", 2)],  # what comes is there already
    ],
)
def test_a_table_that_does_not_hold_what_goes_is_not_touched(con, stands):
    fill(con, stands=stands, before=[("in_1", 1)], after=[("in_2", 2)])
    assert not find_changes(con, TABLE)


def test_a_part_that_tells_otherwise_than_the_whole_shows_it(con):
    """Though nothing of it changes: a sum over customers of which the part knows some."""
    fill(con, stands=[("in_1", 100)], before=[("in_1", 30)], after=[("in_1", 30)])
    assert not find_changes(con, TABLE)
