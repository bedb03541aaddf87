"""What keeps its contract lands as typed rows; the rest is quarantined with its reasons."""

import json
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from extractors.calls import decode_exact, decode_text
from extractors.contracts import check, contract_of
from extractors.protocol import ObjectSpec, declare
from extractors.registry import READ, SOURCES
from tests.effort import examples

INVOICE = SOURCES["stripe"]["invoice"]
CONTRACT_LINE = SOURCES["salesforce"]["contract_line"]
ITEM = SOURCES["netsuite"]["item"]


def invoice(**changes):
    amounts = dict.fromkeys(("subtotal", "total", "amount_due", "amount_paid"), 100)
    base = {"id": "in_1", "customer": "cus_1", "currency": "eur", "status": "open", "created": 1}
    rest = {"amount_remaining": 0, "lines": {"object": "list", "data": []}}
    return {**base, **amounts, **rest, **changes}


def contract_line(**changes):
    stamps = dict.fromkeys(
        ("CreatedDate", "LastModifiedDate", "SystemModstamp"), "2026-01-31T10:00:00.000+0000"
    )
    base = {"Id": "a01", "Contract__c": "800", "Product__c": "01t", "Price_Period__c": "Month"}
    return {**base, **stamps, "Quantity__c": "10.0", "Unit_Price__c": "12.50", **changes}


def reasons(spec, record):
    return [entry.reason for entry in check(spec, [record]).quarantined]


def test_a_good_record_lands_under_its_declared_columns():
    record = invoice(
        status_transitions={"finalized_at": 5},
        parent={"subscription_details": {"subscription": "s"}},
    )
    (row,) = check(INVOICE, [record]).rows.rows(named=True)
    assert row["status_transitions_finalized_at"] == 5
    assert row["parent_subscription_details_subscription"] == "s"
    assert row["lines"] == "[]"
    assert row["due_date"] is None
    assert row["_deleted"] is False


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"total": None}, "total: required, but missing"),
        ({"total": Decimal("1.5")}, "total: not of type integer: Decimal('1.5')"),
        ({"total": "100"}, "total: not of type integer: '100'"),
        ({"status": "disputed"}, "status: not one of the known values: 'disputed'"),
        ({"customer": {"id": "cus_1"}}, "customer: not of type text: {'id': 'cus_1'}"),
    ],
)
def test_a_broken_contract_is_named(changes, reason):
    assert reasons(INVOICE, invoice(**changes)) == [reason]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Unit_Price__c": "12,50"}, "unit_price__c: not a decimal: '12,50'"),
        ({"Unit_Price__c": ""}, "unit_price__c: not a decimal: ''"),
        ({"Start_Date__c": "31.01.2026"}, "start_date__c: not a date: '31.01.2026'"),
        ({"SystemModstamp": "2026-01-31"}, "systemmodstamp: not a datetime: '2026-01-31'"),
    ],
)
def test_text_that_cannot_be_cast_is_quarantined(changes, reason):
    assert reasons(CONTRACT_LINE, contract_line(**changes)) == [reason]


@pytest.mark.parametrize("text", ["0", "-1.00", "12.5", "1.2E+3", ".5"])
def test_exact_decimal_text_is_kept_as_sent(text):
    rows = check(CONTRACT_LINE, [contract_line(Unit_Price__c=text)]).rows
    assert rows["unit_price__c"].to_list() == [text]


def test_all_reasons_of_a_record_are_told_and_the_first_field_names_it():
    (entry,) = check(INVOICE, [invoice(total=None, status="x", amount_due="y")]).quarantined
    assert entry.key == "in_1"
    assert entry.field == "amount_due"
    for column in ("status:", "total:", "amount_due:"):
        assert column in entry.reason


def test_one_bad_value_costs_its_own_record_only():
    checked = check(
        INVOICE, [invoice(id="in_1"), invoice(id="in_2", total="x"), invoice(id="in_3")]
    )
    assert checked.rows["id"].to_list() == ["in_1", "in_3"]
    assert [entry.key for entry in checked.quarantined] == ["in_2"]
    assert checked.rows["_ordinal"].to_list() == [0, 2]


def test_the_payload_of_a_quarantined_record_is_all_of_it():
    (entry,) = check(INVOICE, [invoice(total=Decimal("1.5"), extra="kept")]).quarantined
    assert json.loads(entry.payload)["extra"] == "kept"
    assert json.loads(entry.line())["field"] == "total"


def test_a_list_object_lands_as_its_bare_array_with_exact_numbers():
    wire = b'{"object":"list","data":[{"rate":12.5,"n":1}]}'
    rows = check(INVOICE, [invoice(lines=decode_exact(wire))]).rows
    assert rows["lines"].to_list() == ['[{"rate":"12.5","n":1}]']


def test_numbers_as_text_keep_every_digit():
    decoded = decode_text(b'{"a": 1200.10, "b": 7, "c": true, "d": null}')
    assert decoded == {"a": "1200.10", "b": "7", "c": True, "d": None}


def test_absent_values_of_a_flat_table_are_null():
    rows = check(ITEM, [{"id": "1", "itemid": "SKU", "lastmodifieddate": "2026-01-01 00:00:00"}])
    assert rows.rows["displayname"].to_list() == [None]


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(spec, id=f"{system}.{name}")
        for system, objects in READ.items()
        for name, spec in objects.items()
    ],
)
def test_every_object_has_a_contract_over_its_columns_and_never_a_float(spec):
    assert list(contract_of(spec).columns) == list(spec.columns)
    assert {str(dtype) for dtype in spec.landing_schema.values()} <= {"String", "Int64", "Boolean"}
    assert set(spec.key) <= set(spec.columns)


VALUES = st.sampled_from([None, "", "1", "1.5", "1e3", "x", "T", "F", "2026-01-31", "Open", "open"])


@settings(max_examples=examples(150), deadline=None)
@given(
    rows=st.lists(st.fixed_dictionaries(dict.fromkeys("abcdef", VALUES)), min_size=1, max_size=5)
)
def test_the_quick_look_sees_what_the_contract_refuses(rows):
    """The one-pass question must never pass what pandera would name."""
    spec = ObjectSpec(
        "thing",
        "thing",
        fields=(
            *declare("a", required=True),
            *declare("b", kind="decimal"),
            *declare("c", kind="flag", required=True),
            *declare("d", kind="date"),
            *declare("e", kind="datetime"),
            *declare("f", allowed=("open", "T")),
        ),
        key=("a",),
    )
    frame = pl.DataFrame(rows, schema=spec.columns)
    try:
        contract_of(spec).validate(frame, lazy=True)
        is_refused = False
    except SchemaErrors:
        is_refused = True
    assert bool(check(spec, rows).quarantined) is is_refused
