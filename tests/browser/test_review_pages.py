"""The review as people meet it: by keyboard alone, and without a barrier that axe knows of."""

import pytest

from reconcilers.state.views import list_audit, list_corrections, list_exceptions
from tests.browsing import browsing, grave_faults
from tests.correction_samples import night
from tests.wire.reviewing import sample_review


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with sample_review(tmp_path_factory.mktemp("review")) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with browsing() as page:
        yield page


@pytest.fixture
def page(server, browser):
    """Signed in as ann, on the queue; what a page's scripts and policy complain of fails the test."""
    told = []

    def listen(message):
        if message.type == "error":
            told.append(message.text)

    browser.on("console", listen)
    browser.context.clear_cookies()
    browser.goto(server.link("ann"))
    yield browser
    browser.remove_listener("console", listen)
    assert told == []


def focused(page):
    return page.evaluate("document.activeElement.textContent.trim()")


def test_lines_are_ticked_and_assigned_without_a_mouse(server, page):
    keys = page.keyboard
    for key in ("j", "x", "j", "j", "x", "g"):
        keys.press(key)
    keys.type("cid")
    keys.press("Tab")
    assert focused(page) == "Assign"
    keys.press("Enter")
    page.wait_for_selector("text=2 exceptions assigned to cid")
    lines = list_audit(server.state, last=2)
    assert [(line.actor, line.action, line.body) for line in lines] == [
        ("ann", "assign", {"to": "cid"})
    ] * 2


def test_tab_reaches_the_queue_and_shows_where_it_is(page):
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    here = "getComputedStyle(document.activeElement)"
    assert page.evaluate("document.activeElement.name") == "text"
    assert page.evaluate(f"{here}.outlineStyle") == "solid"


def test_a_correction_is_found_opened_and_approved_without_a_mouse(server, page):
    keys = page.keyboard
    keys.press("Shift+C")
    page.wait_for_url("**/corrections")
    keys.press("j")
    keys.press("o")
    page.wait_for_url("**/corrections/*")
    opened = page.url.rpartition("/")[2]
    keys.press("m")
    keys.type("checked against the contract")
    keys.press("Tab")
    assert focused(page) == "Approve"
    keys.press("Enter")
    page.wait_for_selector("text=1 correction approved")
    states = {view.correction_id: view.state for view in list_corrections(server.state)}
    assert states[opened] == "approved"


def test_a_link_of_a_page_elsewhere_leads_to_the_exception(server, page, tmp_path):
    """Such as that of a report, which lies on the disk: its strict cookie comes a page later."""
    (view, *_) = list_exceptions(server.state)
    report = tmp_path / "report.html"
    report.write_text(f'<a href="{server.url}/exceptions/{view.exception_key}">work on it</a>')
    page.goto(report.as_uri())
    page.click("a")
    page.wait_for_selector("h2 >> text=What is wrong")
    assert view.exception_key in page.content()


def test_nothing_is_reached_from_another_site(server, browser, tmp_path):
    (view, *_) = list_exceptions(server.state)
    evil = tmp_path / "evil.html"
    evil.write_text(
        f'<form method="post" action="{server.url}/exceptions/assign">'
        f'<input name="chosen" value="{view.exception_key}|1"><input name="to" value="mallory">'
        f'<button>win</button></form><iframe src="{server.url}/"></iframe>'
    )
    before = list_audit(server.state)
    browser.goto(server.link("ann"))
    browser.goto(evil.as_uri())
    assert "Exceptions" not in browser.frames[1].content()
    browser.click("button")
    browser.wait_for_selector("text=another site")
    assert list_audit(server.state) == before


def test_no_page_has_a_grave_barrier_in_the_light_or_in_the_dark(server, page):
    (exception, *_) = list_exceptions(server.state)
    (correction, *_) = list_corrections(server.state)
    paths = (
        "/",
        f"/exceptions/{exception.exception_key}",
        "/corrections",
        f"/corrections/{correction.correction_id}",
        "/tieouts",
        "/audit?verify=1",
        "/keys",
    )
    faults = set()
    for path in paths:
        page.goto(server.url + path)
        faults |= grave_faults(page)
    assert faults == set()
    assert str(night(0)) in page.goto(f"{server.url}/tieouts").text()
