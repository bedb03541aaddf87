"""Add-ons that do not end with their contract: told, put right once two people agreed, and gone."""

import asyncio
from collections import Counter

import pytest

from extractors.sandbox import control
from orchestration.sending import send
from orchestration.stores import opened_state
from reconcilers.corrections.approval import approve
from reconcilers.state.views import list_corrections, list_exceptions
from tests.e2e.conftest import start_company

pytestmark = pytest.mark.slow
PLANTED = 6  # two of each cause


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    made = start_company(tmp_path_factory.mktemp("co_terms"), plants=())
    control.plant(made.settings.sandbox_dir, "CON-COT-01", PLANTED, seed=1)
    yield made
    control.down(made.settings.sandbox_dir)


def told(state):
    return Counter((e.code, e.cause, e.state) for e in list_exceptions(state))


def agree_and_send(company, state):
    waiting = [view.correction_id for view in list_corrections(state, states=("proposed",))]
    for actor in ("ann", "ben"):
        approve(state, waiting, actor, "it was sold so")
    return asyncio.run(send(company.settings, state)).outcomes


def test_lines_end_with_their_contract_again_and_nothing_else_comes_of_it(company):
    company.night()
    with opened_state(company.settings) as state:
        assert agree_and_send(company, state) == {"accepted": 4}
    control.advance(company.settings.sandbox_dir, 1)
    company.night()
    with opened_state(company.settings) as state:
        assert told(state) == {
            ("CON-COT-01", "ends_before", "RESOLVED_VERIFIED"): 2,
            ("CON-COT-01", "ends_after", "RESOLVED_VERIFIED"): 2,
            ("CON-COT-01", "another_subscription", "OPEN"): 2,
        }
