"""The current tables as of D are what merging the nights one by one would give."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors.journal import Agreement, Begun
from extractors.protocol import Page, SourceTotals
from extractors.raw_tables import load_current
from extractors.raw_zone import RawZone
from extractors.registry import SOURCES
from extractors.schema_drift import Schema

FIRST_DAY = date(2026, 3, 1)
PRODUCT = SOURCES["stripe"]["product"]
TRANSACTION = SOURCES["netsuite"]["transaction"]
LINE = SOURCES["netsuite"]["transaction_line"]
MORNING = datetime(2026, 3, 2, 2)  # noqa: DTZ001 - DuckDB timestamps are naive UTC
KEYS = ("1", "2", "3", "4")


def publish(root, system, spec, day, mode="full", *, records=(), tombstones=(), source_count=None):
    at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC) + timedelta(days=1)
    totals = SourceTotals(source_count)
    landing = RawZone(root).landing(system, spec, day)
    landing.restart()
    agreement = Agreement(None, False, "test", "hash")
    begun = Begun(agreement, mode, at, totals, Schema({}), [])
    landing.begin(begun, Page(at, records, tombstones))
    return landing.publish(totals)


def product(key, name, *, is_good=True):
    return {"id": key, "name": name, "active": True if is_good else None, "created": 1}


def transaction(key):
    return {
        "id": key,
        "type": "CustInvc",
        "trandate": "2026-01-01",
        "createddate": "2026-01-01 00:00:00",
        "lastmodifieddate": "2026-01-01 00:00:00",
    }


def line(parent, number, memo, *, is_good=True):
    amount = "1.00" if is_good else "one"
    return {"transaction": parent, "id": number, "foreignamount": amount, "memo": memo}


def loaded(root, day):
    con = duckdb.connect()
    load_current(con, root, day)
    return con


@st.composite
def nights(draw):
    """Per night: the mode, and what was read of each key: a value, 'bad' or 'gone'."""
    reading = st.dictionaries(
        st.sampled_from(KEYS), st.sampled_from(["a", "b", "bad", "gone"]), max_size=4
    )
    return draw(st.lists(st.tuples(st.sampled_from(["full", "incremental"]), reading), max_size=5))


@st.composite
def child_nights(draw):
    """Per night: mode, parents that are gone, and the lines of each parent read again."""
    lines = st.dictionaries(st.sampled_from("12"), st.sampled_from(["a", "b", "bad"]))
    changed = st.dictionaries(st.sampled_from(KEYS), st.one_of(st.none(), lines), max_size=4)
    return draw(st.lists(st.tuples(st.sampled_from(["full", "incremental"]), changed), max_size=5))


def law(test):
    quiet = settings(
        max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    return quiet(test)


@law
@given(history=nights())
def test_a_rebuild_equals_the_state_merged_night_by_night(tmp_path_factory, history):
    root = tmp_path_factory.mktemp("raw")
    state = {}
    for number, (mode, reading) in enumerate(history):
        day = FIRST_DAY + timedelta(days=number)
        publish(
            root,
            "stripe",
            PRODUCT,
            day,
            mode,
            records=[
                product(key, value, is_good=value != "bad")
                for key, value in reading.items()
                if value != "gone"
            ],
            tombstones=[{"id": key} for key, value in reading.items() if value == "gone"],
        )
        state = {} if mode == "full" else state
        state.update(reading)
        con = loaded(root, day)
        rows = dict(con.sql("SELECT id, name FROM raw.stripe__product").fetchall())
        assert rows == {key: value for key, value in state.items() if value in {"a", "b"}}
        (counts,) = con.sql(
            "SELECT landed_count, quarantined_count FROM raw.snapshots WHERE object = 'product'"
        ).fetchall()
        assert counts == (len(rows), sum(value == "bad" for value in state.values()))


@law
@given(history=child_nights())
def test_children_are_those_of_the_newest_reading_of_a_living_parent(tmp_path_factory, history):
    root = tmp_path_factory.mktemp("raw")
    state, gone = {}, set()
    publish(root, "netsuite", TRANSACTION, FIRST_DAY, records=[transaction(k) for k in KEYS])
    publish(root, "netsuite", LINE, FIRST_DAY)
    for number, (mode, changed) in enumerate(history, start=1):
        day = FIRST_DAY + timedelta(days=number)
        living = {key: lines for key, lines in changed.items() if lines is not None}
        dead = set(changed) - set(living)
        publish(
            root,
            "netsuite",
            TRANSACTION,
            day,
            "incremental",
            records=[transaction(key) for key in living],
            tombstones=[{"id": key} for key in dead],
        )
        publish(
            root,
            "netsuite",
            LINE,
            day,
            mode,
            records=[
                line(key, at, memo, is_good=memo != "bad")
                for key, lines in living.items()
                for at, memo in lines.items()
            ],
            tombstones=[{"transaction": key} for key in living] if mode == "incremental" else [],
        )
        state = {} if mode == "full" else state
        state.update(living)
        gone = (gone - set(living)) | dead
        con = loaded(root, day)
        rows = con.sql("SELECT transaction, id, memo FROM raw.netsuite__transaction_line")
        visible = {
            (key, at, memo)
            for key, lines in state.items()
            for at, memo in lines.items()
            if key not in gone
        }
        assert set(rows.fetchall()) == {one for one in visible if one[2] != "bad"}
        ((bad,),) = con.sql(
            "SELECT quarantined_count FROM raw.snapshots WHERE object = 'transaction_line'"
        ).fetchall()
        assert bad == sum(one[2] == "bad" for one in visible)


def test_later_days_are_not_seen(tmp_path):
    publish(tmp_path, "stripe", PRODUCT, FIRST_DAY, records=[product("1", "a")])
    later = FIRST_DAY + timedelta(days=1)
    publish(tmp_path, "stripe", PRODUCT, later, "incremental", records=[product("1", "b")])

    def names(day):
        return loaded(tmp_path, day).sql("SELECT name FROM raw.stripe__product").fetchall()

    assert names(FIRST_DAY) == [("a",)]
    assert names(later) == [("b",)]


def test_every_declared_object_is_a_table_even_without_data(tmp_path):
    con = loaded(tmp_path, FIRST_DAY)
    for system, objects in SOURCES.items():
        for spec in objects.values():
            columns = con.sql(f"DESCRIBE raw.{system}__{spec.name}").fetchall()
            expected = [*spec.columns, "_extracted_date", "_ordinal", "_changed_at"]
            assert [row[0] for row in columns] == expected
    assert con.sql("SELECT count(*) FROM raw.snapshots").fetchall() == [(0,)]
    assert con.sql("SELECT snapshot_date FROM raw.build").fetchall() == [(FIRST_DAY,)]


def test_column_types_are_those_declared(tmp_path):
    publish(tmp_path, "stripe", PRODUCT, FIRST_DAY, records=[product("1", "a")])
    types = {
        row[0]: row[1]
        for row in loaded(tmp_path, FIRST_DAY).sql("DESCRIBE raw.stripe__product").fetchall()
    }
    assert types["active"] == "BOOLEAN"
    assert types["created"] == "BIGINT"
    assert types["name"] == "VARCHAR"
    assert types["_extracted_date"] == "DATE"


def test_a_column_declared_later_is_null_in_older_files(tmp_path):
    import polars as pl

    publish(tmp_path, "stripe", PRODUCT, FIRST_DAY, records=[product("1", "a")])
    (file,) = tmp_path.glob("stripe/product/*/part-0.parquet")
    pl.read_parquet(file).drop("metadata_sku").write_parquet(file)
    rows = loaded(tmp_path, FIRST_DAY).sql("SELECT metadata_sku FROM raw.stripe__product")
    assert rows.fetchall() == [(None,)]


def test_manifests_snapshots_and_quarantine_tell_what_came(tmp_path):
    records = [product("1", "a"), product("2", "b", is_good=False)]
    publish(tmp_path, "stripe", PRODUCT, FIRST_DAY, records=records, source_count=2)
    con = loaded(tmp_path, FIRST_DAY)
    assert con.sql("SELECT read, landed, quarantined FROM raw.manifests").fetchall() == [(2, 1, 1)]
    assert con.sql(
        "SELECT system, object, watermark_at, source_count_before, source_count, landed_count,"
        " quarantined_count FROM raw.snapshots"
    ).fetchall() == [("stripe", "product", MORNING, 2, 2, 1, 1)]
    ((key, field, reason, payload),) = con.sql(
        "SELECT key, field, reason, payload FROM raw.quarantine"
    ).fetchall()
    assert (key, field, reason) == ("2", "active", "active: required, but missing")
    assert json.loads(payload)["name"] == "b"


def test_a_rebuild_that_fails_leaves_the_former_build(tmp_path):
    publish(tmp_path, "stripe", PRODUCT, FIRST_DAY, records=[product("1", "a")])
    con = loaded(tmp_path, FIRST_DAY)
    later = FIRST_DAY + timedelta(days=1)
    publish(tmp_path, "stripe", PRODUCT, later, records=[product("1", "b")])
    broken = Path(tmp_path) / "stripe" / "product" / f"extracted_date={later}" / "part-0.parquet"
    broken.write_bytes(b"not parquet")
    with pytest.raises(duckdb.Error):
        load_current(con, tmp_path, later)
    assert con.sql("SELECT name FROM raw.stripe__product").fetchall() == [("a",)]
    assert con.sql("SELECT snapshot_date FROM raw.build").fetchall() == [(FIRST_DAY,)]
