"""Prints a page as PDF with the browser that is there: what is on paper is what a person prints."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
LONGEST_SECONDS = 180
# The page is ready long before; its own clock runs on while it has nothing to do.
VIRTUAL_MILLISECONDS = 20_000


class NoBrowserError(RuntimeError):
    """Nothing here can print, or it did not; the words say what to do."""


def browser_path(wanted: str = "") -> str:
    """The browser to print with: the one that is named, or the first of the usual names.

    Raises NoBrowserError.
    """
    names = (wanted,) if wanted else BROWSERS
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise NoBrowserError(
            f"a PDF is printed by Chromium or Chrome, and there is no "
            f"{' or '.join(names)}: install one, set TIEOUT_BROWSER to its path, or "
            "print report.html from any browser"
        )
    return found


def print_pdf(page: Path, pdf: Path, browser: str = "") -> Path:
    """Print a page of ours; the PDF is there whole or not at all.

    Raises NoBrowserError, with what the browser said, where no PDF came of it.
    """
    program = browser_path(browser)
    with tempfile.TemporaryDirectory(prefix="tieout-pdf-") as folder:
        printed = Path(folder) / "report.pdf"
        try:
            done = subprocess.run(  # noqa: S603  # a browser, on a page of ours
                [
                    program,
                    "--headless",
                    "--disable-gpu",
                    "--no-pdf-header-footer",
                    f"--user-data-dir={folder}/profile",
                    f"--virtual-time-budget={VIRTUAL_MILLISECONDS}",
                    f"--print-to-pdf={printed}",
                    *(["--no-sandbox"] if os.geteuid() == 0 else []),
                    page.resolve().as_uri(),
                ],
                capture_output=True,
                text=True,
                timeout=LONGEST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise NoBrowserError(f"{program} did not print in {LONGEST_SECONDS} s") from error
        if not printed.exists():
            raise NoBrowserError(f"{program} printed nothing: {done.stderr.strip()[-500:]}")
        staged = pdf.with_name(f".{pdf.name}.new")
        shutil.copyfile(printed, staged)
        staged.replace(pdf)
    return pdf
