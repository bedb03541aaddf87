"""The event log takes each night once, whole, at its end."""

import datetime as dt
import shutil

import duckdb
import pytest

from reconcilers.events.log import EVENT_COLUMNS, EventLog, EventsBroken

DAY = dt.date(2026, 6, 30)
LATER = dt.date(2026, 7, 1)


@pytest.fixture
def con():
    with duckdb.connect() as con:
        yield con


def build(con, log, day, *ids):
    """A warehouse of that day that shows the log and these new events."""
    log.load(con, day)
    con.execute("create schema if not exists events")
    con.execute("create or replace table events.business_events as from event_log.events")
    for number, event_id in enumerate(ids, start=len(logged(con)) + 1):
        con.execute(
            "insert into events.business_events by name select ? as event_id, ? as detected_date, ? as sequence",
            [event_id, day, number],
        )
    con.execute(
        "create or replace table events.event_attribute_changes as select 'stripe' as system, "
        "'subscription' as object, 's1' as source_id, 's1' as subject_id, 'status' as attribute, "
        "'active' as value_after"
    )


def logged(con):
    return con.sql(
        "select event_id, detected_date from event_log.events order by sequence"
    ).fetchall()


def test_without_a_night_there_are_empty_tables_of_the_same_columns(con, tmp_path):
    EventLog(tmp_path).load(con, DAY)
    assert con.sql("from event_log.events").columns == list(EVENT_COLUMNS)
    assert con.sql("from event_log.days").fetchall() == []


def test_a_night_is_appended_once(con, tmp_path):
    log = EventLog(tmp_path)
    build(con, log, DAY, "a", "b")
    first = log.append(con, DAY)
    build(con, log, DAY)
    again = log.append(con, DAY)
    assert (first.events, first.is_new, again.events, again.is_new) == (2, True, 2, False)
    build(con, log, LATER, "c")
    log.append(con, LATER)
    log.load(con, LATER)
    assert logged(con) == [("a", DAY), ("b", DAY), ("c", LATER)]


def test_the_log_is_loaded_as_of_the_day(con, tmp_path):
    log = EventLog(tmp_path)
    build(con, log, DAY, "a")
    log.append(con, DAY)
    build(con, log, LATER, "b")
    log.append(con, LATER)
    log.load(con, DAY)
    assert logged(con) == [("a", DAY)]
    assert con.sql("select max(detected_date) from event_log.days").fetchall() == [(LATER,)]


def test_a_day_that_was_gathered_again_is_loaded_again(con, tmp_path):
    log = EventLog(tmp_path)
    build(con, log, DAY, "a")
    log.append(con, DAY)
    log.load(con, LATER)
    shutil.rmtree(log.folder(DAY))
    build(con, log, DAY, "b")
    log.append(con, DAY)
    log.load(con, LATER)
    assert logged(con) == [("b", DAY)]


def test_a_table_that_is_gone_is_made_again(con, tmp_path):
    log = EventLog(tmp_path)
    build(con, log, DAY, "a")
    log.append(con, DAY)
    log.load(con, LATER)
    con.execute("drop table event_log.events")
    log.load(con, LATER)
    assert logged(con) == [("a", DAY)]


def test_a_night_without_events_is_in_the_log_too(con, tmp_path):
    log = EventLog(tmp_path)
    build(con, log, DAY)
    assert log.append(con, DAY).is_new
    assert log.days() == [DAY]


@pytest.mark.parametrize("day", [DAY, dt.date(2026, 6, 29)])
def test_events_of_a_day_that_the_log_has_left_behind_are_refused(con, tmp_path, day):
    log = EventLog(tmp_path)
    build(con, log, DAY, "a")
    log.append(con, DAY)
    build(con, log, day, "b")
    with pytest.raises(EventsBroken, match="ends with 2026-06-30"):
        log.append(con, day)


def test_a_night_that_died_while_it_wrote_leaves_nothing_behind(con, tmp_path):
    log = EventLog(tmp_path)
    staged = tmp_path / ".staging" / DAY.isoformat()
    staged.mkdir(parents=True)
    (staged / "events.parquet").write_text("half")
    assert log.days() == []
    build(con, log, DAY, "a")
    log.append(con, DAY)
    log.load(con, DAY)
    assert logged(con) == [("a", DAY)]
