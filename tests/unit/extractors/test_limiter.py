"""The queue in front of a system, in virtual time: a minute of it takes no time at all."""

import asyncio
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.breaker import Breaker
from extractors.errors import CircuitOpen
from extractors.limiter import BURST_SECONDS, Limiter
from tests.effort import examples
from tests.virtual_time import run


def limiter_of(clock, concurrency=8, per_second=None, per_second_endpoint=None, failures=3):
    breaker = Breaker("billing", failures, 15, clock=clock)
    return Limiter(breaker, concurrency, per_second, per_second_endpoint, clock=clock)


async def call(limiter, turn, seconds=0.05):
    await limiter.acquire(turn)
    try:
        await asyncio.sleep(seconds)
    finally:
        limiter.release(turn)


async def busy(limiter, clock, until, *, endpoint="a", seconds=0.05, sent=None):
    """One task that always has a next call, until a time; when its calls went out."""
    sent = [] if sent is None else sent
    while clock() < until:
        turn = limiter.turn(endpoint, 180)
        await call(limiter, turn, seconds)
        sent.append(turn.granted_at)
        limiter.answered()
    return sent


def most_within(times, seconds):
    """The most calls in any window of that length."""
    times = sorted(times)
    most = first = 0
    for at, time in enumerate(times):
        while times[first] <= time - seconds:
            first += 1
        most = max(most, at - first + 1)
    return most


@settings(max_examples=examples(20), deadline=None)
@given(
    rate=st.sampled_from([4, 25, 100, 250]),
    lateness=st.sampled_from([0.0, 0.002, 0.02, 0.09]),
    seed=st.integers(),
)
def test_the_rate_is_used_to_98_per_cent_and_never_passed(rate, lateness, seed):
    """Also where the event loop is kept busy by others for a moment, again and again."""
    jitter = random.Random(seed)

    async def main(clock):
        limiter = limiter_of(clock, concurrency=64, per_second=rate)
        sent = []
        tasks = [busy(limiter, clock, 1_020.0, sent=sent) for _ in range(64)]
        await asyncio.gather(*tasks)
        return [time for time in sent if time <= 1_020.0]

    sent = run(main, late=lambda: jitter.uniform(0, lateness))
    assert len(sent) >= 0.98 * rate * 20
    for seconds in (0.1, 1, 5, 20):
        assert most_within(sent, seconds) <= rate * (seconds + BURST_SECONDS) + 1.001


def test_an_endpoint_at_its_own_limit_holds_up_no_other():
    async def main(clock):
        limiter = limiter_of(clock, concurrency=32, per_second=100, per_second_endpoint=25)
        sent = {name: [] for name in "abcd"}
        tasks = [
            busy(limiter, clock, 1_010.0, endpoint=name, sent=sent[name])
            for name in "abcd"
            for _ in range(30 if name == "a" else 4)
        ]
        await asyncio.gather(*tasks)
        return sent

    sent = run(main)
    for times in sent.values():
        times = [time for time in times if time <= 1_010]  # noqa: PLW2901
        assert 0.98 * 250 <= len(times) <= 256
        assert most_within(times, 1) <= 25 * (1 + BURST_SECONDS) + 1.001


def test_turns_are_granted_in_order_and_a_call_that_is_sent_again_goes_first():
    async def main(clock):
        limiter = limiter_of(clock, concurrency=1)
        order = []

        async def named(name, turn):
            await call(limiter, turn)
            order.append(name)

        again = limiter.turn("a", 180)
        await call(limiter, again)
        holder = asyncio.create_task(named("holder", limiter.turn("a", 180)))
        await asyncio.sleep(0)
        waiting = [
            asyncio.create_task(named(at, limiter.turn("b" if at == 1 else "a", 180)))
            for at in range(3)
        ]
        await asyncio.sleep(0)
        waiting.append(asyncio.create_task(named("again", again)))
        await asyncio.gather(holder, *waiting)
        return order

    assert run(main) == ["holder", "again", 0, 1, 2]


def test_who_is_cancelled_leaves_the_queue_and_gives_back_the_place():
    async def main(clock):
        limiter = limiter_of(clock, concurrency=1)
        first = asyncio.create_task(call(limiter, limiter.turn("a", 180), 10))
        second = asyncio.create_task(call(limiter, limiter.turn("a", 180), 10))
        third = asyncio.create_task(call(limiter, limiter.turn("a", 180), 10))
        await asyncio.sleep(1)
        seen = [(limiter.in_flight, limiter.waiting)]
        second.cancel()
        await asyncio.sleep(0)
        seen.append((limiter.in_flight, limiter.waiting))
        first.cancel()
        await asyncio.sleep(0)
        # Granted in this very moment, and cancelled before it could go on.
        third.cancel()
        await asyncio.gather(first, second, third, return_exceptions=True)
        return [*seen, (limiter.in_flight, limiter.waiting)]

    assert run(main) == [(1, 2), (1, 1), (0, 0)]


def test_a_refusal_pauses_everyone_and_halves_what_is_in_flight_once():
    async def main(clock):
        limiter = limiter_of(clock, concurrency=8)
        turns = [limiter.turn("a", 180) for _ in range(8)]
        await asyncio.gather(*(limiter.acquire(turn) for turn in turns))
        await asyncio.sleep(0.1)
        for turn in turns:
            limiter.refused(turn, 7)
            limiter.release(turn)
        seen = [limiter.width, limiter.idle]
        later = limiter.turn("a", 180)
        await limiter.acquire(later)
        return [*seen, later.granted_at - 1_000.1, limiter.idle]

    assert run(main) == [4, 0, pytest.approx(7), 3]


def test_what_is_in_flight_never_falls_below_one():
    async def main(clock):
        limiter = limiter_of(clock, concurrency=3)
        for _ in range(5):
            turn = limiter.turn("a", 180)
            await limiter.acquire(turn)
            await asyncio.sleep(0.1)
            limiter.refused(turn, 0)
            limiter.release(turn)
        return limiter.width

    assert run(main) == 1


def test_a_pause_that_nobody_named_doubles_while_refusals_go_on():
    async def main(clock):
        limiter = limiter_of(clock, concurrency=1)
        sent = []
        for _ in range(4):
            turn = limiter.turn("a", 180)
            await limiter.acquire(turn)
            sent.append(turn.granted_at)
            limiter.refused(turn, None)
            limiter.release(turn)
        limiter.answered()
        turn = limiter.turn("a", 180)
        await limiter.acquire(turn)
        limiter.refused(turn, None)
        limiter.release(turn)
        await limiter.acquire(turn)
        return [b - a for a, b in pairwise(sent)], clock() - sent[-1]

    gaps, after = run(main)
    assert gaps == pytest.approx([0.5, 1, 2], abs=0.01)
    assert after == pytest.approx(4 + 0.5, abs=0.01)


def test_an_unknown_limit_on_calls_at_once_is_found_and_kept_to():
    """An account takes 5 at once and we begin with 16: few calls are wasted on finding out."""

    async def main(clock):
        limiter = limiter_of(clock, concurrency=16)
        in_flight = refused = answered = 0

        async def task():
            nonlocal in_flight, refused, answered
            while clock() < 1_300:
                turn = limiter.turn("a", 180)
                await limiter.acquire(turn)
                if in_flight >= 5:
                    refused += 1
                    limiter.refused(turn, None)
                else:
                    in_flight += 1
                    await asyncio.sleep(0.2)
                    in_flight -= 1
                    answered += 1
                    limiter.answered()
                limiter.release(turn)

        await asyncio.gather(*(task() for _ in range(16)))
        return refused, answered

    refused, answered = run(main)
    assert refused / answered < 0.01
    assert answered >= 0.85 * 5 * 5 * 300


def test_a_refusal_by_one_endpoint_leaves_the_others_alone():
    async def main(clock):
        limiter = limiter_of(clock, concurrency=8)
        turn = limiter.turn("a", 180)
        await limiter.acquire(turn)
        limiter.refused(turn, 9, endpoint_only=True)
        limiter.release(turn)
        same, other = limiter.turn("a", 180), limiter.turn("b", 180)
        await asyncio.gather(limiter.acquire(same), limiter.acquire(other))
        return limiter.width, other.granted_at - 1_000, same.granted_at - 1_000

    assert run(main) == (8, 0, 9)


def test_idle_is_what_could_be_in_flight_and_is_not():
    async def main(clock):
        limiter = limiter_of(clock, concurrency=3)
        seen = [limiter.idle]
        tasks = []
        for _ in range(5):
            tasks.append(asyncio.create_task(call(limiter, limiter.turn("a", 180))))
            await asyncio.sleep(0)
            seen.append(limiter.idle)
        await asyncio.gather(*tasks)
        return [*seen, limiter.idle]

    assert run(main) == [3, 2, 1, 0, 0, 0, 3]


def test_room_lets_some_wait_and_a_call_that_is_over_is_over_once():
    async def main(clock):
        limiter = limiter_of(clock, concurrency=2)
        turns = [limiter.turn("a", 180) for _ in range(3)]
        waits = [asyncio.create_task(limiter.acquire(turn)) for turn in turns]
        await asyncio.sleep(0)
        seen = [(limiter.room(0), limiter.room(2), limiter.in_flight)]
        for turn in (turns[0], turns[0], *turns[1:]):
            limiter.release(turn)
            await asyncio.sleep(0)
            seen.append((limiter.room(0), limiter.room(2), limiter.in_flight))
        await asyncio.gather(*waits)
        return seen

    assert run(main) == [(0, 1, 2), (0, 2, 2), (0, 2, 2), (1, 3, 1), (2, 4, 0)]


def test_idle_knows_that_a_rate_keeps_only_so_many_in_flight():
    """At 100 a second and 50 ms an answer five are in flight; more would only wait."""

    async def main(clock):
        limiter = limiter_of(clock, concurrency=64, per_second=100)
        before = limiter.idle
        await busy(limiter, clock, 1_005.0)
        one_endpoint = limiter_of(clock, concurrency=64, per_second=100, per_second_endpoint=25)
        await busy(one_endpoint, clock, 1_010.0)
        return before, limiter.idle, one_endpoint.idle

    assert run(main) == (64, 8, 2)


async def break_down(limiter, times=3):
    """Calls that fail one after the other."""
    for _ in range(times):
        turn = limiter.turn("a", 180)
        await limiter.acquire(turn)
        limiter.failed(turn)
        limiter.release(turn)


def test_who_can_afford_it_waits_for_the_probe_and_who_cannot_fails_at_once():
    async def main(clock):
        limiter = limiter_of(clock)
        await break_down(limiter)
        poor, rich = limiter.turn("a", 10), limiter.turn("a", 100)
        with pytest.raises(CircuitOpen) as refusal:
            await limiter.acquire(poor)
        assert limiter.idle == 0
        assert clock() == 1_000
        await limiter.acquire(rich)
        return clock() - 1_000, rich.patience, refusal.value.retry_after, limiter.waiting

    assert run(main) == (15, 85, 15, 0)


def test_one_call_probes_and_its_answer_lets_all_others_go():
    async def main(clock):
        limiter = limiter_of(clock)
        await break_down(limiter)
        sent = []

        async def task():
            turn = limiter.turn("a", 100)
            await limiter.acquire(turn)
            sent.append(clock() - 1_000)
            await asyncio.sleep(2)
            limiter.answered()
            limiter.release(turn)

        await asyncio.gather(*(task() for _ in range(4)))
        return sent

    assert run(main) == [15, 17, 17, 17]


def test_a_probe_that_fails_costs_the_patience_of_those_who_wait():
    async def main(clock):
        limiter = limiter_of(clock)
        await break_down(limiter)
        ended = {}

        async def task(patience):
            turn = limiter.turn("a", patience)
            try:
                await limiter.acquire(turn)
            except CircuitOpen:
                ended[patience] = clock() - 1_000
                return
            await asyncio.sleep(1)
            limiter.failed(turn)
            limiter.release(turn)

        await asyncio.gather(*(task(patience) for patience in (180, 20, 40)))
        return ended, limiter.waiting, limiter.in_flight

    # The first is the probe at 15 s; when it fails at 16 s the one with 5 s left gives up, and
    # the other one is the probe at 31 s.
    assert run(main) == ({20: 16}, 0, 0)


def test_a_probe_that_is_given_up_is_followed_by_another_one_at_once():
    async def main(clock):
        limiter = limiter_of(clock)
        await break_down(limiter)
        first = asyncio.create_task(call(limiter, limiter.turn("a", 100), 50))
        second = limiter.turn("a", 100)
        waits = asyncio.create_task(limiter.acquire(second))
        await asyncio.sleep(20)
        first.cancel()
        await waits
        return clock() - 1_000

    assert run(main) == 20


def test_calls_sent_before_the_circuit_opened_do_not_keep_it_open():
    async def main(clock):
        limiter = limiter_of(clock)
        slow = limiter.turn("a", 100)
        await limiter.acquire(slow)
        await break_down(limiter)
        await asyncio.sleep(10)
        limiter.failed(slow)
        limiter.release(slow)
        await limiter.acquire(limiter.turn("a", 100))
        return clock() - 1_000

    assert run(main) == 15
