"""A contract that nothing bills gets a plan in billing where each line has just one price there."""

from datetime import UTC, date, datetime

import pytest

from reconcilers.corrections.document import MARK, WHILE, WITHIN
from reconcilers.corrections.states import CorrectionState
from tests.contract_samples import contract, line, price, unbilled_contract
from tests.plan_facts import context
from tests.unit.reconcilers.test_plan import only
from tests.unit.reconcilers.test_signed_discounts import COUPONS
from tests.unit.reconcilers.test_signed_prices import PRICES


def of(*lines, prices=PRICES, **values):
    facts = context(
        unbilled=[contract(**values)],
        unbilled_lines=lines or [line()],
        billing_prices=prices,
        billing_coupons=COUPONS,
    )
    return only(unbilled_contract(), facts=facts)


def noon(*day):
    return int(datetime(*day, 12, tzinfo=UTC).timestamp())


NAMED = {
    "crm_contract_id": "800A", "crm_opportunity_id": "006A", "legal_entity": "US",
    "q2c_correlation_id": "q2c_006A",
}  # fmt: skip


def test_it_is_billed_from_its_next_period_on_and_every_record_names_it():
    correction = of()
    assert (correction.object, correction.operation) == ("subscription_schedule", "create")
    assert (correction.mode, correction.state) == ("approve_two", CorrectionState.PROPOSED)
    item = {"price": "price_2", "quantity": 10, "metadata": {"crm_contract_line_id": "a01"}}
    assert correction.payload == {
        "customer": "cus_1",
        "start_date": noon(2026, 7, 31),
        "end_behavior": "release",
        "default_settings": {
            "collection_method": "send_invoice", "invoice_settings": {"days_until_due": 30}
        },
        "phases": [
            {
                "end_date": noon(2027, 5, 31),
                "proration_behavior": "none",
                "metadata": {**NAMED, "channel": "sales_led"},
                "items": [item],
            }
        ],
        "metadata": {**NAMED, MARK: correction.correction_id},
    }  # fmt: skip
    assert correction.after[WITHIN] == {"customer": "cus_1", "scheduled": "true"}
    none = [one["object"] for one in correction.after[WHILE] if one["shows"] is None]
    assert none == ["subscription", "subscription_schedule"]


@pytest.mark.parametrize(
    ("values", "begins"),
    [
        ({"start_date": date(2026, 7, 3)}, (2026, 7, 3)),
        ({"start_date": date(2026, 7, 2)}, (2026, 8, 2)),
        ({"start_date": date(2026, 1, 31), "as_of_date": date(2026, 2, 20)}, (2026, 2, 28)),
    ],
)
def test_it_begins_on_a_day_of_the_contract_that_leaves_time_to_agree(values, begins):
    served = line(start_date=date(2026, 1, 31))
    assert of(served, **values).payload["start_date"] == noon(*begins)


def test_a_ramp_has_a_phase_for_each_step_and_a_discount_its_coupon():
    first = line(end_date=date(2026, 8, 30), discount_percent="15.000000", mrr_minor=8500)
    then = line("a02", start_date=date(2026, 8, 31), quantity=20, mrr_minor=20000)
    beside = line("a03", mrr_minor=30000)
    phases = of(first, then, beside, is_auto_renewed=False).payload["phases"]
    assert [one["end_date"] for one in phases] == [noon(2026, 8, 31), noon(2027, 5, 31)]
    assert [[(i["price"], i["quantity"], i.get("discounts")) for i in p["items"]] for p in phases] == [
        [("price_1", 10, [{"coupon": "OFF-15"}]), ("price_3", 10, None)],
        [("price_1", 20, None), ("price_3", 10, None)],
    ]  # fmt: skip


REFUSED = [
    ({"customer_count": 0, "customer_id": None}, [], PRICES, "0 billing customers"),
    ({"customer_count": 2}, [], PRICES, "2 billing customers"),
    ({"payment_terms_days": None}, [], PRICES, "terms of payment"),
    ({"billing_frequency": None}, [], PRICES, "no period"),
    ({"end_date": date(2026, 7, 1)}, [], PRICES, "no period"),
    ({"billing_frequency": "annual", "end_date": date(2028, 5, 30)}, [], PRICES, "0 prices"),
    ({}, [line(product_id=None)], PRICES, "0 prices"),
    ({}, [line()], [*PRICES, price("price_4", "900")], "2 prices"),
    ({}, [line(discount_percent="7", mrr_minor=8370)], PRICES, "0 coupons"),
    ({}, [line(end_date=date(2026, 8, 1)), line("a02", start_date=date(2026, 9, 1))], PRICES, "no line"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "lines", "prices", "problem"), REFUSED)
def test_what_is_not_wholly_mapped_is_for_people(values, lines, prices, problem):
    correction = of(*lines, prices=prices, **values)
    assert correction.state is CorrectionState.REFUSED
    assert problem in correction.state_reason
    assert correction.payload == {}
