"""The vendor's own client works against our Stripe unchanged, and reads what our extractor lands."""

import pytest

from tests.peers.environments import run
from tests.peers.tasks import listed_objects, scenes

pytestmark = pytest.mark.slow
LISTED = listed_objects()


@pytest.fixture(scope="module")
def landed(company, tmp_path_factory):
    return company.land("stripe", tmp_path_factory.mktemp("landed"))


@pytest.fixture(scope="module")
def seen(company, clients):
    """What the client saw, scene by scene; it writes, so what lands is asked for first."""
    with company.store() as store:
        free, shaky, lossy, *_ = (record["id"] for record in store.rows("stripe", "customer"))
        post = {"system": "stripe", "method": "POST"}
        refuse = {**post, "path": shaky, "times": 2, "status": 503}
        lose = {**post, "path": lossy, "times": 1, "lose_answer": True}
        store.set_meta("request_faults", [refuse, lose])
    task = scenes("stripe", company.secrets("stripe")) | {
        "customer": free,
        "shaky": shaky,
        "lossy": lossy,
    }
    played = run(clients, "stripe_client", task)

    def scene(name):
        assert "failed" not in played[name], played[name]["failed"]
        return played[name]["value"]

    return scene


@pytest.mark.parametrize("name", LISTED)
def test_auto_paging_reads_what_the_extractor_lands(landed, seen, name):
    read, ours = seen("auto_paging")[LISTED[name]], landed[name]
    assert (read["rows"], read["digest"]) == (ours["rows"], ours["digest"])


def test_the_company_is_large_enough_to_be_paged(landed):
    paged = {name for name, rows in landed.items() if rows["rows"] > 100}
    assert {"customer", "price", "subscription", "invoice", "charge"} <= paged


def test_pages_of_any_size_hold_the_same_invoices(landed, seen):
    assert seen("small_pages")["digest"] == landed["invoice"]["digest"]


def test_lists_are_walked_backwards(seen):
    walk = seen("backwards")
    assert walk["walked"] == walk["expected"]


def test_windows_of_creation_part_a_list(seen):
    windows = seen("created_windows")
    assert sum(windows["parts"]) == windows["whole"]
    assert all(windows["parts"])


def test_nested_lists_are_paged_to_their_end(seen, company):
    found = seen("nested_lists")
    with company.store() as store:
        for plural, kind, inside in (
            ("invoices", "invoice", "lines"),
            ("subscriptions", "subscription", "items"),
        ):
            records = store.rows("stripe", kind)
            kept = {r["id"]: sorted(part["id"] for part in r[inside]["data"]) for r in records}
            assert found[plural] == kept


def test_a_reference_is_expanded_where_asked(seen):
    found = seen("expansion")
    assert found["expanded"] == ["customer", found["plain"]]


def test_events_come_newest_first(seen):
    events = seen("events")
    assert events["newest_first"]
    assert events["about"]
    assert events["count"] > 100


def test_a_search_finds_what_was_written(seen, company):
    with company.store() as store:
        assert seen("search") == [store.rows("stripe", "customer")[0]["id"]]


def test_forms_carry_nested_values_and_any_character(seen):
    found = seen("form_encoding")
    sent, read = found["name"]
    before, after = found["metadata"]
    assert read == sent
    assert (before["a & b"], before["gone"]) == ("1 + 1 = [2]", "soon")
    assert "gone" not in after


def test_a_key_is_answered_once(seen):
    found = seen("idempotency")
    assert (found["same"], found["replayed"]) == (True, "true")
    assert found["other"] == ["IdempotencyError", 400]


def test_the_client_comes_through_refusals_and_lost_answers(seen):
    """A write whose answer was lost is sent again under its key, and answered as the first time."""
    assert seen("retries") == {"written": ["yes", "yes"], "replayed": "true"}


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ("missing", ["InvalidRequestError", 404, "resource_missing", "id"]),
        ("unknown_parameter", ["InvalidRequestError", 400, "parameter_unknown", "no_such_thing"]),
        ("page_too_large", ["InvalidRequestError", 400, "parameter_invalid_integer", "limit"]),
        ("bad_cursor", ["InvalidRequestError", 400, "resource_missing", "starting_after"]),
        ("bad_expansion", ["InvalidRequestError", 400, None, "expand"]),
        ("wrong_key", ["AuthenticationError", 401, None, None]),
    ],
)
def test_the_client_understands_our_refusals(seen, what, refusal):
    assert seen("errors")[what] == refusal


def test_each_answer_has_an_id_of_its_own(seen):
    found = seen("request_ids")
    assert found["different"]
    assert all(each.startswith("req_") for each in found["ids"])
