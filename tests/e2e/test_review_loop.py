"""An exception worked in a browser: from the report to the approval, sent, verified by a night."""

import asyncio

import pytest

from extractors.sandbox import control
from orchestration.sending import send
from orchestration.stores import opened_state
from reconcilers.state.audit import verify_audit
from reconcilers.state.views import list_corrections, list_exceptions, show_correction
from tests.browsing import browsing, grave_faults
from tests.e2e.conftest import start_company
from tests.wire.reviewing import reviewing

CODE = "INV-MISS-01"


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    company = start_company(tmp_path_factory.mktemp("reviewed"), plants=[CODE, "CUS-ATTR-01"])
    yield company
    control.down(company.settings.sandbox_dir)


def approved_in_a_browser(review, report, view):
    """By keyboard alone, from the report of the night on."""
    with browsing() as page:
        page.goto(review.link("controller"))
        page.goto(report.as_uri())
        address = f"{review.url}/exceptions/{view.exception_key}"
        page.evaluate("address => { location.href = address }", address)
        page.wait_for_selector("h2 >> text=Both sides")
        assert "differs" in page.inner_text("#sides + p + div")
        page.keyboard.press("h")
        page.wait_for_selector("h1 >> text=The commercial thread")
        assert view.owner_id in page.inner_text("main")
        assert grave_faults(page) == set()
        page.go_back()
        page.keyboard.press("m")
        page.keyboard.type("checked against the billing system")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=1 correction approved")


@pytest.mark.slow
def test_an_exception_goes_from_the_report_to_verified(company):
    company.night()
    report = company.settings.report_dir(company.day) / "report.html"
    with opened_state(company.settings) as state, reviewing(company.settings, state) as review:
        (view,) = list_exceptions(state, code=CODE)
        approved_in_a_browser(review, report, view)
        sent = asyncio.run(send(company.settings, state))
        assert sent.outcomes["accepted"] >= 1
        control.advance(company.settings.sandbox_dir, 1)
        company.night()
        with browsing() as page:
            page.goto(review.link("controller"))
            page.goto(f"{review.url}/exceptions/{view.exception_key}")
            page.wait_for_selector(".pill >> text=resolved verified")
            assert page.inner_text("article .pill") == "verified"
        (correction,) = list_corrections(state, code=CODE)
        audit = show_correction(state, correction.correction_id).audit
        assert ("controller", "approve") in {(line.actor, line.action) for line in audit}
        assert verify_audit(state).holds
