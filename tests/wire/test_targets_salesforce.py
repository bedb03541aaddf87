"""Corrections of Salesforce over the wire: update, upsert, look back, and what can go wrong."""

import asyncio
from dataclasses import replace

import pytest

from extractors.errors import (
    Conflict,
    NotFound,
    RateLimited,
    Rejected,
    SourceError,
    Transient,
    UnknownOutcome,
)
from extractors.protocol import WriteIntent
from extractors.sandbox import salesforce_composite, salesforce_records
from extractors.sandbox.credentials import revoke_tokens
from extractors.sandbox.faults import set_profile
from extractors.sandbox.ids import salesforce_id
from extractors.sandbox.limits import Limits, set_limits
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


# What is asked in the same moment goes out in one request.

COMPOSITE = ("POST", "/services/data/v62.0/composite")
TERMS = {"Payment_Terms__c": "Net 60"}


@pytest.fixture
def many(accounts):
    """Thirty accounts: more than one request holds."""
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)
    record = {"Name": "Acme", "Type": "Customer", "IsDeleted": False, **stamps}
    made = [{"Id": key, **record} for key in KEYS]
    accounts.store.put_many("salesforce", "Account", made)
    return accounts


KEYS = [salesforce_id("Account", n) for n in range(10, 40)]


async def at_once(*calls):
    return await asyncio.gather(*calls, return_exceptions=True)


def written_at_once(vendors, *intents, before=None):
    """What came of writes that are handed in together, and the calls that were made."""

    async def use(target):
        if before is not None:
            await before(target)
        outcomes = await at_once(*map(target.write, intents))
        return outcomes, target.door.metrics.endpoints

    return vendors.with_target("salesforce", use)


def terms(vendors, *keys):
    held = [vendors.store.get("salesforce", "Account", key) for key in keys]
    return [record["Payment_Terms__c"] for record in held]


def test_reads_and_writes_that_come_together_are_one_call_per_25(many):
    async def use(target):
        looks = [target.read("Account", key) for key in KEYS]
        writes = [target.write(update(TERMS, key)) for key in KEYS]
        outcomes = await at_once(*looks, *writes)
        seen = await at_once(*(target.read("Account", key) for key in KEYS[:25]))
        return outcomes, seen, target.door.metrics.endpoints, target.door.quota.used

    outcomes, seen, endpoints, used = many.with_target("salesforce", use)
    assert [record["Id"] for record in outcomes[:30]] == KEYS
    receipts = outcomes[30:]
    assert [(one.record_id, one.status) for one in receipts] == [(key, 204) for key in KEYS]
    assert {record["Payment_Terms__c"] for record in seen} == {"Net 60"}
    assert (set(endpoints), endpoints[COMPOSITE].calls) == (
        {COMPOSITE, ("POST", "/services/oauth2/token")},
        5,
    )
    assert used == 5


def test_a_look_and_its_write_alone_go_as_they_are(accounts):
    async def use(target):
        await target.read("Account", FIRST)
        await target.write(update(TERMS))
        return [method for method, _ in target.door.metrics.endpoints]

    assert accounts.with_target("salesforce", use) == ["POST", "GET", "PATCH"]


def test_each_row_of_a_request_ends_as_it_would_alone(many):
    locked, taken = KEYS[1], KEYS[2]
    many.store.set_meta(salesforce_records.LOCKS, {locked: 1})
    many.store.put("salesforce", "Account", {"Id": FIRST, "Stripe_Customer_Id__c": "cus_1"})
    made = WriteIntent("upsert", "Account", "new-1", {"Name": "New"}, "key-1", "q2c_1")
    nowhere = update(TERMS, salesforce_id("Account", 999))
    outcomes, endpoints = written_at_once(
        many,
        update(TERMS, KEYS[0]),
        update(TERMS, locked),
        update({"Stripe_Customer_Id__c": "cus_1"}, taken),
        update({"Nope__c": "1"}, KEYS[3]),
        nowhere,
        made,
    )
    kinds = [type(one) for one in outcomes[1:5]]
    assert kinds == [Transient, Conflict, Rejected, NotFound]
    assert [one.code for one in outcomes[1:4]] == [
        "UNABLE_TO_LOCK_ROW", "DUPLICATE_VALUE", "INVALID_FIELD",
    ]  # fmt: skip
    assert {one.correlation_id for one in outcomes[1:5]} == {"q2c_1"}
    assert (outcomes[0].status, outcomes[5].status) == (204, 201)
    assert {one.request_id for one in outcomes} == {outcomes[0].request_id}
    assert terms(many, KEYS[0], locked) == ["Net 60", None]
    assert endpoints[COMPOSITE].calls == 1


def test_what_changed_after_the_look_is_not_written_over_among_others(many):
    async def use(target):
        seen = await at_once(*(target.read("Account", key) for key in KEYS[:3]))
        many.store.put("salesforce", "Account", {"Id": KEYS[1], "Payment_Terms__c": "Net 90"})
        writes = (update(TERMS, record["Id"]) for record in seen)
        intents = [replace(one, seen=seen[n]) for n, one in enumerate(writes)]
        return await at_once(*map(target.write, intents))

    outcomes = many.with_target("salesforce", use)
    assert isinstance(outcomes[1], Conflict)
    assert terms(many, *KEYS[:3]) == ["Net 60", "Net 90", "Net 60"]


def test_nothing_is_known_of_any_write_whose_request_has_no_answer(many):
    many.fault("salesforce", path="/composite", lose_answer=True)
    outcomes, _ = written_at_once(many, update(TERMS, KEYS[0]), update(TERMS, KEYS[1]))
    assert [type(one) for one in outcomes] == [UnknownOutcome] * 2
    assert outcomes[0].whole is outcomes[1].whole
    assert [one.correlation_id for one in outcomes] == ["q2c_1"] * 2
    assert terms(many, *KEYS[:2]) == ["Net 60"] * 2


def test_a_write_that_is_told_to_have_failed_among_others_may_have_taken_effect(many):
    many.fault("salesforce", method="PATCH", path=KEYS[1], lose_answer=True)
    outcomes, _ = written_at_once(many, update(TERMS, KEYS[0]), update(TERMS, KEYS[1]))
    assert (outcomes[0].status, type(outcomes[1])) == (204, UnknownOutcome)


def test_a_request_that_was_turned_away_wrote_nothing(many):
    set_limits(many.store, {"salesforce": Limits(daily_calls=0)})
    outcomes, _ = written_at_once(many, update(TERMS, KEYS[0]), update(TERMS, KEYS[1]))
    assert [type(one) for one in outcomes] == [RateLimited] * 2
    assert {one.worth_waiting for one in outcomes} == {False}
    assert terms(many, *KEYS[:2]) == [None] * 2


def test_of_a_partial_batch_each_row_is_told_apart(many):
    set_profile(many.store, "partial_batches", ("salesforce",))
    outcomes, _ = written_at_once(many, *(update(TERMS, key) for key in KEYS[:25]))
    refused = [isinstance(one, Transient) for one in outcomes]
    assert 0 < sum(refused) < 25
    assert terms(many, *KEYS[:25]) == [None if no else "Net 60" for no in refused]


@pytest.mark.usefixtures("impatient")
def test_reads_are_tried_again_all_of_them_or_only_those_that_failed(many):
    many.fault("salesforce", path="/composite", lose_answer=True)
    many.fault("salesforce", method="GET", path=KEYS[1], status=503, times=2)
    missing = salesforce_id("Account", 999)

    async def use(target):
        asked = (*KEYS[:2], missing)
        records = await at_once(*(target.read("Account", key) for key in asked))
        calls = target.door.metrics.endpoints
        return records, sum(seen.calls for (verb, _), seen in calls.items() if verb == "GET")

    (first, second, none), alone = many.with_target("salesforce", use)
    assert (first["Id"], second["Id"], none) == (*KEYS[:2], None)
    assert alone == 1


def test_a_value_that_reads_like_a_reference_is_written_as_it_is(many):
    outcomes, endpoints = written_at_once(
        many,
        *(update(TERMS, key) for key in KEYS[:2]),
        update({"Payment_Terms__c": "@{r0_q2c_1.id}"}, KEYS[2]),
    )
    assert [one.status for one in outcomes] == [204] * 3
    assert terms(many, *KEYS[:3]) == ["Net 60", "Net 60", "@{r0_q2c_1.id}"]
    assert endpoints[COMPOSITE].calls == 1


def test_what_is_refused_as_a_whole_is_asked_one_by_one(many, monkeypatch):
    monkeypatch.setattr(salesforce_composite, "MOST_CALLS", 1)
    outcomes, _ = written_at_once(many, update(TERMS, KEYS[0]), update({"Nope__c": "1"}, KEYS[1]))
    assert (outcomes[0].status, outcomes[1].code) == (204, "INVALID_FIELD")


@pytest.mark.parametrize("within", [False, True])
def test_a_session_that_ended_is_renewed_once_for_all(many, within):
    if within:
        for key in KEYS[:2]:
            many.fault("salesforce", method="PATCH", path=key, status=401)

    async def before(target):
        await target.read("Account", FIRST)
        if not within:
            revoke_tokens(many.store)

    intents = [update(TERMS, key) for key in KEYS[:3]]
    outcomes, endpoints = written_at_once(many, *intents, before=before)
    assert [one.status for one in outcomes] == [204] * 3
    logins = endpoints["POST", "/services/oauth2/token"].calls
    assert (logins, terms(many, *KEYS[:3])) == (1 if within else 2, ["Net 60"] * 3)
