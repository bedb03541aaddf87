"""The sandbox's Salesforce: what simple-salesforce does works unchanged, what is wrong is refused."""

from decimal import Decimal
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
import pytest
import requests
import simple_salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

from extractors.sandbox.credentials import revoke_tokens
from extractors.sandbox.ids import salesforce_id

ONE = salesforce_id("Account", 1)
DELETED = salesforce_id("Account", 450)


@pytest.fixture
def client(sandbox):
    """The official-style client; it insists on https, and the environment's CA bundle must not win."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(sandbox.certificate)
    token = sandbox.salesforce_token().json()["access_token"]
    url = sandbox.urls["salesforce_https"]
    with session:
        yield simple_salesforce.Salesforce(
            instance_url=url, session_id=token, session=session, version="62.0"
        )


@pytest.fixture
def http(sandbox):
    with sandbox.salesforce() as http:
        yield http


def problem(response):
    (error,) = response.json()
    return response.status_code, error["errorCode"]


# The client.


def test_the_client_pages_through_a_query(client):
    found = client.query_all(
        "SELECT Id, Name FROM Account WHERE Name LIKE 'Company%' ORDER BY Name"
    )
    names = [record["Name"] for record in found["records"]]
    assert names == [f"Company {n:04d}" for n in range(1, 450)]
    assert found["records"][0]["attributes"]["type"] == "Account"


def test_the_client_follows_next_records_one_by_one(client):
    small = {"Sforce-Query-Options": "batchSize=200"}
    soql = "SELECT Id FROM Account WHERE Name LIKE 'Company%' ORDER BY Id"
    page = client.query(soql, headers=small)
    sizes = [len(page["records"])]
    while not page["done"]:
        page = client.query_more(page["nextRecordsUrl"], identifier_is_url=True, headers=small)
        sizes.append(len(page["records"]))
    assert (sizes, page["totalSize"]) == ([200, 200, 49], 449)


def test_query_all_brings_deleted_records(client):
    soql = "SELECT Id, IsDeleted FROM Account WHERE Name LIKE 'Company%'"
    found = client.query_all(soql, include_deleted=True)
    assert found["totalSize"] == 450
    assert [r["Id"] for r in found["records"] if r["IsDeleted"]] == [DELETED]


def test_the_client_writes_reads_and_deletes(client, sandbox_store):
    made = client.Account.create({"Name": "Made", "Stripe_Customer_Id__c": "cus_made"})
    assert made["success"] is True
    assert client.Account.update(made["id"], {"Name": "Changed"}) == 204
    read = client.Account.get(made["id"])
    assert (read["Name"], read["IsDeleted"]) == ("Changed", False)
    assert read["LastModifiedDate"] > read["CreatedDate"]
    assert client.Account.get_by_custom_id("Stripe_Customer_Id__c", "cus_made")["Id"] == made["id"]
    assert client.Account.delete(made["id"]) == 204
    assert sandbox_store.get("salesforce", "Account", made["id"])["IsDeleted"] is True
    with pytest.raises(SalesforceResourceNotFound):
        client.Account.get(made["id"])


def test_the_client_upserts_by_external_id(client, sandbox_store):
    field = "Stripe_Subscription_Id__c"
    status, = client.query("SELECT Status__c FROM Subscription__c WHERE Stripe_Subscription_Id__c = 'sub_live'")["records"]  # fmt: skip
    assert status["Status__c"] == "Active"
    assert client.Subscription__c.upsert(f"{field}/sub_live", {"Status__c": "Paused"}) == 200
    assert client.Subscription__c.upsert(f"{field}/sub_new", {"Status__c": "Trial"}) == 201
    (kept,) = sandbox_store.rows("salesforce", "Subscription__c", **{field: "sub_live"})
    assert kept["Status__c"] == "Paused"


def test_the_client_upserts_in_bulk_with_a_verdict_per_row(http):
    records = [
        {"attributes": {"type": "Account"}, "Q2C_Customer_Key__c": "key-1", "Name": "Bulk One"},
        {"attributes": {"type": "Account"}, "Q2C_Customer_Key__c": "key-2", "Nom": "Bulk Two"},
    ]
    path = "composite/sobjects/Account/Q2C_Customer_Key__c"
    answer = http.patch(path, json={"allOrNone": False, "records": records})
    good, bad = answer.json()
    assert (answer.status_code, good["success"], good["created"]) == (200, True, True)
    assert (bad["success"], bad["errors"][0]["statusCode"]) == (False, "INVALID_FIELD")


def test_all_or_none_writes_nothing_where_one_fails(http, sandbox_store):
    def record(key, **values):
        return {"attributes": {"type": "Account"}, "Q2C_Customer_Key__c": key, **values}

    body = {"allOrNone": True, "records": [record("aon-1", Name="A"), record("aon-2", Nom="B")]}
    first, second = http.patch("composite/sobjects/Account/Q2C_Customer_Key__c", json=body).json()
    assert first["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert second["errors"][0]["statusCode"] == "INVALID_FIELD"
    assert sandbox_store.rows("salesforce", "Account", Q2C_Customer_Key__c="aon-1") == []


def test_collections_update_and_create_by_id(http, sandbox_store):
    typed = {"attributes": {"type": "Account"}}
    made = http.post("composite/sobjects", json={"records": [{**typed, "Name": "Coll"}]}).json()
    change = {**typed, "id": made[0]["id"], "Name": "Collected"}
    assert http.patch("composite/sobjects", json={"records": [change]}).json()[0]["success"]
    assert sandbox_store.get("salesforce", "Account", made[0]["id"])["Name"] == "Collected"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"records": []}, "INVALID_INPUT"),
        ({"records": [{"Name": "untyped"}]}, "INVALID_INPUT"),
        ({"records": [{"attributes": {"type": "Account"}}] * 201}, "EXCEEDED_ID_LIMIT"),
    ],
)
def test_malformed_collections_are_refused(http, body, code):
    assert problem(http.patch("composite/sobjects", json=body)) == (400, code)


def test_the_client_describes_and_reads_limits(client):
    fields = {field["name"]: field for field in client.Account.describe()["fields"]}
    assert fields["Stripe_Customer_Id__c"]["externalId"] is True
    assert {o["name"] for o in client.describe()["sobjects"]} >= {"Account", "Contract_Line__c"}
    assert client.limits()["DailyApiRequests"]["Max"] == 100_000
    assert client.api_usage["api-usage"].used >= 1


def test_the_client_reads_errors(client):
    with pytest.raises(SalesforceMalformedRequest) as caught:
        client.query("SELECT Nope FROM Account")
    assert caught.value.content[0]["errorCode"] == "INVALID_FIELD"


def test_an_ended_session_is_told_to_the_client(client, sandbox_store):
    revoke_tokens(sandbox_store)
    with pytest.raises(SalesforceExpiredSession) as caught:
        client.query("SELECT Id FROM Account LIMIT 1")
    assert caught.value.content[0]["errorCode"] == "INVALID_SESSION_ID"


# Login.


def test_a_token_comes_with_its_instance(sandbox):
    granted = sandbox.salesforce_token().json()
    assert granted["instance_url"] == sandbox.urls["salesforce"]
    assert granted["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "invalid_client_id"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_wrong_credentials_get_no_token(sandbox, changed, error):
    refused = sandbox.salesforce_token(**changed)
    assert (refused.status_code, refused.json()["error"]) == (400, error)


def test_a_jwt_for_the_right_audience_gets_a_token(sandbox):
    import jwt

    claims = {
        "iss": sandbox.secrets["salesforce"]["client_id"],
        "sub": "robot@example.com",
        "aud": "https://login.salesforce.com",
        "exp": 4_000_000_000,
    }
    key = "k" * 32

    def ask(**changed):
        return sandbox.salesforce_token(
            grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
            assertion=jwt.encode(claims | changed, key, algorithm="HS256"),
        )

    assert "access_token" in ask().json()
    assert ask(aud=sandbox.urls["salesforce"]).json()["error"] == "invalid_grant"
    assert ask(exp=1).json()["error"] == "invalid_grant"
    assert ask(iss="other").json()["error"] == "invalid_client_id"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "x"}])
def test_no_session_no_data(sandbox, headers):
    url = f"{sandbox.urls['salesforce']}/services/data/v62.0/query?q=SELECT+Id+FROM+Account"
    assert problem(httpx.get(url, headers=headers)) == (401, "INVALID_SESSION_ID")


def test_a_token_of_another_system_is_worth_nothing(sandbox):
    token = sandbox.netsuite_token().json()["access_token"]
    url = f"{sandbox.urls['salesforce']}/services/data/v62.0/limits"
    answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"})
    assert problem(answer) == (401, "INVALID_SESSION_ID")


# Answers.


def test_every_answer_carries_the_sandboxs_date_and_the_limits(http, sandbox_store):
    answer = http.get("query/", params={"q": "SELECT COUNT() FROM Product2"})
    assert parsedate_to_datetime(answer.headers["date"]) == sandbox_store.now()
    assert answer.headers.get_list("date") == [answer.headers["date"]]
    assert answer.headers["sforce-limit-info"].startswith("api-usage=")
    assert answer.headers["x-sfdc-request-id"]
    assert answer.json() == {"totalSize": 1, "done": True, "records": []}


def test_a_page_is_never_larger_than_asked_nor_smaller_than_200(http):
    soql = {"q": "SELECT Id FROM Account"}
    for asked, size in (("batchSize=1", 200), ("batchSize=300", 300), ("nonsense", 2000)):
        page = http.get("query", params=soql, headers={"Sforce-Query-Options": asked}).json()
        assert len(page["records"]) == min(size, page["totalSize"])


def test_a_cursor_shows_the_result_of_its_time(http, sandbox_store):
    soql = {"q": "SELECT Id FROM Account ORDER BY Id"}
    first = http.get("query", params=soql, headers={"Sforce-Query-Options": "batchSize=200"}).json()
    late = {"Id": salesforce_id("Account", 9999), "Name": "Late", "IsDeleted": False}
    sandbox_store.put("salesforce", "Account", late)
    path = urlsplit(first["nextRecordsUrl"]).path.removeprefix("/services/data/v62.0/")
    rest = http.get(path).json()
    assert rest["totalSize"] == first["totalSize"] == 200 + len(rest["records"])
    assert late["Id"] not in {record["Id"] for record in rest["records"]}
    sandbox_store.delete("salesforce", "Account", late["Id"])


@pytest.mark.parametrize("locator", ["01gNOPE-2000", "nonsense", "01gSb0000000001IAA-99999999"])
def test_an_unknown_cursor_is_refused(http, locator):
    assert problem(http.get(f"query/{locator}")) == (400, "INVALID_QUERY_LOCATOR")


def test_an_object_can_be_read_in_part(http):
    record = http.get(f"sobjects/Account/{ONE}", params={"fields": "Name,Type"}).json()
    assert record.keys() == {"attributes", "Name", "Type"}
    answer = http.get(f"sobjects/Account/{ONE}", params={"fields": "Nope"})
    assert problem(answer) == (400, "INVALID_FIELD")


def test_decimals_are_numbers_with_a_fraction(http):
    soql = "SELECT UnitPrice FROM PricebookEntry WHERE UnitPrice > 11"
    answer = http.get("query", params={"q": soql})
    assert '"UnitPrice":29.0}' in answer.text


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("sobjects/Nope/001", 404, "NOT_FOUND"),
        (f"sobjects/Account/{ONE[:-1]}Z", 404, "NOT_FOUND"),
        (f"sobjects/Account/{DELETED}", 404, "ENTITY_IS_DELETED"),
        ("sobjects/Account/Name/x", 404, "NOT_FOUND"),
        ("sobjects/Account/Stripe_Customer_Id__c/none", 404, "NOT_FOUND"),
        ("nothing/here", 404, "NOT_FOUND"),
        ("query", 400, "MALFORMED_QUERY"),
    ],
)
def test_what_is_not_there_is_refused(http, path, status, code):
    assert problem(http.get(path)) == (status, code)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"Nope": "x"}, "INVALID_FIELD"),
        ({"SystemModstamp": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": 5}, "JSON_PARSER_ERROR"),
        ({"ParentId": "short"}, "MALFORMED_ID"),
        ({"ParentId": "001000000000000AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"ParentId": DELETED}, "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
def test_a_wrong_change_is_refused(http, sandbox_store, body, code):
    before = sandbox_store.get("salesforce", "Account", ONE)
    assert problem(http.patch(f"sobjects/Account/{ONE}", json=body)) == (400, code)
    assert sandbox_store.get("salesforce", "Account", ONE) == before


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("Account", {}, "REQUIRED_FIELD_MISSING"),
        ("PricebookEntry", {"Product2Id": salesforce_id("Product2", 1)}, "REQUIRED_FIELD_MISSING"),
        ("Subscription__c", {"Status__c": "Sleeping"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("Subscription__c", {"Status_Changed_At__c": "yesterday"}, "JSON_PARSER_ERROR"),
        ("Product2", {"Name": "x", "IsActive": "yes"}, "JSON_PARSER_ERROR"),
    ],
)
def test_a_wrong_new_record_is_refused(http, name, body, code):
    assert problem(http.post(f"sobjects/{name}", json=body)) == (400, code)


def test_an_external_id_is_unique(http):
    http.patch("sobjects/Account/Stripe_Customer_Id__c/cus_u1", json={"Name": "U1"})
    http.patch("sobjects/Account/Stripe_Customer_Id__c/cus_u2", json={"Name": "U2"})
    twice = http.post("sobjects/Account", json={"Name": "U3", "Stripe_Customer_Id__c": "cus_u1"})
    assert problem(twice) == (400, "DUPLICATE_VALUE")


def test_an_ambiguous_external_id_is_refused(http, sandbox_store):
    for number in (7001, 7002):
        record = {"Id": salesforce_id("Account", number), "Q2C_Customer_Key__c": "twin"}
        sandbox_store.put("salesforce", "Account", record | {"Name": "Twin"})
    answer = http.patch("sobjects/Account/Q2C_Customer_Key__c/twin", json={"Name": "Which"})
    assert problem(answer) == (300, "DUPLICATE_EXTERNAL_ID")


def test_an_upsert_must_not_repeat_its_key_in_the_body(http):
    body = {"Name": "x", "Stripe_Customer_Id__c": "cus_rep"}
    answer = http.patch("sobjects/Account/Stripe_Customer_Id__c/cus_rep", json=body)
    assert problem(answer) == (400, "INVALID_FIELD")


def test_a_broken_body_is_refused(http):
    for content in (b"{", b"[]"):
        answer = http.patch(f"sobjects/Account/{ONE}", content=content)
        assert problem(answer) == (400, "JSON_PARSER_ERROR")


def test_written_times_are_kept_in_utc_and_amounts_exactly(http, sandbox_store):
    path = "sobjects/Subscription__c/Stripe_Subscription_Id__c/sub_times"
    http.patch(path, json={"Status_Changed_At__c": "2026-01-31T10:00:00+02:00"})
    (record,) = sandbox_store.rows(
        "salesforce", "Subscription__c", Stripe_Subscription_Id__c="sub_times"
    )
    assert record["Status_Changed_At__c"] == "2026-01-31T08:00:00.000+0000"
    body = {"Product2Id": salesforce_id("Product2", 1), "UnitPrice": 1234567.89}
    made = http.post("sobjects/PricebookEntry", json=body).json()
    stored = sandbox_store.get("salesforce", "PricebookEntry", made["id"])
    assert Decimal(stored["UnitPrice"]) == Decimal("1234567.89")
    sandbox_store.delete("salesforce", "PricebookEntry", made["id"])
