"""What a seed draws: which corrections, which faults how often, who dispatches when, who dies.

A seed enables some of the faults only: a fault that comes alone shows what many together hide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final

# What a write meets on its way; the first four let it take effect, or may.
WRITE_FAULTS: Final = (
    "answer lost",  # timeout after commit
    "answered 500",  # committed, and something in between gave up
    "late",  # given up by its sender, and taken some time later
    "twice",  # delivered twice
    "never came",  # timeout before commit
    "busy",  # 503
    "too many",  # 429, or what the vendor says instead, with and without Retry-After
    "part refused",  # of several in one request: not carried out, or told to have failed
    "locked",  # another transaction holds the record
    "session over",
    "changed before",  # somebody changes the record between our look and our write
    "period closed",  # between our look and our write
    "number taken",  # tranid collision between our look and our write
)
READ_FAULTS: Final = ("no answer", "busy", "too many", "session over", "part refused", "stale")
PEOPLE: Final = ("changed", "period closed", "number taken", "billing changed", "halted")
SKEW_SECONDS: Final = 7200
LONGEST_BURST: Final = 4


@dataclass(frozen=True)
class Turn:
    """One or two dispatchers at once, each perhaps killed at a step, after `gap` of quiet.

    `budget` is how many corrections each of them may send, `concurrency` how many at once. `skew`
    is what each one's clock is off by; `people` is what happens in the gap.
    """

    gap: timedelta
    kills: Sequence[int | None]
    skews: Sequence[timedelta]
    people: Sequence[str]
    concurrency: int
    budget: int


@dataclass(frozen=True)
class Script:
    """A seed, drawn out. `rates` is the chance in a hundred of each fault, by 'write x', 'read x'.

    `approved` and `rejected` are positions in the list of corrections.
    """

    seed: int
    approved: frozenset[int]
    rejected: frozenset[int]
    rates: dict[str, int]
    turns: tuple[Turn, ...]

    def __str__(self) -> str:
        rates = ", ".join(f"{name} {share} %" for name, share in self.rates.items())
        lines = [
            f"approved {sorted(self.approved)}, rejected {sorted(self.rejected)}",
            f"faults: {rates or 'none'}",
        ]
        for number, turn in enumerate(self.turns, 1):
            killed = ["to its end" if kill is None else f"dies at {kill}" for kill in turn.kills]
            skews = [f"{skew.total_seconds():+.0f} s" for skew in turn.skews]
            lines.append(
                f"turn {number} after {turn.gap}: {', '.join(killed)}, clocks {', '.join(skews)}, "
                f"{turn.concurrency} at once, {turn.budget} at most, "
                f"people: {', '.join(turn.people) or 'idle'}"
            )
        return "\n".join(lines)


def draw(seed: int, corrections: int) -> Script:
    """The script of a seed; the same on every machine."""
    dice = Random(f"chaos:{seed}")
    order = dice.sample(range(corrections), corrections)
    approved = frozenset(order[: dice.randint(2, 5)])
    rejected = frozenset(order[5 : 5 + dice.randint(0, 1)])
    return Script(seed, approved, rejected, _rates(dice), tuple(_turns(dice)))


def _rates(dice: Random) -> dict[str, int]:
    names = [f"write {name}" for name in WRITE_FAULTS] + [f"read {name}" for name in READ_FAULTS]
    chosen = sorted(dice.sample(names, dice.randint(0, 5)), key=names.index)
    return {name: dice.choice((10, 30, 60)) for name in chosen}


def _turns(dice: Random) -> list[Turn]:
    return [_turn(dice) for _ in range(dice.randint(1, 3))]


def _turn(dice: Random) -> Turn:
    workers = dice.choice((1, 1, 1, 2))
    kills = [dice.choice((None, None, dice.randint(1, 60))) for _ in range(workers)]
    skews = [dice.choice((0, dice.randint(-SKEW_SECONDS, SKEW_SECONDS))) for _ in range(workers)]
    people = [name for name in PEOPLE if dice.random() < 1 / 8]
    # The longest is longer than a vendor keeps an idempotency key.
    gap = dice.choice((0, 5, 300, 25 * 3600))
    return Turn(
        timedelta(seconds=gap),
        kills,
        [timedelta(seconds=skew) for skew in skews],
        people,
        dice.randint(1, 3),
        dice.choice((99, 99, dice.randint(1, 3))),
    )
