"""The `netsuite` client works against our NetSuite, with signatures of OAuth 1.0a."""

import pytest

from extractors.registry import CONNECTORS
from tests.peers.environments import run
from tests.peers.tasks import scenes

pytestmark = pytest.mark.slow
OBJECTS = CONNECTORS["netsuite"].objects


@pytest.fixture(scope="module")
def landed(company, tmp_path_factory):
    return company.land("netsuite", tmp_path_factory.mktemp("landed"))


@pytest.fixture(scope="module")
def seen(company, clients):
    played = run(clients, "netsuite_client", scenes("netsuite", company.secrets("netsuite")))

    def scene(name):
        assert "failed" not in played[name], played[name]["failed"]
        return played[name]["value"]

    return scene


@pytest.mark.parametrize("name", OBJECTS)
def test_suiteql_reads_what_the_extractor_lands(landed, seen, name):
    read, ours = seen("suiteql")[OBJECTS[name].vendor_name], landed[name]
    assert (read["rows"], read["digest"]) == (ours["rows"], ours["digest"])


def test_a_result_of_many_pages_is_whole(landed, seen):
    found = seen("small_pages")
    assert len(found["sizes"]) > 3
    assert found["total"] == found["rows"]
    assert found["digest"] == landed["transaction"]["digest"]


def test_items_are_strings_under_lower_case_names(seen):
    assert seen("shapes") == {"strings": True, "lower": True, "links": True}


def test_an_upsert_by_external_id_makes_one_record(seen):
    found = seen("upsert")
    assert found == {"answers": [None, None], "read": "Peer Two", "rows": ["Peer Two"]}


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ("offset", [400, "INVALID_PARAMETER"]),
        ("limit", [400, "INVALID_PARAMETER"]),
        ("syntax", [400, "INVALID_PARAMETER"]),
        ("table", [400, "INVALID_PARAMETER"]),
        ("write", [400, "INVALID_PARAMETER"]),
        ("transient", [400, "INVALID_HEADER"]),
        ("record", [404, "NONEXISTENT_ID"]),
        ("field", [400, "INVALID_CONTENT"]),
    ],
)
def test_the_client_understands_our_refusals(seen, what, refusal):
    assert seen("errors")[what] == refusal


@pytest.mark.parametrize(
    "wrong", ["consumer_key", "consumer_secret", "token_id", "token_secret", "account"]
)
def test_a_request_that_is_signed_otherwise_does_not_get_in(seen, wrong):
    assert seen("signatures")[wrong] == [401, "INVALID_LOGIN"]


def test_too_many_at_once_is_all_that_ten_at_once_can_meet(seen):
    refusals = seen("side_by_side")
    assert all(refusal == [429, "CONCURRENCY_LIMIT_EXCEEDED"] for refusal in refusals)


def test_the_catalogue_describes_a_record(seen):
    assert seen("catalogue") == ["companyName", "id", "subsidiary"]
