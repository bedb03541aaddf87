"""The sandbox's NetSuite: login, records and invoices; what is wrong is refused."""

import time
import uuid
from datetime import date
from email.utils import parsedate_to_datetime
from itertools import count

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from oauthlib.oauth1 import Client

from extractors.sandbox.credentials import revoke_tokens
from extractors.sandbox.netsuite_account import set_up_account
from extractors.sandbox.netsuite_auth import LoginRefusedError, check_assertion

NUMBERS = count(1)
EUR = {"id": "3"}


@pytest.fixture
def http(sandbox):
    with sandbox.netsuite() as http:
        yield http


def refusal(response):
    body = response.json()
    assert body["status"] == response.status_code
    (detail,) = body["o:errorDetails"]
    return response.status_code, detail["o:errorCode"], detail.get("o:errorPath")


def invoice_body(number, **changed):
    """A two-line invoice of the German company: 100.50 + 19.10 tax, and 9.50 + 1.81 tax."""
    lines = [("201", "100.50", "19.10"), ("204", "9.50", "1.81")]
    return {
        "entity": {"id": "1"},
        "subsidiary": {"id": "3"},
        "currency": EUR,
        "exchangeRate": "1.0",
        "tranId": f"INV-{number}",
        "tranDate": "2026-06-01",
        "dueDate": "2026-07-01",
        "postingPeriod": {"id": "2606"},
        "customForm": "subscription",
        "custbody_stripe_invoice_id": f"in_{number}",
        "custbody_q2c_correlation_id": "q2c_1",
        "memo": "tieout:1",
        "taxDetailsOverride": True,
        "item": {
            "items": [
                {
                    "item": {"id": item},
                    "quantity": 2,
                    "amount": amount,
                    "description": "Platform",
                    "custcol_stripe_line_id": f"il_{n}",
                    "custcol_rev_start": "2026-06-01",
                    "custcol_rev_end": "2026-08-31",
                    "taxDetailsReference": f"L{n}",
                }
                for n, (item, amount, _) in enumerate(lines)
            ]
        },
        "taxDetails": {
            "items": [
                {
                    "taxDetailsReference": f"L{n}",
                    "taxCode": {"id": "3"},
                    "taxBasis": amount,
                    "taxRate": "19",
                    "taxAmount": tax,
                }
                for n, (_, amount, tax) in enumerate(lines)
            ]
        },
        **changed,
    }


def sold_lines(http, key):
    return http.get(f"record/v1/invoice/{key}/item").json()["items"]


def post(http, number, **changed):
    return http.put(f"record/v1/invoice/eid:in_{number}", json=invoice_body(number, **changed))


# Login.


def test_a_signed_assertion_gets_an_hour(sandbox):
    granted = sandbox.netsuite_token().json()
    assert (granted["expires_in"], granted["token_type"]) == ("3600", "Bearer")


def test_scopes_may_be_a_list_or_separated_by_commas(sandbox):
    for scope in ("rest_webservices", "restlets, rest_webservices", ["rest_webservices"]):
        assert sandbox.netsuite_token(sandbox.assertion(scope=scope)).is_success


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"algorithm": "RS256"}, "invalid_client"),
        ({"kid": "another"}, "invalid_client"),
        ({"iss": "another"}, "invalid_client"),
        ({"aud": "http://127.0.0.1/other"}, "invalid_client"),
        ({"exp": int(time.time()) - 10}, "invalid_grant"),
        ({"iat": int(time.time()), "exp": int(time.time()) + 3600}, "invalid_grant"),
        ({"scope": ["restlets"]}, "invalid_request"),
    ],
)
def test_a_wrong_assertion_gets_no_token(sandbox, changed, error):
    refused = sandbox.netsuite_token(sandbox.assertion(**changed))
    assert (refused.status_code, refused.json()) == (400, {"error": error})


def test_an_assertion_of_another_key_gets_no_token(sandbox):
    other = rsa.generate_private_key(65537, 2048)
    refused = sandbox.netsuite_token(sandbox.assertion(key=other))
    assert refused.json() == {"error": "invalid_client"}


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "jwt"}, "invalid_request"),
        ({"client_assertion": "nonsense"}, "invalid_client"),
    ],
)
def test_a_wrong_form_gets_no_token(sandbox, changed, error):
    assert sandbox.netsuite_token(**changed).json() == {"error": error}


def test_a_certificate_with_an_elliptic_curve_signs_with_es256(sandbox):
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    secrets = sandbox.secrets["netsuite"]

    def check(algorithm, signer):
        assertion = sandbox.assertion(algorithm=algorithm, key=signer)
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }
        check_assertion(form, secrets, public.decode(), sandbox.netsuite_token_url)

    check("ES256", key)
    with pytest.raises(LoginRefusedError, match="invalid_client"):
        check("PS256", None)
    assert jwt.get_unverified_header(sandbox.assertion())["alg"] == "PS256"


def test_no_token_no_data(sandbox, sandbox_store):
    url = f"{sandbox.urls['netsuite']}/services/rest/record/v1/customer/1"
    token = sandbox.netsuite_token().json()["access_token"]
    assert httpx.get(url, headers={"Authorization": f"Bearer {token}"}).is_success
    revoke_tokens(sandbox_store)
    for headers in ({}, {"Authorization": f"Bearer {token}"}):
        assert refusal(httpx.get(url, headers=headers))[:2] == (401, "INVALID_LOGIN")


# Records.


def test_a_record_speaks_rest_names(http, sandbox_store):
    answer = http.get("record/v1/customer/1", params={"expandSubResources": "true"})
    body = answer.json()
    assert (body["companyName"], body["subsidiary"]) == ("Company 0001", {"id": "3"})
    assert (body["isInactive"], body["lastModifiedDate"]) == (False, "2026-05-01T00:00:00Z")
    assert body["addressBook"]["items"][0]["addressBookAddress"] == {"country": {"id": "DE"}}
    assert parsedate_to_datetime(answer.headers["date"]) == sandbox_store.now()
    assert answer.headers["x-n-operationid"]


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("currency/4", "currencyPrecision", 0),
        ("subsidiary/3", "custrecord_entity_code", "DE"),
        ("term/3", "daysUntilNetDue", 30),
        ("account/210", "acctNumber", "2100"),
        ("accountingPeriod/2604", "closed", True),
        ("serviceSaleItem/201", "itemId", "PLAT-TEAM"),
        ("salesTaxItem/3", "rate", 19.0),
    ],
)
def test_simple_records_can_be_read(http, path, field, value):
    assert http.get(f"record/v1/{path}").json()[field] == value


def test_a_customer_is_created_changed_and_found_by_external_id(http, sandbox_store):
    body = {"companyName": "New GmbH", "subsidiary": {"id": "3"}, "externalId": "cus_new"}
    made = http.post("record/v1/customer", json=body)
    assert (made.status_code, made.content) == (204, b"")
    key = made.headers["location"].rpartition("/")[2]
    change = {
        "email": "ap@new.example",
        "terms": {"id": "3"},
        "isInactive": True,
        "addressBook": {"items": [{"addressBookAddress": {"country": {"id": "AT"}, "zip": "1"}}]},
    }
    assert http.patch(f"record/v1/customer/{key}", json=change).status_code == 204
    kept = sandbox_store.get("netsuite", "customer", key)
    assert (kept["email"], kept["terms"], kept["isinactive"]) == ("ap@new.example", "3", "T")
    assert (kept["billcountry"], kept["billzip"]) == ("AT", "1")
    assert kept["lastmodifieddate"] > kept["datecreated"]
    assert http.get("record/v1/customer/eid:cus_new").json()["id"] == key


def test_an_upsert_creates_once(http, sandbox_store):
    body = {"companyName": "Once", "subsidiary": {"id": "3"}}
    first = http.put("record/v1/customer/eid:cus_once", json=body)
    again = http.put("record/v1/customer/eid:cus_once", json=body | {"companyName": "Twice"})
    assert first.headers["location"] == again.headers["location"]
    (kept,) = sandbox_store.rows("netsuite", "customer", externalid="cus_once")
    assert kept["companyname"] == "Twice"


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        ({"companyname": "x"}, "INVALID_CONTENT", "companyname"),
        ({"subsidiary": {"id": "99"}}, "INVALID_CONTENT", "subsidiary"),
        ({"subsidiary": "3"}, "INVALID_CONTENT", "subsidiary"),
        ({"isInactive": "T"}, "INVALID_CONTENT", "isInactive"),
        ({"companyName": 5}, "INVALID_CONTENT", "companyName"),
        ({"addressBook": []}, "INVALID_CONTENT", "addressBook.items[0].addressBookAddress"),
    ],
)
def test_a_wrong_change_is_refused(http, sandbox_store, body, code, path):
    before = sandbox_store.get("netsuite", "customer", "2")
    assert refusal(http.patch("record/v1/customer/2", json=body)) == (400, code, path)
    assert sandbox_store.get("netsuite", "customer", "2") == before


def test_a_new_customer_needs_a_name_and_an_unused_external_id(http):
    nameless = http.post("record/v1/customer", json={"subsidiary": {"id": "3"}})
    assert refusal(nameless) == (400, "USER_ERROR", "companyName")
    body = {"companyName": "Dup", "subsidiary": {"id": "3"}, "externalId": "cus_dup"}
    assert http.post("record/v1/customer", json=body).status_code == 204
    assert refusal(http.post("record/v1/customer", json=body)) == (400, "USER_ERROR", "externalId")
    other = http.put("record/v1/customer/eid:cus_else", json=body)
    assert refusal(other) == (400, "INVALID_CONTENT", "externalId")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "customer/999999", (404, "NONEXISTENT_ID")),
        ("GET", "customer/eid:none", (404, "NONEXISTENT_ID")),
        ("GET", "term/eid:none", (404, "NONEXISTENT_ID")),
        ("GET", "customer/abc", (404, "NONEXISTENT_ID")),
        ("GET", "unicorn/1", (404, "INVALID_CONTENT")),
        ("PATCH", "invoice/1", (404, "NONEXISTENT_ID")),
        ("PUT", "customer/1", (400, "INVALID_CONTENT")),
        ("PATCH", "subsidiary/3", (403, "INSUFFICIENT_PERMISSION")),
        ("DELETE", "customer/1", (403, "INSUFFICIENT_PERMISSION")),
        ("POST", "term", (403, "INSUFFICIENT_PERMISSION")),
        ("POST", "customer/1", (405, "METHOD_NOT_ALLOWED")),
        ("GET", "a/b/c", (404, "INVALID_CONTENT")),
        ("GET", "a/b/c/d", (404, "NOT_FOUND")),
        ("GET", "customer/1/item", (404, "NONEXISTENT_ID")),
        ("GET", "metadata-catalog/unicorn", (404, "INVALID_CONTENT")),
        ("POST", "customer/1/!transform/invoice", (400, "INVALID_CONTENT")),
    ],
)
def test_what_is_not_offered_is_refused(http, method, path, code):
    body = None if method in {"GET", "DELETE"} else {}
    assert refusal(http.request(method, f"record/v1/{path}", json=body))[:2] == code


def test_a_broken_body_is_refused(http):
    for content in (b"{", b"[]"):
        answer = http.patch("record/v1/customer/2", content=content)
        assert refusal(answer)[:2] == (400, "INVALID_CONTENT")


# Invoices.


def test_a_posted_invoice_is_booked_whole(http, sandbox_store):
    number = f"p{next(NUMBERS)}"
    answer = post(http, number)
    assert (answer.status_code, answer.content) == (204, b"")
    key = answer.headers["location"].rpartition("/")[2]
    kept = sandbox_store.get("netsuite", "transaction", key)
    assert (kept["type"], kept["status"], kept["externalid"]) == ("CustInvc", "A", f"in_{number}")
    assert float(kept["foreigntotal"]) == float(kept["foreignamountunpaid"]) == 130.91
    assert (kept["memo"], kept["custbody_q2c_correlation_id"]) == ("tieout:1", "q2c_1")
    assert kept["custbody_stripe_invoice_id"] == f"in_{number}"
    ledger = sandbox_store.rows("netsuite", "transactionaccountingline", transaction=key)
    assert round(sum(float(line["amount"]) for line in ledger), 2) == 0
    plans = sandbox_store.rows("netsuite", "revenueplan", sourcetransaction=key)
    assert [float(plan["amount"]) for plan in plans] == [100.5, 9.5]
    read = http.get(f"record/v1/invoice/{key}", params={"expandSubResources": "true"}).json()
    assert (read["total"], read["status"], read["tranId"]) == (
        130.91,
        {"id": "Open"},
        f"INV-{number}",
    )
    assert [line["amount"] for line in read["item"]["items"]] == [100.5, 9.5]


def test_a_repeated_upsert_doubles_the_lines_unless_it_replaces_them(http, sandbox_store):
    number = f"r{next(NUMBERS)}"
    key = post(http, number).headers["location"].rpartition("/")[2]
    assert post(http, number).status_code == 204
    assert len(sold_lines(http, key)) == 4
    assert float(sandbox_store.get("netsuite", "transaction", key)["foreigntotal"]) == 261.82
    path = f"record/v1/invoice/eid:in_{number}"
    again = http.put(path, params={"replace": "item"}, json=invoice_body(number))
    assert again.headers["location"].endswith(f"/{key}")
    assert len(sandbox_store.rows("netsuite", "transactionline", transaction=key)) == 4
    assert len(sandbox_store.rows("netsuite", "transaction", externalid=f"in_{number}")) == 1
    kept = sandbox_store.get("netsuite", "transaction", key)
    assert kept["createddate"] < kept["lastmodifieddate"]


def test_lines_are_merged_by_their_number(http, sandbox_store):
    number = f"m{next(NUMBERS)}"
    key = post(http, number).headers["location"].rpartition("/")[2]
    path = f"record/v1/invoice/{key}"
    change = {"line": 2, "amount": "19.50", "quantity": 3}
    assert http.patch(path, json={"item": {"items": [change]}}).status_code == 204
    first, second = sold_lines(http, key)
    assert (first["amount"], second["amount"], second["quantity"]) == (100.5, 19.5, 3.0)
    ledger = sandbox_store.rows("netsuite", "transactionaccountingline", transaction=key)
    assert round(sum(float(line["amount"]) for line in ledger), 2) == 0
    unknown = http.patch(path, json={"item": {"items": [{"line": 9, "amount": "1"}]}})
    assert refusal(unknown) == (400, "INVALID_CONTENT", "item.items[0].line")
    bad = http.patch(path, json={"item": {"items": [{"line": 1, "price": "1"}]}})
    assert refusal(bad) == (400, "INVALID_CONTENT", "item.items[0].price")


def test_sublists_are_links_unless_expanded(http):
    plain = http.get("record/v1/customer/1").json()["addressBook"]
    assert "items" not in plain
    (link,) = plain["links"]
    assert link["href"].endswith("/record/v1/customer/1/addressBook")
    (address,) = http.get(link["href"]).json()["items"]
    assert address["addressBookAddress"] == {"country": {"id": "DE"}}
    some = http.get("record/v1/customer/1", params={"fields": "companyName"}).json()
    assert some.keys() == {"links", "id", "companyName"}


def test_a_paid_invoice_keeps_its_total(http, sandbox_store):
    number = f"k{next(NUMBERS)}"
    key = post(http, number).headers["location"].rpartition("/")[2]
    link = {
        "previousdoc": key,
        "previousline": 0,
        "nextdoc": 1,
        "nextline": 1,
        "linktype": "Payment",
    }
    sandbox_store.put("netsuite", "previoustransactionlinelink", link)
    sandbox_store.put("netsuite", "transaction", {"id": key, "foreignamountunpaid": "0"})
    path = f"record/v1/invoice/{key}"
    body = invoice_body(number)
    assert http.patch(path, params={"replace": "item"}, json=body).status_code == 204
    assert sandbox_store.get("netsuite", "transaction", key)["foreignamountunpaid"] == "0"
    body["taxDetails"]["items"][0]["taxAmount"] = "19.09"
    replaced = http.patch(path, params={"replace": "item"}, json=body)
    assert refusal(replaced)[:2] == (400, "USER_ERROR")
    assert refusal(http.delete(path))[:2] == (400, "USER_ERROR")


def test_a_posted_invoice_lets_its_header_be_changed(http, sandbox_store):
    number = f"h{next(NUMBERS)}"
    key = post(http, number).headers["location"].rpartition("/")[2]
    change = {"memo": "seen", "dueDate": "2026-08-01"}
    assert http.patch(f"record/v1/invoice/{key}", json=change).status_code == 204
    kept = sandbox_store.get("netsuite", "transaction", key)
    assert (kept["memo"], kept["duedate"]) == ("seen", "2026-08-01")
    answer = http.patch(f"record/v1/invoice/{key}", json={"total": 1})
    assert refusal(answer) == (400, "INVALID_CONTENT", "total")


def test_an_open_invoice_can_be_deleted(http, sandbox_store):
    number = f"d{next(NUMBERS)}"
    key = post(http, number).headers["location"].rpartition("/")[2]
    assert http.delete(f"record/v1/invoice/{key}").status_code == 204
    assert sandbox_store.get("netsuite", "transaction", key) is None
    assert sandbox_store.rows("netsuite", "transactionaccountingline", transaction=key) == []
    assert sandbox_store.rows("netsuite", "revenueplan", sourcetransaction=key) == []
    assert {"recordtype": "transaction", "recordid": key} in [
        {name: row[name] for name in ("recordtype", "recordid")}
        for row in sandbox_store.rows("netsuite", "deletedrecord")
    ]


def test_a_document_number_is_unique(http):
    number = f"u{next(NUMBERS)}"
    assert post(http, number).status_code == 204
    twin = invoice_body(f"{number}-twin", tranId=f"INV-{number}")
    answer = http.put(f"record/v1/invoice/eid:in_{number}-twin", json=twin)
    assert refusal(answer) == (400, "USER_ERROR", "tranId")


def line(n, **changed):
    def change(body):
        body["item"]["items"][n].update(changed)

    return change


def tax(n, **changed):
    def change(body):
        body["taxDetails"]["items"][n].update(changed)

    return change


def top(**changed):
    return lambda body: body.update(changed)


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        (top(entity={"id": "99999"}), "INVALID_CONTENT", "entity"),
        (top(entity=None), "INVALID_CONTENT", "entity"),
        (top(subsidiary={"id": "99"}), "INVALID_CONTENT", "subsidiary"),
        (top(currency={"id": "99"}), "INVALID_CONTENT", "currency"),
        (top(postingPeriod={"id": "99"}), "INVALID_CONTENT", "postingPeriod"),
        (top(postingPeriod={"id": "2604"}), "USER_ERROR", "postingPeriod"),
        (top(postingPeriod={"id": "2605"}), "USER_ERROR", "postingPeriod"),
        (top(postingPeriod={"id": "2622"}), "INVALID_CONTENT", "postingPeriod"),
        (top(tranId=""), "USER_ERROR", "tranId"),
        (top(tranDate="6/1/2026"), "INVALID_CONTENT", "tranDate"),
        (top(exchangeRate="one"), "INVALID_CONTENT", "exchangeRate"),
        (top(nope=1), "INVALID_CONTENT", "nope"),
        (top(item={"items": []}), "USER_ERROR", "item.items"),
        (top(item=[]), "INVALID_CONTENT", "item"),
        (top(taxDetailsOverride=False), "INVALID_CONTENT", "taxDetailsOverride"),
        (top(taxDetails={"items": []}), "INVALID_CONTENT", "item.items[0].taxDetailsReference"),
        (line(0, item={"id": "999"}), "INVALID_CONTENT", "item.items[0].item"),
        (line(1, amount="9.505"), "INVALID_CONTENT", "item.items[1].amount"),
        (line(1, amount="much"), "INVALID_CONTENT", "item.items[1].amount"),
        (line(1, nope=1), "INVALID_CONTENT", "item.items[1].nope"),
        (line(1, taxDetailsReference="L9"), "INVALID_CONTENT", "item.items[1].taxDetailsReference"),
        (line(0, custcol_rev_start="soon"), "INVALID_CONTENT", "item.items[0].custcol_rev_start"),
        (tax(0, taxCode={"id": "99"}), "INVALID_CONTENT", "taxDetails.items[0].taxCode"),
        (tax(0, taxRate="20"), "INVALID_CONTENT", "taxDetails.items[0].taxRate"),
        (tax(0, taxBasis=None), "INVALID_CONTENT", "taxDetails.items[0].taxBasis"),
        (tax(1, taxAmount="1.815"), "INVALID_CONTENT", "taxDetails.items[1].taxAmount"),
        (tax(1, taxDetailsReference="L0"), "INVALID_CONTENT", "taxDetails.items[1].taxDetailsReference"),
    ],
    ids=map(str, count(1)),
)  # fmt: skip
def test_a_wrong_invoice_is_refused_and_leaves_nothing(http, sandbox_store, change, code, path):
    number = f"w{next(NUMBERS)}"
    body = invoice_body(number)
    change(body)
    answer = http.put(f"record/v1/invoice/eid:in_{number}", json=body)
    assert refusal(answer) == (400, code, path)
    assert sandbox_store.rows("netsuite", "transaction", externalid=f"in_{number}") == []


def test_tax_details_that_belong_to_no_line_are_refused(http):
    number = f"t{next(NUMBERS)}"
    body = invoice_body(number)
    del body["item"]["items"][1]
    answer = http.put(f"record/v1/invoice/eid:in_{number}", json=body)
    assert refusal(answer) == (400, "INVALID_CONTENT", "taxDetails.items")


def test_yen_have_no_decimals(http, sandbox_store):
    number = f"y{next(NUMBERS)}"
    body = invoice_body(number, currency={"id": "4"}, subsidiary={"id": "4"})
    for part in body["item"]["items"]:
        part["amount"] = "100"
    for part in body["taxDetails"]["items"]:
        part.update(taxCode={"id": "4"}, taxRate="10", taxBasis="100", taxAmount="10")
    key = (
        http.put(f"record/v1/invoice/eid:in_{number}", json=body)
        .headers["location"]
        .rpartition("/")[2]
    )
    assert sandbox_store.get("netsuite", "transaction", key)["foreigntotal"] == "220"
    assert date.fromisoformat(sandbox_store.get("netsuite", "transaction", key)["trandate"])


def test_an_account_of_an_item_is_set_and_taken_away_again(http, sandbox_store):
    for account in ("210", None, "210"):
        change = {"deferredRevenueAccount": account and {"id": account}}
        assert http.patch("record/v1/serviceSaleItem/201", json=change).status_code == 204
        assert sandbox_store.get("netsuite", "item", "201")["deferredrevenueaccount"] == account


def test_an_account_can_number_its_invoices_itself(http, sandbox_store):
    number = f"n{next(NUMBERS)}"
    body = invoice_body(number)
    del body["tranId"]
    set_up_account(sandbox_store, automatic_numbering=True)
    try:
        made = http.put(f"record/v1/invoice/eid:in_{number}", json=body)
    finally:
        set_up_account(sandbox_store, automatic_numbering=False)
    key = made.headers["location"].rpartition("/")[2]
    assert sandbox_store.get("netsuite", "transaction", key)["tranid"].startswith("INV1000")


def test_records_can_be_locked_or_contended(http, sandbox_store):
    set_up_account(sandbox_store, locked=["customer/3"], contended=["customer/4"])
    try:
        held = http.patch("record/v1/customer/3", json={"email": "x@y.example"})
        raced = http.patch("record/v1/customer/4", json={"email": "x@y.example"})
    finally:
        set_up_account(sandbox_store, locked=[], contended=[])
    assert refusal(held)[:2] == (400, "USER_ERROR")
    assert refusal(raced)[:2] == (400, "RCRD_HAS_BEEN_CHANGED")
    assert sandbox_store.get("netsuite", "customer", "3")["email"] is None


# Transformations.


def test_an_invoice_becomes_a_payment(http, sandbox_store):
    number = f"w{next(NUMBERS)}"
    key = post(http, number).headers["location"].rpartition("/")[2]
    path = f"record/v1/invoice/{key}/!transform/customerPayment"
    part = http.post(path, json={"payment": "30.91", "externalId": f"ch_{number}"})
    assert part.status_code == 204
    assert "/customerPayment/" in part.headers["location"]
    invoice = sandbox_store.get("netsuite", "transaction", key)
    assert (float(invoice["foreignamountunpaid"]), invoice["status"]) == (100.0, "A")
    assert http.post(path, json={}).status_code == 204
    invoice = sandbox_store.get("netsuite", "transaction", key)
    assert (float(invoice["foreignamountunpaid"]), invoice["status"]) == (0.0, "B")
    assert refusal(http.post(path, json={}))[:2] == (400, "USER_ERROR")
    links = sandbox_store.rows("netsuite", "previoustransactionlinelink", previousdoc=key)
    assert sum(float(link["foreignamount"]) for link in links) == 130.91


def test_an_invoice_becomes_a_credit_memo(http, sandbox_store):
    number = f"v{next(NUMBERS)}"
    key = post(http, number).headers["location"].rpartition("/")[2]
    made = http.post(f"record/v1/invoice/{key}/!transform/creditMemo", json={"memo": "wrong"})
    credit = made.headers["location"].rpartition("/")[2]
    kept = sandbox_store.get("netsuite", "transaction", credit)
    assert (kept["type"], float(kept["foreigntotal"]), kept["memo"]) == (
        "CustCred",
        -130.91,
        "wrong",
    )
    ledger = sandbox_store.rows("netsuite", "transactionaccountingline", transaction=credit)
    assert round(sum(float(line["amount"]) for line in ledger), 2) == 0
    assert sandbox_store.get("netsuite", "transaction", key)["status"] == "B"


def test_a_payment_into_a_closed_period_is_refused(http):
    number = f"c{next(NUMBERS)}"
    key = post(http, number).headers["location"].rpartition("/")[2]
    path = f"record/v1/invoice/{key}/!transform/customerPayment"
    late = http.post(path, json={"tranDate": "2026-04-15"})
    assert refusal(late) == (400, "USER_ERROR", "postingPeriod")
    assert refusal(http.post(path, json={"total": 1})) == (400, "INVALID_CONTENT", "total")


# Collections.


def listed(http, kind, q, **window):
    answer = http.get(f"record/v1/{kind}", params={"q": q, **window})
    assert answer.is_success, answer.text
    return [item["id"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("kind", "q", "found"),
    [
        ("customer", 'companyName IS "Company 0007"', ["7"]),
        ("customer", 'companyName START_WITH "Company 000" AND id LESS 3', ["1", "2"]),
        ("customer", "id EQUAL 5 OR (id EQUAL 6 AND companyName EMPTY_NOT)", ["5", "6"]),
        ("customer", "id ANY_OF [8, 9]", ["8", "9"]),
        ("customer", "id BETWEEN [10, 11]", ["10", "11"]),
        ("customer", 'id LESS 2 AND dateCreated ON_OR_AFTER "5/1/2026"', ["1"]),
        ("customer", 'id LESS 2 AND dateCreated AFTER "5/1/2026"', []),
        ("customer", "id LESS 2 AND isInactive IS false", ["1"]),
        ("accountingPeriod", 'startDate ON "6/1/2026" AND isQuarter IS false', ["2606"]),
    ],
)
def test_collections_are_filtered(http, kind, q, found):
    assert listed(http, kind, q) == found


def test_collections_are_paged(http):
    answer = http.get("record/v1/customer", params={"limit": 2, "offset": 2, "q": "id LESS 6"})
    body = answer.json()
    assert [item["id"] for item in body["items"]] == ["3", "4"]
    assert (body["totalResults"], body["hasMore"], body["count"]) == (5, True, 2)
    assert body["items"][0]["links"][0]["href"].endswith("/record/v1/customer/3")


@pytest.mark.parametrize(
    "q",
    [
        "nope IS 1",
        "companyName LIKE x",
        "companyName GREATER 5",
        'dateCreated AFTER "2026-05-01"',
        'dateCreated AFTER "5/1/2026 10:00"',
        "id EQUAL",
        "(id EQUAL 1",
        "id EQUAL 1 id",
        "id BETWEEN [1]",
        '"',
    ],
)
def test_a_wrong_filter_is_refused(http, q):
    answer = http.get("record/v1/customer", params={"q": q})
    assert refusal(answer)[:2] == (400, "INVALID_PARAMETER")


def test_dates_of_a_filter_are_the_accounts(http, sandbox_store):
    set_up_account(sandbox_store, date_format="DD.MM.YYYY", time_zone="America/Los_Angeles")
    try:
        on_the_day = listed(http, "customer", 'id LESS 2 AND dateCreated ON "30.04.2026"')
        wrong = http.get("record/v1/customer", params={"q": 'dateCreated ON "4/30/2026"'})
    finally:
        set_up_account(sandbox_store, date_format="M/D/YYYY", time_zone="GMT")
    assert on_the_day == ["1"]
    assert refusal(wrong)[:2] == (400, "INVALID_PARAMETER")


# Metadata.


def test_the_catalog_describes_the_fields_of_a_record(http, sandbox_store):
    names = {item["name"] for item in http.get("record/v1/metadata-catalog").json()["items"]}
    assert {"customer", "invoice", "customerPayment"} <= names
    fields = http.get("record/v1/metadata-catalog/customer").json()["properties"]
    assert (fields["companyName"]["type"], fields["isInactive"]["type"]) == ("string", "boolean")
    assert fields["custentity_stripe_id"]["x-ns-custom-field"] is True
    assert fields["lastModifiedDate"]["format"] == "date-time"
    set_up_account(sandbox_store, absent=["customer.custentity_stripe_id"])
    try:
        left = http.get("record/v1/metadata-catalog/customer").json()["properties"]
        record = http.get("record/v1/customer/1").json()
    finally:
        set_up_account(sandbox_store, absent=[])
    assert fields.keys() - left.keys() == {"custentity_stripe_id"}
    assert "custentity_stripe_id" not in record


def test_the_catalog_speaks_openapi_when_asked(http):
    headers = {"Accept": "application/swagger+json"}
    answer = http.get(
        "record/v1/metadata-catalog", params={"select": "customer,invoice"}, headers=headers
    )
    assert answer.json()["components"]["schemas"].keys() == {"customer", "invoice"}


def test_the_server_tells_its_time(http, sandbox_store):
    told = http.get("system/v1/serverTime").json()["serverTime"]
    assert told == f"{sandbox_store.now():%Y-%m-%dT%H:%M:%SZ}"


# Asynchronous requests.

LATER = {"Prefer": "respond-async"}


def job_url(http, accepted):
    """The path that is told has no host."""
    return http.base_url.join(accepted.headers["location"])


def result_of(http, accepted):
    """What became of a job, by the links that lead there."""
    url = job_url(http, accepted)
    job = http.get(url)
    while not job.json()["completed"]:
        job = http.get(url)
    (task,) = http.get(job.json()["task"]["links"][0]["href"]).json()["items"]
    done = http.get(task["links"][0]["href"]).json()
    return job.json()["progress"], http.get(done["result"]["links"][0]["href"])


def test_a_job_is_pending_and_then_has_the_answer(http, sandbox_store):
    body = {"companyName": "Later", "subsidiary": {"id": "3"}, "externalId": "cus_later"}
    accepted = http.post("record/v1/customer", json=body, headers=LATER)
    assert (accepted.status_code, accepted.content) == (202, b"")
    assert accepted.headers["preference-applied"] == "respond-async"
    first = http.get(job_url(http, accepted)).json()
    assert (first["completed"], first["progress"]) == (False, "pending")
    progress, answer = result_of(http, accepted)
    assert (progress, answer.status_code) == ("succeeded", 204)
    key = answer.headers["location"].rpartition("/")[2]
    assert sandbox_store.get("netsuite", "customer", key)["companyname"] == "Later"


def test_a_job_that_fails_has_the_refusal(http):
    accepted = http.post("record/v1/customer", json={"companyName": "x"}, headers=LATER)
    assert accepted.status_code == 202
    progress, answer = result_of(http, accepted)
    assert progress == "failed"
    assert refusal(answer) == (400, "USER_ERROR", "subsidiary")


def test_an_idempotency_key_is_taken_once_and_its_job_is_told(http, sandbox_store):
    body = {"companyName": "Keyed", "subsidiary": {"id": "3"}}
    headers = {**LATER, "X-NetSuite-Idempotency-Key": str(uuid.uuid4())}
    accepted = http.post("record/v1/customer", json=body, headers=headers)
    again = http.post("record/v1/customer", json=body, headers=headers)
    assert refusal(again)[:2] == (400, "IDEMPOTENCY_ERROR")
    assert again.json()["title"] == "Conflict"
    assert again.headers["location"] == accepted.headers["location"]
    assert len(sandbox_store.rows("netsuite", "customer", companyname="Keyed")) == 1


def test_an_idempotency_key_is_ignored_when_the_answer_is_awaited(http, sandbox_store):
    body = {"companyName": "Twice", "subsidiary": {"id": "3"}}
    headers = {"X-NetSuite-Idempotency-Key": str(uuid.uuid4())}
    for _ in range(2):
        assert http.post("record/v1/customer", json=body, headers=headers).status_code == 204
    assert len(sandbox_store.rows("netsuite", "customer", companyname="Twice")) >= 2


def test_an_idempotency_key_is_a_uuid(http):
    headers = {**LATER, "X-NetSuite-Idempotency-Key": "key-1"}
    answer = http.post("record/v1/customer", json={}, headers=headers)
    assert refusal(answer)[:2] == (400, "INVALID_HEADER")


def test_unknown_jobs_and_tasks_are_not_found(http):
    for path in ("job/999", "job/999/task", "job/999/task/1", "job/999/task/1/result"):
        assert refusal(http.get(f"async/v1/{path}"))[:2] == (404, "NONEXISTENT_ID")


# Signed requests.


def signed(sandbox, method, path, **changed):
    """An answer to a request signed with the token of an integration, or with a part changed."""
    known = {**sandbox.secrets["netsuite_tba"], **changed}
    client = Client(
        known["consumer_key"],
        known["consumer_secret"],
        known["token_id"],
        known["token_secret"],
        signature_method=changed.get("algorithm", "HMAC-SHA256"),
        realm=known["account"],
        nonce=changed.get("nonce"),
        timestamp=changed.get("timestamp"),
    )
    url = f"{sandbox.urls['netsuite']}/services/rest/{path}"
    _, headers, _ = client.sign(url, method)
    sent = url.replace("limit=1", changed.get("sent", "limit=1"))
    body = {"json": {"q": "SELECT id FROM term"}} if method == "POST" else {}
    return httpx.request(method, sent, headers={**headers, "Prefer": "transient"}, **body)


QUERY = "query/v1/suiteql?limit=1&offset=0"


def test_a_signed_request_needs_no_session(sandbox):
    assert signed(sandbox, "GET", "record/v1/customer/1").json()["id"] == "1"
    assert signed(sandbox, "POST", QUERY).json()["count"] == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"consumer_secret": "other"},
        {"token_secret": "other"},
        {"consumer_key": "other"},
        {"token_id": "other"},
        {"account": "1234567-sb1"},
        {"algorithm": "HMAC-SHA1"},
        {"timestamp": str(int(time.time()) - 400)},
        {"timestamp": str(int(time.time()) + 4_000)},
        {"sent": "limit=2"},
    ],
)
def test_a_request_signed_wrongly_is_refused(sandbox, changed):
    answer = signed(sandbox, "POST", QUERY, **changed)
    assert refusal(answer)[:2] == (401, "INVALID_LOGIN")


def test_a_nonce_is_good_once(sandbox):
    nonce, timestamp = uuid.uuid4().hex, str(int(time.time()))
    one, two = (
        signed(sandbox, "GET", "record/v1/term/1", nonce=nonce, timestamp=timestamp)
        for _ in range(2)
    )
    assert one.is_success
    assert refusal(two)[:2] == (401, "INVALID_LOGIN")
