"""A text column that is printed again and again, with other signs in certain places.

The places of a copy's code are found once, in the column of the first company; a copy is the bytes
of the column with these places filled in. No row is looked at again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from extractors.sandbox.ids import SALESFORCE_PREFIXES, STRIPE_PREFIXES
from orchestration.worlds.roles import Role

CODE_LENGTH = 5
MOST_COPIES = 10 ** (CODE_LENGTH - 1)
_NUMBER_LENGTH = 9
# Bytes that no text of a source has; where they stand the digits of a copy's code will stand.
_PLACES = "\x01\x02\x03\x04\x05"
_NOTHING = pa.scalar("", pa.large_string())

_SHARED_KINDS = {"product", "price", "billing.meter", "Product2", "PricebookEntry"}


def _own_prefixes(prefixes: Mapping[str, str]) -> str:
    own = {prefix for kind, prefix in prefixes.items() if kind not in _SHARED_KINDS}
    return "|".join(sorted(own, reverse=True))  # sub_sched before sub, which it begins with


_PATTERNS: dict[Role, tuple[tuple[str, str], ...]] = {
    Role.IDS: (
        (
            rf"\b({_own_prefixes(STRIPE_PREFIXES)}|cbtxn)_([0-9A-Za-z]{{14}})",
            "${1}_" + _PLACES + "${2}",
        ),
        # Digits for leading zeros: the check at the end of an id tells of capitals alone.
        (
            rf"(({_own_prefixes(SALESFORCE_PREFIXES)})Sb0)0{{{CODE_LENGTH}}}",
            "${1}" + _PLACES,
        ),
        (r"\bTR([0-9A-F]{10})\b", "TR" + _PLACES + "${1}"),
    ),
    # The code in front of as many digits each, so that no two numbers become one.
    Role.NUMBER: (
        (r"(^|/)([0-9]+)", "${1}" + _PLACES + "0" * _NUMBER_LENGTH + "${2}"),
        (rf"{_PLACES}[0-9]*?([0-9]{{{_NUMBER_LENGTH}}})([^0-9]|$)", _PLACES + "${1}${2}"),
    ),
    Role.DOCUMENT: ((r"^([^0-9]*)([0-9])", "${1}" + _PLACES + "-${2}"),),
    Role.MEMO: ((r"(.)$", "${1} " + _PLACES),),
    Role.BANK: ((r"^([A-Z]{0,2})", "${1}" + _PLACES),),
}
# What is in front of that which tells one customer from another, that itself, and what is behind.
_TELLING = {
    Role.NAME: r"^()(\S+\s+\S+)(.*)$",
    Role.STREET: r"^()(.*)()$",
    Role.EMAIL: r"^([^@]*@)([^.@-]*)(.*)$",
    Role.HOST: r"^([a-z]*:?/*(?:www\.|group\.)?)([^.-]*)(.*)$",
    Role.TAX: r"^([A-Z]*)(.*)()$",
}


@dataclass(frozen=True)
class _Piece:
    """Part of each value. In `telling` ones letters are swapped, in others places filled in."""

    column: pa.Array
    data: bytes
    telling: bool

    def printed(self, copy: int) -> pa.Array:
        table = alphabet_of(copy) if self.telling else _code_table(copy)
        validity, offsets, _ = self.column.buffers()
        buffers = [validity, offsets, pa.py_buffer(self.data.translate(table))]
        return pa.Array.from_buffers(pa.large_string(), len(self.column), buffers)


@dataclass(frozen=True)
class Stencil:
    """A column as each copy has it but for its code and its names."""

    pieces: Sequence[_Piece]

    def printed(self, copy: int) -> pa.Array:
        """The column of a copy, counted from 1."""
        first, *others = (piece.printed(copy) for piece in self.pieces)
        return pc.binary_join_element_wise(first, *others, _NOTHING) if others else first


def cut(column: pl.Series, role: Role) -> Stencil:
    """The stencil of a text column."""
    text = pl.col(column.name)
    if role not in _TELLING:
        return Stencil([_piece(column, marked(text, role), telling=False)])
    pattern = _TELLING[role]
    behind = text.str.extract(pattern, 3)
    return Stencil(
        [
            _piece(column, text.str.extract(pattern, 1), telling=False),
            _piece(column, text.str.extract(pattern, 2), telling=True),
            _piece(column, behind + _PLACES if role is Role.TAX else behind, telling=False),
        ]
    )


def marked(column: pl.Expr, role: Role) -> pl.Expr:
    """The text with places for a copy's code in all that names something of the copy's own."""
    for pattern, replacement in _PATTERNS[role]:
        column = column.str.replace_all(pattern, replacement)
    return column


def is_own(column: pl.Expr) -> pl.Expr:
    """Whether a marked text names anything that a copy has for itself."""
    return column.str.contains(_PLACES, literal=True)


def filled_in(column: pl.Expr, copy: int) -> pl.Expr:
    """A marked text with the code of a copy."""
    return column.str.replace_all(_PLACES, code(copy), literal=True)


def code(copy: int) -> str:
    """What the ids of a copy have and no other's: digits, behind those that the sandbox gives."""
    return f"9{copy:0{CODE_LENGTH - 1}}"


@cache
def alphabet_of(copy: int) -> bytes:
    """Which letter and digit stands for which: names stay words, and what is alike stays alike.

    Full-width letters are swapped as plain ones are: by the last of their bytes.
    """
    random = Random(f"copy {copy}")
    swapped = bytearray(range(256))
    for signs in ("aeiou", "bcdfghjklmnpqrstvwxyz"):
        for one, other in zip(signs, random.sample(signs, len(signs)), strict=True):
            for alphabet in (ord("a"), ord("A"), "ａ".encode()[-1], "Ａ".encode()[-1]):
                swapped[alphabet + ord(one) - ord("a")] = alphabet + ord(other) - ord("a")
    digits = "0123456789"
    for one, other in zip(digits, random.sample(digits, len(digits)), strict=True):
        swapped[ord(one)] = ord(other)
    return bytes(swapped)


@cache
def _code_table(copy: int) -> bytes:
    return bytes.maketrans(_PLACES.encode(), code(copy).encode())


def _piece(column: pl.Series, said: pl.Expr, *, telling: bool) -> _Piece:
    array = column.to_frame().select(said).to_series().rechunk().to_arrow()
    assert (array.type, array.offset) == (pa.large_string(), 0)
    data = array.buffers()[2]
    return _Piece(array, data.to_pybytes() if data is not None else b"", telling)
