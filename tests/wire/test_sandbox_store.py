"""The sandbox's books: stamps, events, deletions, exactness, several connections."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from extractors.sandbox.ids import salesforce_id, stripe_id
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_events import event_types

START = datetime(2026, 3, 1, 2, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "sandbox.db")
    store.set_clock(START)
    yield store
    store.close()


def event_names(store):
    return [event["type"] for event in store.rows("stripe", "event")]


def test_the_clock_stands_still_unless_moved(store):
    assert store.now() == store.now() == START
    assert store.advance_clock(timedelta(days=1)) == START + timedelta(days=1) == store.now()


def test_each_write_is_stamped_a_second_later(store):
    first = store.put("salesforce", "Account", {"Id": "A1", "Name": "One"})
    second = store.put("salesforce", "Account", {"Id": "A2", "Name": "Two"})
    assert first["CreatedDate"] == first["SystemModstamp"] == "2026-03-01T02:00:01.000+0000"
    assert second["LastModifiedDate"] == "2026-03-01T02:00:02.000+0000"


def test_a_change_keeps_what_it_does_not_name(store):
    store.put("salesforce", "Account", {"Id": "A1", "Name": "One", "Type": "Customer"})
    changed = store.put("salesforce", "Account", {"Id": "A1", "Name": "Uno"})
    assert (changed["Name"], changed["Type"]) == ("Uno", "Customer")
    assert changed["CreatedDate"] < changed["SystemModstamp"]


def test_an_unstamped_write_keeps_stamps_and_clock(store):
    record = {"Id": "A1", "SystemModstamp": START}
    stored = store.put("salesforce", "Account", record, stamp=False)
    assert stored["SystemModstamp"] == "2026-03-01T02:00:00.000+0000"
    assert store.now() == START


def test_a_changed_line_stamps_its_transaction(store):
    store.put("netsuite", "transaction", {"id": "7", "type": "CustInvc"})
    before = store.get("netsuite", "transaction", "7")["lastmodifieddate"]
    line = {"transaction": "7", "id": "0", "foreignamount": Decimal("-10.50")}
    store.put("netsuite", "transactionline", line)
    after = store.get("netsuite", "transaction", "7")["lastmodifieddate"]
    assert (before, after) == ("2026-03-01 02:00:01", "2026-03-01 02:00:02")


def test_money_is_exact_and_floats_are_refused(store):
    line = {"transaction": "7", "id": "0", "foreignamount": Decimal("1234567890123.45")}
    assert store.put("netsuite", "transactionline", line)["foreignamount"] == "1234567890123.45"
    with pytest.raises(TypeError, match="foreignamount"):
        store.put("netsuite", "transactionline", line | {"foreignamount": 0.1})


def test_unknown_columns_objects_and_missing_keys_are_refused(store):
    with pytest.raises(ValueError, match="no column Nom"):
        store.put("salesforce", "Account", {"Id": "A1", "Nom": "x"})
    with pytest.raises(KeyError, match="no netsuite object 'Account'"):
        store.rows("netsuite", "Account")
    with pytest.raises(ValueError, match="needs id"):
        store.put("netsuite", "customer", {"companyname": "x"})


def test_a_deleted_salesforce_record_is_marked(store):
    store.put("salesforce", "Account", {"Id": "A1"})
    store.delete("salesforce", "Account", "A1")
    assert store.rows("salesforce", "Account") == []
    assert store.get("salesforce", "Account", "A1")["IsDeleted"] is True
    assert len(store.rows("salesforce", "Account", IsDeleted=True)) == 1


def test_a_deleted_netsuite_record_leaves_a_note_and_no_children(store):
    store.put("netsuite", "transaction", {"id": "7"})
    store.put("netsuite", "transactionline", {"transaction": "7", "id": "0"})
    store.delete("netsuite", "transaction", "7")
    assert store.get("netsuite", "transaction", "7") is None
    assert store.rows("netsuite", "transactionline") == []
    gone = {"recordtype": "transaction", "recordid": "7", "deleteddate": "2026-03-01 02:00:03"}
    assert store.rows("netsuite", "deletedrecord") == [gone]


def test_a_deleted_stripe_customer_leaves_a_stub(store):
    store.put("stripe", "customer", {"id": "cus_1", "name": "One"})
    store.put("stripe", "product", {"id": "prod_1"})
    store.delete("stripe", "customer", "cus_1")
    store.delete("stripe", "product", "prod_1")
    assert store.get("stripe", "customer", "cus_1")["deleted"] is True
    assert store.get("stripe", "product", "prod_1") is None
    assert event_names(store)[-2:] == ["customer.deleted", "product.deleted"]


def test_deleting_what_is_not_there_fails(store):
    with pytest.raises(KeyError, match="cus_9"):
        store.delete("stripe", "customer", "cus_9")


def test_a_stripe_write_notes_its_events_at_the_time_of_the_write(store):
    store.put("stripe", "invoice", {"id": "in_1", "status": "draft"})
    store.put("stripe", "invoice", {"id": "in_1", "status": "open"})
    assert event_names(store) == ["invoice.created", "invoice.updated", "invoice.finalized"]
    last = store.rows("stripe", "event")[-1]
    assert last["created"] == int(store.now().timestamp())
    assert last["data"]["object"]["id"] == "in_1"
    assert last["data"]["object"]["status"] == "open"


@pytest.mark.parametrize(
    ("before", "after", "types"),
    [
        (None, {"object": "customer"}, ["customer.created"]),
        ({"status": "open"}, {"object": "invoice", "status": "paid"}, ["invoice.updated", "invoice.paid", "invoice.payment_succeeded"]),
        ({"status": "open"}, {"object": "invoice", "status": "open"}, ["invoice.updated"]),
        ({"status": "open"}, {"object": "invoice", "status": "void"}, ["invoice.updated", "invoice.voided"]),
        ({"status": "active"}, {"object": "subscription", "status": "canceled"}, ["customer.subscription.deleted"]),
        ({"status": "active"}, {"object": "subscription", "status": "past_due"}, ["customer.subscription.updated"]),
        (None, {"object": "charge", "status": "failed"}, ["charge.failed"]),
        ({"status": "pending"}, {"object": "charge", "status": "succeeded"}, ["charge.succeeded"]),
        ({"status": "paid"}, {"object": "charge", "status": "paid"}, ["charge.updated"]),
        (None, {"object": "invoice_payment", "status": "paid"}, ["invoice_payment.paid"]),
        ({"status": "paid"}, {"object": "invoice_payment", "status": "paid"}, []),
    ],
)  # fmt: skip
def test_events_follow_from_what_changed(before, after, types):
    assert event_types(before, after) == types


def test_bulk_events_share_one_tick(store):
    store.put_many("stripe", "customer", [{"id": "cus_1", "created": 1}], events=True)
    store.put_many("stripe", "customer", [{"id": "cus_1", "created": 1}], events=True)
    store.put_many("stripe", "customer", [{"id": "cus_2", "created": 1}])
    assert event_names(store) == ["customer.created", "customer.updated"]
    assert store.now() == START + timedelta(seconds=2)


def test_a_failed_transaction_leaves_nothing(store):
    def fail():
        with store.transaction():
            store.put("stripe", "customer", {"id": "cus_1"})
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert (store.rows("stripe", "customer"), event_names(store), store.now()) == ([], [], START)


def test_another_connection_sees_everything_at_once(store):
    other = Store(store.path)
    store.put("stripe", "customer", {"id": "cus_1", "name": "One"})
    store.set_meta("faults", {"drop": {}})
    assert other.get("stripe", "customer", "cus_1")["name"] == "One"
    assert (other.now(), other.meta("faults")) == (store.now(), {"drop": {}})
    other.put("stripe", "customer", {"id": "cus_1", "name": "Uno"})
    assert store.get("stripe", "customer", "cus_1")["name"] == "Uno"
    other.close()


def test_rows_filter_by_columns_and_by_fields_of_documents(store):
    store.put_many("netsuite", "customer", [{"id": n, "entityid": f"E{n % 2}"} for n in range(10)])
    assert [row["id"] for row in store.rows("netsuite", "customer", entityid="E1")] == list("13579")
    store.put("stripe", "customer", {"id": "cus_1", "email": "a@b.example"})
    assert store.rows("stripe", "customer", email="a@b.example")[0]["id"] == "cus_1"
    assert store.rows("stripe", "customer", email="x@b.example") == []


def test_settings_are_read_anew_when_anybody_has_written(store):
    other = Store(store.path)
    assert (store.meta("a"), other.meta("a")) == (None, None)
    store.set_meta("a", [1])
    assert (store.meta("a"), other.meta("a")) == ([1], [1])
    with store.transaction():
        other_saw = other.meta("a")
        store.set_meta("a", [2])
        assert (store.meta("a"), other.meta("a"), other_saw) == ([2], [1], [1])
    assert (store.meta("a"), other.meta("a")) == ([2], [2])
    store.meta("a").append(3)
    assert store.meta("a") == [2]
    other.close()


def test_threads_read_beside_a_transaction(store):
    store.put("stripe", "customer", {"id": "cus_1", "name": "One"})
    with ThreadPoolExecutor(1) as pool, store.transaction():
        store.put("stripe", "customer", {"id": "cus_1", "name": "Uno"})
        seen = pool.submit(store.get, "stripe", "customer", "cus_1").result(timeout=10)
        assert seen["name"] == "One"
    assert store.get("stripe", "customer", "cus_1")["name"] == "Uno"


def test_new_ids_are_free_and_in_form(store):
    taken = salesforce_id("Account", 1)
    store.put("salesforce", "Account", {"Id": taken})
    fresh = store.new_id("salesforce", "Account")
    assert (len(fresh), fresh[:3], fresh != taken) == (18, "001", True)
    store.put("netsuite", "customer", {"id": "41"})
    assert store.new_id("netsuite", "customer") == "42"
    assert (
        store.new_id("stripe", "customer") == stripe_id("customer", 1) != stripe_id("customer", 2)
    )


def test_a_hundred_thousand_rows_are_written_in_seconds(store):
    rows = ({"transaction": n // 5, "id": n % 5, "foreignamount": n} for n in range(100_000))
    began = time.monotonic()
    assert store.put_many("netsuite", "transactionline", rows) == 100_000
    assert time.monotonic() - began < 20
