"""`tieout trace`: the commercial thread behind any id, for the terminal, as a page or as JSON."""

from collections.abc import Mapping

from rich.text import Text
from rich.tree import Tree

from orchestration.settings import Settings
from reconcilers.engine import open_warehouse
from reconcilers.report.amounts import amount
from reconcilers.trace.folded import LIKE_SHOWN, Rest, duration, folded, stands_aside
from reconcilers.trace.html import name_of
from reconcilers.trace.search import find
from reconcilers.trace.thread import Branch, Found, Node, Thread

KIND_WIDTH = 15


def find_thread(settings: Settings, identifier: str) -> tuple[Found, dict[str, int]]:
    """What an id means in the warehouse, and the decimals of each currency."""
    with open_warehouse(settings.warehouse_path, memory_limit=settings.memory_limit) as con:
        exponents = dict(con.sql("select currency, exponent from seeds.currencies").fetchall())
        return find(con, identifier), exponents


def trace_trees(found: Found, exponents: Mapping[str, int], *, fold: bool = True) -> list[Tree]:
    """One tree per thread."""
    shown = LIKE_SHOWN if fold else None
    return [_tree(thread, exponents, shown) for thread in found.threads]


def _tree(thread: Thread, exponents: Mapping[str, int], shown: int | None) -> Tree:
    root = thread.tree()
    tree = Tree(_line(root, thread, exponents), guide_style="dim")
    _grow(tree, root, thread, exponents, shown)
    return tree


def _grow(
    tree: Tree,
    branch: Branch,
    thread: Thread,
    exponents: Mapping[str, int],
    shown: int | None,
) -> None:
    for child in folded(branch, shown=shown):
        if isinstance(child, Rest):
            tree.add(_rest(child, exponents))
            continue
        grown = tree.add(_line(child, thread, exponents))
        if shown is None or not stands_aside(child, branch.children):
            _grow(grown, child, thread, exponents, shown)


def _line(branch: Branch, thread: Thread, exponents: Mapping[str, int]) -> Text:
    node = branch.node
    asked = node.key in thread.asked
    text = Text(f"{name_of(node.kind):<{KIND_WIDTH}} ", style="cyan")
    text.append(node.record_id, style="bold yellow" if asked else "bold")
    if branch.again:
        return text.append("  told above", style="dim")
    for word, style in _words(branch, exponents):
        text.append(f"  {word}", style=style)
    if branch.edge is not None:
        style = "green" if branch.edge.how == "key" else "yellow"
        text.append(f"  {branch.edge.how}", style=style).append(
            f" ({branch.edge.words})", style="dim"
        )
    return text.append("  <- asked", style="bold yellow") if asked else text


def _words(branch: Branch, exponents: Mapping[str, int]) -> list[tuple[str, str]]:
    node = branch.node
    words = [(money_of(node, exponents), ""), (node.label or "", "dim"), (node.status or "", "")]
    if node.happened_at is not None:
        words.append((f"{node.happened_at:%Y-%m-%d %H:%M}", "dim"))
    if branch.seconds is not None:
        sign = "+" if branch.seconds >= 0 else ""
        words.append((sign + duration(branch.seconds), "magenta"))
    if node.is_shared and branch.threads is not None and branch.threads > 1:
        words.append((f"shared with {branch.threads - 1} more", "dim"))
    return [(word, style) for word, style in words if word]


def money_of(node: Node, exponents: Mapping[str, int]) -> str:
    """The amount of a record as people write it."""
    return amount(node.amount_minor, node.currency, exponents) if node.currency else ""


def _rest(rest: Rest, exponents: Mapping[str, int]) -> Text:
    sums = ", ".join(amount(minor, currency, exponents) for currency, minor in rest.sums)
    words = f"{rest.count} more" + (f", together {sums}" if sums else "")
    return Text(f"{name_of(rest.kind):<{KIND_WIDTH}} {words}", style="dim")
