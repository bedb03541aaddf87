"""New, missing and retyped fields of a vendor are told by name, once."""

from datetime import UTC, datetime

import pytest

from extractors.protocol import Page
from extractors.registry import SOURCES
from extractors.schema_drift import Schema, compared, observed

AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
PRODUCT = SOURCES["stripe"]["product"]
ACCOUNT = SOURCES["salesforce"]["account"]
DESCRIBED = Schema({item.path[0]: "string" for item in ACCOUNT.fields}, is_described=True)


def told(spec, before, now, records=100):
    return compared("crm", spec, before, now, records)[1]


def test_types_are_those_of_values_that_are_there():
    page = Page(AT, [{"a": None, "b": 1, "c": True}, {"a": "x", "b": None, "d": {}, "e": []}])
    kinds = {"a": "text", "b": "number", "c": "boolean", "d": "object", "e": "list"}
    assert observed(page) == Schema(kinds)
    assert observed(Page(AT, [{"a": None}])) == Schema({"a": ""})


@pytest.mark.parametrize("before", [None, Schema({})])
def test_the_first_night_has_nothing_to_compare_with(before):
    assert told(PRODUCT, before, Schema({"id": "text"})) == []


def test_a_new_field_is_told_once():
    known, messages = compared(
        "crm", PRODUCT, Schema({"id": "text"}), Schema({"id": "text", "x": "text"}), 1
    )
    assert messages == ["crm product: field x is new (text)"]
    assert told(PRODUCT, known, Schema({"id": "text", "x": "text"})) == []


def test_a_retyped_field_is_told():
    messages = told(PRODUCT, Schema({"created": "number"}), Schema({"created": "text"}))
    assert messages == ["crm product: field created is now text, was number"]
    assert told(PRODUCT, Schema({"created": "number"}), Schema({"created": ""})) == []


def test_a_field_that_no_record_has_any_more_is_told_once():
    before = Schema({"id": "text", "name": "text", "old": "text"})
    now = Schema({"id": "text"})
    known, messages = compared("crm", PRODUCT, before, now, 20)
    assert messages == [
        "crm product: field name is gone (it is declared, and lands as null)",
        "crm product: field old is gone",
    ]
    assert told(PRODUCT, known, now) == []


def test_a_few_records_without_a_field_prove_nothing():
    before = Schema({"id": "text", "old": "text"})
    known, messages = compared("crm", PRODUCT, before, Schema({"id": "text"}), 19)
    assert messages == []
    assert known.fields == before.fields


def test_a_described_object_lacks_what_was_declared_from_the_first_night():
    fields = {name: kind for name, kind in DESCRIBED.fields.items() if name != "Tax_Id__c"}
    now = Schema(fields, is_described=True)
    expected = ["crm Account: field Tax_Id__c is gone (it is declared, and lands as null)"]
    assert told(ACCOUNT, None, now) == expected
    assert told(ACCOUNT, None, DESCRIBED) == []


def test_spelling_in_another_case_is_the_same_field():
    shouted = Schema({n.upper(): kind for n, kind in DESCRIBED.fields.items()}, is_described=True)
    assert told(ACCOUNT, None, shouted) == []


def test_what_was_seen_is_not_compared_with_what_was_described():
    assert told(ACCOUNT, Schema({"x": "text"}), DESCRIBED) == []
