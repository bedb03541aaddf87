"""Payouts against their deposits and members, and cash that pays no invoice or another one."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.matched_findings import CASH, DEPOSITS, tell_cash, tell_deposits
from tests.comparison_tables import drift_in, only, paired
from tests.effort import examples

PAYOUT = "cmp_payout__billing_vs_erp"
APPLIED = "cmp_payment_application__billing_vs_erp"
PAYMENT = "cmp_payment__billing_vs_erp"
DAY = date(2026, 6, 24)


def payout(key: str = "a", **values: Any) -> dict[str, Any]:
    """A payout of 95.00 that consists of what it should, deposited in full."""
    usual = {
        "billing_amount_minor": 9_500, "erp_amount_minor": 9_500, "billing_currency": "USD",
        "erp_currency": "USD", "billing_fee_minor": 500, "erp_fee_minor": 500,
        "billing_date": DAY, "erp_date": DAY, "is_settled": True, "is_reconciled": True,
        "members_net_minor": 9_500, "composition_gap_minor": 0, "members_apart_count": 0,
        "is_erp_duplicate": False, "due_coverage_seconds": 10**7,
    }  # fmt: skip
    return paired("billing", "erp", key, **usual | values)


def lone(side: str, other: str, **values: Any) -> dict[str, Any]:
    row = payout(has_billing=side == "billing", has_erp=side == "erp")
    gone = {name: None for name in row if name.startswith(f"{other}_") and "coverage" not in name}
    settled = {"is_settled": side == "billing", "is_reconciled": side == "billing"}
    return row | gone | settled | values


def told(*rows: dict[str, Any], over: str = PAYOUT) -> list[tuple[str, str | None, int]]:
    return drift_in(over, *rows).select("code", "cause", "impact_minor").rows()


def test_a_payout_that_was_deposited_as_it_was_does_not_drift():
    assert told(payout()) == []


@pytest.mark.parametrize(
    ("row", "cause", "impact"),
    [
        (lone("billing", "erp"), "not_deposited", 9_500),
        (lone("erp", "billing"), "unknown_to_provider", -9_500),
        (lone("erp", "billing", is_erp_duplicate=True, duplicate_of="7"), "entered_twice", -9_500),
        (payout(is_settled=False), "not_arrived", -9_500),
        (payout(erp_currency="EUR"), "other_currency", 9_500),
        (payout(erp_amount_minor=10_000, erp_fee_minor=0), "other_amount", -500),
        (payout(erp_amount_minor=9_499), "other_amount", 1),
        (payout(erp_fee_minor=700), "other_fees", 200),
        (payout(members_apart_count=2), "other_members", 0),
        (payout(erp_date=date(2026, 6, 25)), "other_date", 0),
    ],
)
def test_a_deposit_is_one_finding_named_by_the_gravest_fault(row, cause, impact):
    assert told(row) == [("PYT-DEP-01", cause, impact)]


@pytest.mark.parametrize(
    ("values", "expected", "observed"),
    [
        ({"erp_amount_minor": 1}, "9500", "1"),
        ({"erp_fee_minor": 1}, "500", "1"),
        ({"erp_date": date(2026, 6, 25)}, "2026-06-24", "2026-06-25"),
    ],
)
def test_what_differs_is_told_by_its_values(values, expected, observed):
    (drift,) = drift_in(PAYOUT, payout(**values)).to_dicts()
    assert (drift["expected"], drift["observed"]) == (expected, observed)
    assert (drift["owner_id"], drift["replica_id"]) == ("billing-a", "erp-a")


@pytest.mark.parametrize(("left", "disposition"), [(-1, "in_flight"), (0, "exception")])
def test_a_deposit_is_due_two_business_days_after_the_money_came(left, disposition):
    row = lone("billing", "erp", due_coverage_seconds=left)
    assert drift_in(PAYOUT, row)["disposition"].to_list() == [disposition]


@pytest.mark.parametrize("reason", ["not_arrived", "other_deposit", "erp_voided"])
def test_what_has_not_come_and_deposits_of_other_money_do_not_drift(reason):
    assert told(lone("erp", "billing", excluded_reason=reason)) == []


@pytest.mark.parametrize(("gap", "impact"), [(-700, -700), (700, 700)])
def test_a_payout_is_the_sum_of_its_members_before_its_deposit_is_asked(gap, impact):
    row = payout(
        composition_gap_minor=gap,
        members_net_minor=9_500 + gap,
        members_apart_count=1,
        billing_fee_minor=400,
        erp_amount_minor=9_000,
    )
    (drift,) = drift_in(PAYOUT, row).to_dicts()
    assert (drift["code"], drift["attribute"], drift["severity"]) == (
        "PYT-COMP-01",
        "members",
        "S2",
    )
    assert (drift["expected"], drift["observed"]) == (str(9_500 + gap), "9500")
    assert drift["impact_minor"] == impact


def test_before_it_is_reconciled_nobody_knows_what_a_payout_consists_of():
    row = payout(
        is_reconciled=False, composition_gap_minor=None, members_net_minor=None,
        members_apart_count=None, billing_fee_minor=None,
    )  # fmt: skip
    assert told(row) == []


amounts = st.integers(1, 10**9)


@given(drawn=st.lists(st.tuples(amounts, amounts, st.booleans()), min_size=1, max_size=10))
@settings(max_examples=examples(10), deadline=None)
def test_findings_add_up_to_what_the_ledger_has_deposited_otherwise(drawn):
    rows = [
        payout(f"p{n}", billing_amount_minor=paid, erp_amount_minor=booked)
        if is_there
        else lone("billing", "erp", billing_amount_minor=paid) | {"row_key": f"p{n}"}
        for n, (paid, booked, is_there) in enumerate(drawn)
    ]
    due = sum(paid - (booked if is_there else 0) for paid, booked, is_there in drawn)
    drift = drift_in(PAYOUT, *rows)
    assert drift["impact_minor"].sum() == due
    assert drift["row_key"].is_unique().all()


def application(key: str = "a", **values: Any) -> dict[str, Any]:
    """A charge that pays an invoice on both sides."""
    usual = {
        "billing_amount_minor": 10_000, "erp_amount_minor": 10_000, "payment_id": f"ch_{key}",
        "erp_payment_id": "7", "billing_invoice_id": "in_1", "erp_invoice": "in_1",
        "is_elsewhere": False, "to_apply_minor": 0, "is_overdue": False,
        "apply_coverage_seconds": 10**7,
    }  # fmt: skip
    return paired("billing", "erp", key, **usual | values)


def unapplied(**values: Any) -> dict[str, Any]:
    nothing = {"has_erp": False, "erp_id": None, "erp_amount_minor": None, "erp_invoice": None}
    return application(**nothing | {"to_apply_minor": 9_000} | values)


@pytest.mark.parametrize(
    ("row", "cause", "impact", "observed"),
    [
        (unapplied(), "unapplied", -9_000, "unapplied"),
        (
            application(erp_amount_minor=6_000, to_apply_minor=4_000),
            "unapplied",
            -4_000,
            "unapplied",
        ),
        (application(is_elsewhere=True, erp_invoice="in_2"), "other_invoice", -10_000, "in_2"),
        (application(erp_amount_minor=12_000), "too_much", -2_000, "in_1"),
    ],
)
def test_cash_that_the_ledger_applied_otherwise_names_charge_and_payment(
    row, cause, impact, observed
):
    (drift,) = drift_in(APPLIED, row).to_dicts()
    assert (drift["code"], drift["attribute"], drift["cause"]) == (
        "PAY-APPL-01",
        "application",
        cause,
    )
    assert (drift["owner_system"], drift["owner_id"]) == ("stripe", "ch_a")
    assert (drift["replica_system"], drift["replica_id"]) == ("netsuite", "7")
    assert (drift["expected"], drift["observed"]) == ("in_1", observed)
    assert (drift["impact_minor"], drift["severity"]) == (impact, "S3")


def test_what_the_ledger_paid_with_a_charge_and_billing_did_not_is_told_by_the_payment():
    row = application(
        has_billing=False, billing_id=None, payment_id=None, billing_invoice_id=None,
        billing_amount_minor=None, erp_invoice="erp-9",
    )  # fmt: skip
    (drift,) = drift_in(APPLIED, row).to_dicts()
    assert (drift["cause"], drift["owner_id"], drift["replica_id"]) == ("not_in_billing", "7", None)
    assert (drift["observed"], drift["impact_minor"]) == ("erp-9", -10_000)


@pytest.mark.parametrize(
    "row",
    [
        application(),
        application(erp_amount_minor=9_998),  # the rest is not open: the invoice is lower
        application(erp_amount_minor=12_000, excluded_reason="payment_differs"),
        unapplied(to_apply_minor=0, excluded_reason="nothing_open"),
        unapplied(excluded_reason="invoice_not_in_erp"),
        unapplied(excluded_reason="payment_not_in_erp"),
        unapplied(excluded_reason="collected_by_bank"),
    ],
)
def test_nothing_is_told_where_nothing_could_be_applied(row):
    assert told(row, over=APPLIED) == []


def test_a_payer_who_is_dunned_is_urgent():
    (drift,) = drift_in(APPLIED, unapplied(is_overdue=True)).to_dicts()
    assert drift["severity"] == "S2"


def untold(key: str = "a", **values: Any) -> dict[str, Any]:
    """A wire of 100.00 that the ledger applied to an invoice for which billing asks as much."""
    usual = {
        "erp_amount_minor": 10_000, "erp_payment_id": "7", "erp_invoice": "in_1", "untold_minor": 10_000,
        "untold_invoice_id": "in_1", "untold_status": "open", "untold_due_minor": 10_000,
        "is_elsewhere": False, "to_apply_minor": 0, "told_coverage_seconds": 10**7,
    }  # fmt: skip
    return only("erp", "billing", key, **usual | values)


@pytest.mark.parametrize(("minor", "cause"), [(10_000, "in_full"), (9_999, "in_part")])
def test_what_the_bank_has_and_billing_asks_for_is_told_by_payment_and_invoice(minor, cause):
    (drift,) = drift_in(APPLIED, untold(untold_minor=minor)).to_dicts()
    assert (drift["code"], drift["cause"], drift["severity"]) == ("PAY-OOB-01", cause, "S2")
    assert (drift["owner_system"], drift["owner_id"]) == ("netsuite", "7")
    assert (drift["replica_system"], drift["replica_id"]) == ("stripe", "in_1")
    assert (drift["observed"], drift["impact_minor"]) == ("open", minor)


@pytest.mark.parametrize(("left", "disposition"), [(-1, "in_flight"), (0, "exception")])
def test_billing_is_told_of_a_wire_within_two_business_days(left, disposition):
    drift = drift_in(APPLIED, untold(told_coverage_seconds=left))
    assert drift["disposition"].to_list() == [disposition]


@given(drawn=st.lists(st.integers(0, 10**6), min_size=1, max_size=6))
@settings(max_examples=examples(10), deadline=None)
def test_wires_are_told_by_what_billing_still_asks_for(drawn):
    rows = [
        untold(f"u{n}", untold_minor=minor, excluded_reason=None if minor else "collected_by_bank")
        for n, minor in enumerate(drawn)
    ]
    drift = drift_in(APPLIED, *rows)
    assert (drift["impact_minor"].sum(), len(drift)) == (sum(drawn), sum(map(bool, drawn)))


@pytest.mark.parametrize(("left", "disposition"), [(-1, "in_flight"), (0, "exception")])
def test_cash_is_applied_within_two_business_days(left, disposition):
    row = unapplied(apply_coverage_seconds=left)
    assert drift_in(APPLIED, row)["disposition"].to_list() == [disposition]


def wire(**values: Any) -> dict[str, Any]:
    usual = {"erp_amount_minor": 500, "unapplied_minor": 500, "apply_coverage_seconds": 10**7}
    return only("erp", "billing", "w", **usual | values)


def test_money_of_the_bank_that_fits_an_open_invoice_is_told_by_its_payment():
    (drift,) = drift_in(PAYMENT, wire()).to_dicts()
    assert (drift["code"], drift["cause"], drift["impact_minor"]) == (
        "PAY-APPL-01",
        "unapplied",
        -500,
    )
    assert (drift["owner_system"], drift["owner_id"]) == ("netsuite", "erp-w")
    assert drift["severity"] == "S3"


@pytest.mark.parametrize(("left", "disposition"), [(-1, "in_flight"), (0, "exception")])
def test_a_wire_has_two_business_days_too(left, disposition):
    drift = drift_in(PAYMENT, wire(apply_coverage_seconds=left))
    assert drift["disposition"].to_list() == [disposition]


def matches(*rows: tuple[str, str, str, str]) -> pl.DataFrame:
    """(pairing, left id, right id, mode), all by the pass `trace`."""
    names = ("pairing", "left_id", "right_id", "mode", "pass_name")
    return pl.DataFrame([(*row, "trace") for row in rows], schema=names, orient="row")


MISSING = lone("billing", "erp")
UNKNOWN = lone("erp", "billing") | {"row_key": "b", "erp_id": "d1"}


def test_a_payout_whose_deposit_lost_its_key_is_one_finding_with_both():
    drift = drift_in(PAYOUT, MISSING, UNKNOWN)
    found = tell_deposits(drift, matches((DEPOSITS, "billing-a", "d1", "automatic")))
    (row,) = found.to_dicts()
    assert (row["cause"], row["owner_id"]) == ("key_lost", "billing-a")
    assert (row["replica_system"], row["replica_id"]) == ("netsuite", "d1")
    assert row["observed"] == "deposit d1 (automatic, trace)"
    assert row["exception_key"] in drift["exception_key"].to_list()


def test_a_suggested_deposit_is_named_and_stays_a_finding():
    drift = drift_in(PAYOUT, MISSING, UNKNOWN)
    found = tell_deposits(drift, matches((DEPOSITS, "billing-a", "d1", "suggested")))
    assert found.select("cause", "observed", "replica_id").rows() == [
        ("not_deposited", "deposit d1 (suggested, trace)", None),
        ("unknown_to_provider", "9500", None),
    ]


@pytest.mark.parametrize("mode", ["automatic", "suggested"])
def test_unapplied_cash_names_the_invoice_that_it_belongs_to(mode):
    drift = pl.concat([drift_in(APPLIED, unapplied()), drift_in(PAYMENT, wire())])
    found = tell_cash(drift, matches((CASH, "7", "11", mode), (CASH, "erp-w", "12", mode)))
    assert found["observed"].to_list() == [
        f"unapplied: invoice 11 ({mode}, trace)",
        f"unapplied: invoice 12 ({mode}, trace)",
    ]
    assert found.drop("observed").equals(drift.drop("observed"))


def test_without_a_match_of_the_same_pairing_findings_stay_as_they_are():
    others = matches((CASH, "billing-a", "d1", "automatic"), (DEPOSITS, "7", "11", "automatic"))
    drift = pl.concat([drift_in(PAYOUT, MISSING), drift_in(APPLIED, unapplied())])
    assert tell_cash(tell_deposits(drift, others), others).equals(drift)
