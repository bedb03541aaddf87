"""A tree that people can read: long rows of like records are folded to their sum. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from reconcilers.trace.thread import Branch

# So many like records under one parent are told one by one.
LIKE_SHOWN = 3


@dataclass(frozen=True)
class Rest:
    """Like records that are not told one by one: how many, and their sum per currency."""

    kind: str
    count: int
    sums: tuple[tuple[str, int], ...]


def folded(branch: Branch, *, shown: int | None = LIKE_SHOWN) -> Iterator[Branch | Rest]:
    """The children of a branch: the first of each kind and what was asked for, the rest as sums.

    With `shown` None nothing is folded.
    """
    for kind, group in groupby(branch.children, key=lambda child: child.node.kind):
        children = list(group)
        if shown is None or len(children) <= shown + 1:
            yield from children
            continue
        yield from children[:shown]
        yield from (child for child in children[shown:] if child.holds_asked)
        yield _rest(kind, [child for child in children[shown:] if not child.holds_asked])


def stands_aside(branch: Branch, siblings: tuple[Branch, ...]) -> bool:
    """Whether a like record beside this one holds what was asked for: then a line is enough."""
    return not branch.holds_asked and any(
        other.node.kind == branch.node.kind and other.holds_asked for other in siblings
    )


def _rest(kind: str, children: list[Branch]) -> Rest:
    sums: dict[str, int] = {}
    for child in children:
        if child.node.amount_minor is not None and child.node.currency:
            currency = child.node.currency
            sums[currency] = sums.get(currency, 0) + child.node.amount_minor
    return Rest(kind, len(children), tuple(sorted(sums.items())))


def duration(seconds: int) -> str:
    """Seconds as people say them: '3 h 20 min', '5 d'; before its time with a minus."""
    sign, left = ("-" if seconds < 0 else ""), abs(seconds)
    days, left = divmod(left, 86_400)
    hours, left = divmod(left, 3_600)
    minutes, left = divmod(left, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    told = [f"{value} {unit}" for value, unit in parts if value][:2]
    return sign + (" ".join(told) or "0 s")
