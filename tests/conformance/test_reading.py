"""What a source must do on a good day."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from extractors.contracts import PATTERNS
from extractors.manifest import KEYS_FILE
from extractors.registry import CONNECTORS
from tests.conformance.benches import WORKBENCHES
from tests.conformance.proof import Shuffled, assert_same

# A read may bring again what changed shortly before the last one, and nothing older.
FEW = 10


def test_every_connector_has_a_workbench():
    assert set(WORKBENCHES) == set(CONNECTORS)


def test_a_first_page_always_comes_with_the_sources_own_time(reading):
    async def begin(source):
        day_before = datetime.now(UTC) - timedelta(days=1)
        for spec in source.objects.values():
            for since, keys_only in ((None, False), (None, True), (day_before, False)):
                start = await source.begin(spec, since, keys_only=keys_only)
                assert start.page.served_at.utcoffset() == timedelta(0), spec.name
                if since is None:
                    assert (start.mode == "full") == spec.is_listed, spec.name
        return start.page.served_at

    served_at = reading.with_source(begin)
    assert timedelta(0) <= served_at.date() - reading.bench.day() <= timedelta(days=2)


def test_a_full_read_lands_exactly_the_true_rows(reading):
    manifests = reading.extract(*reading.connector.objects)
    assert list(manifests) == list(reading.connector.objects)
    compared = 0
    for name, manifest in manifests.items():
        spec = reading.connector.objects[name]
        truth = reading.bench.rows(name)
        assert (manifest.mode == "full", manifest.quarantined) == (spec.is_listed, 0), name
        assert manifest.read == manifest.landed + manifest.duplicates, name
        if truth is not None:
            assert_same(reading.rows(name), truth, spec.key)
            compared += len(truth)
    assert compared >= manifests[reading.bench.probe].landed > 0


def test_declared_fields_land_with_their_types_and_amounts_as_sent(reading):
    reading.extract(*reading.connector.objects)
    for name, spec in reading.connector.objects.items():
        frame = reading.frame(name)
        assert frame.schema == pl.Schema(spec.landing_schema), name
        assert not any(dtype.is_float() for dtype in frame.dtypes), name
        for item in spec.fields:
            for value in frame[item.column].drop_nulls() if item.kind in PATTERNS else ():
                assert re.search(PATTERNS[item.kind], value), (name, item.column, value)


def test_a_scan_of_keys_brings_every_key_and_no_more(reading):
    async def scan(source):
        start = await source.begin(reading.spec, None, keys_only=True)
        pages, left = [start.page], list(start.page.rest)
        while left:
            page = await source.proceed(reading.spec, left.pop())
            pages.append(page)
            left.extend(page.rest)
        return pages

    pages = reading.with_source(scan)
    names = [next(f.path for f in reading.spec.fields if f.column == k) for k in reading.spec.key]
    found = []
    for page in pages:
        frame = page.records
        if isinstance(frame, pl.DataFrame):
            found.extend(frame.select(list(reading.spec.key)).rows())
        else:
            found.extend(tuple(record[path[0]] for path in names) for record in frame)
    true = [
        tuple(row[k] for k in reading.spec.key) for row in reading.bench.rows(reading.spec.name)
    ]
    assert sorted(set(found)) == sorted(true)


def test_the_next_night_brings_every_change_and_little_else(reading):
    bench = reading.bench
    first = reading.extract()[bench.probe]
    bench.next_night()
    changed = set(reading.keys(5))
    for key in changed:
        bench.change(key)
    changed |= set(bench.add(3))
    manifest = reading.extract()[bench.probe]
    assert (manifest.mode, manifest.cursor_from) == ("incremental", first.watermark_at)
    assert manifest.landed <= len(changed) + FEW
    true = {row[reading.spec.key[0]]: row for row in bench.rows(bench.probe)}
    landed = {row[reading.spec.key[0]]: row for row in reading.rows()}
    assert {key: landed.get(key) for key in changed} == {key: true[key] for key in changed}
    assert landed.items() <= true.items()


def test_what_changes_in_the_second_of_the_read_is_not_lost(reading):
    bench = reading.bench
    bench.next_night()
    (key,) = reading.keys(1)
    bench.change(key)
    reading.extract()
    # Nothing moved the clock: as far as seconds tell, this is the time of the read.
    bench.change(key)
    true = next(row for row in bench.rows(bench.probe) if row[reading.spec.key[0]] == key)
    bench.next_night()
    reading.extract()
    assert [row for row in reading.rows() if row[reading.spec.key[0]] == key] == [true]


def test_deletions_are_seen_by_the_means_that_the_connector_has(reading):
    bench = reading.bench
    reading.extract()
    bench.next_night()
    (gone,) = reading.keys(1)
    bench.delete(gone)
    manifest = reading.extract(key_scan_days=0)[bench.probe]
    buried = reading.frame().filter("_deleted")[reading.spec.key[0]].to_list()
    folder = reading.raw.folder(bench.system, bench.probe, bench.day())
    keys = pl.read_parquet(folder / KEYS_FILE)[reading.spec.key[0]].to_list()
    assert manifest.keys_scanned == len(keys) == len(bench.rows(bench.probe))
    assert gone not in keys
    if bench.deletions == "tombstones":
        assert buried == [gone]


@pytest.mark.parametrize("seed", range(2))
def test_the_order_in_which_pages_come_does_not_matter(reading, seed):
    reading.extract(through=lambda source: Shuffled(source, seed))
    assert_same(reading.rows(), reading.bench.rows(reading.bench.probe), reading.spec.key)


def test_a_record_that_breaks_its_contract_is_held_back_and_the_rest_lands(reading):
    (bad,) = reading.keys(1)
    with reading.bench.spoiled(bad):
        manifest = reading.extract()[reading.bench.probe]
    assert manifest.quarantined == 1
    expected = [
        row for row in reading.bench.rows(reading.bench.probe) if row[reading.spec.key[0]] != bad
    ]
    assert_same(reading.rows(), expected, reading.spec.key)


def test_the_sources_own_totals_agree_with_what_landed(reading):
    manifests = reading.extract(*reading.connector.objects)
    true_sums = reading.bench.sums()
    for name, manifest in manifests.items():
        assert manifest.source_count in {None, manifest.landed}, name
        assert manifest.source_count == manifest.source_count_before, name
        assert manifest.source_sum_minor in (None, true_sums.get(name)), name
        assert manifest.source_sum_minor == manifest.source_sum_minor_before, name


def test_the_source_describes_its_fields_or_says_that_it_cannot(reading):
    async def describe(source):
        specs = list(source.objects.values())
        told = await asyncio.gather(*(source.vendor_fields(spec) for spec in specs))
        return zip(specs, told, strict=True)

    for spec, told in reading.with_source(describe):
        if told is not None:
            known = {name.lower() for name in told}
            assert {field.path[0].lower() for field in spec.fields} <= known, spec.name
