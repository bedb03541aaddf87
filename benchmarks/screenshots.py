"""Pictures of what people see: the report, the review and the Dagster UI of a demo home.

`make screenshots` after `make demo`. Each page is taken in the light and in the dark.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from orchestration.company_files import ROOT
from orchestration.review.access import Door
from orchestration.review.app import create_app
from orchestration.review.serve import origins_of, server_of
from orchestration.settings import load_settings
from orchestration.stores import opened_state
from reconcilers.state.views import list_corrections, list_exceptions, list_nights

REVIEW_PORT, DAGSTER_PORT = 8766, 3001
SHOWN = "INV-AMT-01"  # a class with money, both sides and a correction
DAGSTER = {
    "overview": "/overview",
    "assets": "/assets",
    "runs": "/runs",
    "lineage": "/asset-groups",
    "columns": "/assets/canonical/invoices?view=overview",
    "check": "/assets/reconciliation/drift?view=checks&checkDetail=inv_amt_01",
    "nights": "/locations/orchestration.definitions/jobs/nightly/runs",
    "days": "/locations/orchestration.definitions/jobs/nightly/partitions",
}
STARTING_SECONDS = 600


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--home", type=Path, default=ROOT / "data" / "demo")
    asked.add_argument("--to", type=Path, default=ROOT / "data" / "screenshots")
    asked.add_argument("--without-dagster", action="store_true")
    given = asked.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is not installed: apt-get install chromium")
    given.to.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1360, "height": 900})
        page.set_default_timeout(STARTING_SECONDS * 1000)
        with reviewed(page, given.home) as pages:
            take(page, given.to, pages)
        if not given.without_dagster:
            with dagster(given.home) as pages:
                take(page, given.to, pages, is_long=False)
        browser.close()


def take(page: Page, folder: Path, pages: Mapping[str, str], *, is_long: bool = True) -> None:
    """A picture of each page, by its name."""
    for name, address in pages.items():
        page.goto(address)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            path = folder / f"{name}-{scheme}.png"
            if not is_long:  # what the page shows it asks for after it is loaded
                page.wait_for_timeout(3_000)
                page.wait_for_function("!document.body.innerText.includes('Loading')")
            page.screenshot(path=path, full_page=is_long)
            print(path)


@contextmanager
def reviewed(page: Page, home: Path) -> Iterator[dict[str, str]]:
    """The pages of report and review of a home, with the browser signed in."""
    settings = load_settings({"TIEOUT_HOME": str(home)})
    url, door = origins_of("127.0.0.1", REVIEW_PORT, None)[0], Door()
    with opened_state(settings) as state:
        app = create_app(settings, state, door, [url])
        server = server_of(app, port=REVIEW_PORT)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            wait_for(f"{url}/login")
            (token,) = door.tokens_for([settings.actor]).values()
            page.goto(f"{url}/login?token={token}")
            exception = list_exceptions(state, states=("OPEN",), code=SHOWN)[0].exception_key
            correction = list_corrections(state, code=SHOWN)[0].correction_id
            newest = list_nights(state)[-1].snapshot_date
            paths = {
                "queue": "/",
                "exception": f"/exceptions/{exception}",
                "thread": f"/exceptions/{exception}/thread",
                "corrections": "/corrections",
                "correction": f"/corrections/{correction}",
                "dead": "/dead",
                "tieouts": "/tieouts",
                "audit": "/audit",
                "keys": "/keys",
            }
            report = (settings.report_dir(newest) / "report.html").as_uri()
            yield {"report": report} | {
                f"review-{name}": url + path for name, path in paths.items()
            }
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def dagster(home: Path) -> Iterator[dict[str, str]]:
    """The pages of the Dagster UI of a home, as `tieout ui` serves it."""
    url = f"http://127.0.0.1:{DAGSTER_PORT}"
    command = [str(Path(sys.executable).with_name("tieout")), "ui", "--port", str(DAGSTER_PORT)]
    process = subprocess.Popen(  # noqa: S603  # our own command
        command,
        env={**os.environ, "TIEOUT_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(url)
        yield {f"dagster-{name}": url + path for name, path in DAGSTER.items()}
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def wait_for(url: str) -> None:
    """Until something answers there."""
    until = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            httpx.get(url)
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
        else:
            return


if __name__ == "__main__":
    main()
