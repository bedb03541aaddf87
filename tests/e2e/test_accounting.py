"""A company in which nothing is wrong: what we reckon of revenue and of its sums is what its books say."""

import pytest

from extractors.sandbox import control
from reconcilers.engine import open_warehouse
from reconcilers.tieout_entities import ENTITY_SUMS
from tests.e2e.conftest import start_company

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    company = start_company(tmp_path_factory.mktemp("books"), plants=())
    company.night()
    with open_warehouse(company.settings.warehouse_path) as con:
        yield lambda query: con.sql(query).fetchall()
    control.down(company.settings.sandbox_dir)


def test_under_our_policies_every_period_of_a_plan_is_as_the_erp_planned_it(books):
    compared = books(
        "select policy, count(*), count(*) filter (where lines.amount_minor <> lines.erp_planned_minor) "
        "from canonical.revenue_schedule_lines as lines "
        "inner join canonical.revenue_schedules as schedules using (schedule_key) "
        "where schedules.erp_plan_count = 1 group by policy order by policy"
    )
    assert {policy: apart for policy, _, apart in compared} == {
        "daily": 0,
        "even_month": 0,
        "usage": 0,
    }
    assert min(count for _, count, _ in compared) > 50


def test_what_credits_take_back_is_as_the_erp_planned_it(books):
    ((count, apart, months),) = books(
        "select count(distinct schedule_key), "
        "count(*) filter (where lines.amount_minor <> lines.erp_planned_minor), count(*) "
        "from canonical.revenue_schedule_lines as lines "
        "inner join canonical.revenue_schedules as schedules using (schedule_key) "
        "where schedules.credit_note_key is not null and schedules.erp_plan_count = 1"
    )
    assert apart == 0
    assert months > count > 5


def test_what_the_erp_recognised_is_what_was_earned_in_closed_months(books):
    ((apart,),) = books(
        "select count(*) from canonical.revenue_schedule_lines "
        "where erp_recognised_minor <> 0 and erp_recognised_minor <> amount_minor"
    )
    assert apart == 0


def test_each_period_bills_what_was_used_in_it(books):
    billed = books(
        "select lines.invoice_id, lines.subscription_item_id, lines.service_start_date, "
        "sum(lines.quantity)::decimal(28, 12) from conformed.invoice_line__billing as lines "
        "inner join canonical.subscription_items as items on lines.subscription_item_id = items.item_id "
        "where items.pricing_model = 'metered' group by all order by all"
    )
    used = books(
        "select lines.invoice_id, usage.item_id, lines.service_start_date, sum(usage.quantity) "
        "from canonical.usage as usage inner join conformed.invoice_line__billing as lines "
        "on usage.line_key = lines.invoice_line_id "
        "where usage.disposition in ('billed', 'unbilled') group by all order by all"
    )
    assert used == billed
    assert len(billed) > 40
    dispositions = books("select distinct disposition from canonical.usage order by 1")
    assert dispositions == [("billed",), ("unbilled",)]


def test_every_entity_is_tied_per_currency(books):
    scopes = {each.scope for each in ENTITY_SUMS}
    found = books("select distinct scope, holds from reconciliation.tieouts where code = 'TO-EXT'")
    tied = {scope: holds for scope, holds in found if scope in scopes}
    assert tied.keys() == scopes
    assert all(tied.values())


def test_recurring_revenue_closes_with_what_billing_shows(books):
    """A paused subscription aside, which is worth what it was charged for today."""
    apart = books(
        "select months.subscription_id, months.closing_minor, subscriptions.mrr_minor "
        "from canonical.mrr_months as months "
        "inner join canonical.subscriptions as subscriptions using (subscription_id) "
        "cross join raw.build as build "
        "where months.measured_date = build.snapshot_date "
        "and subscriptions.status in ('active', 'past_due') "
        "and months.closing_minor <> subscriptions.mrr_minor"
    )
    assert apart == []
    moved = books("select distinct movement from canonical.mrr_movements order by 1")
    assert {movement for (movement,) in moved} >= {"new", "expansion", "contraction", "churn"}
