"""Reads the statement files of a folder: all of them each night, so that the folder is the truth.

A file that is there twice counts once. Of files with other contents for one statement the last by
name stands; where the bank used one number for several statements, all of them are held back. A
statement whose lines do not lead from its opening to its closing balance is held back; its lines
land, and nothing uses them.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from extractors.bank.statements.config import BankConfig
from extractors.bank.statements.csv_format import statements_of as statements_of_csv
from extractors.bank.statements.mt940_format import statements_of as statements_of_mt940
from extractors.bank.statements.objects import OBJECTS, STATEMENT, STATEMENT_LINE
from extractors.bank.statements.statement import Statement, proven, unreadable
from extractors.errors import ContractBroken, NotFound
from extractors.protocol import Bookmark, ObjectSpec, Page, SourceTotals, Start

SYSTEM = "bank"
API_VERSION = "files"
CSV = ".csv"
_REUSED = "the bank gave its number to another statement too"
FORMATS: Mapping[str, Callable[[str, str], Iterator[Statement]]] = {
    CSV: statements_of_csv,
    **dict.fromkeys((".sta", ".mt940", ".940"), statements_of_mt940),
}


@dataclass(frozen=True)
class BankSource:
    """The folder as a `Reader`; its files are read once, so that all objects say the same."""

    config: BankConfig
    system: str = SYSTEM
    api_version: str = API_VERSION
    objects: Mapping[str, ObjectSpec] = field(default_factory=lambda: OBJECTS)
    _kept: list[Sequence[Statement]] = field(default_factory=list, repr=False)

    async def begin(
        self,
        spec: ObjectSpec,
        cursor_from: datetime | None,  # noqa: ARG002
        *,
        keys_only: bool = False,  # noqa: ARG002
    ) -> Start:
        """Everything, whatever was read before: a folder does not tell what changed in it."""
        statements = self._statements()
        if spec.name == STATEMENT.name:
            records = [statement.record for statement in statements]
        else:
            records = [line for statement in statements for line in statement.lines]
        return Start("full", Page(self._read_at(), records))

    async def proceed(self, spec: ObjectSpec, bookmark: Bookmark) -> Page:
        raise ContractBroken(SYSTEM, f"{spec.name} has one page, nothing is behind {bookmark}")

    async def totals(
        self,
        specs: Sequence[ObjectSpec],
        *,
        is_first_load: bool = False,  # noqa: ARG002
    ) -> Mapping[str, SourceTotals]:
        """Counts, and of lines what the balances of the statements say that they add up to."""
        return {spec.name: self._totals(spec) for spec in specs}

    async def vendor_fields(self, spec: ObjectSpec) -> Mapping[str, str] | None:  # noqa: ARG002
        return None

    def _totals(self, spec: ObjectSpec) -> SourceTotals:
        statements = self._statements()
        if spec.name != STATEMENT_LINE.name:
            return SourceTotals(len(statements))
        sums: dict[str, int] = {}
        for each in statements:
            if each.is_proven:
                sums[each.currency] = sums.get(each.currency, 0) + each.moved_minor
        return SourceTotals(
            len({line["id"] for each in statements for line in each.lines}),
            dict(sorted(sums.items())),
        )

    def _statements(self) -> Sequence[Statement]:
        if not self._kept:
            self._kept.append(read_folder(self.config.statements))
        return self._kept[0]

    def _read_at(self) -> datetime:
        if self.config.clock is None:
            return datetime.now(UTC)
        return datetime.fromisoformat(self.config.clock.read_text("utf-8").strip())


def read_folder(folder: Path) -> list[Statement]:
    """The statements of all files, in the order of the files' names.

    Raises:
        NotFound: there is no such folder.
        ContractBroken: it is empty, as a folder is whose disk is away: what the bank said before
            would be gone.

    """
    if not folder.is_dir():
        raise NotFound(SYSTEM, f"{folder} is no folder; set BANK_STATEMENTS to the one of the bank")
    seen: set[bytes] = set()
    found: dict[str, Statement] = {}
    reused: set[str] = set()
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in FORMATS or path.name.startswith("."):
            continue
        content = path.read_bytes()
        digest = hashlib.sha256(content).digest()
        if digest not in seen:
            seen.add(digest)
            name = path.relative_to(folder).as_posix()
            for each in _parsed(path.suffix, content, name):
                if each.id in found and found[each.id].begins != each.begins:
                    reused.add(each.id)
                found[each.id] = proven(each)
    if not found:
        raise ContractBroken(SYSTEM, f"{folder} holds no statement; is it the bank's, and there?")
    return [each.held(_REUSED) if each.id in reused else each for each in found.values()]


def _parsed(suffix: str, content: bytes, name: str) -> Iterator[Statement]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        if suffix.lower() != CSV:  # of before UTF-8, as many banks still write MT940
            yield from FORMATS[suffix.lower()](content.decode("latin-1"), name)
            return
        yield unreadable(name, "the file is not UTF-8")
        return
    yield from FORMATS[suffix.lower()](text, name)
