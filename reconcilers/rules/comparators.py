"""How two values of one attribute are told apart: true where they differ beyond the tolerance.

A null owner value never differs (nothing to copy); a null replica value always does.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import narwhals as nw


@dataclass(frozen=True)
class Tolerance:
    """How far apart counts as equal: minor units of money, basis points of a ratio."""

    amount: int = 0
    per_line: bool = False  # times the row's line_count
    cap: int | None = None


class Comparator(Protocol):
    def __call__(self, owner: nw.Expr, replica: nw.Expr, tolerance: Tolerance, /) -> nw.Expr: ...


def _apart(owner: nw.Expr, replica: nw.Expr, differs: nw.Expr) -> nw.Expr:
    return (~owner.is_null() & (replica.is_null() | differs)).fill_null(value=False)


def exact(owner: nw.Expr, replica: nw.Expr, _: Tolerance) -> nw.Expr:
    return _apart(owner, replica, owner != replica)


def text(owner: nw.Expr, replica: nw.Expr, _: Tolerance) -> nw.Expr:
    """Differs in letters or digits, whatever their case, width, spacing and punctuation."""
    left, right = folded(owner), folded(replica)
    return _apart(owner, replica, left != right)


def money(owner: nw.Expr, replica: nw.Expr, tolerance: Tolerance) -> nw.Expr:
    return _apart(owner, replica, (owner - replica).abs() > allowance(tolerance))


def ratio(owner: nw.Expr, replica: nw.Expr, tolerance: Tolerance) -> nw.Expr:
    """Apart by more than so many basis points of the owner's value, in whole numbers."""
    return _apart(owner, replica, (owner - replica).abs() * 10_000 > owner.abs() * tolerance.amount)


def members(owner: nw.Expr, replica: nw.Expr, _: Tolerance) -> nw.Expr:
    """Differs in members of a comma-separated set, whatever their order and repetition."""
    return _apart(owner, replica, _members(owner) != _members(replica))


COMPARATORS: Mapping[str, Comparator] = {
    "exact": exact,
    "text": text,
    "money": money,
    "date": exact,
    "set": members,
    "ratio": ratio,
}


def allowance(tolerance: Tolerance) -> nw.Expr:
    """Minor units by which the row's amounts may differ, e.g. by rounding tax per line."""
    if not tolerance.per_line:
        return nw.lit(tolerance.amount)
    lines = nw.col("line_count").fill_null(1)
    allowed = lines * tolerance.amount
    if tolerance.cap is None:
        return allowed
    return nw.when(allowed > tolerance.cap).then(nw.lit(tolerance.cap)).otherwise(allowed)


def folded(value: nw.Expr) -> nw.Expr:
    """The letters and digits of a text in lower case and of normal width."""
    lowered = value.str.to_lowercase()
    normal = lowered
    for wide, narrow in _WIDTHS.items():
        normal = normal.str.replace_all(wide, narrow, literal=True)
    # Few names hold such characters, and an engine evaluates a branch only for rows that take it.
    width_free = nw.when(lowered.str.contains(_UNUSUAL_WIDTH)).then(normal).otherwise(lowered)
    return width_free.str.replace_all(r"[^\p{L}\p{M}\p{N}]+", "")


def _members(value: nw.Expr) -> nw.Expr:
    return value.str.replace_all(" ", "", literal=True).str.split(",").list.unique().list.sort()


def _widths() -> dict[str, str]:
    """Full-width letters and digits and half-width kana, each with its usual form.

    A half-width kana with its voice mark is one letter, so such pairs are replaced first.
    """
    kana = [chr(point) for point in range(0xFF66, 0xFF9E)]
    voiced = [base + mark for base in kana for mark in "\uff9e\uff9f"]
    wide = [chr(point) for point in range(0xFF01, 0xFF5F)]
    pairs = {pair: unicodedata.normalize("NFKC", pair) for pair in voiced}
    one_letter = {pair: letter for pair, letter in pairs.items() if len(letter) == 1}
    singles = {char: unicodedata.normalize("NFKC", char) for char in [*kana, *wide]}
    letters = {char: to for char, to in singles.items() if to.isalnum() and not char.isupper()}
    return one_letter | letters


_WIDTHS = _widths()
_UNUSUAL_WIDTH = "[\uff01-\uff9f]"
