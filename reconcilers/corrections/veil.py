"""The only place where sealed values are opened: for a call, or to compare what a target shows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from extractors.errors import Rejected, SourceError
from extractors.protocol import Target, WriteIntent, WriteReceipt
from reconcilers.masking import masked_text
from reconcilers.sealing import (
    KEYS_VARIABLE,
    PERSONAL_FIELDS,
    SealingKeyError,
    Seals,
    Shown,
    each_sealed,
    is_sealed,
    personal_in,
)

HIDDEN = "[personal]"
_FIELDS = frozenset[str]().union(*PERSONAL_FIELDS.values())
_SHORTEST_WORD = 4  # shorter ones are in every sentence


@dataclass(frozen=True)
class VeiledTarget:
    """A target that takes sealed values, and shows the personal ones only as `Shown`."""

    target: Target
    seals: Seals | None

    @property
    def system(self) -> str:
        return self.target.system

    @property
    def newest_at(self) -> datetime | None:
        return self.target.newest_at

    async def log_in(self) -> None:
        await self.target.log_in()

    async def read(self, object: str, record_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        try:
            return self._veiled(object, await self.target.read(object, record_id))
        except SourceError as error:
            _hide(error, [])
            raise

    async def find(self, object: str, external_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        try:
            return self._veiled(object, await self.target.find(object, external_id))
        except SourceError as error:
            _hide(error, [])
            raise

    async def lookup(self, object: str, **equals: str) -> list[Mapping[str, Any]]:  # noqa: A002
        asked = {name: self._open(v) if is_sealed(v) else v for name, v in equals.items()}
        try:
            found = await self.target.lookup(object, **asked)
        except SourceError as error:
            _hide(error, [asked[name] for name in asked if is_sealed(equals[name])])
            raise
        return [self._veiled(object, record) or {} for record in found]

    async def write(self, intent: WriteIntent) -> WriteReceipt:
        """Open the body for this call; an error is told without what was opened."""
        opened: list[str] = []

        def spell(sealed: str) -> str:
            opened.append(self._open(sealed))
            return opened[-1]

        body = each_sealed(intent.body, spell)
        try:
            return await self.target.write(replace(intent, body=body))
        except SourceError as error:
            _hide(error, opened)
            raise

    def _veiled(self, name: str, record: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if record is None or not (fields := personal_in(self.system, name, record)):
            return record
        return {**record, **{field: self._shown(field, record[field]) for field in fields}}

    def _shown(self, field: str, value: str) -> Shown:
        return Shown.of(self.seals.seal(field, value) if self.seals else HIDDEN, value, self._open)

    def _open(self, sealed: str) -> str:
        if self.seals is None:
            raise Rejected(self.system, f"a personal value is sealed: set {KEYS_VARIABLE}")
        try:
            return self.seals.open(sealed)
        except SealingKeyError as error:
            raise Rejected(self.system, str(error)) from error


def veil(targets: Mapping[str, Target], seals: Seals | None) -> dict[str, Target]:
    """The targets as corrections are to see them."""
    return {system: VeiledTarget(target, seals) for system, target in targets.items()}


def _hide(error: SourceError, opened: list[str]) -> None:
    """Tell an error without what was opened for the call, and without what it shows of others."""
    error.message = _hidden(error.message, opened)
    error.body_excerpt = _hidden(error.body_excerpt, opened)
    error.args = tuple(_hidden(str(word), opened) for word in error.args)


def _hidden(text: str, values: list[str]) -> str:
    """The text without the values, whole or in words, in which a vendor may quote them."""
    words = {word for value in values for word in (value, *value.split())}
    words |= {json.dumps(word)[1:-1] for word in words}
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _SHORTEST_WORD:
            text = text.replace(word, HIDDEN)
    return masked_text(text, _FIELDS)
