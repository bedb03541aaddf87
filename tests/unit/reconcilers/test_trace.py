"""Threads are walked up to the sale and down to the ledger, and never mixed through what they share."""

import json

import duckdb
import pytest

from reconcilers.trace.folded import Rest, duration, folded
from reconcilers.trace.html import render_trace
from reconcilers.trace.pages import thread_pages
from reconcilers.trace.plain import as_dict
from reconcilers.trace.search import find

EXPONENTS = {"USD": 2, "JPY": 0}
SHARED = ("customer", "payout")
# Two contracts of one customer; a bank payment that settles an invoice of each; one payout.
EDGES = """
opportunity:o1 contract:k1 key
contract:k1 customer:c1 inferred
contract:k1 subscription:s1 key
subscription:s1 invoice:i1 key
subscription:s1 invoice:i2 key
invoice:i1 payment:p1 key
invoice:i1 erp_invoice:e1 key
erp_invoice:e1 journal_entry:e1 key
journal_entry:e1 journal_line:e1-0 key
invoice:i2 payment:both key
payment:p1 payout:po key
opportunity:o2 contract:k2 key
contract:k2 customer:c1 inferred
contract:k2 invoice:i3 key
invoice:i3 payment:both key
payment:both payout:po key
"""

EVIDENCE = '{"keys": ["domain", "name"], "probability": 0.97}'


@pytest.fixture
def con():
    edges = [line.split() for line in EDGES.strip().splitlines()]
    keys = sorted({key for edge in edges for key in edge[:2]})
    with duckdb.connect() as con:
        con.execute("create schema trace")
        con.execute(
            "create table trace.trace_nodes (node_key varchar, kind varchar, record_id varchar, system varchar, "
            "label varchar, status varchar, happened_at timestamp, amount_minor bigint, currency varchar, "
            "correlation_id varchar, is_shared boolean)"
        )
        con.execute(
            "create table trace.trace_edges (from_key varchar, to_key varchar, how varchar, rule varchar, "
            "amount_minor bigint, currency varchar, evidence varchar, "
            "from_kind varchar as (split_part(from_key, ':', 1)), "
            "from_id varchar as (substr(from_key, strpos(from_key, ':') + 1)), "
            "to_kind varchar as (split_part(to_key, ':', 1)), "
            "to_id varchar as (substr(to_key, strpos(to_key, ':') + 1)))"
        )
        con.execute("create table trace.trace_aliases (alias varchar, node_key varchar)")
        for number, key in enumerate(keys):
            kind, record_id = key.split(":")
            con.execute(
                "insert into trace.trace_nodes values (?, ?, ?, 'stripe', null, 'open', "
                "timestamp '2026-06-01' + to_hours(?), 100, 'USD', ?, ?)",
                [key, kind, record_id, number, f"q2c_{record_id}", kind in SHARED],
            )
            con.execute("insert into trace.trace_aliases values (?, ?)", [record_id, key])
        for start, end, how in edges:
            con.execute(
                "insert into trace.trace_edges values (?, ?, ?, 'rule', null, null, ?)",
                [start, end, how, EVIDENCE if end == "customer:c1" else None],
            )
        yield con


def threads(con, identifier):
    return {thread.root: set(thread.nodes) for thread in find(con, identifier).threads}


FIRST = {
    "opportunity:o1", "contract:k1", "customer:c1", "subscription:s1", "invoice:i1", "invoice:i2", "payment:p1",
    "erp_invoice:e1", "journal_entry:e1", "journal_line:e1-0", "payment:both", "payout:po",
}  # fmt: skip
SECOND = {"opportunity:o2", "contract:k2", "customer:c1", "invoice:i3", "payment:both", "payout:po"}


@pytest.mark.parametrize("asked", ["o1", "k1", "s1", "i2", "p1", "e1-0"])
def test_a_thread_is_the_same_from_wherever_it_is_asked_for(con, asked):
    assert threads(con, asked) == {"opportunity:o1": FIRST}


@pytest.mark.parametrize("asked", ["both", "c1", "po"])
def test_what_two_threads_share_shows_both_and_mixes_neither(con, asked):
    assert threads(con, asked) == {"opportunity:o1": FIRST, "opportunity:o2": SECOND}


def test_only_some_threads_of_a_shared_record_are_told_and_the_others_counted(con):
    found = find(con, "c1", shown=1)
    assert ([thread.root for thread in found.threads], found.more_threads) == (
        ["opportunity:o1"],
        1,
    )


def test_an_id_of_several_threads_lists_its_candidates(con):
    con.execute("insert into trace.trace_aliases values ('7', 'invoice:i1'), ('7', 'contract:k2')")
    found = find(con, "7")
    assert [node.key for node in found.candidates] == ["contract:k2", "invoice:i1"]
    assert found.threads == ()
    assert threads(con, "invoice:i1") == {"opportunity:o1": FIRST}


def test_an_id_of_several_records_of_one_thread_is_not_ambiguous(con):
    con.execute(
        "insert into trace.trace_aliases values ('NWC-1', 'invoice:i1'), ('NWC-1', 'erp_invoice:e1')"
    )
    (thread,) = find(con, "NWC-1").threads
    assert (thread.root, thread.asked) == ("opportunity:o1", {"invoice:i1", "erp_invoice:e1"})


def test_a_line_that_bills_use_shows_its_days_and_a_day_leads_to_the_sale(con):
    for day in ("m:c:1", "m:c:2"):
        con.execute(
            "insert into trace.trace_nodes values (?, 'usage', ?, 'stripe', '5 calls', 'billed', "
            "timestamp '2026-06-01', null, null, null, false)",
            [f"usage:{day}", day],
        )
        con.execute("insert into trace.trace_aliases values (?, ?)", [day, f"usage:{day}"])
        con.execute(
            "insert into trace.trace_edges values ('invoice_line:l1', ?, 'key', 'use', null, null, null)",
            [f"usage:{day}"],
        )
    con.execute(
        "insert into trace.trace_nodes values ('invoice_line:l1', 'invoice_line', 'l1', 'stripe', null, null, "
        "null, 100, 'USD', null, false)"
    )
    con.execute("insert into trace.trace_aliases values ('l1', 'invoice_line:l1')")
    con.execute(
        "insert into trace.trace_edges values ('invoice:i2', 'invoice_line:l1', 'key', 'line', null, null, null)"
    )
    metered = {"invoice_line:l1", "usage:m:c:1", "usage:m:c:2"}
    assert threads(con, "m:c:2") == threads(con, "l1") == {"opportunity:o1": FIRST | metered}


@pytest.mark.parametrize("asked", ["both", "c1", "e1-0"])
def test_many_ids_are_looked_for_with_the_answer_of_few(con, monkeypatch, asked):
    few = find(con, asked)
    monkeypatch.setattr("reconcilers.trace.search._FEW", 0)
    assert find(con, asked) == few


def test_a_record_of_another_kind_with_the_id_of_one_in_the_thread_is_not_in_it(con):
    con.execute(
        "insert into trace.trace_edges values ('payment:e1', 'payout:other', 'key', 'rule', null, null, null)"
    )
    assert threads(con, "i1") == {"opportunity:o1": FIRST}


def test_an_unknown_id_has_no_candidates(con):
    assert find(con, "nobody").candidates == ()


def branches(branch):
    yield branch
    for child in branch.children:
        yield from branches(child)


def test_each_record_is_told_in_full_once_and_a_shared_one_ends_the_walk(con):
    (thread,) = find(con, "o1").threads
    found = [branch for branch in branches(thread.tree()) if not branch.again]
    alone = [branch.node.key for branch in found if not branch.node.is_shared]
    assert sorted(alone) == sorted(FIRST - {"customer:c1", "payout:po"})
    payouts = [branch for branch in branches(thread.tree()) if branch.node.kind == "payout"]
    assert [branch.threads for branch in payouts] == [2, 2]
    assert all(branch.children == () for branch in payouts)


def test_latency_is_measured_from_the_record_above(con):
    (thread,) = find(con, "o1").threads
    found = {branch.node.key: branch.seconds for branch in branches(thread.tree())}
    hours = {key: node.happened_at for key, node in thread.nodes.items()}
    assert found["contract:k1"] == (hours["contract:k1"] - hours["opportunity:o1"]).total_seconds()
    assert found["customer:c1"] is None


def test_like_records_are_folded_to_their_sum_but_never_what_was_asked_for(con):
    for number in range(10, 20):
        con.execute(
            "insert into trace.trace_nodes values (?, 'invoice', ?, 'stripe', null, null, timestamp '2027-01-01', "
            "5, 'JPY', null, false)",
            [f"invoice:{number}", str(number)],
        )
        con.execute(
            "insert into trace.trace_edges values ('subscription:s1', ?, 'key', 'rule', null, null, null)",
            [f"invoice:{number}"],
        )
        con.execute(
            "insert into trace.trace_aliases values (?, ?)", [str(number), f"invoice:{number}"]
        )
    (thread,) = find(con, "17").threads
    subscription = next(b for b in branches(thread.tree()) if b.node.kind == "subscription")
    *told, rest = folded(subscription)
    assert [branch.node.record_id for branch in told] == ["i1", "i2", "10", "17"]
    assert rest == Rest("invoice", 8, (("JPY", 40),))
    assert len(list(folded(subscription, shown=None))) == 12


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (432_000, "5 d"),
        (-90, "-1 min 30 s"),
    ],
)
def test_durations_read_as_people_say_them(seconds, said):
    assert duration(seconds) == said


def test_the_page_tells_edges_amounts_and_what_was_asked_for(con):
    found = find(con, "both")
    page = render_trace(found, EXPONENTS)
    assert page == render_trace(found, EXPONENTS)
    for said in (
        "part of 2 threads",
        "1.00 USD",
        "inferred",
        "asked",
        "<code>e1-0</code>",
        "shared with 1 more",
    ):
        assert said in page
    assert "<script" not in page
    assert "http" not in page


def test_the_page_of_an_ambiguous_id_lists_the_candidates(con):
    con.execute("insert into trace.trace_aliases values ('7', 'invoice:i1'), ('7', 'contract:k2')")
    page = render_trace(find(con, "7"), EXPONENTS)
    assert "contract:k2" in page
    assert "invoice:i1" in page


def test_json_holds_every_record_and_every_edge(con):
    told = json.loads(json.dumps(as_dict(find(con, "k2"))))
    (thread,) = told["threads"]
    assert {node["key"] for node in thread["nodes"]} == SECOND
    assert {(edge["from"], edge["to"]) for edge in thread["edges"]} >= {
        ("opportunity:o2", "contract:k2")
    }


def test_a_report_gets_a_page_per_thread_and_one_for_what_several_share(con):
    pages = thread_pages(
        con,
        {
            "x1": ("nobody", "i1"),
            "x2": ("s1",),
            "x3": ("k2", "i1"),
            "x4": ("c1",),
            "x5": ("nobody",),
        },
        EXPONENTS,
    )
    assert dict(pages.of_subject) == {
        "x1": "opportunity_o1.html",
        "x2": "opportunity_o1.html",
        "x3": "opportunity_o2.html",
        "x4": "customer_c1.html",
    }
    assert set(pages.html) == {"opportunity_o1.html", "opportunity_o2.html", "customer_c1.html"}
    assert pages.html["opportunity_o1.html"].count('class="row asked') == 2
    assert "part of 2 threads" in pages.html["customer_c1.html"]


def test_a_way_to_a_customer_says_what_speaks_for_it(con):
    found = find(con, "k1")
    assert 'inferred</span> <span class="rule">rule: domain, name, p 0.97' in render_trace(
        found, EXPONENTS
    )
    edges = {edge["to"]: edge for edge in as_dict(found)["threads"][0]["edges"]}
    assert edges["customer:c1"]["evidence"] == json.loads(EVIDENCE)
    assert edges["subscription:s1"]["evidence"] is None
