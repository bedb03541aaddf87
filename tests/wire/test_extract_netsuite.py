"""NetSuite over the wire: login, windows, keysets, children by parent, deletions, control sums."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import itemgetter

import pytest

from extractors.erp.netsuite import client
from extractors.erp.netsuite.objects import SMALL
from extractors.erp.netsuite.shelf import Shelf
from extractors.errors import ContractBroken, Unauthorized
from extractors.extract import extract_system
from extractors.http import HttpOptions
from extractors.registry import CONNECTORS, open_source
from extractors.sandbox import credentials, reference
from extractors.sandbox.netsuite_account import set_up_account
from tests.wire.vendors import LONG_AGO


def currencies():
    return [
        {"id": "1", "symbol": "USD", "currencyprecision": 2},
        {"id": "2", "symbol": "JPY", "currencyprecision": 0},
    ]


def item(number, **values):
    return {"id": str(number), "itemid": f"SKU-{number}", "lastmodifieddate": LONG_AGO, **values}


def transaction(number, **values):
    base = {"id": str(number), "tranid": f"INV{number}", "type": "CustInvc", "status": "A"}
    dates = {"trandate": "2026-01-31", "createddate": LONG_AGO, "lastmodifieddate": LONG_AGO}
    flags = {"voided": False, "posting": True, "currency": "1", "exchangerate": "1"}
    return {**base, **dates, **flags, "foreigntotal": "10.50", **values}


def line(parent, number, **values):
    base = {"transaction": str(parent), "id": str(number), "mainline": False, "taxline": False}
    return {**base, "foreignamount": "-10.50", **values}


def posting(parent, number, book=1):
    base = {"transaction": str(parent), "transactionline": str(number)}
    amounts = {"account": "4000", "amount": "-10.5", "credit": "10.5", "posting": True}
    return {**base, "accountingbook": str(book), **amounts}


def pages_of(monkeypatch, rows):
    """Make the source read so many rows a page."""
    source = partial(client.NetSuiteSource, page_rows=rows)
    monkeypatch.setitem(CONNECTORS, "netsuite", replace(CONNECTORS["netsuite"], source=source))


def with_source(vendors, use, **options):
    """What `use(source)` gives; the calls that it took are in the door's metrics."""

    async def run():
        async with open_source(vendors.config("netsuite"), HttpOptions(**options)) as source:
            return await use(source)

    return asyncio.run(run())


def calls(source):
    return sum(one.calls for one in source.door.metrics.endpoints.values())


async def read(source, name, cursor_from=None, **options):
    """All pages of an object, every bookmark at once, as the engine reads them."""
    spec = source.objects[name]
    pages = []

    async def visit(bookmark):
        page = await source.proceed(spec, json.loads(json.dumps(bookmark)))
        await follow(page)

    async def follow(page):
        pages.append(page)
        await asyncio.gather(*(visit(bookmark) for bookmark in page.rest))

    start = await source.begin(spec, cursor_from, **options)
    await follow(start.page)
    return pages


def keys(rows, *names):
    return {tuple(row[name] for name in names) for row in rows}


def test_a_full_read_brings_every_window_and_counts_as_the_source_does(vendors):
    vendors.store.put_many("netsuite", "item", [item(n) for n in range(1, 2502)])
    manifest = vendors.extract("netsuite", "item")
    assert (manifest.mode, manifest.landed, manifest.source_count) == ("full", 2501, 2501)
    stored = vendors.store.rows("netsuite", "item")
    assert set(vendors.rows("netsuite", "item")["id"]) == {row["id"] for row in stored}


def test_dates_and_times_come_in_one_form_and_absent_values_as_null(vendors):
    vendors.store.put_many("netsuite", "transaction", [transaction(1, duedate="2026-03-02")])
    vendors.extract("netsuite", "transaction")
    (row,) = vendors.current("netsuite", "transaction")
    assert (row["trandate"], row["duedate"]) == ("2026-01-31", "2026-03-02")
    assert row["lastmodifieddate"] == "2026-01-10 08:00:00"
    assert (row["voided"], row["externalid"]) == ("F", None)
    assert row["foreigntotal"] == "10.5"


def test_the_row_limit_is_passed_by_key(vendors, monkeypatch):
    """The limit is made small; numbers as keys must not be compared as text (9 < 10)."""
    pages_of(monkeypatch, 2)
    lines = [line(parent, at) for parent in range(7, 13) for at in range(5)]
    plans = [
        {"id": f"{n}-{at}", "revenueplan": str(n), "periodname": "2026-01", "amount": "1"}
        for n in range(8, 12)
        for at in range(1, 12)
    ]
    vendors.store.put_many("netsuite", "transactionline", lines)
    vendors.store.put_many("netsuite", "revenueplanline", plans)
    manifest = vendors.extract("netsuite", "transaction_line")
    assert (manifest.read, manifest.landed, manifest.duplicates) == (30, 30, 0)
    assert vendors.extract("netsuite", "revenue_plan_line").landed == 44


def test_control_sums_are_the_sources_own_per_currency(vendors):
    vendors.store.put_many("netsuite", "currency", currencies())
    documents = [transaction(n, foreigntotal="0.10") for n in range(1, 31)]
    documents += [transaction(40, currency="2", foreigntotal="1200")]
    documents += [transaction(41, type="CustPymt", foreigntotal="99")]
    vendors.store.put_many("netsuite", "transaction", documents)
    vendors.store.put_many("netsuite", "transactionline", [
        {"transaction": "1", "id": "0", "foreignamount": "0.10"},
        {"transaction": "1", "id": "1", "foreignamount": "-0.30"},
        {"transaction": "40", "id": "1", "foreignamount": "-1200"},
    ])  # fmt: skip
    plan = {"sourcetransaction": "1", "currency": "1", "startdate": "2026-01-01"}
    plans = [{"id": "1001", "amount": "0.10", **plan}, {"id": "1002", "amount": "-0.01", **plan}]
    vendors.store.put_many("netsuite", "revenueplan", plans)
    month = {"revenueplan": "1001", "periodname": "2026-01", "amount": "0.07"}
    vendors.store.put("netsuite", "revenueplanline", {"id": "1001-1", **month})
    manifest = vendors.extract("netsuite", "transaction")
    assert manifest.source_sum_minor == {"USD": 300 + 9900, "JPY": 1200}
    told = {
        name: vendors.extract("netsuite", name).source_sum_minor
        for name in ("transaction_line", "revenue_plan", "revenue_plan_line", "transaction_link")
    }
    assert told == {
        "transaction_line": {"USD": -20, "JPY": -1200},
        "revenue_plan": {"USD": 9},
        "revenue_plan_line": {"USD": 7},
        "transaction_link": {},
    }
    assert vendors.extract("netsuite", "item").source_sum_minor is None


def test_totals_are_asked_before_and_after_so_that_a_living_source_is_not_short(
    vendors, monkeypatch
):
    class Living(client.NetSuiteSource):
        async def begin(self, spec, cursor_from, **rest):
            start = await super().begin(spec, cursor_from, **rest)
            vendors.store.put("netsuite", "transaction", transaction(3, foreigntotal="2.00"))
            return start

    connector = replace(CONNECTORS["netsuite"], source=Living)
    monkeypatch.setitem(CONNECTORS, "netsuite", connector)
    vendors.store.put_many("netsuite", "currency", currencies())
    vendors.store.put_many("netsuite", "transaction", [transaction(1), transaction(2)])
    manifest = vendors.extract("netsuite", "transaction")
    assert (manifest.source_count_before, manifest.landed, manifest.source_count) == (2, 2, 3)
    assert manifest.source_sum_minor_before == {"USD": 2100}
    assert manifest.source_sum_minor == {"USD": 2300}


def test_the_next_night_reads_what_changed_and_buries_what_was_deleted(vendors):
    vendors.store.put_many("netsuite", "transaction", [transaction(n) for n in range(1, 6)])
    vendors.extract("netsuite", "transaction")
    vendors.next_night()
    vendors.store.put("netsuite", "transaction", {"id": "2", "status": "B"})
    vendors.store.delete("netsuite", "transaction", "3")
    manifest = vendors.extract("netsuite", "transaction")
    assert manifest.mode == "incremental"
    assert (manifest.landed, manifest.deleted, manifest.source_count) == (1, 1, 4)
    rows = {row["id"]: row["status"] for row in vendors.current("netsuite", "transaction")}
    assert rows == {"1": "A", "2": "B", "4": "A", "5": "A"}


def test_children_follow_their_changed_and_deleted_parents(vendors):
    vendors.store.put_many("netsuite", "transaction", [transaction(n) for n in range(1, 5)])
    lines = [line(parent, at) for parent in range(1, 5) for at in range(3)]
    vendors.store.put_many("netsuite", "transactionline", lines)
    for name in ("transaction", "transaction_line"):
        vendors.extract("netsuite", name)
    vendors.next_night()
    vendors.store.put("netsuite", "transactionline", line(1, 3, memo="added"))
    removed = vendors.store
    removed.execute('DELETE FROM netsuite_transactionline WHERE "transaction" = 2')
    removed.put("netsuite", "transaction", {"id": "2", "memo": "emptied"})
    removed.delete("netsuite", "transaction", "3")
    for name in ("transaction", "transaction_line"):
        manifest = vendors.extract("netsuite", name)
    assert (manifest.mode, manifest.read, manifest.landed) == ("incremental", 4, 4)
    rows = vendors.current("netsuite", "transaction_line")
    expected = {("1", str(at)) for at in range(4)} | {("4", str(at)) for at in range(3)}
    assert keys(rows, "transaction", "id") == expected
    assert manifest.source_count == len(rows)


def test_accounting_lines_keep_every_book_and_links_their_whole_key(vendors):
    lines = [posting(1, at, book) for at in range(2) for book in (1, 2)]
    vendors.store.put_many("netsuite", "transactionaccountingline", lines)
    link = {"previousdoc": "1", "previousline": "0", "nextdoc": "9", "nextline": "1"}
    more = {"foreignamount": "10.50", "linktype": "Payment"}
    vendors.store.put_many("netsuite", "previoustransactionlinelink", [{**link, **more}])
    assert vendors.extract("netsuite", "transaction_accounting_line").landed == 4
    assert vendors.extract("netsuite", "transaction_link").landed == 1
    (row,) = vendors.current("netsuite", "transaction_link")
    assert (row["nextdoc"], row["previousdoc"], row["linktype"]) == ("9", "1", "Payment")


def test_tables_without_a_change_date_are_read_whole_each_night(vendors):
    vendors.store.put_many("netsuite", "currency", currencies())
    vendors.extract("netsuite", "currency")
    vendors.next_night()
    vendors.store.execute("DELETE FROM netsuite_currency WHERE id = 2")
    manifest = vendors.extract("netsuite", "currency")
    assert (manifest.mode, manifest.cursor_from) == ("full", None)
    assert [row["symbol"] for row in vendors.current("netsuite", "currency")] == ["USD"]


def test_a_lagging_replica_shows_in_the_watermark(vendors):
    vendors.store.set_meta("faults", {"stale": {"netsuite.item": 9}})
    manifest = vendors.extract("netsuite", "item")
    assert manifest.watermark_at == vendors.store.now() - timedelta(hours=9)


def test_an_ended_session_is_renewed(vendors, monkeypatch):
    vendors.store.put_many("netsuite", "item", [item(n) for n in range(1, 1502)])
    original, pages = client.Page, []

    def page(*args, **kwargs):
        credentials.revoke_tokens(vendors.store)
        pages.append(args)
        return original(*args, **kwargs)

    monkeypatch.setattr(client, "Page", page)
    assert vendors.extract("netsuite", "item").landed == 1501
    assert len(pages) == 2


def test_a_login_with_another_certificate_is_refused(vendors):
    vendors.settings["netsuite"]["certificate_id"] = "other"
    with pytest.raises(Unauthorized, match="invalid_client"):
        vendors.extract("netsuite", "item")


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(vendors, impatient, status):
    vendors.store.put_many("netsuite", "item", [item(1)])
    vendors.fault("netsuite", path="suiteql", status=status, times=2)
    assert vendors.extract("netsuite", "item").landed == 1


def test_a_bad_record_is_set_aside_and_the_night_goes_on(vendors):
    vendors.store.put_many("netsuite", "item", [item(1), item(2, itemid=None)])
    manifest = vendors.extract("netsuite", "item")
    assert (manifest.landed, manifest.quarantined, manifest.source_count) == (1, 1, 2)


def test_a_read_is_split_over_the_ids_while_calls_are_free(vendors):
    vendors.store.put_many("netsuite", "item", [item(n) for n in range(1, 8001)])

    async def use(source):
        before = calls(source)
        pages = await read(source, "item")
        return pages, calls(source) - before, source.door.idle

    pages, asked, idle = with_source(vendors, use, concurrency=4)
    ids = [record["id"] for page in pages for record in page.records]
    assert sorted(map(int, ids)) == list(range(1, 8001))
    # The login, the eight pages, one look for the highest id, and what even shares leave over.
    assert asked <= 14
    assert idle == 4
    # Four in flight, and three that wait for a place.
    assert max(len(page.rest) for page in pages) == 7


def test_one_call_at_a_time_goes_on_by_key(vendors):
    vendors.store.put_many("netsuite", "item", [item(n) for n in range(1, 3002)])

    async def use(source):
        pages = await read(source, "item")
        return pages, calls(source)

    pages, asked = with_source(vendors, use, concurrency=1)
    assert [len(page.records) for page in pages] == [1000, 1000, 1000, 1]
    assert asked == 5
    assert pages[0].rest == ({"keys_only": False, "high": None, "after": ["1000"]},)


def test_ranges_that_hold_nothing_lose_nothing(vendors, monkeypatch):
    """Ids in clusters: even shares of the ids are no even shares of the rows."""
    numbers = [*range(1, 40), *range(90_000, 90_060), *range(1_000_000, 1_000_007)]
    vendors.store.put_many("netsuite", "item", [item(n) for n in numbers])
    pages_of(monkeypatch, 10)
    manifest = vendors.extract("netsuite", "item", concurrency=8)
    assert (manifest.landed, manifest.duplicates) == (len(numbers), 0)


def test_children_are_split_between_parents_and_read_on_inside_one(vendors, monkeypatch):
    lines = [line(parent, at) for parent in (5, 6, 50, 51, 900) for at in range(23)]
    vendors.store.put_many("netsuite", "transactionline", lines)
    pages_of(monkeypatch, 10)
    manifest = vendors.extract("netsuite", "transaction_line", concurrency=4)
    assert (manifest.landed, manifest.duplicates) == (115, 0)


def test_rows_that_come_and_go_between_pages_shift_nothing(vendors):
    vendors.store.put_many("netsuite", "item", [item(n) for n in range(1, 31)])

    async def use(source):
        spec = source.objects["item"]
        page = (await source.begin(spec, None)).page
        seen = [record["id"] for record in page.records]
        vendors.store.execute("DELETE FROM netsuite_item WHERE id <= 5")
        vendors.store.put_many("netsuite", "item", [item(31)])
        while page.rest:
            (bookmark,) = page.rest
            page = await source.proceed(spec, bookmark)
            seen += [record["id"] for record in page.records]
        return seen

    async def small(source):
        return await use(replace(source, page_rows=10))

    assert with_source(vendors, small, concurrency=1) == [str(n) for n in range(1, 32)]


def test_a_bookmark_is_good_for_another_process(vendors):
    vendors.store.put_many("netsuite", "item", [item(n) for n in range(1, 26)])

    async def begin(source):
        source = replace(source, page_rows=10)
        return (await source.begin(source.objects["item"], None)).page

    async def go_on(source):
        source = replace(source, page_rows=10)
        return [
            record["id"]
            for bookmark in kept
            for record in (await source.proceed(source.objects["item"], bookmark)).records
        ]

    kept = json.loads(json.dumps(with_source(vendors, begin, concurrency=1).rest))
    assert with_source(vendors, go_on) == [str(n) for n in range(11, 21)]


def test_a_scan_of_keys_asks_for_keys_only(vendors):
    vendors.store.put_many("netsuite", "transaction", [transaction(1), transaction(2)])

    async def use(source):
        return await read(source, "transaction", keys_only=True)

    (page,) = with_source(vendors, use)
    assert page.records == [{"id": "1"}, {"id": "2"}]


def test_totals_of_all_objects_cost_one_call(vendors):
    vendors.store.put_many("netsuite", "currency", currencies())
    vendors.store.put_many("netsuite", "transaction", [transaction(1), transaction(2)])

    async def use(source):
        totals = await source.totals(list(source.objects.values()))
        return totals, calls(source)

    totals, asked = with_source(vendors, use)
    assert asked == 2  # one of them is the login
    assert totals.keys() == client.OBJECTS.keys()
    assert (totals["transaction"].count, totals["transaction"].sum_minor) == (2, {"USD": 2100})
    assert (totals["currency"].count, totals["item"].count) == (2, 0)
    assert totals["item"].sum_minor is None


def test_a_first_load_asks_for_its_sums_side_by_side_and_with_them_for_the_fields(vendors):
    vendors.store.put_many("netsuite", "currency", currencies())
    vendors.store.put_many("netsuite", "transaction", [transaction(1), transaction(2)])

    async def use(source):
        specs = list(source.objects.values())
        together = await source.totals(specs)
        before = calls(source)
        apart = await source.totals(specs, is_first_load=True)
        asked = calls(source) - before
        described = await source.vendor_fields(source.objects["customer"])
        return together, apart, asked, described, calls(source) - before

    together, apart, asked, described, in_all = with_source(vendors, use, concurrency=4)
    assert apart == together
    # The counts, the sums in as many parts as places are left, and three lists of fields.
    assert asked == in_all == 1 + 3 + 3
    assert described is not None


def test_deletions_are_asked_for_once_for_all_objects(vendors):
    for name in ("item", "customer", "account"):
        vendors.store.put("netsuite", name, {"id": "1", "lastmodifieddate": LONG_AGO})
        vendors.store.delete("netsuite", name, "1")
    vendors.store.put_many("netsuite", "transaction", [transaction(1)])
    vendors.store.delete("netsuite", "transaction", "1")
    since = vendors.store.now() - timedelta(hours=2)
    names = ("item", "customer", "account", "transaction")

    async def use(source):
        begun = [source.begin(source.objects[name], since) for name in names]
        starts = await asyncio.gather(*begun)
        first = calls(source)
        vendors.store.put("netsuite", "item", item(2))
        vendors.store.delete("netsuite", "item", "2")
        again = await source.begin(source.objects["item"], since)
        return starts, first, again

    starts, asked, again = with_source(vendors, use)
    assert [list(start.page.tombstones) for start in starts] == [[{"id": "1"}]] * 4
    assert asked == 1 + len(names) + 1
    assert {stone["id"] for stone in again.page.tombstones} == {"1", "2"}


def test_an_account_may_lack_a_field_that_may_be_empty(vendors, caplog):
    vendors.store.put_many("netsuite", "transaction", [transaction(1, memo="x")])
    absent = ["transaction.custbody_stripe_charge_id", "transaction.memo"]
    set_up_account(vendors.store, absent=absent)
    manifest = vendors.extract("netsuite", "transaction")
    assert manifest.landed == 1
    (row,) = vendors.current("netsuite", "transaction")
    assert (row["memo"], row["custbody_stripe_charge_id"], row["tranid"]) == (None, None, "INV1")
    assert "the account has no field memo" in caplog.text
    gone = [told for told in manifest.schema_drift if "is gone" in told]
    assert len(gone) == 2
    assert all("lands as null" in told for told in gone)


@pytest.mark.parametrize(
    ("absent", "name", "message"),
    [
        ("transaction.trandate", "transaction", "transaction: the account has no field trandate"),
        ("item.lastmodifieddate", "item", "item: the account has no field lastmodifieddate"),
        ("revenueplan", "revenue_plan", "revenue_plan: the account has no table revenueplan"),
        ("deletedrecord", "item", "permission Deleted Records"),
    ],
)
def test_what_nothing_can_land_without_is_named(vendors, absent, name, message):
    vendors.store.put_many("netsuite", "transaction", [transaction(1)])
    vendors.extract("netsuite", "item")
    vendors.next_night()
    set_up_account(vendors.store, absent=[absent])
    with pytest.raises(ContractBroken, match=message):
        vendors.extract("netsuite", name)


def test_the_vendor_describes_the_fields_of_records(vendors):
    async def use(source):
        names = ("customer", "transaction", "transaction_line")
        return [await source.vendor_fields(source.objects[name]) for name in names]

    customer, document, lines = with_source(vendors, use)
    assert customer["companyname"] == "string"
    assert (customer["isinactive"], customer["billzip"]) == ("boolean", "text")
    assert client.OBJECTS["transaction"].columns.keys() <= document.keys()
    assert lines is None


def test_requests_can_be_signed_instead(vendors):
    vendors.settings["netsuite"] = vendors.settings["netsuite_tba"]
    vendors.store.put_many("netsuite", "item", [item(n) for n in range(1, 2502)])
    assert vendors.extract("netsuite", "item").landed == 2501


def test_a_signature_with_another_secret_is_refused_once(vendors):
    wrong = {**vendors.settings["netsuite_tba"], "token_secret": "other"}
    vendors.settings["netsuite"] = wrong

    async def use(source):
        with pytest.raises(Unauthorized, match="INVALID_LOGIN"):
            await source.totals([source.objects["item"]])
        return calls(source)

    assert with_source(vendors, use) == 1


def test_every_second_of_the_night_when_the_clock_goes_back_is_read_once(vendors):
    """2026-11-01 in Los Angeles has the hour from one to two twice."""
    set_up_account(vendors.store, time_zone="America/Los_Angeles")
    hours = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in range(6, 12)]
    rows = [item(at.hour, lastmodifieddate=at) for at in hours]
    vendors.store.put_many("netsuite", "item", rows)

    async def use(source):
        found = {}
        for at in hours:
            pages = await read(source, "item", at + client.OVERLAP)
            found[at.hour] = {r["id"]: r["lastmodifieddate"] for p in pages for r in p.records}
        return found

    found = with_source(vendors, use)
    for hour, seen in found.items():
        assert seen == {str(h): f"2026-11-01 {h:02}:30:00" for h in range(hour, 12)}


def test_small_tables_are_read_by_one_query(vendors):
    """Numbers, dates and flags land as they do when a table is read by itself."""
    for table, rows in reference.netsuite_rows("2026-01-01 00:00:00").items():
        vendors.store.put_many("netsuite", table, rows)
    periods = reference.accounting_periods(2026, 2026)
    vendors.store.put_many("netsuite", "accountingperiod", periods)

    async def together(source):
        begun = [source.begin(source.objects[name], None) for name in SMALL]
        starts = await asyncio.gather(*begun)
        return [start.page.records for start in starts], calls(source)

    async def apart(source):
        source = replace(source, _shelf=Shelf([]))
        pages = [await read(source, name) for name in SMALL]
        return [[row for page in each for row in page.records] for each in pages], calls(source)

    set_up_account(vendors.store, number_format="1.234,56", date_format="DD.MM.YYYY")
    kept, asked = with_source(vendors, together)
    alone, each = with_source(vendors, apart)
    assert (asked, each) == (2, 1 + len(SMALL))
    for name, one, other in zip(SMALL, kept, alone, strict=True):
        key = itemgetter("id")
        assert sorted(one, key=key) == sorted(other, key=key), name
    assert [row["rate"] for row in kept[SMALL.index("tax_code")]][:2] == ["0", "20"]


@pytest.mark.parametrize("rows", [1001, 0])
def test_tables_that_do_not_fit_together_are_read_by_themselves(vendors, rows):
    """Too many rows for one page, or a table that the account does not have."""
    codes = [{"id": str(n), "itemid": f"T{n}", "rate": "1"} for n in range(1, rows + 1)]
    vendors.store.put_many("netsuite", "taxcode", codes)
    vendors.store.put_many("netsuite", "currency", currencies())
    if not rows:
        set_up_account(vendors.store, absent=["taxcode"])
    assert vendors.extract("netsuite", "currency").landed == 2
    if rows:
        assert vendors.extract("netsuite", "tax_code").landed == rows


def test_an_incremental_night_asks_only_for_what_the_totals_say_has_changed(vendors):
    for table, rows in reference.netsuite_rows("2026-01-01 00:00:00").items():
        vendors.store.put_many("netsuite", table, rows)
    vendors.store.put_many("netsuite", "transaction", [transaction(n) for n in range(1, 50)])
    vendors.store.put_many("netsuite", "transactionline", [line(n, 0) for n in range(1, 50)])

    async def night(source):
        await extract_system(source, vendors.raw, vendors.day)
        return calls(source)

    with_source(vendors, night)
    vendors.next_night()
    vendors.store.put("netsuite", "transaction", {"id": "7", "memo": "changed"})
    vendors.store.advance_clock(2 * client.OVERLAP)
    # Login, totals twice (small tables with the first), transactions and their three kinds of children.
    assert with_source(vendors, night) == 7
    vendors.next_night()
    assert with_source(vendors, night) == 3
    vendors.store.delete("netsuite", "item", vendors.current("netsuite", "item")[0]["id"])
    vendors.next_night()
    # What the totals say was deleted is asked for, beside the table that it was deleted from.
    assert with_source(vendors, night) == 4
    assert {row["memo"] for row in vendors.current("netsuite", "transaction")} == {None, "changed"}
    assert len(vendors.current("netsuite", "transaction_line")) == 49
    items = reference.netsuite_rows("2026-01-01 00:00:00")["item"]
    assert len(vendors.current("netsuite", "item")) == len(items) - 1


def test_a_table_that_lags_makes_no_small_table_look_old(vendors):
    vendors.store.put_many("netsuite", "currency", currencies())
    vendors.store.put_many("netsuite", "item", [item(1)])
    vendors.store.set_meta("faults", {"stale": {"netsuite.item": 9}})

    async def night(source):
        return await extract_system(source, vendors.raw, vendors.day)

    for _ in range(2):
        watermarks = {one.object: one.watermark_at for one in with_source(vendors, night)}
        assert watermarks["item"] == vendors.store.now() - timedelta(hours=9)
        assert {watermarks[name] for name in SMALL} == {vendors.store.now()}
        vendors.next_night()


def test_a_change_after_the_totals_is_read_the_next_night(vendors):
    """What the totals did not tell of lies behind the watermark, which is their time."""
    vendors.store.put_many("netsuite", "item", [item(1)])
    vendors.extract("netsuite", "item")
    vendors.next_night()

    async def begin(source):
        spec = source.objects["item"]
        await source.totals([spec])
        told_at = vendors.store.now()
        vendors.store.advance_clock(timedelta(minutes=1))
        vendors.store.put("netsuite", "item", {"id": "1", "displayname": "late"})
        return told_at, await source.begin(spec, told_at - timedelta(days=1))

    told_at, start = with_source(vendors, begin)
    assert (list(start.page.records), start.page.served_at) == ([], told_at)
