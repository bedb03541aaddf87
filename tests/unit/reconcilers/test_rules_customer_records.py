"""Records that a system holds twice, and link fields that name the wrong record or none."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.rules.customer_records import CUS_DUP_01, LINK_ATTRIBUTES
from tests.comparison_tables import drift_in
from tests.effort import examples

TWICE = "cmp_customer__within_system"
LINKS = "cmp_customer_link__copy_vs_crosswalk"
SIX_HOURS = 6 * 3600


def record(key: str = "a", **values: Any) -> dict[str, Any]:
    """A record that its system holds once."""
    return {
        "row_key": f"salesforce:{key}", "entity": "customer", "canonical_id": "cus_1",
        "system_id": key, "has_system": True, "currency": "USD", "role": "crm",
        "source_system": "salesforce", "survivor_id": None, "have_both_open": False,
        "open_minor": 0, "recurring_minor": 0, "to_hang_over": "nothing",
    } | values  # fmt: skip


def link(key: str = "a", **values: Any) -> dict[str, Any]:
    """A link field of an account that names the right billing customer."""
    usual = {
        "row_key": f"salesforce:{key}", "entity": "customer",
        "canonical_id": "cus_1", "copy_id": key, "crosswalk_id": "cus_A", "has_copy": True,
        "has_crosswalk": True, "currency": "USD", "copy_role": "crm", "copy_system": "salesforce",
        "crosswalk_role": "billing", "crosswalk_system": "stripe",
        "attribute": "billing_customer_ref", "copied_id": "cus_A", "fault": None,
        "at_stake_minor": 500,
    }  # fmt: skip
    return usual | values


def test_a_duplicate_names_its_survivor_and_what_to_hang_over():
    row = record(survivor_id="b", to_hang_over="contract 2", open_minor=30, recurring_minor=4)
    (drift,) = drift_in(TWICE, row, record("b")).to_dicts()
    assert (drift["code"], drift["owner_id"], drift["replica_id"]) == ("CUS-DUP-01", "b", "a")
    assert (drift["owner_role"], drift["replica_system"]) == ("crm", "salesforce")
    assert drift["observed"] == "to hang over: contract 2"
    assert (drift["impact_minor"], drift["severity"]) == (34, "S3")


def test_a_duplicate_that_splits_the_dunning_weighs_more():
    (drift,) = drift_in(TWICE, record(survivor_id="b", have_both_open=True)).to_dicts()
    assert drift["severity"] == "S2"


@pytest.mark.parametrize("reason", ["subsidiary", "account_of_its_own", "not_in_use"])
def test_what_only_looks_like_a_duplicate_is_none(reason):
    assert drift_in(TWICE, record(survivor_id="b", excluded_reason=reason)).is_empty()


def test_a_record_that_stands_once_does_not_drift():
    assert drift_in(TWICE, record()).is_empty()


def test_a_duplicate_without_currency_and_money_is_told_all_the_same():
    (drift,) = drift_in(TWICE, record(survivor_id="b", currency=None)).to_dicts()
    assert drift["impact_minor"] == 0


def links(**values: Any) -> list[dict[str, Any]]:
    """A row for each link field."""
    return [link(name, attribute=name, **values) for name in LINK_ATTRIBUTES]


@pytest.mark.parametrize("fault", ["merged", "dangling", "crossed", "not_in_use"])
def test_a_wrong_link_drifts_at_once_with_what_it_should_say(fault):
    drift = drift_in(LINKS, *links(copied_id="cus_X", fault=fault))
    assert set(drift["attribute"]) == set(LINK_ATTRIBUTES)
    for row in drift.to_dicts():
        assert (row["code"], row["cause"]) == ("CUS-LINK-01", fault)
        assert (row["owner_system"], row["owner_id"]) == ("stripe", "cus_A")
        assert (row["replica_system"], row["replica_id"]) == ("salesforce", row["attribute"])
        assert (row["expected"], row["observed"]) == ("cus_A", "cus_X")
        assert (row["disposition"], row["severity"]) == ("exception", "S2")
        assert row["impact_minor"] == 500


@pytest.mark.parametrize(
    ("age", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
def test_an_empty_link_may_still_be_filled(age, disposition):
    rows = links(copied_id=None, fault="empty", copy_coverage_seconds=age)
    assert drift_in(LINKS, *rows)["disposition"].to_list() == [disposition] * len(rows)


def test_a_wrong_link_without_a_known_counterpart_stands_for_itself():
    row = link(copied_id="cus_X", fault="dangling", crosswalk_id=None, has_crosswalk=False)
    (drift,) = drift_in(LINKS, row).to_dicts()
    assert (drift["owner_system"], drift["owner_id"]) == ("salesforce", "a")
    assert (drift["replica_id"], drift["expected"]) == (None, None)


def test_a_right_link_does_not_drift():
    assert drift_in(LINKS, link()).is_empty()


records = st.builds(
    dict, survivor=st.sampled_from((None, "s1", "s2")), reason=st.sampled_from((None, "subsidiary")),
    open_minor=st.integers(0, 10**9), recurring_minor=st.integers(0, 10**9),
)  # fmt: skip


@given(drawn=st.lists(records, min_size=1, max_size=12))
@settings(max_examples=examples(10), deadline=None)
def test_exactly_the_records_with_a_survivor_drift_each_once_and_for_all_that_is_at_stake(drawn):
    rows = [
        record(
            f"r{n}", survivor_id=each["survivor"], excluded_reason=each["reason"],
            open_minor=each["open_minor"], recurring_minor=each["recurring_minor"],
        )
        for n, each in enumerate(drawn)
    ]  # fmt: skip
    drift = drift_in(TWICE, *rows)
    due = {
        row["system_id"]: row["open_minor"] + row["recurring_minor"]
        for row in rows
        if row["survivor_id"] and not row["excluded_reason"]
    }
    assert dict(drift.select("replica_id", "impact_minor").iter_rows()) == due
    assert drift["replica_id"].is_unique().all()
    assert (drift["owner_id"] != drift["replica_id"]).all()


def test_every_link_field_of_the_matrix_is_looked_at():
    assert CUS_DUP_01.over == TWICE
    found = {
        drift_in(LINKS, link(attribute=name, fault="crossed"))["attribute"][0]
        for name in LINK_ATTRIBUTES
    }
    assert found == set(LINK_ATTRIBUTES)
