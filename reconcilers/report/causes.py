"""Causes that explain other exceptions: a thousand rows as a few findings. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconcilers.report.rows import ExceptionLine


@dataclass(frozen=True)
class CauseLine:
    """An exception that nothing explains, and what follows from it, over any number of steps.

    `followers` are classes with their number of exceptions.
    """

    line: ExceptionLine
    followers: tuple[tuple[str, int], ...]


def cause_lines(open_lines: Sequence[ExceptionLine]) -> tuple[CauseLine, ...]:
    """The causes that explain others, the dearest first."""
    by_key = {line.exception_key: line for line in open_lines}
    followers: dict[str, list[str]] = defaultdict(list)
    for line in open_lines:
        if line.explained_by:
            followers[_root(line, by_key)].append(line.code)
    lines = [
        CauseLine(by_key[key], tuple(sorted(Counter(codes).items())))
        for key, codes in followers.items()
        if key in by_key
    ]
    return tuple(sorted(lines, key=_dearest))


def _root(line: ExceptionLine, by_key: Mapping[str, ExceptionLine]) -> str:
    while line.explained_by in by_key:
        line = by_key[line.explained_by]
    return line.explained_by or line.exception_key


def _dearest(cause: CauseLine) -> tuple[int, str, str]:
    line = cause.line
    return -abs(line.impact_reporting_minor or 0), line.code, line.exception_key
