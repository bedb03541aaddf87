"""Link fields are written back to what the crosswalk knows, in each system's own words."""

import asyncio
from types import SimpleNamespace

import pytest

from reconcilers.corrections.customer_links import FIELDS
from reconcilers.corrections.look import Standing, look
from reconcilers.corrections.states import CorrectionState
from reconcilers.ownership import load_ownership
from tests.comparison_tables import SEEDS
from tests.drift_samples import drift_row
from tests.memory_targets import MemoryTarget
from tests.plan_facts import context, held_field
from tests.unit.reconcilers.test_plan import only, planned

CASES = [
    ("salesforce", "billing_customer_ref", "001A", "Account", {"Stripe_Customer_Id__c": "new"}),
    ("salesforce", "erp_customer_ref", "001A", "Account", {"NetSuite_Customer_Id__c": "new"}),
    ("stripe", "crm_account_ref", "cus_A", "customer", {"metadata": {"crm_account_id": "new"}}),
    ("stripe", "erp_customer_ref", "cus_A", "customer", {"metadata": {"netsuite_customer_id": "new"}}),
    ("netsuite", "crm_account_ref", "501", "customer", {"custentity_sfdc_id": "new"}),
    ("netsuite", "billing_customer_ref", "501", "customer", {"custentity_stripe_id": "new"}),
]  # fmt: skip


def wrong_link(system="salesforce", attribute="billing_customer_ref", record_id="001A", **values):
    usual = {
        "comparison": "cmp_customer_link__copy_vs_crosswalk",
        "row_key": f"{system}:{record_id}:{attribute}", "attribute": attribute,
        "replica_system": system, "replica_id": record_id, "expected": "new", "observed": "old",
        "cause": "crossed",
    }  # fmt: skip
    return drift_row("new", "CUS-LINK-01", **usual | values)


def field(system="salesforce", attribute="billing_customer_ref", record_id="001A", value="old"):
    return held_field((system, record_id), "customer", attribute, value)


def facts(*rows):
    return context(held_fields=rows)


@pytest.mark.parametrize(("system", "attribute", "record_id", "kind", "payload"), CASES)
def test_each_field_is_written_in_its_systems_words(system, attribute, record_id, kind, payload):
    row = wrong_link(system, attribute, record_id)
    correction = only(row, facts=facts(field(system, attribute, record_id)))
    assert (correction.system, correction.object, correction.record_id) == (system, kind, record_id)
    assert correction.payload == payload
    assert str(correction.before) == str(payload).replace("new", "old")
    assert correction.state is CorrectionState.PROPOSED


def test_what_the_source_itself_merged_is_corrected_on_its_own():
    correction = only(wrong_link(cause="merged"), facts=facts(field()))
    assert correction.state is CorrectionState.APPROVED
    assert correction.state_reason.startswith("auto by [CUS-LINK-01.cause.merged]")


def test_nothing_is_written_where_the_crosswalk_knows_no_counterpart():
    alone = {"replica_id": None, "expected": None, "owner_id": "001A"}
    assert planned(wrong_link(**alone), facts=facts(field())) == ()


def test_a_field_that_is_not_in_the_snapshot_is_refused():
    correction = only(wrong_link(), facts=facts())
    assert correction.state is CorrectionState.REFUSED
    assert correction.payload == {}


def test_two_accounts_never_name_one_billing_customer():
    other = field(record_id="001B", value="new")
    correction = only(wrong_link(), facts=facts(field(), other))
    assert correction.state is CorrectionState.REFUSED
    assert "001B already names new" in correction.state_reason


def test_several_billing_customers_may_name_one_account():
    args = ("stripe", "crm_account_ref")
    other = field(*args, "cus_B", value="new")
    correction = only(wrong_link(*args, "cus_A"), facts=facts(field(*args, "cus_A"), other))
    assert correction.state is CorrectionState.PROPOSED


def test_two_fields_of_one_record_are_no_rivals():
    rows = [wrong_link("stripe", name, "cus_A") for name in ("crm_account_ref", "erp_customer_ref")]
    for row, key in zip(rows, "ab", strict=True):
        row["exception_key"] = key * 32
    held = [field("stripe", row["attribute"], "cus_A") for row in rows]
    states = {item.state for item in planned(*rows, facts=facts(*held))}
    assert states == {CorrectionState.PROPOSED}


def test_every_link_field_of_the_matrix_can_be_written():
    system = {"crm": "salesforce", "billing": "stripe", "erp": "netsuite"}
    rows = load_ownership(SEEDS / "system_of_record.csv")
    declared = {
        (system[row.replica], row.attribute) for row in rows if row.drift_code == "CUS-LINK-01"
    }
    assert declared == set(FIELDS)


@pytest.mark.parametrize(
    ("metadata", "standing"),
    [
        ({"crm_account_id": "old", "channel": "sales_led"}, Standing.DRIFTED),
        ({"crm_account_id": "new"}, Standing.DESIRED),
        ({"crm_account_id": "third"}, Standing.OTHER),
        ({}, Standing.OTHER),
        (None, Standing.OTHER),
    ],
)
def test_of_metadata_only_the_member_that_drifted_counts(metadata, standing):
    target = MemoryTarget("stripe", {("customer", "cus_A"): {"metadata": metadata}})
    order = SimpleNamespace(
        operation="update", object="customer", record_id="cus_A",
        before={"metadata": {"crm_account_id": "old"}}, after={"metadata": {"crm_account_id": "new"}},
    )  # fmt: skip
    assert asyncio.run(look(target, order)).standing is standing
