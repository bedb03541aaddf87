"""How large a report of 50,000 exceptions is, and how soon a browser has it ready.

Run by `make bench-report`. Opens the page in headless Chromium, as a file and without a network,
and times until its tables can be worked with. Fails where a target is missed.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from orchestration.pdf import browser_path
from reconcilers.report.html import render_html
from tests.report_samples import sample_report

LARGEST_BYTES = 10_000_000
LONGEST_SECONDS = 3.0
OPENINGS = 5
FILTERED = "#exceptions?severity=S1&standing=open"


def main() -> int:
    """Print size and times; 1 where one is too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exceptions", type=int, default=50_000)
    parser.add_argument("--corrections", type=int, default=20_000)
    asked = parser.parse_args()
    data = sample_report(asked.exceptions, asked.corrections)
    began = time.perf_counter()
    page = render_html(data)
    print(f"written in {time.perf_counter() - began:.1f} s")
    size = len(page.encode())
    print(f"{asked.exceptions:,} exceptions, {asked.corrections:,} corrections: {size:,} bytes")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(page, encoding="utf-8")
        openings, filtering = _timed(file.as_uri())
    median = sorted(openings)[len(openings) // 2]
    print("opened in", ", ".join(f"{seconds:.2f} s" for seconds in openings))
    print(f"median {median:.2f} s; filtered by a link in {filtering:.2f} s")
    return int(size > LARGEST_BYTES or median > LONGEST_SECONDS)


def _timed(address: str) -> tuple[list[float], float]:
    """Seconds from asking for the page to its being ready, each time in a fresh one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        openings = []
        for _ in range(OPENINGS):
            page = browser.new_page()
            began = time.perf_counter()
            page.goto(address)
            page.wait_for_selector("html[data-ready]", state="attached")
            openings.append(time.perf_counter() - began)
        return openings, _filtered(page)


def _filtered(page: Page) -> float:
    began = time.perf_counter()
    page.evaluate(f"location.hash = {FILTERED!r}")
    page.wait_for_function("document.querySelector('[data-grid=exceptions] .chosen') !== null")
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
