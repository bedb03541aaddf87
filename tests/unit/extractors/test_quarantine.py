"""Held-back records land once their contract is mended, on the day that they were held back."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest

from extractors.journal import Agreement, Begun
from extractors.protocol import Page, SourceTotals
from extractors.quarantine import retry_quarantine
from extractors.raw_tables import load_current
from extractors.raw_zone import RawZone
from extractors.registry import SOURCES
from extractors.schema_drift import Schema

DAY = date(2026, 3, 1)
LINE = SOURCES["netsuite"]["transaction_line"]
INVOICE = SOURCES["stripe"]["invoice"]
PRODUCT = SOURCES["stripe"]["product"]
AGREEMENT = Agreement(None, keys_only=False, api_version="test", schema_hash="hash")


def publish(root, system, spec, day, records, mode="full"):  # noqa: PLR0917
    at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC) + timedelta(days=1)
    landing = RawZone(root).landing(system, spec, day)
    landing.restart()
    landing.begin(Begun(AGREEMENT, mode, at, SourceTotals(), Schema({}), []), Page(at, records))
    return landing.publish(SourceTotals())


def product(key, **values):
    base = {"id": key, "name": "a", "active": True, "created": 1, "metadata": {"sku": "S"}}
    return {**base, **values}


def lenient(spec):
    """The contract with every field optional: what somebody would mend."""
    fields = tuple(replace(item, required=item.column in spec.key) for item in spec.fields)
    return replace(spec, fields=fields)


def retried(root, system="stripe", spec=PRODUCT):
    return list(retry_quarantine(RawZone(root), {system: {spec.name: spec}}))


def current(root, day, columns="id, name, active, created, metadata_sku", name="stripe__product"):
    con = duckdb.connect()
    load_current(con, root, day)
    rows = con.sql(f"SELECT {columns} FROM raw.{name} ORDER BY ALL").fetchall()
    open_ones = con.sql("SELECT key, reason FROM raw.open_quarantine ORDER BY key").fetchall()
    (counts,) = con.sql(
        "SELECT sum(landed_count)::INT, sum(quarantined_count)::INT FROM raw.snapshots"
    ).fetchall()
    return rows, open_ones, counts


def test_nothing_changes_while_the_contract_is_as_it_was(tmp_path):
    publish(tmp_path, "stripe", PRODUCT, DAY, [product("1"), product("2", active=None)])
    (one,) = retried(tmp_path)
    assert (one.reingested, one.still_broken) == (0, 1)
    assert one.example == "active: required, but missing"
    assert current(tmp_path, DAY)[2] == (1, 1)


def test_a_mended_contract_lands_what_was_held_back_once(tmp_path):
    bad = [product("2", active=None), product("3", active=None), product("4", created="x")]
    publish(tmp_path, "stripe", PRODUCT, DAY, [product("1"), *bad])
    (one,) = retried(tmp_path, spec=lenient(PRODUCT))
    assert (one.reingested, one.still_broken) == (2, 1)
    rows, still_open, counts = current(tmp_path, DAY)
    assert rows == [
        (key, "a", flag, 1, "S") for key, flag in (("1", True), ("2", None), ("3", None))
    ]
    assert [key for key, _ in still_open] == ["4"]
    assert counts == (3, 1)
    (again,) = retried(tmp_path, spec=lenient(PRODUCT))
    assert (again.reingested, again.still_broken) == (0, 1)


def test_what_lands_later_comes_into_a_table_that_stands(tmp_path):
    publish(tmp_path, "stripe", PRODUCT, DAY, [product("1"), product("2", active=None)])
    con = duckdb.connect()
    assert load_current(con, tmp_path, DAY)["raw.stripe__product"] == "anew"
    retried(tmp_path, spec=lenient(PRODUCT))
    assert load_current(con, tmp_path, DAY)["raw.stripe__product"] == "anew"
    assert con.sql("SELECT count(*) FROM raw.stripe__product").fetchall() == [(2,)]


def test_a_published_day_is_not_touched(tmp_path):
    publish(tmp_path, "stripe", PRODUCT, DAY, [product("1"), product("2", active=None)])
    folder = RawZone(tmp_path).folder("stripe", "product", DAY)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    retried(tmp_path, spec=lenient(PRODUCT))
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_later_version_is_not_replaced_by_a_retried_one(tmp_path):
    publish(tmp_path, "stripe", PRODUCT, DAY, [product("1"), product("2", active=None)])
    later = DAY + timedelta(days=1)
    publish(tmp_path, "stripe", PRODUCT, later, [product("2", name="newer")], "incremental")
    retried(tmp_path, spec=lenient(PRODUCT))
    assert ("2", "newer") in [row[:2] for row in current(tmp_path, later)[0]]
    assert [row[0] for row in current(tmp_path, DAY)[0]] == ["1", "2"]


@pytest.mark.parametrize("is_replaced", [True, False])
def test_children_are_retried_with_their_parent(tmp_path, is_replaced):
    lines = [{"transaction": "7", "id": "1"}, {"transaction": "7", "id": "2", "mainline": "X"}]
    publish(tmp_path, "netsuite", LINE, DAY, lines)
    fields = tuple(
        replace(item, kind="text") if item.column == "mainline" else item for item in LINE.fields
    )
    (one,) = retried(tmp_path, "netsuite", replace(LINE, fields=fields))
    assert one.reingested == 1
    columns, table = "transaction, id, mainline", "netsuite__transaction_line"
    assert current(tmp_path, DAY, columns, table)[0] == [("7", "1", None), ("7", "2", "X")]
    if is_replaced:
        later = DAY + timedelta(days=1)
        publish(tmp_path, "netsuite", LINE, later, [{"transaction": "7", "id": "1"}], "incremental")
        assert current(tmp_path, later, columns, table)[0] == [("7", "1", None)]


def test_money_and_nested_lists_come_back_as_they_were_sent(tmp_path):
    amounts = dict.fromkeys(
        ("subtotal", "total", "amount_due", "amount_paid"), 9_007_199_254_740_993
    )
    record = {
        "id": "in_1",
        "customer": "c",
        "currency": "eur",
        "status": "unheard_of",
        "created": 1,
    }
    lines = {"object": "list", "data": [{"id": "il_1", "quantity_decimal": "0.125"}]}
    publish(
        tmp_path,
        "stripe",
        INVOICE,
        DAY,
        [record | amounts | {"amount_remaining": 0, "lines": lines}],
    )
    fields = tuple(
        replace(item, allowed=None) if item.column == "status" else item for item in INVOICE.fields
    )
    (one,) = retried(tmp_path, spec=replace(INVOICE, fields=fields))
    assert one.reingested == 1
    rows, _, _ = current(tmp_path, DAY, "status, total, lines", "stripe__invoice")
    assert rows == [
        ("unheard_of", 9_007_199_254_740_993, '[{"id":"il_1","quantity_decimal":"0.125"}]')
    ]
