"""Query jobs of the sandbox's Salesforce: their states, their pages, and what they refuse."""

import csv
import io

import httpx
import pytest
import requests
import simple_salesforce

from extractors.sandbox.ids import salesforce_id
from extractors.sandbox.salesforce_bulk import Settings, set_bulk
from tests.wire.sandbox import sf_record

ALL = "SELECT Id, Name, Type FROM Account WHERE Name LIKE 'Company%' ORDER BY Id"


@pytest.fixture
def http(sandbox):
    with sandbox.salesforce() as http:
        yield http


@pytest.fixture
def settle(sandbox_store):
    """Steer the org; afterwards it is as it was."""
    yield lambda **chosen: set_bulk(sandbox_store, Settings(**chosen))
    set_bulk(sandbox_store, Settings())


@pytest.fixture
def client(sandbox):
    session = requests.Session()
    session.trust_env = False
    session.verify = str(sandbox.certificate)
    token = sandbox.salesforce_token().json()["access_token"]
    url = sandbox.urls["salesforce_https"]
    with session:
        yield simple_salesforce.Salesforce(
            instance_url=url, session_id=token, session=session, version="62.0"
        )


def whole(http, path):
    """The address of a path that begins at the root."""
    return http.base_url.join(path)


def problem(response):
    (error,) = response.json()
    return response.status_code, error["errorCode"]


def create(http, query=ALL, **body):
    return http.post("jobs/query", json={"operation": "query", "query": query, **body})


def completed(http, query=ALL, **body):
    """The id of a job that is complete."""
    job = create(http, query, **body).json()["id"]
    while http.get(f"jobs/query/{job}").json()["state"] != "JobComplete":
        pass
    return job


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_client_reads_a_result_page_by_page(client, settle):
    settle(polls=0)
    pages = list(client.bulk2.Account.query(ALL, max_records=100, wait=0))
    names = [row["Name"] for page in pages for row in rows(page)]
    assert names == [f"Company {n:04d}" for n in range(1, 450)]
    assert len(pages) == 5


def test_the_client_finds_deleted_records_with_query_all(client, settle):
    settle(polls=0)
    soql = "SELECT Id, IsDeleted FROM Account WHERE Name LIKE 'Company%'"
    (page,) = client.bulk2.Account.query_all(soql, wait=0)
    gone = [row["Id"] for row in rows(page) if row["IsDeleted"] == "true"]
    assert gone == [salesforce_id("Account", 450)]


def test_a_job_passes_through_its_states(http, settle):
    settle(polls=2)
    made = create(http).json()
    assert (made["state"], made["object"], made["apiVersion"]) == (
        "UploadComplete",
        "Account",
        62.0,
    )
    seen = [http.get(f"jobs/query/{made['id']}").json() for _ in range(3)]
    assert [job["state"] for job in seen] == ["InProgress", "InProgress", "JobComplete"]
    assert seen[-1]["numberRecordsProcessed"] == 449
    assert made["id"] in {job["id"] for job in http.get("jobs/query").json()["records"]}


def test_values_are_quoted_and_nulls_are_empty(http, sandbox_store):
    odd = sf_record("Account", 9001, Name='A "B", C\nD', Q2C_Customer_Key__c='k"1')
    sandbox_store.put_many("salesforce", "Account", [odd])
    soql = f"SELECT Id, Name, Type, Q2C_Customer_Key__c, IsDeleted, CreatedDate FROM Account WHERE Id = '{odd['Id']}'"
    answer = http.get(f"jobs/query/{completed(http, soql)}/results")
    assert answer.headers["content-type"].startswith("text/csv")
    header, first, second, end = answer.text.split("\n")
    assert header == '"Id","Name","Type","Q2C_Customer_Key__c","IsDeleted","CreatedDate"'
    assert first == f'"{odd["Id"]}","A ""B"", C'
    assert second == 'D","","k""1","false","2026-05-01T00:00:00.000Z"'
    assert end == ""
    sandbox_store.execute('DELETE FROM salesforce_account WHERE "Id" = ?', (odd["Id"],))


def test_numbers_are_written_as_rest_writes_them(http, sandbox_store):
    deals = [
        {"Id": salesforce_id("Opportunity", n), "Name": "D", "Amount": amount, "IsDeleted": False}
        for n, amount in enumerate(["29.00", "12345678.5", None, "0.2"], 9001)
    ]
    sandbox_store.put_many("salesforce", "Opportunity", deals)
    soql = "SELECT Amount FROM Opportunity ORDER BY Id"
    found = rows(http.get(f"jobs/query/{completed(http, soql)}/results").text)
    assert [row["Amount"] for row in found] == ["29.0", "1.23456785E7", "", "0.2"]
    records = http.get("query", params={"q": soql}).text
    assert [f'"Amount":{n}' in records for n in ("29.0", "1.23456785E7", "null", "0.2")] == [
        True
    ] * 4
    sandbox_store.execute("DELETE FROM salesforce_opportunity")


def test_other_delimiters_and_line_endings_can_be_had(http):
    soql = "SELECT Id, ProductCode FROM Product2"
    job = completed(http, soql, columnDelimiter="PIPE", lineEnding="CRLF")
    answer = http.get(f"jobs/query/{job}/results")
    assert answer.text.startswith('"Id"|"ProductCode"\r\n')


def test_locators_lead_from_page_to_page_and_stay_the_same(http):
    job = completed(http)
    url, locator, seen = f"jobs/query/{job}/results", None, []
    while locator != "null":
        asked = {"maxRecords": 200} | ({"locator": locator} if locator else {})
        answer = http.get(url, params=asked)
        again = http.get(url, params=asked)
        assert answer.text == again.text
        assert answer.headers["sforce-locator"] == again.headers["sforce-locator"]
        assert int(answer.headers["sforce-numberofrecords"]) == len(rows(answer.text))
        seen += [row["Id"] for row in rows(answer.text)]
        locator = answer.headers["sforce-locator"]
    assert seen == [salesforce_id("Account", n) for n in range(1, 450)]


def test_result_pages_name_all_parts_at_most_five_at_a_time(http, settle):
    settle(polls=0, page_rows=60)
    job = completed(http)
    first = http.get(f"jobs/query/{job}/resultPages").json()
    second = http.get(whole(http, first["nextRecordsUrl"])).json()
    assert [len(page["resultPages"]) for page in (first, second)] == [5, 3]
    assert [page["done"] for page in (first, second)] == [False, True]
    urls = [part["resultUrl"] for page in (first, second) for part in page["resultPages"]]
    seen = [row["Id"] for url in reversed(urls) for row in rows(http.get(whole(http, url)).text)]
    assert sorted(seen) == [salesforce_id("Account", n) for n in range(1, 450)]
    assert "60" not in urls[1].partition("locator=")[2]


def test_an_empty_result_has_one_page_with_nothing_but_a_header(http):
    job = completed(http, "SELECT Id FROM Account WHERE Name = 'nobody'")
    (part,) = http.get(f"jobs/query/{job}/resultPages").json()["resultPages"]
    answer = http.get(whole(http, part["resultUrl"]))
    assert (answer.text, answer.headers["sforce-locator"]) == ('"Id"\n', "null")


def test_results_are_zipped_where_the_client_takes_it(sandbox, http):
    job = completed(http)
    zipped = http.get(f"jobs/query/{job}/results", headers={"Accept-Encoding": "gzip"})
    plain = http.get(f"jobs/query/{job}/results", headers={"Accept-Encoding": "identity"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert zipped.text == plain.text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT COUNT() FROM Account", "FEATURENOTENABLED"),
        ("SELECT Type, COUNT(Id) FROM Account GROUP BY Type", "FEATURENOTENABLED"),
        ("SELECT Id FROM Account LIMIT 5 OFFSET 5", "FEATURENOTENABLED"),
        ("SELECT Id, (SELECT Id FROM Opportunities) FROM Account", "FEATURENOTENABLED"),
        ("SELECT Id, BillingAddress FROM Account", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT Nope FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT", "MALFORMED_QUERY"),
    ],
)
def test_queries_that_bulk_cannot_do_are_refused(http, query, code):
    assert problem(create(http, query)) == (400, code)


@pytest.mark.parametrize(
    "body",
    [
        {"operation": "insert"},
        {"contentType": "XML"},
        {"columnDelimiter": "NONE"},
        {"lineEnding": "CR"},
        {"query": None},
    ],
)
def test_malformed_jobs_are_refused(http, body):
    assert problem(create(http, **body)) == (400, "INVALID_INPUT")


def test_an_org_refuses_objects_and_too_many_jobs(http, settle):
    settle(refused={"Account": "INVALIDENTITY"})
    assert problem(create(http)) == (400, "INVALIDENTITY")
    settle(jobs_left=0)
    assert problem(create(http)) == (400, "LIMIT_EXCEEDED")


def test_a_failed_job_says_why_and_has_no_result(http, settle):
    settle(polls=0, failing=["Account"])
    job = create(http).json()["id"]
    failed = http.get(f"jobs/query/{job}").json()
    assert (failed["state"], "timed out" in failed["errorMessage"]) == ("Failed", True)
    assert problem(http.get(f"jobs/query/{job}/results")) == (400, "INVALIDJOBSTATE")


def test_results_have_to_be_waited_for(http):
    job = create(http).json()["id"]
    for path in ("results", "resultPages"):
        assert problem(http.get(f"jobs/query/{job}/{path}")) == (400, "INVALIDJOBSTATE")


def test_results_are_read_with_the_version_that_asked(http):
    job = completed(http)
    for path in ("results", "resultPages"):
        answer = http.get(whole(http, f"/services/data/v61.0/jobs/query/{job}/{path}"))
        assert problem(answer) == (409, "INVALID_API_VERSION")


def test_older_versions_have_no_parallel_results(http):
    soql = {"operation": "query", "query": ALL}
    job = http.post(whole(http, "/services/data/v57.0/jobs/query"), json=soql).json()["id"]
    while http.get(f"jobs/query/{job}").json()["state"] != "JobComplete":
        pass
    answer = http.get(whole(http, f"/services/data/v57.0/jobs/query/{job}/resultPages"))
    assert problem(answer) == (404, "NOT_FOUND")
    assert (
        http.get(whole(http, f"/services/data/v57.0/jobs/query/{job}/results")).status_code == 200
    )
    assert problem(http.post(whole(http, "/services/data/v46.0/jobs/query"), json=soql)) == (
        404,
        "NOT_FOUND",
    )


@pytest.mark.parametrize(
    "asked", [{"locator": "0"}, {"locator": "MTAw"}, {"maxRecords": "0"}, {"maxRecords": "x"}]
)
def test_wrong_places_in_a_result_are_refused(http, asked):
    answer = http.get(f"jobs/query/{completed(http)}/results", params=asked)
    code = "INVALID_QUERY_LOCATOR" if "locator" in asked else "INVALID_INPUT"
    assert problem(answer) == (400, code)


def test_a_job_can_be_aborted_while_it_runs_and_deleted_when_it_is_over(http):
    job = create(http).json()["id"]
    assert problem(http.delete(f"jobs/query/{job}")) == (400, "INVALIDJOBSTATE")
    assert problem(http.patch(f"jobs/query/{job}", json={"state": "Paused"})) == (
        400,
        "INVALIDJOBSTATE",
    )
    aborted = http.patch(f"jobs/query/{job}", json={"state": "Aborted"}).json()
    assert aborted["state"] == "Aborted"
    assert problem(http.patch(f"jobs/query/{job}", json={"state": "Aborted"})) == (
        400,
        "INVALIDJOBSTATE",
    )
    assert http.delete(f"jobs/query/{job}").status_code == 204
    for answer in (http.get(f"jobs/query/{job}"), http.delete(f"jobs/query/{job}")):
        assert problem(answer) == (404, "NOT_FOUND")


def test_jobs_need_a_session(sandbox):
    url = f"{sandbox.urls['salesforce']}/services/data/v62.0/jobs/query"
    assert problem(httpx.post(url, json={})) == (401, "INVALID_SESSION_ID")
