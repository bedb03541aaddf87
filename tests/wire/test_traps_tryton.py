"""The wire traps that Tryton sets, each by its number in the catalogue of traps."""

import json

import httpx
import pytest

from extractors.erp.tryton.client import Database, decode, encode, explain, failed
from extractors.errors import Conflict, RateLimited, Rejected, Transient, UnknownOutcome
from extractors.protocol import WriteIntent
from tests.conformance.reading import Reading
from tests.conformance.tryton.bench import TrytonBench
from tests.conformance.wire import relaying

# Their server is a program of its own, which must be installed first.
pytestmark = pytest.mark.slow

HEADERS = httpx.Headers()


@pytest.fixture
def reading(tryton_server, tmp_path):
    with relaying(tryton_server.base_url) as wire:
        yield Reading(TrytonBench(tryton_server, wire), tmp_path / "raw")


def test_trap_02_success_statuses_carry_errors():
    cases = {
        Rejected: ["UserError", ["Not so.", "Really.", None]],
        Conflict: ["ConcurrencyException", "Records were modified in the meanwhile"],
        RateLimited: ["RateLimitException", []],
    }
    for kind, error in cases.items():
        body = {"id": 0, "error": error}
        assert failed(body)
        told = explain(200, body, HEADERS)
        assert (told.kind, told.code) == (kind, error[0])
    assert explain(200, {"error": cases[Rejected]}, HEADERS).message == "Not so. Really."
    assert not failed({"id": 0, "result": None})


def test_trap_02_an_error_without_a_name_is_one_of_the_server(reading):
    """It may come from what the server does after the commit: a write may have taken effect."""

    async def use(target):
        database = Database(target.door)
        with pytest.raises(Transient) as read:
            await database.call("party.nope", "search", [])
        with pytest.raises(UnknownOutcome) as write:
            await database.call("party.nope", "write", [1], {}, kind="write")
        return read.value, write.value

    read, write = reading.with_target(use)
    assert (read.worth_waiting, write.status) == (False, 200)
    assert len(reading.bench.wire.matching("party.nope")) == 2


def test_trap_03_a_reference_can_be_taken_twice(reading):
    hands, number = reading.bench.hands, next(reading.bench.numbers)
    drafts = [int(row["id"]) for row in reading.bench.rows("invoice") if row["state"] == "draft"]
    before = hands.call("account.invoice", "read", drafts[:2], ["reference"])
    hands.call("account.invoice", "write", drafts[:2], {"reference": f"twice-{number}"})
    write = WriteIntent("upsert", "account.invoice", f"twice-{number}", {}, "key", "q2c")

    async def use(target):
        with pytest.raises(Conflict, match="2 records"):
            await target.write(write)

    reading.with_target(use)
    for row in before:
        hands.call("account.invoice", "write", [row["id"]], {"reference": row["reference"]})


def test_trap_06_what_was_created_and_never_written_has_changed_too(reading):
    """A currency's rate is created with no time of writing."""
    reading.extract("currency_rate")
    reading.bench.next_night()
    hands = reading.bench.hands
    rate = {"currency": 2, "date": {"__class__": "date", "year": 2021, "month": 1, "day": 1}}
    (key,) = hands.call("currency.currency.rate", "create", [{**rate, "rate": "0.9"}])
    assert (
        hands.call("currency.currency.rate", "read", [key], ["write_date"])[0]["write_date"] is None
    )
    manifest = reading.extract("currency_rate")["currency_rate"]
    assert manifest.mode == "incremental"
    assert [row["id"] for row in reading.rows("currency_rate")] == [str(key)]
    hands.call("currency.currency.rate", "delete", [key])


def test_trap_07_what_was_deleted_shows_in_a_scan_of_keys_and_nowhere_else(reading):
    (key,) = reading.bench.add(1)
    reading.extract()
    reading.bench.next_night()
    reading.bench.delete(key)
    manifest = reading.extract(key_scan_days=0)["party"]
    assert (manifest.landed, manifest.deleted) == (0, 0)
    assert manifest.keys_scanned == len(reading.bench.rows("party"))


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        ({"__class__": "Decimal", "decimal": "400.50"}, "400.50"),
        ({"__class__": "Decimal", "decimal": "0E-8"}, "0E-8"),
        ({"__class__": "date", "year": 2026, "month": 2, "day": 3}, "2026-02-03"),
        ({"__class__": "bytes", "base64": "eA=="}, "eA=="),
        ({"__class__": "timedelta", "seconds": 90.5}, "90.5"),
        ({"__class__": "time", "hour": 1, "minute": 2, "second": 3, "microsecond": 0}, "01:02:03"),
    ],
)
def test_trap_08_values_that_json_has_no_type_for_are_text(wire, text):
    assert decode(json.dumps({"result": wire}).encode()) == {"result": text}


def test_trap_08_no_number_becomes_a_float():
    told = decode(b'{"result": [0.1, 12345678901234567890.123456789, 7, null, true]}')
    assert told["result"] == ["0.1", "12345678901234567890.123456789", "7", None, True]


def test_trap_08_times_are_utc_to_the_microsecond():
    parts = {"year": 2026, "month": 1, "day": 2, "hour": 3, "minute": 4, "second": 5}
    wire = {"__class__": "datetime", **parts, "microsecond": 6}
    text = decode(json.dumps(wire).encode())
    assert text == "2026-01-02T03:04:05.000006Z"
    from datetime import datetime

    assert encode(datetime.fromisoformat(text)) == wire


def test_trap_08_a_class_that_is_not_known_is_not_guessed_at():
    with pytest.raises(ValueError, match="unknown class Duration"):
        decode(b'{"result": {"__class__": "Duration"}}')


def test_a_large_answer_is_zipped_whether_asked_or_not(reading):
    reading.extract()
    calls = reading.bench.wire.matching("party.party.search_read")
    assert all("accept-encoding: gzip" in call.head.lower() for call in calls)
    assert sum(call.zipped for call in calls) >= 3


def test_booleans_of_sqlite_are_booleans(reading):
    reading.extract("account")
    values = [row["closed"] for row in reading.rows("account")]
    assert {type(value) for value in values} == {bool}
    assert {*values} == {True, False}
