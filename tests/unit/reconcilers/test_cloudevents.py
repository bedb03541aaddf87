"""Events as CloudEvents 1.0, judged by the attribute rules of the specification."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcilers.events.cloudevents import envelope, line, problems
from reconcilers.events.log import EVENT_COLUMNS

EVENT = dict.fromkeys(EVENT_COLUMNS) | {
    "event_id": "e1",
    "event_type": "invoice_issued",
    "occurred_at": dt.datetime(2026, 6, 29, 10, 0, 5, tzinfo=dt.UTC),
    "detected_at": dt.datetime(2026, 6, 29, 23, tzinfo=dt.UTC),
    "detected_date": dt.date(2026, 6, 29),
    "sequence": 7,
    "system": "stripe",
    "object": "invoice",
    "source_id": "in_1",
    "subject_kind": "invoice",
    "subject_id": "in_1",
    "currency": "JPY",
    "amount_minor": 1200,
    "before_json": '{"status":"draft"}',
    "after_json": '{"status":"open"}',
}


def test_an_event_says_what_happened_to_what_when_and_where():
    made = envelope(EVENT)
    assert made.pop("data") | {} == {
        "event_type": "invoice_issued",
        "system": "stripe",
        "object": "invoice",
        "source_id": "in_1",
        "subject_kind": "invoice",
        "subject_id": "in_1",
        "canonical_customer_id": None,
        "correlation_id": None,
        "legal_entity": None,
        "currency": "JPY",
        "amount_minor": 1200,
        "detected_at": "2026-06-29T23:00:00Z",
        "before": {"status": "draft"},
        "after": {"status": "open"},
    }
    assert made == {
        "specversion": "1.0",
        "id": "e1",
        "source": "/tieout/stripe/invoice",
        "type": "tieout.invoice_issued.v1",
        "subject": "invoice/in_1",
        "time": "2026-06-29T10:00:05Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:tieout:schema:business-event:1",
        "detecteddate": "2026-06-29",
        "sequence": "000000000007",
    }


def test_a_thread_is_an_extension_attribute():
    assert envelope(EVENT | {"correlation_id": "q2c_006"})["correlationid"] == "q2c_006"


def test_a_subject_without_a_canonical_key_is_named_by_its_source():
    assert envelope(EVENT | {"subject_id": None})["subject"] == "invoice/in_1"


@given(
    st.fixed_dictionaries(
        {
            "sequence": st.integers(1, 10**11),
            "subject_id": st.none() | st.text(min_size=1),
            "correlation_id": st.none() | st.text(min_size=1),
            "amount_minor": st.none() | st.integers(-(2**62), 2**62),
            "occurred_at": st.datetimes(timezones=st.just(dt.UTC)),
        }
    )
)
def test_every_event_keeps_the_rules_and_survives_the_wire(values):
    made = envelope(EVENT | values)
    assert list(problems(made)) == []
    assert json.loads(line(EVENT | values)) == made


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": ""}, "id is required"),
        ({"type": None}, "type is required"),
        ({"specversion": "0.3"}, "specversion is '0.3'"),
        ({"correlationId": "x"}, "'correlationId' is not a name"),
        ({"correlationid": None}, "absent attributes are left out"),
        ({"amount": 1.5}, "plain values"),
        ({"time": "2026-06-29 10:00:05"}, "not of its form"),
        ({"source": "has space"}, "not of its form"),
        ({"dataschema": "relative/path"}, "not of its form"),
        ({"datacontenttype": "json"}, "not of its form"),
        ({"subject": ""}, "not of its form"),
    ],
)
def test_what_the_specification_forbids_is_found(change, said):
    assert any(said in problem for problem in problems(envelope(EVENT) | change))
