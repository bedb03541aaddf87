"""Corrections of Salesforce over the wire: update, upsert, look back, and what can go wrong."""

from dataclasses import replace

import pytest

from extractors.errors import (
    Conflict,
    NotFound,
    Rejected,
    SourceError,
    Transient,
    UnknownOutcome,
)
from extractors.protocol import WriteIntent
from extractors.sandbox import salesforce_records
from extractors.sandbox.ids import salesforce_id
from extractors.sandbox.store import table_of
from tests.wire.vendors import LONG_AGO

FIRST, SECOND = salesforce_id("Account", 1), salesforce_id("Account", 2)


@pytest.fixture
def accounts(vendors):
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)
    for key, name in ((FIRST, "O'Neil \\ Sons"), (SECOND, "Other")):
        record = {"Id": key, "Name": name, "Type": "Customer", "IsDeleted": False}
        vendors.store.put_many("salesforce", "Account", [{**record, **stamps}])
    return vendors


def update(body, record_id=FIRST):
    return WriteIntent("update", "Account", record_id, body, "key-1", "q2c_1")


def test_a_record_that_changed_after_the_look_is_not_written_over(accounts):
    async def use(target):
        seen = await target.read("Account", FIRST)
        accounts.store.put("salesforce", "Account", {"Id": FIRST, "Payment_Terms__c": "Net 90"})
        intent = replace(update({"Payment_Terms__c": "Net 60"}), seen=seen)
        with pytest.raises(Conflict):
            await target.write(intent)
        fresh = await target.read("Account", FIRST)
        await target.write(replace(intent, seen=fresh))
        return fresh

    assert accounts.with_target("salesforce", use)["Payment_Terms__c"] == "Net 90"
    record = accounts.store.get("salesforce", "Account", FIRST)
    assert record["Payment_Terms__c"] == "Net 60"


def test_an_update_by_id_is_seen_when_read_back(accounts):
    async def use(target):
        receipt = await target.write(update({"Payment_Terms__c": "Net 60"}))
        return receipt, await target.read("Account", FIRST)

    receipt, record = accounts.with_target("salesforce", use)
    assert (receipt.record_id, receipt.status) == (FIRST, 204)
    assert record["Payment_Terms__c"] == "Net 60"
    assert "attributes" not in record


def test_an_upsert_finds_its_record_again(accounts):
    intent = WriteIntent("upsert", "Account", "acme 1", {"Name": "Acme"}, "key-1", "q2c_1")

    async def use(target):
        first = await target.write(intent)
        second = await target.write(intent)
        return first, second, await target.find("Account", "acme 1")

    first, second, found = accounts.with_target("salesforce", use)
    assert (first.status, second.status) == (201, 200)
    assert first.record_id == second.record_id == found["Id"]


def test_lookups_compare_exactly_and_survive_quotes(accounts):
    async def use(target):
        by_name = await target.lookup("Account", Name="O'Neil \\ Sons")
        none = await target.lookup("Account", Name="nobody")
        return by_name, none, await target.lookup("Account", Type="Customer")

    by_name, none, customers = accounts.with_target("salesforce", use)
    assert [record["Id"] for record in by_name] == [FIRST]
    assert none == []
    assert len(customers) == 2


def test_what_does_not_exist_is_none(accounts):
    async def use(target):
        missing = salesforce_id("Account", 99)
        return await target.read("Account", missing), await target.find("Account", "nobody")

    assert accounts.with_target("salesforce", use) == (None, None)


def test_undeclared_names_are_refused_before_anything_is_sent(accounts):
    for use in (
        lambda target: target.lookup("Lead"),
        lambda target: target.lookup("Account", Nope="1"),
        lambda target: target.find("Contract", "1"),
    ):
        with pytest.raises(Rejected, match=r"declared|no external id"):
            accounts.with_target("salesforce", use)


def test_a_lost_answer_is_an_unknown_outcome_that_looking_resolves(accounts):
    accounts.fault("salesforce", method="PATCH", lose_answer=True)

    async def use(target):
        with pytest.raises(UnknownOutcome):
            await target.write(update({"Payment_Terms__c": "Net 60"}))
        return await target.read("Account", FIRST)

    assert accounts.with_target("salesforce", use)["Payment_Terms__c"] == "Net 60"


@pytest.mark.parametrize(("status", "kind"), [(429, Transient), (503, Transient)])
def test_a_write_that_was_turned_away_is_not_sent_again_here(accounts, status, kind):
    accounts.fault("salesforce", method="PATCH", status=status, times=1)

    async def use(target):
        with pytest.raises(kind):
            await target.write(update({"Payment_Terms__c": "Net 60"}))
        return await target.read("Account", FIRST)

    assert accounts.with_target("salesforce", use)["Payment_Terms__c"] is None


def test_the_vendors_refusals_keep_their_code(accounts):
    async def use(target):
        with pytest.raises(Rejected) as refusal:
            await target.write(update({"Nope__c": "1"}))
        return refusal.value

    error = accounts.with_target("salesforce", use)
    assert (error.status, error.code) == (400, "INVALID_FIELD")


def test_a_value_that_must_be_unique_is_a_conflict(accounts):
    async def use(target):
        await target.write(update({"Stripe_Customer_Id__c": "cus_1"}, FIRST))
        with pytest.raises(Conflict):
            await target.write(update({"Stripe_Customer_Id__c": "cus_1"}, SECOND))

    accounts.with_target("salesforce", use)


def written(vendors, intent):
    """What a write raises."""

    async def use(target):
        with pytest.raises(SourceError) as refusal:
            await target.write(intent)
        return refusal.value

    return vendors.with_target("salesforce", use)


def test_a_row_that_somebody_else_writes_is_tried_later(accounts):
    accounts.store.set_meta(salesforce_records.LOCKS, {FIRST: 1})
    error = written(accounts, update({"Type": "Partner"}))
    assert (type(error), error.code) == (Transient, "UNABLE_TO_LOCK_ROW")

    async def again(target):
        return (await target.write(update({"Type": "Partner"}))).status

    assert accounts.with_target("salesforce", again) == 204


def test_a_duplicate_rule_is_a_plain_no(accounts):
    accounts.store.set_meta(salesforce_records.RULES, {"Account": ["Name"]})
    error = written(accounts, update({"Name": "Other"}))
    assert (type(error), error.code) == (Rejected, "DUPLICATES_DETECTED")


def test_a_validation_rule_is_a_refusal(accounts):
    error = written(accounts, update({"Invoice_Email__c": "nobody"}))
    assert (type(error), error.code) == (Rejected, "INVALID_EMAIL_ADDRESS")


def test_an_ambiguous_external_id_is_a_conflict(accounts):
    for key in (FIRST, SECOND):
        accounts.store.put("salesforce", "Account", {"Id": key, "Q2C_Customer_Key__c": "twin"})
    intent = WriteIntent("upsert", "Account", "twin", {"Name": "Which"}, "key-1", "q2c_1")
    error = written(accounts, intent)
    assert (type(error), error.code) == (Conflict, "DUPLICATE_EXTERNAL_ID")


def test_a_merged_account_is_no_longer_there(accounts):
    table = table_of("salesforce", "Account")
    salesforce_records.merge(accounts.store, table, FIRST, SECOND)

    async def use(target):
        return await target.read("Account", SECOND)

    assert accounts.with_target("salesforce", use) is None
    error = written(accounts, update({"Type": "Partner"}, SECOND))
    assert (type(error), error.code) == (NotFound, "ENTITY_IS_DELETED")
