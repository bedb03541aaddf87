"""Threads for machines: plain values that JSON holds."""

import json
from typing import Any

from reconcilers.trace.thread import Found, Node, Thread


def as_dict(found: Found) -> dict[str, Any]:
    """All that was found; amounts are integers in minor units, times are UTC."""
    return {
        "identifier": found.identifier,
        "candidates": [_node(node) for node in found.candidates],
        "threads": [_thread(thread) for thread in found.threads],
        "more_threads": found.more_threads,
    }


def _thread(thread: Thread) -> dict[str, Any]:
    nodes = sorted(thread.nodes.values(), key=lambda node: (node.rank, node.key))
    return {
        "name": thread.name,
        "root": thread.root,
        "asked": sorted(thread.asked),
        "nodes": [_node(node) for node in nodes],
        "edges": [
            {
                "from": edge.from_key,
                "to": edge.to_key,
                "how": edge.how,
                "rule": edge.rule,
                "amount_minor": edge.amount_minor,
                "currency": edge.currency,
                "evidence": json.loads(edge.evidence) if edge.evidence else None,
            }
            for edge in thread.edges
        ],
    }


def _node(node: Node) -> dict[str, Any]:
    return {
        "key": node.key,
        "kind": node.kind,
        "id": node.record_id,
        "system": node.system,
        "label": node.label,
        "status": node.status,
        "at": None if node.happened_at is None else node.happened_at.isoformat() + "Z",
        "amount_minor": node.amount_minor,
        "currency": node.currency,
        "correlation_id": node.correlation_id,
        "is_shared": node.is_shared,
    }
