"""A PDF is printed by a real browser, or a person is told what is missing."""

import shutil

import pytest

from orchestration.pdf import BROWSERS, NoBrowserError, browser_path, print_pdf


@pytest.mark.slow
def test_a_page_becomes_a_pdf(tmp_path):
    if not any(map(shutil.which, BROWSERS)):
        pytest.skip("neither Chromium nor Chrome is installed: nothing was printed")
    page = tmp_path / "report.html"
    page.write_text("<title>T</title><p>one<p style='break-before:page'>two")
    pdf = print_pdf(page, tmp_path / "report.pdf")
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".new"] == []


def test_where_no_browser_is_people_are_told_what_to_do(tmp_path):
    with pytest.raises(NoBrowserError, match=r"no nobrowser: install one, set TIEOUT_BROWSER"):
        browser_path("nobrowser")


def test_a_browser_that_prints_nothing_is_no_success(tmp_path):
    pdf = tmp_path / "report.pdf"
    with pytest.raises(NoBrowserError, match="false printed nothing"):
        print_pdf(tmp_path / "report.html", pdf, "false")
    assert not pdf.exists()
