"""Tryton over the wire, read from a real server: documents and their lines, companies, ranges."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from extractors.erp.tryton import client
from extractors.erp.tryton.client import TrytonSource
from extractors.erp.tryton.objects import OBJECTS, OPTIONAL_MODELS, TOUCHED
from extractors.errors import Rejected, Unauthorized
from tests.conformance.reading import Reading
from tests.conformance.tryton.bench import TrytonBench
from tests.conformance.wire import relaying

# Their server is a program of its own, which must be installed first.
pytestmark = pytest.mark.slow

DOCUMENT = ("invoice", "invoice_line", "invoice_tax")
WINDOW = 100


@pytest.fixture
def reading(tryton_server, tmp_path):
    with relaying(tryton_server.base_url) as wire:
        yield Reading(TrytonBench(tryton_server, wire), tmp_path / "raw")


def a_draft(reading):
    drafts = [row for row in reading.bench.rows("invoice") if row["state"] == "draft"]
    return min(drafts, key=lambda row: int(row["id"]))["id"]


def lines_of(rows, invoice):
    return {row["id"]: row for row in rows if row["invoice"] == invoice}


def test_a_line_that_changed_alone_brings_its_document_and_its_siblings(reading):
    reading.extract(*DOCUMENT)
    reading.bench.next_night()
    invoice = a_draft(reading)
    lines = lines_of(reading.bench.rows("invoice_line"), invoice)
    reading.bench.hands.call("account.invoice.line", "write", [int(min(lines))], {"note": "x"})
    manifests = reading.extract(*DOCUMENT)
    assert {manifest.mode for manifest in manifests.values()} == {"incremental"}
    assert [row["id"] for row in reading.rows("invoice")] == [invoice]
    assert lines_of(reading.rows("invoice_line"), invoice) == lines_of(
        reading.bench.rows("invoice_line"), invoice
    )
    assert manifests["invoice_line"].landed == len(lines)


def test_a_line_taken_out_of_its_document_is_gone_with_the_next_read(reading):
    reading.extract(*DOCUMENT)
    reading.bench.next_night()
    invoice = a_draft(reading)
    before = lines_of(reading.bench.rows("invoice_line"), invoice)
    gone = max(before, key=int)
    hands = reading.bench.hands
    hands.call("account.invoice", "write", [int(invoice)], {"lines": [("delete", [int(gone)])]})
    reading.extract(*DOCUMENT)
    replaced = reading.frame("invoice_line").filter("_deleted")["invoice"].to_list()
    assert replaced == [invoice]
    assert lines_of(reading.rows("invoice_line"), invoice).keys() == before.keys() - {gone}


def test_amounts_are_those_of_the_server_to_the_last_place(reading):
    reading.extract("invoice", "invoice_line", "currency", "move_line")
    currencies = {row["id"]: row for row in reading.rows("currency")}
    assert {row["code"]: row["rounding"] for row in currencies.values()} == {
        "USD": "0.01",
        "EUR": "0.01",
        "JPY": "1",
        "KWD": "0.001",
    }
    for invoice in reading.rows("invoice"):
        lines = lines_of(reading.rows("invoice_line"), invoice["id"]).values()
        amounts = [Decimal(line["amount"]) for line in lines]
        assert sum(amounts) == Decimal(invoice["untaxed_amount"])
        total = Decimal(invoice["untaxed_amount"]) + Decimal(invoice["tax_amount"])
        assert total == Decimal(invoice["total_amount"])
        places = int(currencies[invoice["currency"]]["digits"])
        assert all(-amount.as_tuple().exponent <= places for amount in amounts)
    # Two of 100.1234 are rounded as one line.
    extra = [row for row in reading.rows("invoice_line") if row["unit_price"] == "100.1234"]
    assert {row["amount"] for row in extra} == {"200.25"}
    booked = reading.rows("move_line")
    debit, credit = (sum(Decimal(row[name]) for row in booked) for name in ("debit", "credit"))
    assert debit == credit > 0


def test_prices_are_those_of_the_company_that_the_user_works_for(reading):
    reading.extract("product_template")
    prices = {row["code"]: row["list_price"] for row in reading.rows("product_template")}
    assert prices == {"SKU-1": "100.1234", "SKU-2": "200.2468", "SKU-3": "300.3702"}


def test_inactive_records_are_read_and_counted(reading):
    manifest = reading.extract("party")["party"]
    (gone,) = [row for row in reading.rows() if row["code"] == "c-gone"]
    assert gone["active"] is False
    assert manifest.source_count == manifest.landed == len(reading.bench.rows("party"))


def test_no_object_with_inactive_records_is_asked_for_by_a_nested_clause():
    """The server adds `active = true` to every nested clause that does not speak of it."""
    assert [name for name in TOUCHED if "active" in OBJECTS[name].columns] == []


def test_ids_are_read_side_by_side_in_windows_that_are_full(reading):
    async def read(source):
        small = TrytonSource(source.door, window_rows=WINDOW)
        start = await small.begin(reading.spec, None)
        found = [record["id"] for record in start.page.records]
        split = len(start.page.rest)

        async def follow(bookmark):
            page = await small.proceed(reading.spec, bookmark)
            found.extend(record["id"] for record in page.records)
            await asyncio.gather(*map(follow, page.rest))

        await asyncio.gather(*map(follow, start.page.rest))
        return split, found

    split, found = reading.with_source(read)
    assert split == client.DEFAULT_OPTIONS.concurrency
    assert sorted(found) == sorted(row["id"] for row in reading.bench.rows("party"))
    windows = len(reading.bench.wire.matching("party.party.search_read"))
    assert windows <= len(found) / WINDOW * 1.1 + split


def test_a_model_whose_module_is_not_there_has_nothing_to_read(reading, monkeypatch):
    absent = replace(OBJECTS["subscription"], vendor_name="sale.rental")
    monkeypatch.setattr(client, "OPTIONAL_MODELS", OPTIONAL_MODELS | {"sale.rental"})

    async def read(source):
        start = await source.begin(absent, datetime.now(UTC) - timedelta(days=1))
        totals = await source.totals([absent])
        return start, totals, await source.vendor_fields(absent)

    start, totals, fields = reading.with_source(read)
    assert (start.mode, list(start.page.records), start.page.rest) == ("full", [], ())
    assert (totals["subscription"].count, fields) == (0, None)
    assert len(reading.bench.wire.matching("ir.model.search_read")) == 1


def test_the_server_tells_its_fields_with_what_they_point_at(reading):
    told = reading.with_source(lambda source: source.vendor_fields(OBJECTS["invoice"]))
    assert told["total_amount"] == "numeric"
    assert told["party"] == "many2one party.party"
    assert told["last_modified_at"] == "timestamp"


def test_a_login_that_is_wrong_says_so(reading):
    with pytest.raises(Unauthorized):
        reading.extract(config={"user": "nobody"})


def test_a_database_that_is_not_there_is_named(reading):
    with pytest.raises(Rejected, match="404"):
        reading.extract(config={"database": "other"})
