"""How a dispatcher dies: at a step, without a word."""

from dataclasses import dataclass


class Killed(BaseException):  # it is no error: nothing may catch it
    """The process is gone."""


@dataclass
class Fuse:
    """Counts the steps of one dispatcher and ends it at one; what is dead takes no further step."""

    name: str
    at: int | None
    budget: int = 99
    steps: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.at is not None and self.steps >= self.at:
            raise Killed
