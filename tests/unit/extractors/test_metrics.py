"""What is counted of calls."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.metrics import MOST_ENDPOINTS, OTHERS, Metrics


@given(st.lists(st.floats(0.0002, 600), min_size=1, max_size=200))
def test_quantiles_are_right_to_five_per_cent(durations):
    metrics = Metrics()
    for seconds in durations:
        metrics.count("GET", "/a", 200, None, seconds, 1)
    endpoint = metrics.endpoints["GET", "/a"]
    exact = sorted(durations)
    for share in (0.5, 0.95, 1):
        at = exact[max(0, -(-len(exact) * int(share * 100) // 100) - 1)]
        assert endpoint.quantile(share) == pytest.approx(at, rel=0.05)


def test_calls_are_counted_by_method_endpoint_and_class_of_status():
    metrics = Metrics()
    metrics.count("GET", "/a", 200, None, 0.1, 30)
    metrics.count("GET", "/a", 204, None, 0.2, 0)
    metrics.count("GET", "/a", None, "Transient", 0.3, 0)
    metrics.count("POST", "/a", 429, "RateLimited", 0.1, 7)
    metrics.retried("POST", "/a", 1.5)
    told = metrics.as_dict()
    assert told == json.loads(json.dumps(told))
    assert (told["calls"], told["retries"], told["bytes"]) == (4, 1, 37)
    assert (told["seconds"], told["paused_seconds"]) == (0.7, 1.5)
    assert list(told["endpoints"]) == ["GET /a", "POST /a"]
    assert told["endpoints"]["GET /a"]["statuses"] == {"2xx": 2, "none": 1}
    assert told["endpoints"]["POST /a"]["errors"] == {"RateLimited": 1}


def test_nothing_was_called_yet():
    metrics = Metrics()
    assert metrics.as_dict()["calls"] == 0
    assert metrics.endpoints["GET", "/a"].quantile(0.5) == 0


def test_ids_that_do_not_look_like_ids_do_not_fill_the_memory():
    metrics = Metrics()
    for number in range(2 * MOST_ENDPOINTS):
        metrics.count("GET", f"/coupons/{number}", 200, None, 0.1, 1)
    assert len(metrics.endpoints) == MOST_ENDPOINTS + 1
    assert metrics.endpoints["GET", OTHERS].calls == MOST_ENDPOINTS
    assert metrics.calls == 2 * MOST_ENDPOINTS
