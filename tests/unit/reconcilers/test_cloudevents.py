"""Events as CloudEvents 1.0, judged by the attribute rules of the specification."""

import datetime as dt
import json

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcilers.canonical import canonical_json
from reconcilers.events.cloudevents import envelope, problems
from reconcilers.events.log import EVENT_COLUMNS

EVENT = dict.fromkeys(EVENT_COLUMNS) | {
    "event_id": "e1",
    "event_type": "invoice_issued",
    "occurred_at": dt.datetime(2026, 6, 29, 10, 0, 5),  # noqa: DTZ001  # the log holds UTC
    "detected_at": dt.datetime(2026, 6, 29, 23),  # noqa: DTZ001
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


def line(event):
    """The event's line, of a log that holds it alone."""
    columns = ", ".join(f"?::{kind} AS {name}" for name, kind in EVENT_COLUMNS.items())
    values = [event[name] for name in EVENT_COLUMNS]
    found = duckdb.execute(f"SELECT {envelope()} FROM (SELECT {columns})", values)
    return found.fetchall()[0][0]


def published(event):
    return json.loads(line(event))


def test_an_event_says_what_happened_to_what_when_and_where():
    made = published(EVENT)
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
    assert published(EVENT | {"correlation_id": "q2c_006"})["correlationid"] == "q2c_006"


def test_a_subject_without_a_canonical_key_is_named_by_its_source():
    assert published(EVENT | {"subject_id": None})["subject"] == "invoice/in_1"


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)


@given(
    st.fixed_dictionaries(
        {
            "sequence": st.integers(1, 10**11),
            "subject_id": st.none() | TEXTS,
            "correlation_id": st.none() | TEXTS,
            "amount_minor": st.none() | st.integers(-(2**62), 2**62),
            "occurred_at": st.datetimes(),
            "before_json": st.none() | st.dictionaries(TEXTS, TEXTS).map(canonical_json),
        }
    )
)
def test_every_event_keeps_the_rules_and_is_one_line_of_canonical_json(values):
    event = EVENT | values
    written, made = line(event), published(event)
    assert list(problems(made)) == []
    assert written == canonical_json(made)
    assert made["time"] == f"{event['occurred_at'].isoformat()}Z"
    assert made["sequence"] == f"{event['sequence']:012}"
    assert made.get("correlationid") == made["data"]["correlation_id"] == event["correlation_id"]
    assert made["subject"] == f"invoice/{event['subject_id'] or 'in_1'}"
    assert made["data"]["amount_minor"] == event["amount_minor"]
    assert made["data"]["before"] == json.loads(event["before_json"] or "null")


def test_what_would_break_a_line_is_escaped():
    event = EVENT | {"correlation_id": 'a\nb\t\x00"\\\x1f'}
    assert "\n" not in line(event)
    assert published(event)["correlationid"] == event["correlation_id"]


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
    assert any(said in problem for problem in problems(published(EVENT) | change))
