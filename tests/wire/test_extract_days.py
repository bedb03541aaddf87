"""Which days can be read, what is never read again, and what an interruption leaves."""

import asyncio
import json
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from extractors.errors import ContractBroken, LateExtraction, SourceError, Transient
from extractors.extract import extract_object, extract_system
from extractors.http import HttpOptions
from extractors.registry import SOURCES, open_source
from tests.wire.vendors import LONG_AGO

CREATED = int(LONG_AGO.timestamp())


def product(number, **values):
    base = {"id": f"prod_{number}", "name": "Seats", "active": True, "created": CREATED + number}
    return {**base, "metadata": {}, **values}


def files(vendors):
    root = vendors.raw.root
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def read_system(vendors, system, names=None):
    async def run():
        async with open_source(vendors.config(system), HttpOptions(attempts=2)) as source:
            return await extract_system(source, vendors.raw, vendors.day, names)

    return asyncio.run(run())


@pytest.mark.parametrize("nights", [0, 1])
def test_a_day_can_be_read_in_its_night_and_one_later(vendors, nights):
    vendors.store.advance_clock(timedelta(days=nights))
    assert vendors.extract("stripe", "product").snapshot_date == vendors.day


@pytest.mark.parametrize("days", [-2, 2, 400])
def test_a_day_too_far_away_is_refused_and_nothing_is_left(vendors, days):
    vendors.store.advance_clock(timedelta(days=days))
    with pytest.raises(LateExtraction, match=r"as it is now|cannot be read yet"):
        vendors.extract("stripe", "product")
    assert files(vendors) == {}


def test_a_published_day_is_replayed_without_a_single_request(vendors):
    vendors.store.put_many("stripe", "product", [product(1)])
    first = vendors.extract("stripe", "product")
    before = files(vendors)
    vendors.store.put("stripe", "product", {"id": "prod_1", "name": "Renamed"})
    vendors.store.advance_clock(timedelta(days=90))
    vendors.fault("stripe", times=99)
    assert vendors.extract("stripe", "product") == first
    assert files(vendors) == before


def test_a_day_before_one_already_read_is_refused(vendors):
    vendors.day += timedelta(days=1)
    vendors.store.advance_clock(timedelta(days=1))
    vendors.extract("stripe", "product")
    vendors.day -= timedelta(days=1)
    with pytest.raises(LateExtraction, match="already extracted"):
        vendors.extract("stripe", "product")


def test_a_skipped_night_is_made_up_by_the_next(vendors):
    vendors.store.put_many("stripe", "product", [product(1)])
    first = vendors.extract("stripe", "product")
    vendors.store.put("stripe", "product", {"id": "prod_1", "name": "Renamed"})
    vendors.next_night(days=3)
    assert vendors.extract("stripe", "product").cursor_from == first.cursor_to
    assert [row["name"] for row in vendors.current("stripe", "product")] == ["Renamed"]


def test_a_whole_system_is_read_at_once_and_the_same_night_twice_changes_nothing(vendors):
    manifests = read_system(vendors, "netsuite")
    assert [one.object for one in manifests] == list(SOURCES["netsuite"])
    before = files(vendors)
    assert read_system(vendors, "netsuite") == manifests
    assert files(vendors) == before
    some = read_system(vendors, "stripe", names=["price", "product"])
    assert [one.object for one in some] == ["product", "price"]


def test_one_object_that_fails_fails_the_system_and_a_restart_reads_only_what_is_missing(
    vendors, impatient
):
    vendors.store.put_many("stripe", "product", [product(1)])
    vendors.extract("stripe", "product")
    before = files(vendors)
    vendors.fault("stripe", path="/v1/charges", times=99)
    with pytest.raises(Transient, match="/v1/charges"):
        read_system(vendors, "stripe")
    assert not vendors.raw.published("stripe", "charge", vendors.day)
    vendors.store.set_meta("request_faults", None)
    read_system(vendors, "stripe")
    after = files(vendors)
    assert {path: after[path] for path in before} == before
    assert all(vendors.raw.published("stripe", name, vendors.day) for name in SOURCES["stripe"])


def test_a_cancelled_extraction_publishes_nothing_and_the_next_goes_on(vendors):
    vendors.store.put_many("stripe", "product", [product(n) for n in range(300)])

    async def run():
        async with open_source(vendors.config("stripe")) as source:
            task = asyncio.ensure_future(
                extract_object(source, "product", vendors.raw, vendors.day)
            )
            while not task.done() and not list(vendors.raw.root.glob(".staging/*/journal.json")):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    assert not vendors.raw.published("stripe", "product", vendors.day)
    assert vendors.extract("stripe", "product").landed == 300
    assert not list(vendors.raw.root.glob(".staging/*"))


KILLED_BEFORE_THE_RENAME = """
import asyncio, json, os, signal, sys
from datetime import date
from pathlib import Path
from extractors.billing.stripe.config import StripeConfig
from extractors.extract import extract_object
from extractors.raw_zone import RawZone
from extractors.registry import open_source

Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)

async def run(settings, root, day):
    async with open_source(StripeConfig(**settings)) as source:
        await extract_object(source, "product", RawZone(Path(root)), date.fromisoformat(day))

asyncio.run(run(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]))
"""


def test_a_process_killed_at_the_last_moment_leaves_nothing_half_published(vendors):
    vendors.store.put_many("stripe", "product", [product(1)])
    settings = json.dumps(vendors.settings["stripe"])
    arguments = [settings, str(vendors.raw.root), vendors.day.isoformat()]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_BEFORE_THE_RENAME, *arguments], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert not vendors.raw.published("stripe", "product", vendors.day)
    assert vendors.raw.days("stripe", "product") == []
    assert vendors.extract("stripe", "product").landed == 1
    assert list(vendors.raw.root.glob(".staging/*")) == []


def test_a_format_that_changed_stops_the_run_rather_than_emptying_the_table(vendors):
    broken = [product(n, active=None) for n in range(20)]
    vendors.store.put_many("stripe", "product", broken)
    with pytest.raises(ContractBroken, match="active: required, but missing"):
        vendors.extract("stripe", "product")
    assert not vendors.raw.published("stripe", "product", vendors.day)


def test_the_manifest_tells_the_whole_story(vendors):
    vendors.store.put_many("stripe", "product", [product(1), product(2, name=None)])
    vendors.extract("stripe", "product")
    folder = vendors.raw.folder("stripe", "product", vendors.day)
    told = json.loads((folder / "manifest.json").read_text())
    assert len(told.pop("file_sha256")) == 64
    assert len(told.pop("schema_hash")) == 16
    night = "2026-06-02T02:00:00Z"
    schema = told["vendor_schema"]
    assert told == {
        "system": "stripe",
        "object": "product",
        "snapshot_date": "2026-06-01",
        "mode": "full",
        "cursor_from": None,
        "cursor_to": night,
        "watermark_at": night,
        "source_count_before": None,
        "source_count": None,
        "source_sum_minor_before": None,
        "source_sum_minor": None,
        "read": 2,
        "landed": 2,
        "quarantined": 0,
        "deleted": 0,
        "duplicates": 0,
        "extracted_at": night,
        "api_version": "2026-10-28.endive",
        "keys_scanned": None,
        "vendor_schema": {"fields": schema["fields"], "is_described": False},
        "schema_drift": [],
    }
    assert schema["fields"]["active"] == "boolean"


def test_every_failure_of_a_source_is_one_tree():
    assert issubclass(LateExtraction, SourceError)


def _day():
    return LONG_AGO.date()
