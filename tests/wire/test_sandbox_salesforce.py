"""The sandbox's Salesforce: what simple-salesforce does works unchanged, what is wrong is refused."""

import time
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import jwt
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
from extractors.sandbox.salesforce_query import CURSORS_KEPT
from extractors.sandbox.salesforce_records import LOCKS, RULES, merge
from extractors.sandbox.store import table_of

API = "/services/data/v62.0"
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


def whole(http, path):
    """The address of a path that begins at the root."""
    return http.base_url.join(path)


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


def test_credentials_may_come_as_a_basic_header(sandbox):
    known = sandbox.secrets["salesforce"]
    url = f"{sandbox.urls['salesforce']}/services/oauth2/token"
    form = {"grant_type": "client_credentials"}
    auth = (known["client_id"], known["client_secret"])
    assert "access_token" in httpx.post(url, data=form, auth=auth).json()
    assert httpx.post(url, data=form).json()["error"] == "invalid_client_id"


def test_a_refresh_token_gets_a_token(sandbox):
    known = sandbox.secrets["salesforce_refresh"]
    granted = sandbox.salesforce_token(
        grant_type="refresh_token", refresh_token=known["refresh_token"]
    )
    assert "access_token" in granted.json()
    refused = sandbox.salesforce_token(grant_type="refresh_token", refresh_token="old")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@pytest.fixture
def assertion(sandbox):
    """A login by JWT with some claims changed: the answer's JSON."""
    known = sandbox.secrets["salesforce_jwt"]
    private = Path(known["private_key_path"]).read_text()

    def ask(key=private, algorithm="RS256", **changed):
        claims = {
            "iss": known["client_id"],
            "sub": known["username"],
            "aud": "https://login.salesforce.com",
            "exp": int(time.time()) + 180,
        }
        signed = jwt.encode(claims | changed, key, algorithm=algorithm)
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        return sandbox.salesforce_token(grant_type=grant, assertion=signed).json()

    return ask


def test_an_assertion_signed_with_the_certified_key_gets_a_token(assertion):
    granted = assertion()
    assert "access_token" in granted
    assert "refresh_token" not in granted
    assert "access_token" in assertion(aud="https://test.salesforce.com")
    assert "access_token" in assertion(exp=str(int(time.time()) + 60))


@pytest.mark.parametrize(
    ("changed", "error", "description"),
    [
        ({"aud": "https://acme.my.salesforce.com"}, "invalid_grant", "audience is invalid"),
        ({"sub": "other@acme.example"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"iss": "other"}, "invalid_client_id", "client identifier invalid"),
        ({"exp": 1}, "invalid_grant", "expired authorization code"),
        ({"exp": int(time.time()) + 9_000}, "invalid_grant", "invalid assertion"),
        ({"exp": int(time.time() * 1000)}, "invalid_grant", "invalid assertion"),
        ({"exp": None}, "invalid_grant", "invalid assertion"),
        ({"key": "k" * 32, "algorithm": "HS256"}, "invalid_grant", "invalid assertion"),
        ({"key": None, "algorithm": "none"}, "invalid_grant", "invalid assertion"),
        ({"algorithm": "RS512"}, "invalid_grant", "invalid assertion"),
        ({"algorithm": "PS256"}, "invalid_grant", "invalid assertion"),
    ],
)
def test_a_wrong_assertion_gets_no_token(assertion, changed, error, description):
    assert assertion(**changed) == {"error": error, "error_description": description}


def test_an_assertion_of_another_key_gets_no_token(assertion, sandbox):
    other = Path(sandbox.secrets["netsuite"]["private_key_path"]).read_text()
    assert assertion(key=other)["error_description"] == "invalid assertion"


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
    twins = [f"{API}/sobjects/Account/{salesforce_id('Account', n)}" for n in (7001, 7002)]
    assert (answer.status_code, answer.json()) == (300, twins)


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


# Versions, addresses, identifiers.


def test_every_version_of_an_org_is_served(sandbox, http):
    known = [
        each["version"] for each in http.get(f"{sandbox.urls['salesforce']}/services/data").json()
    ]
    assert {"59.0", "62.0", "66.0"} <= set(known)
    soql = {"q": "SELECT Id FROM Product2"}
    record = http.get(whole(http, "/services/data/v59.0/query"), params=soql).json()["records"][0]
    assert record["attributes"]["url"].startswith("/services/data/v59.0/")
    for version in ("v9.0", "62.0", "v62"):
        answer = http.get(whole(http, f"/services/data/{version}/query"), params=soql)
        assert problem(answer) == (404, "NOT_FOUND")


def test_an_address_that_is_too_long_is_refused(http):
    soql = f"SELECT Id FROM Account WHERE Name != '{'x' * 16_384}'"
    assert http.get("query", params={"q": soql}).status_code == 414


def test_an_id_may_come_without_its_checks(http):
    short = ONE[:15]
    assert http.get(f"sobjects/Account/{short}").json()["Id"] == ONE
    for term in (f"Id = '{short}'", f"Id IN ('{short}')", f"Id >= '{short}' AND Id <= '{short}'"):
        found = http.get("query", params={"q": f"SELECT Id FROM Account WHERE {term}"}).json()
        assert [record["Id"] for record in found["records"]] == [ONE]
    upper = http.get(f"sobjects/Account/{short.upper()}")
    assert problem(upper) == (404, "NOT_FOUND")


def test_a_reference_is_kept_whole(http, sandbox_store):
    made = http.post("sobjects/Account", json={"Name": "Child", "ParentId": ONE[:15]}).json()["id"]
    assert sandbox_store.get("salesforce", "Account", made)["ParentId"] == ONE
    http.delete(f"sobjects/Account/{made}")


# What becomes of records.


@pytest.fixture
def two_accounts(http):
    ids = [http.post("sobjects/Account", json={"Name": f"Merge {n}"}).json()["id"] for n in "AB"]
    yield ids
    for record_id in ids:
        http.delete(f"sobjects/Account/{record_id}")


def test_a_merged_account_names_its_master_and_gives_its_children_away(
    http, sandbox_store, two_accounts
):
    master, merged = two_accounts
    child = http.post("sobjects/Account", json={"Name": "Sub", "ParentId": merged}).json()["id"]
    merge(sandbox_store, table_of("salesforce", "Account"), master, merged)
    soql = f"SELECT Id, IsDeleted, MasterRecordId FROM Account WHERE Id = '{merged}'"
    assert http.get("query", params={"q": soql}).json()["totalSize"] == 0
    (gone,) = http.get("queryAll", params={"q": soql}).json()["records"]
    assert (gone["IsDeleted"], gone["MasterRecordId"]) == (True, master)
    assert http.get(f"sobjects/Account/{child}").json()["ParentId"] == master
    assert problem(http.get(f"sobjects/Account/{merged}")) == (404, "ENTITY_IS_DELETED")
    http.delete(f"sobjects/Account/{child}")


def test_deletions_are_listed_by_their_time(http, sandbox_store):
    gone = http.post("sobjects/Account", json={"Name": "Gone"}).json()["id"]
    http.delete(f"sobjects/Account/{gone}")
    now = sandbox_store.now()
    window = {
        "start": (now - timedelta(days=1)).isoformat(),
        "end": (now + timedelta(hours=1)).isoformat(),
    }
    listed = http.get("sobjects/Account/deleted/", params=window).json()
    assert gone in {record["id"] for record in listed["deletedRecords"]}
    assert DELETED not in {record["id"] for record in listed["deletedRecords"]}
    for wrong in (
        {"start": (now - timedelta(days=16)).isoformat()},
        {"start": window["end"]},
        {"start": "x"},
    ):
        answer = http.get("sobjects/Account/deleted/", params=window | wrong)
        assert problem(answer) == (400, "INVALID_REPLICATION_DATE")


def test_changes_of_tracked_fields_are_kept(http, sandbox_store):
    body = {"Name": "Deal", "StageName": "Open", "CloseDate": "2026-06-01", "Amount": 100}
    deal = http.post("sobjects/Opportunity", json=body).json()["id"]
    http.patch(f"sobjects/Opportunity/{deal}", json={"Amount": 120.5, "Name": "Big deal"})
    soql = f"SELECT Field, OldValue, NewValue FROM OpportunityFieldHistory WHERE OpportunityId = '{deal}'"
    (change,) = http.get("query", params={"q": soql}).json()["records"]
    assert (change["Field"], change["OldValue"], change["NewValue"]) == ("Amount", "100", "120.5")
    refused = http.post("sobjects/OpportunityFieldHistory", json={"OpportunityId": deal})
    assert problem(refused) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    missing = http.get("query", params={"q": "SELECT SystemModstamp FROM OpportunityFieldHistory"})
    assert problem(missing) == (400, "INVALID_FIELD")
    sandbox_store.delete("salesforce", "Opportunity", deal)


# Writes that an org turns away.


def test_a_record_that_changed_since_is_not_overwritten(http, sandbox_store, two_accounts):
    key = two_accounts[0]
    seen = format_datetime(sandbox_store.now(), usegmt=True)
    http.patch(f"sobjects/Account/{key}", json={"Type": "Customer"})
    stale = {"If-Unmodified-Since": seen}
    for answer in (
        http.patch(f"sobjects/Account/{key}", json={"Type": "Prospect"}, headers=stale),
        http.get(f"sobjects/Account/{key}", headers=stale),
    ):
        assert problem(answer) == (412, "PRECONDITION_FAILED")
    fresh = {"If-Unmodified-Since": format_datetime(sandbox_store.now(), usegmt=True)}
    changed = http.patch(f"sobjects/Account/{key}", json={"Type": "Prospect"}, headers=fresh)
    assert changed.status_code == 204
    wrong = http.get(f"sobjects/Account/{key}", headers={"If-Unmodified-Since": "yesterday"})
    assert problem(wrong) == (400, "INVALID_HEADER")


def test_a_locked_row_cannot_be_written_for_a_while(http, sandbox_store, two_accounts):
    key = two_accounts[0]
    sandbox_store.set_meta(LOCKS, {key: 2})
    for _ in range(2):
        answer = http.patch(f"sobjects/Account/{key}", json={"Type": "Customer"})
        assert problem(answer) == (400, "UNABLE_TO_LOCK_ROW")
    assert http.patch(f"sobjects/Account/{key}", json={"Type": "Customer"}).status_code == 204


def test_a_locked_row_is_told_row_by_row_in_a_collection(http, sandbox_store, two_accounts):
    sandbox_store.set_meta(LOCKS, {two_accounts[0]: 1})
    changes = [{"attributes": {"type": "Account"}, "id": key, "Type": "X"} for key in two_accounts]
    first, second = http.patch("composite/sobjects", json={"records": changes}).json()
    assert (first["success"], first["errors"][0]["statusCode"]) == (False, "UNABLE_TO_LOCK_ROW")
    assert second["success"] is True


def test_duplicate_rules_turn_away_unless_asked_not_to(http, sandbox_store, two_accounts):
    sandbox_store.set_meta(RULES, {"Account": ["Name"]})
    answer = http.post("sobjects/Account", json={"Name": "Merge A"})
    assert problem(answer) == (400, "DUPLICATES_DETECTED")
    (found,) = answer.json()[0]["duplicateResult"]["matchResults"]
    assert found["matchRecords"][0]["record"]["Id"] == two_accounts[0]
    headers = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    made = http.post("sobjects/Account", json={"Name": "Merge A"}, headers=headers)
    assert made.status_code == 201
    sandbox_store.set_meta(RULES, None)
    http.delete(f"sobjects/Account/{made.json()['id']}")


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("Account", {"Name": "x", "Invoice_Email__c": "nobody"}, "INVALID_EMAIL_ADDRESS"),
        ("Account", {"Name": "x" * 256}, "STRING_TOO_LONG"),
        (
            "Contract",
            {"AccountId": ONE, "StartDate": "2026-02-01", "EndDate": "2026-01-31"},
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        ),
    ],
)
def test_validation_names_the_field(http, name, body, code):
    answer = http.post(f"sobjects/{name}", json=body)
    assert problem(answer) == (400, code)
    assert answer.json()[0]["fields"]


# Children.


@pytest.fixture
def family(http, sandbox_store):
    """An account with 450 opportunities, and one with a single one."""
    parents = [
        http.post("sobjects/Account", json={"Name": f"Family {n}"}).json()["id"] for n in "AB"
    ]
    deals = [(parents[0], n) for n in range(1, 451)] + [(parents[1], 451)]
    sandbox_store.put_many(
        "salesforce",
        "Opportunity",
        [
            {
                "Id": salesforce_id("Opportunity", n),
                "AccountId": parent,
                "Name": f"D{n}",
                "IsDeleted": False,
            }
            for parent, n in deals
        ],
    )
    yield parents
    sandbox_store.execute("DELETE FROM salesforce_opportunity")
    for parent in parents:
        http.delete(f"sobjects/Account/{parent}")


FAMILIES = (
    "SELECT Id, (SELECT Id, Name FROM Opportunities), (SELECT Id FROM Contracts) "
    "FROM Account WHERE Name LIKE 'Family%' ORDER BY Name"
)


def test_children_have_pages_of_their_own_and_fill_their_parents_page(http, family):
    small = {"Sforce-Query-Options": "batchSize=200"}
    page = http.get("query", params={"q": FAMILIES}, headers=small).json()
    (parent,) = page["records"]
    children = parent["Opportunities"]
    assert (page["totalSize"], page["done"]) == (2, False)
    assert (children["totalSize"], len(children["records"]), children["done"]) == (450, 199, False)
    assert parent["Contracts"] is None
    seen = len(children["records"])
    while not children["done"]:
        children = http.get(whole(http, children["nextRecordsUrl"]), headers=small).json()
        seen += len(children["records"])
    assert seen == 450
    last = http.get(whole(http, page["nextRecordsUrl"]), headers=small).json()
    assert last["records"][0]["Opportunities"]["totalSize"] == 1


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id, (SELECT Id FROM Nonsense) FROM Account", "INVALID_TYPE"),
        ("SELECT Id, (SELECT Nope FROM Opportunities) FROM Account", "INVALID_FIELD"),
        ("SELECT Id, (SELECT COUNT() FROM Opportunities) FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id, (SELECT Id FROM Opportunities FROM Account", "MALFORMED_QUERY"),
    ],
)
def test_wrong_sub_queries_are_refused(http, soql, code):
    assert problem(http.get("query", params={"q": soql})) == (400, code)


def test_the_oldest_cursor_of_many_is_closed(http):
    small = {"Sforce-Query-Options": "batchSize=200"}
    soql = {"q": "SELECT Id FROM Account"}
    urls = [
        http.get("query", params=soql, headers=small).json()["nextRecordsUrl"]
        for _ in range(CURSORS_KEPT + 1)
    ]
    assert problem(http.get(whole(http, urls[0]))) == (400, "INVALID_QUERY_LOCATOR")
    assert http.get(whole(http, urls[1])).status_code == 200


def test_an_address_is_one_field_made_of_others(http, two_accounts):
    place = {"BillingStreet": "1 High St", "BillingCity": "Leeds"}
    http.patch(f"sobjects/Account/{two_accounts[0]}", json=place)
    soql = "SELECT Name, BillingAddress FROM Account WHERE Name LIKE 'Merge%' ORDER BY Name"
    first, second = http.get("query", params={"q": soql}).json()["records"]
    assert first["BillingAddress"]["street"] == "1 High St"
    assert first["BillingAddress"]["country"] is None
    assert second["BillingAddress"] is None


def test_large_numbers_are_written_by_their_exponent(http, sandbox_store):
    body = {"Name": "Big", "StageName": "Open", "CloseDate": "2026-06-01", "Amount": 99213206}
    deal = http.post("sobjects/Opportunity", json=body).json()["id"]
    assert '"Amount":9.9213206E7' in http.get(f"sobjects/Opportunity/{deal}?fields=Amount").text
    http.patch(f"sobjects/Opportunity/{deal}", json={"Amount": 9999999.5})
    assert '"Amount":9999999.5' in http.get(f"sobjects/Opportunity/{deal}?fields=Amount").text
    sandbox_store.delete("salesforce", "Opportunity", deal)


# Many calls in one.


def test_a_batch_answers_its_calls_in_their_order(http):
    calls = [
        {"method": "GET", "url": "v62.0/query?q=SELECT+COUNT()+FROM+Product2"},
        {"method": "GET", "url": "/services/data/v62.0/sobjects/Product2/describe"},
        {"method": "PATCH", "url": f"v62.0/sobjects/Account/{ONE}", "richInput": {"Type": "Other"}},
    ]
    whole = http.post("composite/batch", json={"batchRequests": calls}).json()
    count, about, change = whole["results"]
    assert (count["statusCode"], count["result"]["totalSize"]) == (200, 1)
    assert about["result"]["name"] == "Product2"
    assert (change["statusCode"], change["result"]) == (204, None)
    assert whole["hasErrors"] is False
    assert http.get(f"sobjects/Account/{ONE}").json()["Type"] == "Other"
    http.patch(f"sobjects/Account/{ONE}", json={"Type": "Customer"})


def test_a_batch_goes_on_after_an_error_unless_told_to_stop(http):
    calls = [
        {"method": "GET", "url": f"v62.0/sobjects/{name}/describe"} for name in ("Nope", "Account")
    ]
    whole = http.post("composite/batch", json={"batchRequests": calls}).json()
    assert [each["statusCode"] for each in whole["results"]] == [404, 200]
    assert whole["hasErrors"] is True
    halted = http.post("composite/batch", json={"batchRequests": calls, "haltOnError": True}).json()
    assert halted["results"][1]["statusCode"] == 412
    assert halted["results"][1]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"


@pytest.mark.parametrize(
    ("calls", "code"),
    [
        ([], "INVALID_INPUT"),
        ([{"method": "GET"}], "INVALID_INPUT"),
        ([{"method": "GET", "url": "v62.0/limits"}] * 26, "LIMIT_EXCEEDED"),
    ],
)
def test_wrong_batches_are_refused(http, calls, code):
    assert problem(http.post("composite/batch", json={"batchRequests": calls})) == (400, code)


# Many calls in one, each with headers of its own.


def one_of(name, method="GET", url=f"/services/data/v62.0/sobjects/Account/{ONE}", **more):
    return {"referenceId": name, "method": method, "url": url, **more}


def composite(http, *calls, **more):
    return http.post("composite", json={"compositeRequest": [*calls], **more})


def test_a_composite_answers_each_call_by_its_name(http):
    old = {"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}
    made = one_of("new", "POST", "/services/data/v62.0/sobjects/Account", body={"Name": "Made"})
    answer = composite(
        http,
        one_of("read"),
        one_of("stale", "PATCH", body={"Type": "Other"}, httpHeaders=old),
        one_of("good", "PATCH", body={"Type": "Customer"}),
        made,
        one_of("gone", url="/services/data/v62.0/sobjects/Account/001000000000000AAA"),
    )
    assert answer.status_code == 200
    parts = {part["referenceId"]: part for part in answer.json()["compositeResponse"]}
    told = {name: part["httpStatusCode"] for name, part in parts.items()}
    assert told == {"read": 200, "stale": 412, "good": 204, "new": 201, "gone": 404}
    assert parts["read"]["body"]["Id"] == ONE
    assert parts["stale"]["body"][0]["errorCode"] == "PRECONDITION_FAILED"
    assert parts["good"]["body"] is None
    key = parts["new"]["body"]["id"]
    assert parts["new"]["httpHeaders"] == {"Location": f"{made['url']}/{key}"}
    http.delete(f"sobjects/Account/{key}")


def test_a_composite_is_one_call_of_the_quota(http):
    def used(answer):
        return int(answer.headers["sforce-limit-info"].partition("=")[2].partition("/")[0])

    before = used(http.get("limits"))
    assert used(composite(http, *(one_of(f"r{n}") for n in range(25)))) == before + 1


@pytest.mark.parametrize(
    ("calls", "more"),
    [
        ([], {}),
        ([one_of(f"r{n}") for n in range(26)], {}),
        ([one_of("same"), one_of("same")], {}),
        ([one_of("no-dash")], {}),
        ([one_of("low", "get")], {}),
        ([one_of("short", url=f"v62.0/sobjects/Account/{ONE}")], {}),
        ([one_of("own", httpHeaders={"Authorization": "Bearer x"})], {}),
        ([one_of("own", httpHeaders={"content-type": "text/csv"})], {}),
        ([one_of(f"r{n}", url="/services/data/v62.0/query?q=x") for n in range(6)], {}),
        ([one_of("a"), one_of("b", "PATCH", body={"ParentId": "@{a.id}"})], {}),
        ([one_of("a")], {"allOrNone": True}),
    ],
)
def test_wrong_composites_are_refused_whole(http, calls, more):
    assert problem(composite(http, *calls, **more)) == (400, "INVALID_INPUT")


def test_a_composite_needs_a_session_and_a_version_that_has_it(http):
    asked = {"compositeRequest": [one_of("a")]}
    assert http.post("/services/data/v37.0/composite", json=asked).status_code == 404
    stranger = http.post("composite", json=asked, headers={"Authorization": "Bearer nobody"})
    assert stranger.status_code == 401


def test_fields_are_described_by_the_vendors_types(client):
    fields = {field["name"]: field for field in client.Account.describe()["fields"]}
    assert (fields["Id"]["type"], fields["ParentId"]["type"]) == ("id", "reference")
    assert fields["ParentId"]["referenceTo"] == ["Account"]
    assert fields["BillingAddress"]["type"] == "address"
    assert fields["BillingCity"]["compoundFieldName"] == "BillingAddress"
    kinds = {
        field["type"]
        for name in ("Contract", "Contract_Line__c", "ContractHistory")
        for field in getattr(client, name).describe()["fields"]
    }
    assert kinds <= {
        "id",
        "reference",
        "string",
        "boolean",
        "date",
        "datetime",
        "int",
        "double",
        "currency",
        "percent",
        "picklist",
    }
