"""The queue by the page: what each part of a filter asks for, and that pages miss and double nothing."""

from dataclasses import replace

import pytest

from reconcilers import triage
from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import record_night
from reconcilers.queue import (
    ORDERS,
    STATES,
    AuditFilter,
    CorrectionFilter,
    ExceptionFilter,
    audit_page,
    choices,
    corrections_of,
    corrections_page,
    exceptions_page,
    matching,
)
from reconcilers.state.models import ExceptionRecord
from reconcilers.state.views import list_exceptions
from reconcilers.triage import ASKED_HOLDS, Said
from tests.correction_samples import at, fresh_state, night, plan_into
from tests.drift_samples import drift, lost_link, missing_invoice, stale_status
from tests.plan_facts import context

POLICY = load_policy()


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    opened = fresh_state(tmp_path_factory.mktemp("queue"))
    invoices = [
        missing_invoice("in_1", impact_reporting_minor=500),
        missing_invoice("in_2", impact_reporting_minor=-900, severity="S1", legal_entity="DE"),
        missing_invoice("in_%", impact_reporting_minor=0, entity="bill"),
    ]
    first = drift(stale_status(), *invoices, lost_link())
    for number, found in enumerate((first, drift(stale_status(), *invoices))):
        record_night(opened, night(number), found, f"{number}", policy=POLICY, watermarks={},
                     recorded_at=at(number, 3))  # fmt: skip
    plan_into(opened, drift(*invoices), context())
    keys = {view.owner_id: view.exception_key for view in list_exceptions(opened)}
    with opened.begin() as session:
        triage.assign(session, Said((keys["in_1"], keys["in_2"]), "ann"), "ben")
        triage.assign(session, Said((keys["in_1"],), "ann"), "cid")
        triage.ask_waiver(session, Said((keys["in_2"],), "ann"), night(20), "known")
        long_ago = Said((keys["in_1"],), "ann", at(0) - ASKED_HOLDS)
        triage.ask_waiver(session, long_ago, night(20), "known")
    yield opened
    opened.close()


def found(store, **wanted):
    page = exceptions_page(store, ExceptionFilter(**wanted), POLICY)
    assert page.total == len(page.rows)
    return {view.owner_id for view in page.rows}


@pytest.mark.parametrize(
    ("wanted", "owners"),
    [
        ({}, {"sub_1", "in_1", "in_2", "in_%"}),
        ({"state": "RESOLVED_SELF"}, {"cus_A"}),
        ({"state": "ALL"}, {"sub_1", "in_1", "in_2", "in_%", "cus_A"}),
        ({"state": "WAIVED"}, set()),
        ({"code": "SUB-STAT-01"}, {"sub_1"}),
        ({"severity": "S1"}, {"in_2"}),
        ({"entity": "bill"}, {"in_%"}),
        ({"legal_entity": "DE"}, {"in_2"}),
        ({"system": "salesforce"}, {"sub_1"}),
        ({"min_age_days": 1}, {"sub_1", "in_1", "in_2", "in_%"}),
        ({"min_age_days": 2}, set()),
        ({"min_reporting_minor": 501}, {"sub_1", "in_2"}),
        ({"text": "IN_2"}, {"in_2"}),
        ({"text": "%"}, {"in_%"}),
        ({"assignee": "ben"}, {"in_2"}),
        ({"assignee": "cid"}, {"in_1"}),
        ({"assignee": "accounts-receivable"}, {"in_%"}),
        ({"asked": True}, {"in_2"}),
        ({"code": "INV-MISS-01", "severity": "S3", "text": "in_"}, {"in_1", "in_%"}),
    ],
)
def test_each_part_of_a_filter_asks_for_what_it_says(state, wanted, owners):
    assert found(state, **wanted) == owners


def test_the_states_are_those_that_people_read(state):
    labels = {view.exception_key: view.label for view in list_exceptions(state)}
    for label in set(STATES) - {"ALL", "OPEN"}:
        page = exceptions_page(state, ExceptionFilter(state=label), POLICY)
        assert {view.exception_key for view in page.rows} == {
            key for key, each in labels.items() if each == label
        }


@pytest.mark.parametrize("order", ORDERS)
def test_pages_miss_and_double_nothing(state, order):
    wanted = ExceptionFilter(state="ALL", order=order)
    whole = exceptions_page(state, wanted, POLICY).rows
    parts = [
        view.exception_key
        for offset in range(0, 6, 2)
        for view in exceptions_page(state, wanted, POLICY, offset=offset, limit=2).rows
    ]
    assert parts == [view.exception_key for view in whole]
    assert [*matching(state, wanted, POLICY, 9)] == parts


def test_the_first_is_the_gravest_and_the_money_is_absolute(state):
    page = exceptions_page(state, ExceptionFilter(code="INV-MISS-01"), POLICY)
    assert page.rows[0].owner_id == "in_2"
    assert page.reporting_minor == 1400
    (seen,) = matching(state, ExceptionFilter(text="in_2"), POLICY, 9).values()
    assert seen.impact_reporting_minor == -900


def explain(state, owner_id, by):
    with state.begin() as session:
        session.query(ExceptionRecord).filter_by(owner_id=owner_id).one().explained_by = by


def test_what_is_explained_adds_no_money(state):
    explain(state, "in_2", "another")
    page = exceptions_page(state, ExceptionFilter(code="INV-MISS-01"), POLICY)
    assert (page.total, page.reporting_minor) == (3, 500)
    assert found(state, state="EXPLAINED") == {"in_2"}
    explain(state, "in_2", None)


def test_there_is_to_choose_from_what_there_is(state):
    known = choices(state, POLICY)
    assert known.codes == ("CUS-MISS-01", "INV-MISS-01", "SUB-STAT-01")
    assert known.legal_entities == ("DE", "UK")
    assert {"ben", "cid", "accounts-receivable"} <= set(known.assignees)


def test_corrections_are_filtered_and_found_by_their_exception(state):
    every = corrections_page(state, CorrectionFilter())
    assert every.total == len(every.rows) == 3
    (first, *_) = every.rows
    wanted = CorrectionFilter(text=first.correction_id[:12].upper())
    assert corrections_page(state, wanted).rows == (first,)
    assert corrections_page(state, replace(wanted, system="stripe")).total == 0
    assert corrections_of(state, [first.exception_key]) == {first.exception_key: first}


def test_the_audit_is_filtered_with_the_newest_line_first(state):
    said = audit_page(state, AuditFilter(actor="ann", action="assign"))
    assert [line.body["to"] for line in said.rows] == ["cid", "ben", "ben"]
    beginning = said.rows[0].subject[:-1]
    assert {line.subject for line in audit_page(state, AuditFilter(subject=beginning)).rows} == {
        said.rows[0].subject
    }
    assert audit_page(state, AuditFilter(subject="%")).total == 0
