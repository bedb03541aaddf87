"""A dry run tells each field that would change, and each total that would move."""

import polars as pl
import pytest

from reconcilers.corrections.diff import Change, Projection, changes, projections
from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import record_night
from reconcilers.state.tieouts import SCHEMA, record_tieouts
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, fresh_state, plan_into
from tests.drift_samples import DAY, drift, lost_link, missing_invoice, stale_status
from tests.plan_facts import changed, context


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


def planned(state, *rows, facts=None):
    found = drift(*rows)
    record_night(state, DAY, found, "run", watermarks={}, policy=load_policy(), recorded_at=at(0))
    plan_into(state, found, facts or context(), at(0))
    return list_corrections(state)


def tie(state, **line):
    """A line of TO-INV, or of what `line` names, as it was recorded."""
    of_all = {"code": "TO-INV", "scope": "UK", "currency": "GBP", "period": "2026-06"}
    sides = {"left_label": "billing", "right_label": "ledger", "holds": True, "detail": ""}
    counts = dict.fromkeys(("left_minor", "right_rows", "right_minor", "matched_minor"), 0)
    gaps = {"explained_minor": 0, "unexplained_rows": 0, "unexplained_minor": 0}
    row = {"snapshot_date": DAY, **of_all, **sides, **counts, **gaps, **line}
    record_tieouts(state, DAY, pl.DataFrame([row], schema=SCHEMA))


def test_a_field_is_shown_as_it_was_seen_and_as_it_would_be(state):
    (view,) = planned(state, lost_link())
    assert changes(view) == [Change("Stripe_Customer_Id__c", None, "cus_A")]


def test_a_document_is_shown_down_to_its_lines(state):
    (view,) = planned(state, missing_invoice())
    told = {change.field: change.after for change in changes(view)}
    assert told["entity.id"] == view.payload["entity"]["id"]
    assert told["item.items[1].amount"] == view.payload["item"]["items"][0]["amount"]
    assert {change.before for change in changes(view)} == {None}


def test_what_is_refused_would_change_nothing(state):
    closed = context(**changed("erp_customers", is_inactive="T"))
    (view,) = planned(state, missing_invoice(), facts=closed)
    assert view.refusals
    assert changes(view) == []
    tie(state, explained_minor=12000)
    assert projections(state, [view]) == []


@pytest.mark.parametrize(("explained", "unexplained"), [(12000, 0), (15000, 0), (12000, 500)])
def test_a_posting_closes_the_gap_of_its_line_by_what_was_missing(state, explained, unexplained):
    views = planned(state, missing_invoice())
    tie(state, explained_minor=explained, unexplained_minor=unexplained)
    gap = explained + unexplained
    line = Projection("TO-INV", "UK", "GBP", "2026-06", gap, gap - 12000, 1)
    assert projections(state, views) == [line]


@pytest.mark.parametrize(
    "line", [{"scope": "US"}, {"currency": "EUR"}, {"period": "2026-05"}, {"code": "TO-CRN"}]
)
def test_other_lines_do_not_move(state, line):
    views = planned(state, missing_invoice())
    tie(state, **line)
    assert projections(state, views) == []


def test_what_moves_no_money_moves_no_total(state):
    views = planned(state, lost_link(), stale_status())
    tie(state)
    assert projections(state, views) == []
