"""NetSuite over the wire: login, windows, keysets, children by parent, deletions, control sums."""

from dataclasses import replace
from datetime import timedelta

import pytest

from extractors.erp.netsuite import client
from extractors.errors import Unauthorized
from extractors.registry import CONNECTORS
from extractors.sandbox import credentials
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
    monkeypatch.setattr(client, "WINDOW_ROWS", 2)
    original = client.NetSuiteSource

    def small(door):
        return original(door, window_rows=2)

    connector = replace(CONNECTORS["netsuite"], source=small)
    monkeypatch.setitem(CONNECTORS, "netsuite", connector)
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
    manifest = vendors.extract("netsuite", "transaction")
    assert manifest.source_sum_minor == {"USD": 300, "JPY": 1200}
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
