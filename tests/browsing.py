"""A real browser, where one is installed: none is fetched. And axe-core, which a package carries."""

import shutil
from contextlib import contextmanager

import pytest

WIDTH, HEIGHT = 1360, 900
PATIENCE = 120_000  # milliseconds: machines that run several suites at once are slow
GRAVE = {"serious", "critical"}


@contextmanager
def browsing(**options):
    """A page of Chromium; without one the test is skipped, and says so."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed (apt-get install chromium): no page was looked at")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, **options)
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()


def grave_faults(page):
    """What axe finds serious or critical on the page, in the light and in the dark."""
    from axe_playwright_python.sync_playwright import Axe

    found = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for fault in Axe().run(page).response["violations"]:
            places = [place["target"][0] for place in fault["nodes"]][:3]
            if fault["impact"] in GRAVE:
                found.add(f"{scheme}, {page.url}: {fault['id']} {places}")
    return found
