"""A day is published whole and once; every record read ends in exactly one place."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.journal import Agreement, Begun
from extractors.manifest import Manifest
from extractors.protocol import Page, SourceTotals
from extractors.raw_zone import RawZone
from extractors.registry import SOURCES
from extractors.schema_drift import Schema
from tests.effort import examples

DAY = date(2026, 3, 1)
AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
PRODUCT = SOURCES["stripe"]["product"]
LINE = SOURCES["netsuite"]["transaction_line"]
AGREEMENT = Agreement(None, False, "test", "hash")
BEGUN = Begun(AGREEMENT, "full", AT, SourceTotals(), Schema({}), [])
TOTALS = SourceTotals()


def record(key, name="a", *, active=True):
    return {"id": key, "name": name, "active": active, "created": 1, "metadata": {"sku": "S"}}


def land(root, *pages, spec=PRODUCT, system="stripe"):
    landing = RawZone(root).landing(system, spec, DAY)
    landing.restart()
    landing.begin(BEGUN, Page(AT))
    for page in pages:
        landing.add(page)
    return landing


def rows(root, spec=PRODUCT, system="stripe"):
    return pl.read_parquet(RawZone(root).folder(system, spec.name, DAY) / "part-0.parquet")


def test_nothing_is_visible_before_it_is_published(tmp_path):
    landing = land(tmp_path, Page(AT, [record("1")]))
    assert RawZone(tmp_path).published("stripe", "product", DAY) is None
    assert not list(tmp_path.glob("stripe/**/*"))
    manifest = landing.publish(TOTALS)
    assert RawZone(tmp_path).published("stripe", "product", DAY) == manifest
    assert not list((tmp_path / ".staging").iterdir())


def test_a_killed_landing_is_cleared_away_by_the_next(tmp_path):
    land(tmp_path, Page(AT, [record("1")]))
    land(tmp_path, Page(AT, [record("1"), record("2")])).publish(TOTALS)
    assert rows(tmp_path)["id"].to_list() == ["1", "2"]
    assert not list((tmp_path / ".staging").iterdir())


def test_what_was_published_first_stands(tmp_path):
    first = land(tmp_path, Page(AT, [record("1", "first")]))
    second = land(tmp_path / "other", Page(AT, [record("1", "second")]))
    second.target = first.target
    published = first.publish(TOTALS)
    assert second.publish(TOTALS) == published
    assert rows(tmp_path)["name"].to_list() == ["first"]


def test_the_version_read_last_counts(tmp_path):
    pages = [Page(AT, [record("1", "old"), record("2")]), Page(AT, [record("1")])]
    manifest = land(tmp_path, *pages).publish(TOTALS)
    assert rows(tmp_path).select("id", "name").rows() == [("2", "a"), ("1", "a")]
    assert (manifest.read, manifest.landed, manifest.duplicates) == (3, 2, 1)


def test_a_good_version_replaces_a_bad_one_and_the_other_way_round(tmp_path):
    bad_then_good = [record("1", active=None), record("1")]
    good_then_bad = [record("2"), record("2", active=None)]
    manifest = land(tmp_path, Page(AT, bad_then_good + good_then_bad)).publish(TOTALS)
    assert rows(tmp_path)["id"].to_list() == ["1"]
    assert (manifest.landed, manifest.quarantined, manifest.duplicates) == (1, 1, 2)
    file = RawZone(tmp_path).folder("stripe", "product", DAY) / "quarantine.jsonl"
    assert [json.loads(text)["key"] for text in file.read_text().splitlines()] == ["2"]


def test_a_tombstone_is_a_row_with_nothing_but_its_key(tmp_path):
    manifest = land(tmp_path, Page(AT, (), [{"id": "9"}])).publish(TOTALS)
    (row,) = rows(tmp_path).rows(named=True)
    assert row.pop("id") == "9"
    assert row.pop("_deleted") is True
    assert row.pop("_ordinal") == 0
    assert set(row.values()) == {None}
    assert (manifest.landed, manifest.deleted) == (0, 1)


def test_a_parent_marker_is_neither_read_nor_deleted(tmp_path):
    page = Page(AT, [{"transaction": "7", "id": "1"}], [{"transaction": "7"}])
    manifest = land(tmp_path, page, spec=LINE, system="netsuite").publish(TOTALS)
    assert (manifest.read, manifest.landed, manifest.deleted) == (1, 1, 0)
    assert rows(tmp_path, LINE, "netsuite")["_deleted"].to_list() == [False, True]


def test_an_empty_day_has_the_columns_all_the_same(tmp_path):
    land(tmp_path, Page(AT, [])).publish(TOTALS)
    assert rows(tmp_path).schema == pl.Schema(PRODUCT.landing_schema)


def test_change_times_reach_their_rows(tmp_path):
    page = Page(AT, [record("1"), record("2")], (), {"2": "2026-03-01T00:00:00Z"})
    land(tmp_path, page).publish(TOTALS)
    assert rows(tmp_path)["_changed_at"].to_list() == [None, "2026-03-01T00:00:00Z"]


def test_chunks_are_put_together_in_the_order_read(tmp_path, monkeypatch):
    monkeypatch.setattr("extractors.landing.CHUNK_ROWS", 2)
    pages = [Page(AT, [record(str(number))]) for number in range(7)]
    land(tmp_path, *pages).publish(TOTALS)
    assert rows(tmp_path)["id"].to_list() == [str(number) for number in range(7)]
    assert rows(tmp_path)["_ordinal"].to_list() == list(range(7))


def test_a_manifest_from_when_totals_were_asked_once_takes_them_for_both(tmp_path):
    manifest = land(tmp_path, Page(AT, [record("1")])).publish(TOTALS)
    told = json.loads(replace(manifest, source_count=7, source_sum_minor={"USD": 5}).to_json())
    del told["source_count_before"], told["source_sum_minor_before"]
    old = Manifest.from_json(json.dumps(told))
    assert (old.source_count_before, old.source_count) == (7, 7)
    assert (old.source_sum_minor_before, old.source_sum_minor) == ({"USD": 5}, {"USD": 5})


@pytest.mark.parametrize("chunk_rows", [1, 3, 100])
@settings(max_examples=examples(30), deadline=None)
@given(
    reading=st.lists(
        st.tuples(st.sampled_from([None, "1", "2", "3"]), st.sampled_from(["good", "bad", "gone"])),
        max_size=12,
    )
)
def test_every_record_read_ends_in_exactly_one_place(tmp_path_factory, chunk_rows, reading):
    root = tmp_path_factory.mktemp("raw")
    pages = [
        Page(AT, (), [{"id": key}])
        if kind == "gone" and key
        else Page(AT, [record(key, active=True if kind == "good" else None)])
        for key, kind in reading
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("extractors.landing.CHUNK_ROWS", chunk_rows)
        manifest = land(root, *pages).publish(TOTALS)
    parts = (manifest.landed, manifest.quarantined, manifest.deleted, manifest.duplicates)
    assert manifest.read == len(reading) == sum(parts)
    assert min(parts) >= 0
    last = dict(entry for entry in reading if entry[0])
    keyless = sum(1 for key, _ in reading if key is None)
    assert manifest.landed == sum(kind == "good" for kind in last.values())
    assert manifest.deleted == sum(kind == "gone" for kind in last.values())
    assert manifest.quarantined == keyless + sum(kind == "bad" for kind in last.values())
