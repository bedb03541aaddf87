"""The report in a real browser, as a file and without a network: what people do with it works."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from reconcilers.report.html import render_html
from tests.browsing import browsing, grave_faults
from tests.report_samples import sample_report

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"
THREAD = "<style>p{margin:0}</style><main><h1>Trace</h1><p>The whole thread</p></main>"
ROWS = "[data-grid=exceptions] tbody tr:not(.detail)"


@pytest.fixture(scope="module")
def data():
    made = sample_report(exceptions=140, corrections=10)
    first, *others = made.exceptions
    first = replace(first, expected=EVIL, owner_id=EVIL, severity="S1", explained_by="")
    return replace(
        made, exceptions=(first, *others), traces=((first.exception_key, "t1"),), review_url="https://review.example"
    )  # fmt: skip


@pytest.fixture(scope="module")
def file(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_html(data, {"t1": THREAD}), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def opened(file):
    with browsing() as page:
        page.context.set_offline(True)
        page.said = []
        page.on("dialog", lambda dialog: (page.said.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("console", lambda line: page.said.append(line.text))
        yield page


@pytest.fixture
def page(opened, file):
    opened.emulate_media(media="screen", color_scheme="light")
    opened.goto("about:blank")
    opened.goto(file)
    opened.wait_for_selector("html[data-ready]", state="attached")
    return opened


def told(page, grid="exceptions"):
    return page.locator(f"[data-grid={grid}] .told").inner_text()


def test_a_number_leads_to_its_rows_and_their_sum(page, data):
    line = max(data.codes, key=lambda code: code.open)
    page.locator(f"#risk a[href*='code={line.code}']").first.click()
    expect(page.locator(ROWS)).to_have_count(line.open)  # an address is followed in its own time
    assert told(page) == (
        f"{line.open} of 140 rows, {line.gross_reporting_minor / 100:,.2f} EUR gross"
    )
    assert page.evaluate("document.activeElement.className") == "told"


def test_rows_are_sorted_and_turned_over_by_the_keyboard(page, data):
    head = page.locator("[data-grid=exceptions] th", has_text="Impact")
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    dearest = max(data.exceptions, key=lambda line: abs(line.impact_reporting_minor))
    assert dearest.code in page.locator(ROWS).first.inner_text()
    page.locator("[data-grid=exceptions] .pager button", has_text="Next").focus()
    page.keyboard.press("Enter")
    assert "51 to 100" in page.locator("[data-grid=exceptions] .pager").inner_text()


def test_rows_are_chosen_by_value_and_by_text(page, data):
    entity = page.locator("[data-grid=exceptions]").get_by_label("Legal entity")
    entity.select_option("=UK")
    ours = [line for line in data.exceptions if line.legal_entity == "UK"]
    assert told(page).startswith(f"{len(ours)} of 140 rows")
    page.locator("[data-grid=exceptions] input").fill(ours[0].exception_key.upper())
    assert page.locator(ROWS).count() == 1
    page.locator("[data-grid=exceptions] button", has_text="Show all").click()
    assert told(page).startswith("140 of 140 rows")


def test_a_row_opens_to_what_is_known_of_it_and_its_thread(page, data):
    first = data.exceptions[0]
    page.evaluate(f"location.hash = 'exceptions?exception_key={first.exception_key}'")
    toggle = page.locator(f"{ROWS} .open")
    page.wait_for_function("n => document.querySelectorAll(n).length === 1", arg=ROWS)
    toggle.focus()
    page.keyboard.press("Enter")
    detail = page.locator("tr.detail")
    detail.locator(".thread >> text=The whole thread").wait_for()
    assert toggle.get_attribute("aria-expanded") == "true"
    assert f"tieout exceptions show {first.exception_key}" in detail.inner_text()
    link = detail.locator("a", has_text="review page").get_attribute("href")
    assert link == f"https://review.example/exceptions/{first.exception_key}"
    page.keyboard.press("Enter")
    assert detail.count() == 0


def test_what_a_record_says_is_text_and_nothing_runs(page):
    assert EVIL in page.locator(ROWS).first.inner_text()
    assert page.locator("main img").count() == 0
    assert page.said == []


def test_a_table_that_stands_in_the_page_is_sorted_by_what_its_words_mean(page):
    head = page.locator("#news details th", has_text="Exceptions")
    page.locator("#news summary").click()
    head.locator("button").click()
    counts = page.locator("#news details tbody td:nth-child(2)").all_inner_texts()
    assert [int(count) for count in counts] == sorted(map(int, counts), reverse=True)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"


def test_paper_shows_what_is_folded_and_nothing_to_click(page):
    nights, lines = page.locator("#news details tbody"), page.locator("[data-grid=tieout-lines]")
    assert not nights.is_visible()
    page.emulate_media(media="print")
    assert nights.is_visible()
    assert not lines.is_visible()
    assert not page.locator(".controls").first.is_visible()
    assert not page.locator("nav").is_visible()


def test_a_narrow_screen_scrolls_tables_and_not_the_page(page):
    wide = page.viewport_size
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.set_viewport_size(wide)


@pytest.mark.slow
def test_the_page_is_accessible_in_the_light_and_in_the_dark(page):
    page.locator("#exceptions .open").first.click()
    assert grave_faults(page) == set()


def test_without_its_script_the_page_shows_the_first_rows(opened, file, data):
    page = opened.context.browser.new_page(java_script_enabled=False)
    page.goto(file)
    assert page.locator("[data-grid=exceptions] tbody tr").count() == 50
    assert data.exceptions[1].owner_id in page.locator("[data-grid=exceptions]").inner_text()
    page.close()
