"""The page is whole, runs no script but its own, and says its numbers to readers of every kind."""

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import parse_qs

import pytest

from reconcilers.report.files import WHOLE, run_summary
from reconcilers.report.grids import Column, Grid, as_columns, packed
from reconcilers.report.html import render_html
from reconcilers.report.markdown import render_markdown
from reconcilers.report.tables import grids_of
from tests.report_samples import sample_report

LARGEST_BYTES = 10_000_000
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>|`*"
SECTIONS = [
    "verdict", "tieouts", "risk", "news", "exceptions", "corrections", "process", "latency",
    "kpis", "completeness", "identity", "reading",
]  # fmt: skip


@pytest.fixture(scope="module")
def data():
    return sample_report()


@pytest.fixture(scope="module")
def page(data):
    return render_html(data, {"t1": "<main>thread</main>"})


def unpacked(page, name):
    text = re.search(rf'id="{name}">([^<]*)<', page)[1]
    return json.loads(gzip.decompress(base64.b64decode(text)))


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.outside, self.open, self.tags, self.links, self.ids = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append((tag, values))
        self.outside += [v for n, v in attrs if n in ("src", "action", "srcset")]
        self.links += [values["href"]] if "href" in values else []
        self.ids += [values["id"]] if "id" in values else []
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, _attrs):
        assert tag in ("rect", "line", "path", "circle")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(page):
    parser = _Page()
    parser.feed(page)
    return parser


def test_the_page_is_whole_and_needs_nothing_from_outside(page):
    told = parsed(page)
    assert (told.outside, told.open) == ([], [])
    assert all(link.startswith("#") for link in told.links)
    without_names = page.replace("http://www.w3.org/2000/svg", "").replace(
        "http://www.w3.org/1999/xlink", ""
    )
    assert not re.search(r"url\(|@import|https?://", without_names)
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page


def test_sections_stand_in_the_order_in_which_they_are_read(page):
    told = parsed(page)
    assert [values["id"] for tag, values in told.tags if tag == "section"] == SECTIONS
    anchors = {link[1:] for link in told.links if "?" not in link}
    assert anchors <= set(told.ids)
    assert len(told.ids) == len(set(told.ids))


def test_only_the_script_of_the_page_may_run(page):
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert f"default-src 'none'; script-src 'sha256-{digest}'" in page


def test_every_link_to_rows_leads_to_as_many_as_its_number_says(page):
    content = unpacked(page, "content")["grids"]
    followed = 0
    for link, text in re.findall(r'<a href="#([^"?]+\?[^"]+)">([\d,]+)</a>', page):
        grid, _, query = link.replace("&amp;", "&").partition("?")
        wanted = {key: value for key, (value,) in parse_qs(query, keep_blank_values=True).items()}
        spec = content[grid]
        rows = [
            all(str(_value(spec, key, row)) == value for key, value in wanted.items())
            for row in range(spec["count"])
        ]
        if "comparison" in wanted:  # what a side has drifted in is told of the whole comparison
            continue
        assert sum(rows) == int(text.replace(",", "")), link
        followed += 1
    assert followed > 50


def _value(spec, key, row):
    column = spec["data"][key]
    return column["d"][column["i"][row]] if isinstance(column, dict) else column[row]


def test_charts_are_images_with_names_beside_tables_of_their_numbers(page):
    charts = [v for _, v in parsed(page).tags if v.get("class") == "chart"]
    assert {chart["role"] for chart in charts} == {"img"}
    assert [chart["aria-label"] for chart in charts] == [
        "Money at risk by class", "Money at risk by age", "Exceptions found each night",
        "Corrections by stage, in money", "How far the contracts got",
        "Posting latency by document",
    ]  # fmt: skip
    assert "var(--bar)" in page


def test_readers_without_the_script_have_the_first_rows(page, data):
    without = "".join(re.findall(r"<noscript>.*?</noscript>", page, re.DOTALL))
    assert data.exceptions[0].owner_id in without
    assert data.corrections[0].change in without


def test_nothing_that_a_record_says_becomes_markup(data):
    evil = replace(
        data,
        exceptions=tuple(
            replace(line, owner_id=EVIL, expected=EVIL, cause=EVIL, assignee=EVIL) for line in data.exceptions
        ),
        corrections=tuple(replace(line, change=EVIL, refusals=(EVIL,)) for line in data.corrections),
        tieouts=tuple(replace(line, scope=EVIL, detail=EVIL, holds=False) for line in data.tieouts),
        stuck=tuple(replace(line, contract_id=EVIL, what=EVIL) for line in data.stuck),
        hops=tuple(replace(line, what=EVIL) for line in data.hops),
        incomplete=(EVIL,),
        headline=EVIL,
    )  # fmt: skip
    page = render_html(evil)
    tags = parsed(page).tags
    assert not [tag for tag, _ in tags if tag == "img"]
    assert len([tag for tag, _ in tags if tag == "script"]) == 3
    assert "<script>alert" not in page
    text = render_markdown(evil)
    assert "<script>" not in text.replace("\\<", "")
    assert "\\|\\`\\*" in text


def test_fifty_thousand_exceptions_stay_under_ten_megabytes(page):
    """Rows of a tenth of them are weighed: what one adds is the same. Threads take the rest."""
    small, large = (_weight(sample_report(count, count * 2 // 5)) for count in (500, 5_500))
    rows = small + (large - small) * 49_500 // 5_000
    assert rows + len(page.encode()) < LARGEST_BYTES * 8 // 10


def _weight(data):
    return len(packed([as_columns(grid) for grid in grids_of(data).values()]))


def test_json_gives_back_the_whole_report(data):
    assert WHOLE.validate_json(WHOLE.dump_json(data)) == data


def test_markdown_tells_the_night_in_short(data):
    text = render_markdown(data)
    assert text.startswith("# DRIFT: 2026-06-30\n")
    assert f"| Open exceptions | {data.totals.open:,}, {data.totals.new:,} new |" in text
    assert "| invoice | 240 | 1 h 42 min | 2 h 44 min | 2 h 52 min |" in text
    assert data.exceptions[0].owner_id not in text


def test_the_night_of_one_of_several_companies_says_whose_it_is(data):
    named = replace(data, company="acme")
    page = render_html(named)
    assert "<title>Tieout acme 2026-06-30: DRIFT</title>" in page
    assert "<h1>acme: Reconciliation of Tuesday, 30 June 2026</h1>" in page
    assert render_markdown(named).startswith("# DRIFT acme: 2026-06-30\n")
    assert run_summary(named)["company"] == "acme"


def test_columns_of_a_table_are_packed_and_can_be_read_back():
    rows = [{"state": "open" if n % 3 else "", "id": str(n), "sum": n or None} for n in range(20)]
    grid = Grid("g", "G", "", (Column("id", "Id"),), rows, (("state", "State"),))
    told = as_columns(grid)
    assert [{key: _value(told, key, n) for key in rows[0]} for n in range(20)] == rows
    assert told["data"]["state"]["d"] == ["", "open"]
    assert json.loads(gzip.decompress(base64.b64decode(packed(told)))) == json.loads(
        json.dumps(told)
    )
    assert packed(told) == packed(told)
