"""Corrections of NetSuite over the wire: invoices by external id, updates, lookups, failures."""

from datetime import date
from decimal import Decimal

import pytest

from extractors.errors import Conflict, Rejected, UnknownOutcome
from extractors.protocol import WriteIntent
from extractors.sandbox import reference
from extractors.sandbox.netsuite_account import set_up_account
from tests.wire.vendors import LONG_AGO


def invoice_body(company):
    item = company.store.rows("netsuite", "item")[0]["id"]
    tax = next(one for one in company.store.rows("netsuite", "taxcode") if float(one["rate"]) == 0)
    line = {"item": {"id": item}, "quantity": 1, "amount": "10.00", "taxDetailsReference": "L1"}
    detail = {"taxDetailsReference": "L1", "taxCode": {"id": tax["id"]}, "taxBasis": "10.00"}
    return {
        "entity": {"id": "71"},
        "subsidiary": {"id": "1"},
        "currency": {"id": "1"},
        "exchangeRate": "1.0",
        "tranId": "INV-1",
        "tranDate": "2026-05-20",
        "dueDate": "2026-06-19",
        "postingPeriod": {"id": "2605"},
        "customForm": "subscription",
        "custbody_stripe_invoice_id": "in_1",
        "memo": "tieout:cor_1",
        "taxDetailsOverride": True,
        "item": {"items": [line]},
        "taxDetails": {"items": [{**detail, "taxRate": tax["rate"], "taxAmount": "0.00"}]},
    }


def post(body, external_id="in_1"):
    return WriteIntent("upsert", "invoice", external_id, body, "key-1", "q2c_1")


def test_an_invoice_is_posted_under_its_external_id_and_found_by_it(company):
    async def use(target):
        receipt = await target.write(post(invoice_body(company)))
        return receipt, await target.find("invoice", "in_1"), await target.find("invoice", "in_2")

    receipt, found, missing = company.with_target("netsuite", use)
    assert receipt.status == 204
    assert receipt.record_id == found["id"]
    assert (found["memo"], found["tranid"], found["externalid"]) == (
        "tieout:cor_1",
        "INV-1",
        "in_1",
    )
    assert missing is None


def test_without_a_rate_the_erp_books_at_its_own_rate_of_the_invoice_date(company):
    body = {**invoice_body(company), "currency": {"id": "3"}}
    del body["exchangeRate"]
    company.with_target("netsuite", lambda target: target.write(post(body)))
    (booked,) = company.store.rows("netsuite", "transaction", externalid="in_1")
    rate = reference.exchange_rate("EUR", "USD", date(2026, 5, 20))
    assert rate not in {1, reference.exchange_rate("EUR", "USD", date(2026, 5, 21))}
    assert Decimal(booked["exchangerate"]) == rate
    lines = company.store.rows("netsuite", "transactionaccountingline", transaction=booked["id"])
    receivable = sum(Decimal(line["debit"] or 0) for line in lines)
    assert receivable == (10 * rate).quantize(Decimal("0.01"))


def test_a_currency_without_a_rate_is_refused(company):
    body = {**invoice_body(company), "currency": {"id": reference.SPARE_CURRENCIES[0].id}}
    del body["exchangeRate"]
    with pytest.raises(Rejected, match="no exchange rate"):
        company.with_target("netsuite", lambda target: target.write(post(body)))


def test_a_lost_answer_is_an_unknown_outcome_that_looking_resolves(company):
    company.fault("netsuite", method="PUT", lose_answer=True)

    async def use(target):
        with pytest.raises(UnknownOutcome):
            await target.write(post(invoice_body(company)))
        return await target.find("invoice", "in_1")

    assert company.with_target("netsuite", use)["memo"] == "tieout:cor_1"
    assert len(company.store.rows("netsuite", "transaction", type="CustInvc")) == 1


def test_a_server_error_on_a_write_is_not_taken_for_a_refusal(company):
    company.fault("netsuite", method="PUT", status=500)

    async def use(target):
        with pytest.raises(UnknownOutcome):
            await target.write(post(invoice_body(company)))
        return await target.find("invoice", "in_1")

    assert company.with_target("netsuite", use) is None


def test_a_refusal_names_its_code_and_place(company):
    company.store.put("netsuite", "accountingperiod", {"id": "2605", "arlocked": "T"})
    with pytest.raises(Rejected, match="locked") as refusal:
        company.with_target("netsuite", lambda target: target.write(post(invoice_body(company))))
    assert (refusal.value.status, refusal.value.code) == (400, "USER_ERROR")
    assert "(at postingPeriod)" in str(refusal.value)


def test_an_update_is_seen_when_read_back(company):
    intent = WriteIntent("update", "customer", "71", {"email": "new@acme.com"}, "key-1", "q2c_1")

    async def use(target):
        receipt = await target.write(intent)
        return receipt, await target.read("customer", "71"), await target.read("customer", "99")

    receipt, record, missing = company.with_target("netsuite", use)
    assert receipt.record_id == "71"
    assert record["email"] == "new@acme.com"
    assert "links" not in record
    assert missing is None


def test_lookups_compare_exactly(company):
    async def use(target):
        periods = await target.lookup("accountingperiod", id="2605")
        customers = await target.lookup("customer", externalid="c-1", isinactive="F")
        by_external_id = await target.find("customer", "c-1")
        return periods, customers, by_external_id, await target.lookup("customer", id="o'99")

    periods, customers, by_external_id, none = company.with_target("netsuite", use)
    assert [period["periodname"] for period in periods] == ["May 2026"]
    assert [customer["id"] for customer in customers] == ["71"]
    assert by_external_id["id"] == "71"
    assert none == []


def test_a_lookup_pages_to_its_end(company):
    rows = [
        {
            "id": str(n),
            "type": "CustInvc",
            "entity": "71",
            "trandate": "2026-05-01",
            "createddate": LONG_AGO,
            "lastmodifieddate": LONG_AGO,
        }
        for n in range(1000, 2300)
    ]
    company.store.put_many("netsuite", "transaction", rows)
    found = company.with_target(
        "netsuite", lambda target: target.lookup("transaction", entity="71")
    )
    assert len({row["id"] for row in found}) == 1300


def test_undeclared_names_are_refused_before_anything_is_sent(company):
    with pytest.raises(Rejected, match="not declared"):
        company.with_target("netsuite", lambda target: target.lookup("employee"))
    with pytest.raises(Rejected, match="no declared columns"):
        company.with_target("netsuite", lambda target: target.lookup("customer", nope="1"))


def test_an_upsert_that_is_sent_again_doubles_no_line(company):
    async def use(target):
        return [await target.write(post(invoice_body(company))) for _ in range(2)]

    first, second = company.with_target("netsuite", use)
    assert first.record_id == second.record_id
    (booked,) = company.store.rows("netsuite", "transaction", externalid="in_1")
    assert float(booked["foreigntotal"]) == 10.0
    lines = company.store.rows("netsuite", "transactionline", transaction=booked["id"])
    assert sum(line["item"] is not None for line in lines) == 1


def credit(record_id, **changed):
    body = {"memo": "tieout:cor_2", "externalId": "cn_1"}
    values = {"operation": "create", "object": "creditMemo", "idempotency_key": "key-2"}
    return WriteIntent(record_id=record_id, body=body, correlation_id="q", **{**values, **changed})


def booked_by(company, body):
    return company.with_target("netsuite", lambda target: target.write(post(body))).record_id


def test_a_record_is_made_of_another_by_a_job(company):
    invoice = booked_by(company, invoice_body(company))

    async def use(target):
        receipt = await target.write(credit(invoice))
        return receipt, await target.find("creditMemo", "cn_1")

    receipt, found = company.with_target("netsuite", use)
    assert (receipt.status, receipt.record_id) == (204, found["id"])
    assert (found["type"], float(found["foreigntotal"])) == ("CustCred", -10.0)


def test_a_record_is_created_by_a_job(company):
    body = {"companyName": "Made later", "subsidiary": {"id": "1"}}
    intent = WriteIntent("create", "customer", "", body, "key-3", "q")
    receipt = company.with_target("netsuite", lambda target: target.write(intent))
    made = company.store.get("netsuite", "customer", receipt.record_id)
    assert made["companyname"] == "Made later"


def test_a_create_that_is_sent_again_gives_the_first_record(company):
    invoice = booked_by(company, invoice_body(company))

    async def use(target):
        return [await target.write(credit(invoice)) for _ in range(2)]

    first, second = company.with_target("netsuite", use)
    assert first.record_id == second.record_id
    assert len(company.store.rows("netsuite", "transaction", type="CustCred")) == 1


def test_a_create_whose_answer_is_lost_is_found_by_its_key(company, impatient):
    invoice = booked_by(company, invoice_body(company))
    company.fault("netsuite", method="POST", path="!transform", lose_answer=True)
    receipt = company.with_target("netsuite", lambda target: target.write(credit(invoice)))
    (made,) = company.store.rows("netsuite", "transaction", type="CustCred")
    assert receipt.record_id == made["id"]


def test_a_create_that_is_refused_is_refused_by_its_job(company):
    invoice = booked_by(company, invoice_body(company))

    async def use(target):
        await target.write(credit(invoice))
        with pytest.raises(Rejected, match=r"payments applied|nothing left") as refusal:
            await target.write(credit(invoice, idempotency_key="key-9"))
        return refusal.value

    refusal = company.with_target("netsuite", use)
    assert (refusal.status, refusal.code) == (400, "USER_ERROR")


def test_a_record_that_somebody_else_is_changing_is_a_conflict(company):
    set_up_account(company.store, contended=["customer/71"])
    intent = WriteIntent("update", "customer", "71", {"email": "n@acme.com"}, "key-1", "q2c_1")
    with pytest.raises(Conflict, match="has been changed"):
        company.with_target("netsuite", lambda target: target.write(intent))


def test_a_record_that_a_workflow_holds_is_refused(company):
    set_up_account(company.store, locked=["customer/71"])
    intent = WriteIntent("update", "customer", "71", {"email": "n@acme.com"}, "key-1", "q2c_1")
    with pytest.raises(Rejected, match="locked by a user defined workflow"):
        company.with_target("netsuite", lambda target: target.write(intent))


def test_a_record_is_read_with_its_sublists(company):
    key = booked_by(company, invoice_body(company))
    record = company.with_target("netsuite", lambda target: target.read("invoice", key))
    assert [line["amount"] for line in record["item"]["items"]] == ["10.0"]
