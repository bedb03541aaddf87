"""Whose records a load touched: what is followed from record to record, and what is not."""

import datetime as dt

import duckdb
import pytest

from extractors.raw_tables import load_current
from extractors.registry import READ
from orchestration.touched import (
    CROSSWALK,
    FORMER_CROSSWALK,
    LINKED,
    Change,
    changes_of,
    gather,
    rows_of,
)
from orchestration.worlds.roles import is_shared

DAY = dt.date(2026, 7, 1)
ACCOUNT, CUSTOMER = "raw.salesforce__account", "raw.stripe__customer"
INVOICE, TRANSACTION = "raw.stripe__invoice", "raw.netsuite__transaction"
PAYOUT, BALANCE = "raw.stripe__payout", "raw.stripe__balance_transaction"
LINES, LINKS = "raw.netsuite__transaction_line", "raw.netsuite__transaction_link"


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    with duckdb.connect() as con:
        load_current(con, tmp_path_factory.mktemp("raw"), DAY)
        con.execute("CREATE SCHEMA identity")
        con.execute(
            "CREATE TABLE identity.crosswalk (canonical_customer_id VARCHAR, system VARCHAR, "
            "source_id VARCHAR, customer_group_id VARCHAR, snapshot_date DATE)"
        )
        yield con


@pytest.fixture
def con(empty):
    empty.execute("BEGIN")
    yield empty
    empty.execute("ROLLBACK")


def put(con, table, **values):
    names, slots = ", ".join(values), ", ".join("?" for _ in values)
    con.execute(f"INSERT INTO {table} ({names}) VALUES ({slots})", list(values.values()))


def new(table, key):
    return {table: Change(f"id = '{key}'", f"FROM {table} LIMIT 0")}


def ids(con, table, change=None, *, before=False, column="id"):
    rows = con.sql(f"SELECT {column} FROM ({rows_of(table, change, before=before)})")
    return sorted(value for (value,) in rows.fetchall())


def test_an_object_is_of_a_customer_or_of_the_company():
    """A new object is followed, or said to be the company's own: what is below it is built whole."""
    objects = {
        f"raw.{system}__{name}"
        for system, specs in READ.items()
        for name in specs
        if not is_shared(system, name) and system != "bank"
    }
    assert objects | {CROSSWALK} == LINKED


def test_a_customer_is_followed_through_all_systems_and_no_other_is(con):
    for n in "12":
        put(con, ACCOUNT, id=f"001{n}", netsuite_customer_id__c=n)
        put(con, CUSTOMER, id=f"cus_{n}", metadata_crm_account_id=f"001{n}")
        put(con, INVOICE, id=f"in_{n}", customer=f"cus_{n}")
        put(con, TRANSACTION, id=n, type="CustInvc", entity=n, custbody_stripe_invoice_id=f"in_{n}")
        put(con, LINES, transaction=n, id="1")
    assert gather(con, new(INVOICE, "in_1")) == 5
    assert ids(con, ACCOUNT) == ["0011"]
    assert ids(con, CUSTOMER) == ["cus_1"]
    assert ids(con, LINES, column="transaction") == ["1"]


def test_numbers_of_two_kinds_of_records_are_not_the_same(con):
    put(con, TRANSACTION, id="7", type="CustInvc", entity="1")
    put(con, "raw.netsuite__customer", id="7")
    put(con, "raw.netsuite__customer", id="1")
    gather(con, new(TRANSACTION, "7"))
    assert ids(con, "raw.netsuite__customer") == ["1"]


def test_records_of_one_canonical_customer_belong_together(con):
    for system, key in (("salesforce", "0011"), ("netsuite", "5"), ("netsuite", "6")):
        customer = "cus_b" if key == "6" else "cus_a"
        put(con, CROSSWALK, canonical_customer_id=customer, system=system, source_id=key)
    put(con, ACCOUNT, id="0011")
    for key in "56":
        put(con, "raw.netsuite__customer", id=key)
    gather(con, new(ACCOUNT, "0011"))
    assert ids(con, "raw.netsuite__customer") == ["5"]


def test_what_many_customers_share_is_taken_along_and_not_followed(con):
    """The payout of a touched charge with its deposit and members; not whose these are."""
    for n in "12":
        put(
            con,
            "raw.stripe__charge",
            id=f"ch_{n}",
            customer=f"cus_{n}",
            balance_transaction=f"txn_{n}",
        )
        put(con, BALANCE, id=f"txn_{n}", source=f"ch_{n}")
        put(con, TRANSACTION, id=n, type="CustPymt", custbody_stripe_charge_id=f"ch_{n}")
        put(con, LINKS, previousdoc=n, nextdoc="9")
        put(con, LINES, transaction="9", custcol_stripe_balance_id=f"txn_{n}")
    put(con, PAYOUT, id="po_1", balance_transactions='["txn_1","txn_2"]')
    put(con, TRANSACTION, id="9", type="Deposit", custbody_stripe_payout_id="po_1")
    gather(con, new("raw.stripe__charge", "ch_1"))
    assert ids(con, "raw.stripe__charge") == ["ch_1"]
    assert ids(con, PAYOUT) == ["po_1"]
    assert ids(con, BALANCE) == ["txn_1", "txn_2"]
    assert ids(con, TRANSACTION) == ["1", "9"]
    assert ids(con, LINES, column="custcol_stripe_balance_id") == ["txn_1", "txn_2"]
    gather(con, new(PAYOUT, "po_1"))
    assert ids(con, "raw.stripe__charge") == ["ch_1", "ch_2"]


def test_what_changed_of_a_shared_document_is_there(con):
    """A note on a journal, which belongs to no customer."""
    put(con, TRANSACTION, id="9", type="Journal")
    for n in "12":
        put(con, "raw.netsuite__system_note", id=n, recordid="9")
    gather(con, new("raw.netsuite__system_note", "2"))
    assert ids(con, "raw.netsuite__system_note") == ["1", "2"]
    assert ids(con, TRANSACTION) == ["9"]


def test_rows_before_are_those_that_stayed_and_those_that_left(con):
    put(con, INVOICE, id="in_1", customer="cus_1", _extracted_date=DAY - dt.timedelta(days=1))
    put(con, INVOICE, id="in_2", customer="cus_1", _extracted_date=DAY)
    con.execute(f"CREATE TABLE gone AS FROM {INVOICE} LIMIT 0")
    put(con, "gone", id="in_0", customer="cus_1")
    change = Change(f"_extracted_date >= DATE '{DAY}'", "FROM gone")
    gather(con, {INVOICE: change})
    assert ids(con, INVOICE, change) == ["in_1", "in_2"]
    assert ids(con, INVOICE, change, before=True) == ["in_0", "in_1"]


def test_a_table_of_which_no_load_tells_what_changed_is_not_known_by_rows(con):
    at = dt.datetime(2026, 6, 30, tzinfo=dt.UTC).replace(tzinfo=None)
    con.execute("INSERT INTO raw_former.since VALUES (?, ?, ?)", [INVOICE, at, DAY])
    assert changes_of(con, [INVOICE, ACCOUNT, "raw.stripe__price"], {INVOICE: str(at)}) == {
        INVOICE: Change(f"_extracted_date >= DATE '{DAY}'", f"FROM (FROM {INVOICE} LIMIT 0)")
    }
    assert changes_of(con, [INVOICE], {INVOICE: "2026-06-29 00:00:00"}) == {}


def test_of_the_crosswalk_what_tells_of_the_night_alone_is_no_change(con):
    columns = {"system": "stripe", "snapshot_date": DAY}
    put(con, CROSSWALK, canonical_customer_id="cus_a", source_id="cus_1", **columns)
    con.execute(f"CREATE TABLE {FORMER_CROSSWALK} AS FROM {CROSSWALK}")
    con.execute(f"UPDATE {CROSSWALK} SET snapshot_date = '2026-07-02'")
    put(con, CROSSWALK, canonical_customer_id="cus_b", source_id="cus_2", **columns)
    changes = changes_of(con, [CROSSWALK], {}, ["snapshot_date"])
    put(con, CUSTOMER, id="cus_1")
    put(con, CUSTOMER, id="cus_2")
    gather(con, changes)
    assert ids(con, CUSTOMER) == ["cus_2"]
    assert ids(con, CROSSWALK, changes[CROSSWALK], before=True, column="source_id") == []
