"""How what landed is compared with what is true, and sources that read in unkind ways."""

import asyncio
import hashlib
import json
import os
import random
from dataclasses import dataclass, field
from typing import Any

from extractors import landing
from extractors.extract import extract_system
from extractors.raw_zone import RawZone
from extractors.registry import open_source


def fingerprint(rows):
    """The same for the same rows in any order, and for no others."""
    lines = sorted(json.dumps(row, sort_keys=True, default=str) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def differences(landed, true, key):
    """What to look at when fingerprints differ: a few keys with both versions."""
    there, here = ({tuple(row[k] for k in key): row for row in rows} for rows in (true, landed))
    apart = [k for k in there.keys() | here.keys() if there.get(k) != here.get(k)]
    return [(k, here.get(k), there.get(k)) for k in sorted(apart)[:3]], len(apart)


def assert_same(landed, true, key):
    assert fingerprint(landed) == fingerprint(true), differences(landed, true, key)


@dataclass
class Through:
    """A source as it is; those below change how its pages are asked for."""

    source: Any

    def __getattr__(self, name):
        return getattr(self.source, name)

    async def begin(self, spec, cursor_from, *, keys_only=False):
        return await self.source.begin(spec, cursor_from, keys_only=keys_only)

    async def proceed(self, spec, bookmark):
        return await self.source.proceed(spec, bookmark)


@dataclass
class Written(Through):
    """Every bookmark goes through its text."""

    seen: list = field(default_factory=list)

    async def proceed(self, spec, bookmark):
        text = json.dumps(bookmark)
        read = json.loads(text)
        assert json.dumps(read) == text
        self.seen.append(read)
        return await self.source.proceed(spec, read)


@dataclass
class Shuffled(Through):
    """Pages come in another order than they were asked for in."""

    seed: int = 0

    async def proceed(self, spec, bookmark):
        chance = random.Random(f"{self.seed}{json.dumps(bookmark, sort_keys=True)}")
        await asyncio.sleep(chance.random() / 20)
        page = await self.source.proceed(spec, bookmark)
        await asyncio.sleep(chance.random() / 20)
        return page


@dataclass
class Mortal(Through):
    """The process dies without a word before or after a page."""

    pages: int = 1

    async def proceed(self, spec, bookmark):
        self.pages -= 1
        if self.pages < 0:
            os._exit(9)
        page = await self.source.proceed(spec, bookmark)
        if self.pages == 0 and random.random() < 1 / 2:
            os._exit(9)
        return page


def read_until_death(config, home, day, name, pages):
    """One night in a process of its own; it dies at a page, or ends. It journals often."""
    landing.CHUNK_ROWS = 50

    async def night():
        async with open_source(config) as source:
            await extract_system(Mortal(source, pages), RawZone(home), day, [name])

    asyncio.run(night())
