"""The pages behind a report: one per commercial thread that something is wrong with."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from reconcilers.trace.html import render_trace
from reconcilers.trace.search import THREADS_SHOWN, nodes_named, threads_of, ways_up
from reconcilers.trace.thread import Found, Node, roots_of


@dataclass(frozen=True)
class Pages:
    """`html` by file name, and for each subject the file that shows its thread."""

    html: Mapping[str, str]
    of_subject: Mapping[str, str]


def thread_pages(
    con: DuckDBPyConnection,
    subjects: Mapping[str, Sequence[str]],
    exponents: Mapping[str, int],
) -> Pages:
    """Pages for subjects, each known by some ids of which the first that is known counts.

    All threads are walked at once: a report has hundreds of subjects.
    """
    nodes = _chosen(con, subjects)
    parents = ways_up(con, {node.key for node in nodes.values()})
    groups: dict[tuple[str, ...], dict[str, Node]] = defaultdict(dict)
    for subject, node in nodes.items():
        groups[tuple(roots_of([node.key], parents))][subject] = node
    roots = sorted({root for group in groups for root in group[:THREADS_SHOWN]})
    threads = {thread.root: thread for thread in threads_of(con, roots)}
    html, of_subject = {}, {}
    for group, members in sorted(groups.items()):
        asked = {node.key: node for node in members.values()}
        name = _file_name(group, asked)
        found = Found(
            identifier=", ".join(sorted(node.record_id for node in asked.values())),
            candidates=tuple(asked.values()),
            threads=tuple(threads[root].asking(asked) for root in group[:THREADS_SHOWN]),
            more_threads=max(0, len(group) - THREADS_SHOWN),
        )
        html[name] = render_trace(found, exponents)
        of_subject.update(dict.fromkeys(members, name))
    return Pages(html, of_subject)


def _chosen(con: DuckDBPyConnection, subjects: Mapping[str, Sequence[str]]) -> dict[str, Node]:
    named = nodes_named(con, {one for ids in subjects.values() for one in ids})
    chosen = {}
    for subject, ids in subjects.items():
        known = [named[one] for one in ids if one in named]
        if known:
            chosen[subject] = min(known[0], key=lambda node: (node.rank, node.key))
    return chosen


def _file_name(roots: Sequence[str], asked: Mapping[str, Node]) -> str:
    """From the root of one thread; from what is shared where there are several."""
    key = roots[0] if len(roots) == 1 else min(asked)
    return re.sub(r"[^A-Za-z0-9_-]+", "_", key) + ".html"
