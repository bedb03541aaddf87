"""An event loop whose time passes only while everyone waits: seconds of waiting cost nothing."""

import asyncio
import selectors


class _Selector(selectors.DefaultSelector):
    loop = None

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everyone waits for ever")
        if not ready:
            self.loop.now += timeout + self.loop.late()
        return ready


class VirtualTime(asyncio.SelectorEventLoop):
    """`late` says by how many seconds the loop comes too late each time, as a busy one does."""

    def __init__(self, late=lambda: 0.0):
        selector = _Selector()
        super().__init__(selector)
        selector.loop = self
        self.late = late
        self.now = 1_000.0

    def time(self):
        return self.now


def run(main, late=lambda: 0.0):
    """What `main(clock)` gives; it begins at second 1000."""
    loop = VirtualTime(late)
    try:
        return loop.run_until_complete(main(loop.time))
    finally:
        loop.close()
