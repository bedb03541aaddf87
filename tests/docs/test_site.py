"""The site of the documentation is whole, and asks the network for nothing."""

import re
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

ROOT = Path(__file__).resolve().parents[2]
# Addresses that a browser fetches by itself, of whatever a page names.
FETCHED = re.compile(r"(?:src=|href=|url\(|@import )[\"']?((?:https?:)?//[^\"') >]+)")
LINK = re.compile(r"<a [^>]*href=\"(https?://[^\"]+)\"")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Built as `make docs-site` does: a link or an anchor that leads nowhere stops it."""
    folder = tmp_path_factory.mktemp("site")
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder))
    assert config.strict
    assert {config.validation.links.anchors, config.validation.links.not_found} == {30}
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    return folder


def test_a_page_or_style_of_the_site_loads_nothing_from_elsewhere(site):
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(pages) > 100
    for page in pages:
        text = page.read_text("utf-8")
        fetched = set(FETCHED.findall(text)) - set(LINK.findall(text))
        assert {each for each in fetched if "www.w3.org" not in each} == set(), page


def test_every_diagram_is_drawn(site):
    text = (site / "data-model.html").read_text("utf-8")
    drawn = re.findall(r'class="diagram" src="([^"]+)"', text)
    source = (ROOT / "docs" / "data-model.md").read_text("utf-8").count("```mermaid")
    assert len(drawn) == source
    assert all("<svg" in (site / each).read_text("utf-8")[:200] for each in drawn)
    assert "mermaid" not in text


def test_search_works_in_pages_that_are_opened_from_disk(site):
    assert (site / "search" / "search_index.js").read_text("utf-8").startswith("var __index")
    assert (site / "assets" / "iframe-worker.js").exists()
    assert "assets/iframe-worker.js" in (site / "index.html").read_text("utf-8")
