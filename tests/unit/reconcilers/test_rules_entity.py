"""Documents in the books of another of our companies than the one that sold."""

import pytest

from tests.comparison_tables import credit_note, drift_in, invoice, paired

INVOICES = "cmp_invoice__billing_vs_erp"
NOTES = "cmp_credit_note__billing_vs_erp"
PAYMENTS = "cmp_payment__billing_vs_erp"
SIX_HOURS = 6 * 3600


def payment(key, **values):
    """A charge of 100.00 that the ledger has in full, in the same books."""
    same = {"legal_entity": "US", "currency": "USD", "amount_minor": 10_000, "status": "succeeded"}
    both = {f"{role}_{name}": value for role in ("billing", "erp") for name, value in same.items()}
    return (
        paired("billing", "erp", key, overcharged_minor=0, is_erp_duplicate=False) | both | values
    )


EACH = pytest.mark.parametrize(
    ("over", "made", "impact"),
    [(INVOICES, invoice, 10_000), (NOTES, credit_note, -10_000), (PAYMENTS, payment, -10_000)],
    ids=["invoice", "credit note", "payment"],
)


@EACH
def test_a_document_in_other_books_is_worth_all_of_it_and_names_both_companies(over, made, impact):
    (drift,) = drift_in(over, made("a", erp_legal_entity="DE")).to_dicts()
    assert (drift["code"], drift["attribute"], drift["cause"]) == (
        "JE-ENT-01",
        "legal_entity",
        "other_entity",
    )
    assert (drift["owner_id"], drift["replica_id"]) == ("billing-a", "erp-a")
    assert (drift["expected"], drift["observed"]) == ("US", "DE")
    assert (drift["impact_minor"], drift["severity"]) == (impact, "S1")


@EACH
def test_a_document_of_a_subsidiary_that_is_none_of_ours_is_in_other_books(over, made, impact):
    (drift,) = drift_in(over, made("a", erp_legal_entity=None)).to_dicts()
    assert (drift["code"], drift["observed"], drift["impact_minor"]) == ("JE-ENT-01", None, impact)


@EACH
def test_each_document_of_a_customer_of_several_companies_is_judged_by_its_own(over, made, impact):
    del impact
    germans = {"legal_entity": "DE", "billing_legal_entity": "DE", "erp_legal_entity": "DE"}
    one_customer = {"canonical_id": "cus_1"}
    rows = made("a", **one_customer), made("b", **one_customer | germans)
    assert drift_in(over, *rows).is_empty()


@EACH
def test_where_billing_does_not_say_who_sold_nothing_is_in_other_books(over, made, impact):
    del impact
    assert drift_in(over, made("a", billing_legal_entity=None)).is_empty()


@EACH
@pytest.mark.parametrize("side", ["billing", "erp"])
def test_what_is_void_is_in_nobodys_books(over, made, impact, side):
    del impact
    row = made("a", erp_legal_entity="DE", **{f"{side}_status": "void"})
    assert "JE-ENT-01" not in set(drift_in(over, row)["code"])


@EACH
@pytest.mark.parametrize(
    ("coverage", "disposition"), [(SIX_HOURS - 1, "in_flight"), (SIX_HOURS, "exception")]
)
def test_it_may_be_moved_within_six_hours(over, made, impact, coverage, disposition):
    row = made("a", erp_legal_entity="DE", erp_coverage_seconds=coverage)
    (drift,) = drift_in(over, row).to_dicts()
    assert (drift["impact_minor"], drift["disposition"]) == (impact, disposition)
