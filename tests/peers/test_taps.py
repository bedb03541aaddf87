"""Singer taps, as they come from the registry, emit what our extractors land."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.peers import tasks
from tests.peers.company import serving_company
from tests.peers.environments import run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A company of today: the tap asks for the events of the last thirty days by its own clock."""
    lately = datetime.now(UTC).date() - timedelta(days=2)
    with serving_company(tmp_path_factory.mktemp("company"), end=lately) as company:
        yield company


def require_same(emitted, landed):
    assert emitted
    for name, rows in emitted.items():
        lands = landed[name]
        assert (rows["rows"], rows["digest"]) == (lands["rows"], lands["digest"]), name


def test_tap_stripe_emits_what_the_extractor_lands(company, tap_stripe, tmp_path):
    """It asks for the shapes of 2022, expands what was expanded then, and reads events besides."""
    landed = company.land("stripe", tmp_path)
    answer = run(tap_stripe, "singer_tap", tasks.tap_stripe(company.secrets("stripe")))
    emitted = tasks.under_our_names("stripe", answer["objects"])
    require_same(emitted, landed)
    # What changed lately is emitted once more, as its newest event shows it.
    assert emitted["invoice"]["read"] > emitted["invoice"]["rows"]


def test_tap_salesforce_emits_what_the_extractor_lands(company, tap_salesforce, tmp_path):
    """It logs in by refresh token, builds its queries from what is described, and asks queryAll."""
    landed = company.land("salesforce", tmp_path)
    answer = run(tap_salesforce, "singer_tap", tasks.tap_salesforce(company.refresh_token()))
    require_same(tasks.under_our_names("salesforce", answer["objects"]), landed)
