"""simple-salesforce works against our Salesforce unchanged, and reads what our extractor lands."""

import pytest

from extractors.registry import CONNECTORS
from tests.peers.environments import run
from tests.peers.tasks import scenes

pytestmark = pytest.mark.slow
OBJECTS = CONNECTORS["salesforce"].objects


@pytest.fixture(scope="module")
def landed(company, tmp_path_factory):
    return company.land("salesforce", tmp_path_factory.mktemp("landed"))


@pytest.fixture(scope="module")
def seen(company, clients):
    task = scenes("salesforce", company.secrets("salesforce"))
    task["jwt"] = company.connections["salesforce_jwt"]
    played = run(clients, "salesforce_client", task)

    def scene(name):
        assert "failed" not in played[name], played[name]["failed"]
        return played[name]["value"]

    return scene


@pytest.mark.parametrize("name", OBJECTS)
def test_query_all_reads_what_the_extractor_lands(landed, seen, name):
    read, ours = seen("query_all")[OBJECTS[name].vendor_name], landed[name]
    assert (read["rows"], read["digest"]) == (ours["rows"], ours["digest"])


def test_next_records_urls_lead_through_all_pages(seen):
    found = seen("small_pages")
    assert found["sizes"][0] == 200
    assert sum(found["sizes"]) == found["rows"] == found["total"]


def test_a_bulk_result_is_paged_by_locator(landed, seen):
    found = seen("bulk")
    assert found["pages"] > 3
    assert found["digest"] == landed["contract_line"]["digest"]


def test_a_refused_bulk_query_fails_as_a_job_or_at_once(seen):
    assert seen("bulk_refusal")[0].startswith("Salesforce")


def test_deleted_records_are_found_by_query_all_alone(seen):
    assert seen("deleted_rows") == {"live": 0, "deleted": [True]}
    assert seen("bulk_query_all") == {"query": None, "query_all": "true"}


def test_an_upsert_creates_and_then_changes(seen):
    assert seen("upsert") == {"statuses": [201, 200], "name": "Two"}


def test_each_call_of_a_composite_has_an_answer_of_its_own(seen):
    assert seen("composite") == {
        "statuses": {"read": 200, "stale": 412, "good": 204, "wrong": 400},
        "name": "b",
    }


def test_a_collection_has_a_verdict_per_record(seen):
    found = seen("collections")
    assert found["success"] == [[True, False], [False, False]]
    assert found["codes"] == [
        ["INVALID_FIELD"],
        ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_FIELD"],
    ]
    assert found["left"] == 1


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ("field", ["SalesforceMalformedRequest", 400, "INVALID_FIELD"]),
        ("object", ["SalesforceMalformedRequest", 400, "INVALID_TYPE"]),
        ("syntax", ["SalesforceMalformedRequest", 400, "MALFORMED_QUERY"]),
        ("missing", ["SalesforceResourceNotFound", 404, "NOT_FOUND"]),
        ("session", ["SalesforceExpiredSession", 401, "INVALID_SESSION_ID"]),
        ("secret", ["SalesforceAuthenticationFailed", "invalid_client"]),
    ],
)
def test_the_client_understands_our_refusals(seen, what, refusal):
    assert seen("errors")[what] == refusal


def test_a_signed_assertion_opens_a_session(seen):
    assert seen("assertion") == 1


def test_the_day_s_calls_are_told(seen):
    found = seen("limits")
    assert 0 < found["used"] < found["total"] == found["daily"]


def test_fields_are_described_by_the_vendor_s_types(seen):
    assert seen("describe") == {
        "Id": "id",
        "AccountId": "reference",
        "Amount": "currency",
        "CloseDate": "date",
        "SystemModstamp": "datetime",
        "IsWon": "boolean",
    }
