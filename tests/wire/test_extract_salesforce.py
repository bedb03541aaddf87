"""Salesforce over the wire: pages, tombstones, change windows, counts, sessions, faults."""

from datetime import timedelta

import pytest

from extractors.errors import Transient, Unauthorized
from extractors.sandbox import credentials
from extractors.sandbox.ids import salesforce_id
from tests.wire.vendors import LONG_AGO


def account(number, **values):
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)
    base = {"Id": salesforce_id("Account", number), "Name": f"Company {number}"}
    return {**base, **stamps, "IsDeleted": False, **values}


def entry(number, price):
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)
    key = salesforce_id("PricebookEntry", number)
    product = salesforce_id("Product2", 1)
    base = {"Id": key, "Product2Id": product, "UnitPrice": price, "IsActive": True}
    return {**base, **stamps, "IsDeleted": False}


def ids(rows):
    return {row["id"] for row in rows}


def test_a_full_read_brings_every_page_and_counts_as_the_source_does(vendors):
    vendors.store.put_many("salesforce", "Account", [account(n) for n in range(1, 4502)])
    manifest = vendors.extract("salesforce", "account")
    stored = vendors.store.rows("salesforce", "Account")
    assert (manifest.mode, manifest.landed, manifest.source_count) == ("full", 4501, 4501)
    assert set(vendors.rows("salesforce", "account")["id"]) == {row["Id"] for row in stored}
    assert manifest.watermark_at == vendors.store.now()


def test_values_land_as_they_were_sent(vendors):
    vendors.store.put("salesforce", "Account", account(1, Type="Customer", ParentId=None))
    vendors.store.put_many("salesforce", "PricebookEntry", [entry(1, "1234.5678")])
    vendors.extract("salesforce", "account")
    vendors.extract("salesforce", "pricebook_entry")
    (row,) = vendors.current("salesforce", "account")
    assert (row["name"], row["type"], row["parentid"]) == ("Company 1", "Customer", None)
    assert row["systemmodstamp"].endswith(".000+0000")
    assert row["isdeleted"] is False
    (price,) = vendors.current("salesforce", "pricebook_entry")
    assert (price["unitprice"], price["isactive"]) == ("1234.5678", True)


def test_the_next_night_reads_what_changed_and_buries_what_was_deleted(vendors):
    vendors.store.put_many("salesforce", "Account", [account(n) for n in range(1, 6)])
    vendors.extract("salesforce", "account")
    vendors.next_night()
    changed, deleted, new = (salesforce_id("Account", n) for n in (2, 3, 6))
    vendors.store.put("salesforce", "Account", {"Id": changed, "Name": "Renamed"})
    vendors.store.delete("salesforce", "Account", deleted)
    vendors.store.put("salesforce", "Account", account(6))
    manifest = vendors.extract("salesforce", "account")
    assert manifest.mode == "incremental"
    assert (manifest.landed, manifest.deleted, manifest.source_count) == (2, 1, 5)
    rows = vendors.current("salesforce", "account")
    assert ids(rows) == {salesforce_id("Account", n) for n in (1, 2, 4, 5, 6)}
    assert {row["name"] for row in rows if row["id"] == changed} == {"Renamed"}
    assert new in ids(rows)


def test_rows_that_became_visible_late_are_caught_by_the_overlap(vendors):
    vendors.store.put_many("salesforce", "Account", [account(1)])
    first = vendors.extract("salesforce", "account")
    late = first.watermark_at - timedelta(minutes=9)
    vendors.store.put_many("salesforce", "Account", [account(2, SystemModstamp=late)])
    vendors.next_night()
    manifest = vendors.extract("salesforce", "account")
    assert set(vendors.rows("salesforce", "account")["id"]) == {salesforce_id("Account", 2)}
    assert manifest.cursor_from == first.cursor_to


def test_what_vanished_without_a_trace_is_found_by_a_full_read(vendors):
    vendors.store.put_many("salesforce", "Account", [account(1), account(2)])
    vendors.extract("salesforce", "account")
    purged = salesforce_id("Account", 1)
    vendors.store.execute('DELETE FROM salesforce_account WHERE "Id" = ?', (purged,))
    vendors.next_night()
    manifest = vendors.extract("salesforce", "account")
    assert (len(vendors.current("salesforce", "account")), manifest.source_count) == (2, 1)
    vendors.next_night()
    assert vendors.extract("salesforce", "account", full=True).mode == "full"
    assert ids(vendors.current("salesforce", "account")) == {salesforce_id("Account", 2)}


def test_records_hidden_from_pages_still_count_at_the_source(vendors):
    vendors.store.put_many("salesforce", "PricebookEntry", [entry(n, "1.5") for n in range(1, 4)])
    hidden = salesforce_id("PricebookEntry", 2)
    vendors.store.set_meta("faults", {"drop": {"salesforce.PricebookEntry": [hidden]}})
    manifest = vendors.extract("salesforce", "pricebook_entry")
    assert (manifest.landed, manifest.source_count) == (2, 3)


def test_a_lagging_replica_shows_in_the_watermark(vendors):
    vendors.store.set_meta("faults", {"stale": {"salesforce.Product2": 9}})
    manifest = vendors.extract("salesforce", "product2")
    assert manifest.watermark_at == vendors.store.now() - timedelta(hours=9)


def test_an_ended_session_is_renewed_in_mid_read(vendors, monkeypatch):
    vendors.store.put_many("salesforce", "Account", [account(n) for n in range(1, 2502)])
    pages = []
    from extractors.crm.salesforce import client

    def page(*args, **kwargs):
        credentials.revoke_tokens(vendors.store)
        pages.append(args)
        return original(*args, **kwargs)

    original = client.Page
    monkeypatch.setattr(client, "Page", page)
    assert vendors.extract("salesforce", "account").landed == 2501
    assert len(pages) == 2


def test_wrong_credentials_are_not_tried_twice(vendors):
    vendors.settings["salesforce"]["client_secret"] = "wrong"
    with pytest.raises(Unauthorized, match="invalid client credentials"):
        vendors.extract("salesforce", "account")


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(vendors, impatient, status):
    vendors.store.put_many("salesforce", "Account", [account(1)])
    vendors.fault("salesforce", path="queryAll", status=status, retry_after=1, times=2)
    assert vendors.extract("salesforce", "account").landed == 1


def test_a_server_that_stays_down_leaves_nothing_published(vendors, impatient):
    vendors.fault("salesforce", path="queryAll", status=503, times=99)
    with pytest.raises(Transient):
        vendors.extract("salesforce", "account")
    assert vendors.raw.published("salesforce", "account", vendors.day) is None
    assert not list((vendors.raw.root / ".staging").iterdir())
    vendors.store.set_meta("request_faults", None)
    assert vendors.extract("salesforce", "account").landed == 0


def test_an_answer_lost_in_mid_body_is_asked_for_again(vendors, impatient):
    vendors.store.put_many("salesforce", "Account", [account(1)])
    vendors.fault("salesforce", path="queryAll", lose_answer=True)
    assert vendors.extract("salesforce", "account").landed == 1


def test_a_bad_record_is_set_aside_and_the_night_goes_on(vendors):
    vendors.store.put_many("salesforce", "Account", [account(1), account(2, Name=None)])
    manifest = vendors.extract("salesforce", "account")
    assert (manifest.landed, manifest.quarantined, manifest.source_count) == (1, 1, 2)
    folder = vendors.raw.folder("salesforce", "account", vendors.day)
    assert "name: required, but missing" in (folder / "quarantine.jsonl").read_text()
