"""What each vendor's errors mean: by its own codes first, by status otherwise."""

import json

import httpx
import pytest

from extractors.billing.stripe import client as stripe
from extractors.calls import kind_of
from extractors.crm.salesforce import dialect as salesforce
from extractors.crm.salesforce.config import SalesforceConfig
from extractors.erp.netsuite import client as netsuite
from extractors.errors import (
    Conflict,
    NotFound,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    UnknownOutcome,
)


def kind(vendor, status, body, sent="read", headers=None):
    told = vendor.explain(status, body, httpx.Headers(headers or {}))
    return told.kind or kind_of(status, sent)


def sf(code):
    return [{"errorCode": code, "message": "no", "fields": []}]


def ns(code):
    return {"title": "Bad", "o:errorDetails": [{"detail": "no", "o:errorCode": code}]}


@pytest.mark.parametrize(
    ("vendor", "status", "body", "expected"),
    [
        (salesforce, 400, sf("UNABLE_TO_LOCK_ROW"), Transient),
        (salesforce, 403, sf("REQUEST_LIMIT_EXCEEDED"), RateLimited),
        (salesforce, 403, sf("INSUFFICIENT_ACCESS"), Unauthorized),
        (salesforce, 401, sf("INVALID_SESSION_ID"), Unauthorized),
        (salesforce, 400, {"error": "invalid_client", "error_description": "no"}, Unauthorized),
        (salesforce, 400, sf("DUPLICATE_VALUE"), Conflict),
        (salesforce, 400, sf("DUPLICATES_DETECTED"), Rejected),
        (salesforce, 404, sf("ENTITY_IS_DELETED"), NotFound),
        (salesforce, 400, sf("MALFORMED_QUERY"), Rejected),
        (salesforce, 500, None, Transient),
        (stripe, 429, {"error": {"type": "rate_limit_error"}}, RateLimited),
        (stripe, 400, {"error": {"code": "lock_timeout"}}, RateLimited),
        (stripe, 400, {"error": {"type": "idempotency_error"}}, Conflict),
        (stripe, 409, {"error": {"code": "idempotency_key_in_use"}}, Transient),
        (stripe, 409, {"error": {"type": "api_error"}}, Transient),
        (stripe, 402, {"error": {"type": "card_error"}}, Rejected),
        (stripe, 404, {"error": {"code": "resource_missing"}}, NotFound),
        (stripe, 502, "<html>", Transient),
        (netsuite, 400, ns("SSS_REQUEST_LIMIT_EXCEEDED"), RateLimited),
        (netsuite, 429, ns("CONCURRENCY_LIMIT_EXCEEDED"), RateLimited),
        (netsuite, 400, ns("USER_ERROR"), Rejected),
        (netsuite, 404, ns("NONEXISTENT_ID"), NotFound),
        (netsuite, 403, ns("INSUFFICIENT_PERMISSION"), Unauthorized),
        (netsuite, 400, {"error": "invalid_client"}, Unauthorized),
        (netsuite, 503, None, Transient),
    ],
)
def test_a_failure_is_called_by_what_to_do_about_it(vendor, status, body, expected):
    assert kind(vendor, status, body) is expected


@pytest.mark.parametrize("vendor", [salesforce, stripe, netsuite])
def test_an_unexplained_server_error_on_a_write_is_an_unknown_outcome(vendor):
    assert kind(vendor, 500, None, sent="write") is UnknownOutcome


def test_stripe_says_itself_when_trying_again_is_useless():
    told = stripe.explain(500, {}, httpx.Headers({"Stripe-Should-Retry": "false"}))
    assert told.worth_waiting is False
    assert stripe.explain(500, {}, httpx.Headers({})).worth_waiting is True


@pytest.mark.parametrize("vendor", [salesforce, stripe, netsuite])
@pytest.mark.parametrize("body", [None, [], {}, "text", [1], {"error": None}, {"error": "x"}, 7])
def test_no_shape_of_body_makes_the_explanation_fail(vendor, body):
    assert isinstance(vendor.explain(500, body, httpx.Headers({})).message, str)


def test_the_place_of_a_netsuite_error_is_told():
    detail = {"detail": "Invalid", "o:errorCode": "INVALID_CONTENT", "o:errorPath": "item.items[0]"}
    told = netsuite.explain(400, {"o:errorDetails": [detail]}, httpx.Headers({}))
    assert told.message == "Invalid (at item.items[0])"


def test_secrets_stay_out_of_what_is_printed(tmp_path):
    crm = SalesforceConfig("http://x", "id", "hush")
    billing = stripe.StripeConfig("http://x", "hush")
    assert "hush" not in repr(crm) + repr(billing)
    assert json.dumps(repr(crm)).count("http://x") == 1
