"""A dispatcher in a process of its own that dies, uncleanly, at a step of one's choice."""

import asyncio
import os
import random
import signal
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from extractors.billing.stripe.config import StripeConfig
from extractors.crm.salesforce.config import SalesforceConfig
from extractors.erp.netsuite.config import NetSuiteConfig
from extractors.http import HttpOptions
from extractors.registry import open_target
from reconcilers.corrections import desk as persisting
from reconcilers.corrections import dispatch as dispatching
from reconcilers.state import open_state

PATIENCE = HttpOptions(attempts=2, retry_seconds=3, longest_wait_seconds=0.2)
FINISHED = 0


class Fuse:
    """Counts the steps of a process and kills it at one: no handler, no cleanup, no flush."""

    def __init__(self, steps: int | None) -> None:
        self.left = steps

    def step(self) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function):
        def stepping(*args, **kwargs):
            self.step()
            result = function(*args, **kwargs)
            self.step()
            return result

        return stepping


class DyingTarget:
    """A real target; before each call and after each answer is a step at which to die."""

    def __init__(self, target, fuse: Fuse) -> None:
        self.target = target
        self.system = target.system
        self.fuse = fuse

    @property
    def newest_at(self):
        return self.target.newest_at

    async def log_in(self):
        await self._step(self.target.log_in())

    async def _step(self, call):
        self.fuse.step()
        answer = await call
        self.fuse.step()
        return answer

    async def read(self, object, record_id):  # noqa: A002
        return await self._step(self.target.read(object, record_id))

    async def find(self, object, external_id):  # noqa: A002
        return await self._step(self.target.find(object, external_id))

    async def lookup(self, object, **equals):  # noqa: A002
        return await self._step(self.target.lookup(object, **equals))

    async def write(self, intent):
        return await self._step(self.target.write(intent))


def run(state_url, settings, die_after=None, seed=0):
    """Dispatch once against the running sandbox; `die_after` steps end it, None lets it finish."""
    fuse = Fuse(die_after)
    for step in ((dispatching, "recover"), (persisting, "persist")):
        setattr(*step, fuse.around(getattr(*step)))
    asyncio.run(_dispatch(state_url, settings, fuse, random.Random(seed)))


async def _dispatch(state_url, settings, fuse, weather):
    state = open_state(state_url)
    configs = [
        SalesforceConfig(**settings["salesforce"]),
        StripeConfig(**settings["stripe"]),
        NetSuiteConfig(**settings["netsuite"]),
    ]
    async with AsyncExitStack() as stack:
        targets = {}
        for config in configs:
            target = await stack.enter_async_context(open_target(config, PATIENCE))
            targets[target.system] = DyingTarget(target, fuse)
        limits = dispatching.DispatchLimits(concurrency=weather.randint(1, 3), writes=50)
        await dispatching.dispatch(state, targets, lambda: datetime.now(UTC), limits)
    state.close()
