"""The current tables as of D are what merging the nights one by one would give."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from extractors.journal import Agreement, Begun
from extractors.protocol import Page, SourceTotals
from extractors.raw_tables import load_current
from extractors.raw_zone import RawZone
from extractors.registry import READ, SOURCES
from extractors.schema_drift import Schema
from tests.effort import examples

FIRST_DAY = date(2026, 3, 1)
PRODUCT = SOURCES["stripe"]["product"]
TRANSACTION = SOURCES["netsuite"]["transaction"]
LINE = SOURCES["netsuite"]["transaction_line"]
MORNING = datetime(2026, 3, 2, 2)  # noqa: DTZ001 - DuckDB timestamps are naive UTC
KEYS = ("1", "2", "3", "4")
SEEN = ("1", "2")
AGREEMENT = Agreement(None, keys_only=False, api_version="test", schema_hash="hash")


def publish(root, system, spec, day, mode="full", *, records=(), tombstones=(), source_count=None):
    at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC) + timedelta(days=1)
    totals = SourceTotals(source_count)
    landing = RawZone(root).landing(system, spec, day)
    landing.restart()
    begun = Begun(AGREEMENT, mode, at, totals, Schema({}), [])
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


def loaded(root, day, con=None):
    """The raw zone as of the day: loaded at once, or into what stands as of an earlier one."""
    con = con or duckdb.connect()
    load_current(con, root, day)
    return con


def tables(con):
    """Every table of the raw schema, but for when they were built, and a record first read so."""
    names = con.sql(
        "SELECT table_name FROM duckdb_tables() "
        "WHERE schema_name = 'raw' AND table_name NOT IN ('build', 'made_of')"
    ).fetchall()
    rows = {
        name: con.sql(f"SELECT COLUMNS(lambda c: c <> '_extracted_date') FROM raw.{name}")
        for (name,) in names
    }
    return {name: sorted(those.fetchall(), key=repr) for name, those in rows.items()}


@st.composite
def nights(draw):
    """Per night: the mode, and what was read of each key: a value, 'bad' or 'gone'.

    A scan reads incrementally, and sees of what was read before the keys 1 and 2 alone.
    """
    reading = st.dictionaries(
        st.sampled_from(KEYS), st.sampled_from(["a", "b", "bad", "gone"]), max_size=4
    )
    modes = st.sampled_from(["full", "incremental", "scan"])
    return draw(st.lists(st.tuples(modes, reading), max_size=5))


@st.composite
def child_nights(draw):
    """Per night: mode, parents that are gone, and the lines of each parent read again."""
    lines = st.dictionaries(st.sampled_from("12"), st.sampled_from(["a", "b", "bad"]))
    changed = st.dictionaries(st.sampled_from(KEYS), st.one_of(st.none(), lines), max_size=4)
    return draw(st.lists(st.tuples(st.sampled_from(["full", "incremental"]), changed), max_size=5))


def law(test):
    quiet = settings(
        max_examples=examples(15),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    return quiet(test)


@law
@given(history=nights())
def test_a_rebuild_equals_the_state_merged_night_by_night(tmp_path_factory, history):
    root = tmp_path_factory.mktemp("raw")
    state, standing = {}, duckdb.connect()
    for number, (mode, reading) in enumerate(history):
        day = FIRST_DAY + timedelta(days=number)
        records = [
            product(key, value, is_good=value != "bad")
            for key, value in reading.items()
            if value != "gone"
        ]
        tombstones = [{"id": key} for key, value in reading.items() if value == "gone"]
        if mode == "scan":
            scanned(root, day, SEEN, records=records, tombstones=tombstones)
        else:
            publish(root, "stripe", PRODUCT, day, mode, records=records, tombstones=tombstones)
        if mode != "incremental":
            seen = SEEN if mode == "scan" else ()
            state = {key: value for key, value in state.items() if key in seen}
        state.update(reading)
        con = loaded(root, day)
        rows = dict(con.sql("SELECT id, name FROM raw.stripe__product").fetchall())
        assert rows == {key: value for key, value in state.items() if value in {"a", "b"}}
        (counts,) = con.sql(
            "SELECT landed_count, quarantined_count FROM raw.snapshots WHERE object = 'product'"
        ).fetchall()
        assert counts == (len(rows), sum(value == "bad" for value in state.values()))
        assert tables(loaded(root, day, standing)) == tables(con)


@law
@given(history=child_nights())
# a parent that was read again and has no children left: nothing landed of it
@example(history=[("full", {"2": {"1": "a"}}), ("incremental", {"2": {}})])
def test_children_are_those_of_the_newest_reading_of_a_living_parent(tmp_path_factory, history):
    root = tmp_path_factory.mktemp("raw")
    state, gone, standing = {}, set(), duckdb.connect()
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
        assert tables(loaded(root, day, standing)) == tables(con)


def test_a_table_is_left_merged_or_made_anew(tmp_path):
    """By what was read since; by what makes it, too, and by a day that lies before."""
    second, third = (FIRST_DAY + timedelta(days=days) for days in (1, 2))
    publish(tmp_path, "stripe", PRODUCT, FIRST_DAY, records=[product("1", "a")])
    publish(tmp_path, "stripe", PRODUCT, second, "incremental", records=[product("2", "b")])
    publish(tmp_path, "stripe", PRODUCT, third, "incremental")
    con = duckdb.connect()

    def loading(day, made_by="us"):
        return load_current(con, tmp_path, day, made_by)["raw.stripe__product"]

    assert loading(FIRST_DAY) == "anew"
    assert loading(FIRST_DAY) == "unchanged"
    assert loading(second) == "merged"
    assert loading(third) == "unchanged"
    assert loading(third, "others") == "anew"
    fourth, fifth = (FIRST_DAY + timedelta(days=days) for days in (3, 4))
    for day in (fourth, fifth):
        publish(tmp_path, "stripe", PRODUCT, day, records=[product(k, "a") for k in "21"])
    publish(tmp_path, "stripe", PRODUCT, fifth + timedelta(days=1), records=[product("2", "a")])
    assert loading(fourth, "others") == "anew"
    assert loading(fifth, "others") == "unchanged"
    assert loading(fifth + timedelta(days=1), "others") == "anew"
    assert loading(fifth, "others") == "anew"
    assert loading(fourth, "others") == "anew"  # its rows would be of a later day
    assert loading(FIRST_DAY, "others") == "anew"
    assert con.sql("SELECT id FROM raw.stripe__product").fetchall() == [("1",)]


def test_children_leave_with_a_parent_and_come_back_with_it(tmp_path):
    """Those that come back stand in older files, so that nothing can be merged."""
    publish(tmp_path, "netsuite", TRANSACTION, FIRST_DAY, records=[transaction(k) for k in "12"])
    publish(tmp_path, "netsuite", LINE, FIRST_DAY, records=[line(k, "1", "m") for k in "12"])
    second, third = (FIRST_DAY + timedelta(days=days) for days in (1, 2))
    gone = [{"id": "2"}]
    publish(tmp_path, "netsuite", TRANSACTION, second, "incremental", tombstones=gone)
    back = [transaction("2")]
    publish(tmp_path, "netsuite", TRANSACTION, third, "incremental", records=back)
    con, steps = duckdb.connect(), []
    for day in (FIRST_DAY, second, third):
        loading = load_current(con, tmp_path, day)["raw.netsuite__transaction_line"]
        rows = con.sql("SELECT transaction FROM raw.netsuite__transaction_line ORDER BY 1")
        steps.append((loading, [key for (key,) in rows.fetchall()]))
    assert steps == [("anew", ["1", "2"]), ("merged", ["1"]), ("anew", ["1", "2"])]


def test_later_days_are_not_seen(tmp_path):
    publish(tmp_path, "stripe", PRODUCT, FIRST_DAY, records=[product("1", "a")])
    later = FIRST_DAY + timedelta(days=1)
    publish(tmp_path, "stripe", PRODUCT, later, "incremental", records=[product("1", "b")])

    def names(day):
        return loaded(tmp_path, day).sql("SELECT name FROM raw.stripe__product").fetchall()

    assert names(FIRST_DAY) == [("a",)]
    assert names(later) == [("b",)]


def test_versions_of_a_price_book_entry_are_kept_each_once_up_to_the_day(tmp_path):
    spec = SOURCES["salesforce"]["pricebook_entry"]

    def entry(price, modified):
        stamp = f"{modified}T10:00:00.000+0000"
        return {
            "Id": "e",
            "Product2Id": "p",
            "UnitPrice": price,
            "SystemModstamp": stamp,
        } | dict.fromkeys(("CreatedDate", "LastModifiedDate"), stamp)

    days = [FIRST_DAY + timedelta(days=number) for number in range(4)]
    for day, price, modified, mode in zip(
        days,
        ("9", "9", "8", "7"),
        ("2026-02-01", "2026-02-01", "2026-03-02", "2026-03-04"),
        ("full", "full", "full", "incremental"),
        strict=True,
    ):
        publish(tmp_path, "salesforce", spec, day, mode, records=[entry(price, modified)])

    def versions(day):
        query = (
            "SELECT unitprice, _extracted_date FROM raw.salesforce__pricebook_entry_versions "
            "ORDER BY systemmodstamp"
        )
        return loaded(tmp_path, day).sql(query).fetchall()

    assert versions(days[2]) == [("9", days[0]), ("8", days[2])]
    assert versions(days[3]) == [("9", days[0]), ("8", days[2]), ("7", days[3])]


def test_an_equal_version_that_was_read_again_has_what_was_declared_since(tmp_path):
    spec = SOURCES["salesforce"]["pricebook_entry"]
    stamps = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
    entry = {"Id": "e", "Product2Id": "p", "UnitPrice": "9", "Tiers__c": "[1]"}
    entry |= dict.fromkeys(stamps, "2026-02-01T10:00:00.000+0000")
    later = FIRST_DAY + timedelta(days=1)
    for day in (FIRST_DAY, later):
        publish(tmp_path, "salesforce", spec, day, records=[entry])
    (older, _) = sorted(tmp_path.glob("salesforce/pricebook_entry/*/part-0.parquet"))
    pl.read_parquet(older).drop("tiers__c").write_parquet(older)
    versions = loaded(tmp_path, later).sql(
        "SELECT tiers__c, _extracted_date FROM raw.salesforce__pricebook_entry_versions"
    )
    assert versions.fetchall() == [("[1]", FIRST_DAY)]


def test_every_declared_object_is_a_table_even_without_data(tmp_path):
    con = loaded(tmp_path, FIRST_DAY)
    for system, objects in READ.items():
        for spec in objects.values():
            columns = con.sql(f"DESCRIBE raw.{system}__{spec.name}").fetchall()
            expected = [*spec.columns, "_extracted_date", "_changed_at"]
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


def scanned(root, day, keys, *, records=(), tombstones=()):
    """A night that read `records` incrementally and saw these keys."""
    at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC) + timedelta(days=1)
    rows = RawZone(root).landing("stripe", PRODUCT, day)
    seen = RawZone(root).key_landing("stripe", PRODUCT, day)
    for landing, page in (
        (rows, Page(at, records, tombstones)),
        (seen, Page(at, [{"id": k} for k in keys])),
    ):
        landing.restart()
        begun = Begun(AGREEMENT, "incremental", at, SourceTotals(len(keys)), Schema({}), [])
        landing.begin(begun, page)
    return rows.publish(SourceTotals(len(keys)), seen)


def test_what_a_key_scan_does_not_see_has_vanished(tmp_path):
    publish(tmp_path, "stripe", PRODUCT, FIRST_DAY, records=[product(k, "a") for k in "123"])
    second, third = (FIRST_DAY + timedelta(days=days) for days in (1, 2))
    assert scanned(tmp_path, second, ["1", "4"], records=[product("4", "a")]).keys_scanned == 2
    con = loaded(tmp_path, second)
    assert {row[0] for row in con.sql("SELECT id FROM raw.stripe__product").fetchall()} == {
        "1",
        "4",
    }
    assert con.sql("SELECT * FROM raw.vanished ORDER BY key").fetchall() == [
        ("stripe", "product", "2", FIRST_DAY, second),
        ("stripe", "product", "3", FIRST_DAY, second),
    ]
    assert con.sql("SELECT landed_count, vanished_count FROM raw.snapshots").fetchall() == [(2, 2)]
    publish(tmp_path, "stripe", PRODUCT, third, "incremental", records=[product("2", "back")])
    con = loaded(tmp_path, third)
    rows = dict(con.sql("SELECT id, name FROM raw.stripe__product").fetchall())
    assert rows == {"1": "a", "4": "a", "2": "back"}
    assert con.sql("SELECT key FROM raw.vanished").fetchall() == [("3",)]


def test_what_was_read_on_the_day_of_the_scan_is_believed(tmp_path):
    """The scan may come from a replica that has not seen the newest record."""
    publish(tmp_path, "stripe", PRODUCT, FIRST_DAY, records=[product("1", "a")])
    second = FIRST_DAY + timedelta(days=1)
    scanned(tmp_path, second, ["1"], records=[product("2", "new")])
    rows = loaded(tmp_path, second).sql("SELECT id FROM raw.stripe__product ORDER BY id")
    assert rows.fetchall() == [("1",), ("2",)]


def test_children_vanish_with_their_parent(tmp_path):
    publish(tmp_path, "netsuite", TRANSACTION, FIRST_DAY, records=[transaction(k) for k in "12"])
    lines = [line(parent, "1", "m") for parent in "12"]
    publish(tmp_path, "netsuite", LINE, FIRST_DAY, records=lines)
    second = FIRST_DAY + timedelta(days=1)
    at = MORNING.replace(tzinfo=UTC) + timedelta(days=1)
    rows = RawZone(tmp_path).landing("netsuite", TRANSACTION, second)
    keys = RawZone(tmp_path).key_landing("netsuite", TRANSACTION, second)
    for landing, page in ((rows, Page(at)), (keys, Page(at, [{"id": "1"}]))):
        landing.restart()
        landing.begin(Begun(AGREEMENT, "incremental", at, SourceTotals(), Schema({}), []), page)
    rows.publish(SourceTotals(), keys)
    found = loaded(tmp_path, second).sql("SELECT transaction FROM raw.netsuite__transaction_line")
    assert found.fetchall() == [("1",)]


def test_a_quarantined_record_that_vanished_is_no_longer_open(tmp_path):
    bad = product("2", "b", is_good=False)
    publish(tmp_path, "stripe", PRODUCT, FIRST_DAY, records=[product("1", "a"), bad])
    second = FIRST_DAY + timedelta(days=1)
    scanned(tmp_path, second, ["1"])
    con = loaded(tmp_path, second)
    assert con.sql("SELECT count(*) FROM raw.open_quarantine").fetchall() == [(0,)]
    assert con.sql("SELECT count(*) FROM raw.quarantine").fetchall() == [(1,)]


def test_a_merged_record_names_the_one_that_survived(tmp_path, monkeypatch):
    account = replace(SOURCES["salesforce"]["account"], merged_into="masterrecordid")
    monkeypatch.setitem(SOURCES["salesforce"], "account", account)
    stones = [
        {"id": "001B", "masterrecordid": "001A"},
        {"id": "001C"},
        {"id": "001D", "masterrecordid": "001B"},
    ]
    publish(tmp_path, "salesforce", account, FIRST_DAY, tombstones=stones)
    later = FIRST_DAY + timedelta(days=30)
    publish(tmp_path, "salesforce", account, later)
    for day in (FIRST_DAY, later):
        con = loaded(tmp_path, day)
        assert con.sql("SELECT * FROM raw.merged ORDER BY key").fetchall() == [
            ("salesforce", "account", "001B", "001A", FIRST_DAY),
            ("salesforce", "account", "001D", "001A", FIRST_DAY),
        ]
        assert con.sql("SELECT count(*) FROM raw.salesforce__account").fetchall() == [(0,)]
