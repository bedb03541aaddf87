"""When a system is left alone, and when it is asked again."""

from extractors.breaker import Breaker


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def open_breaker(clock, failures=3):
    breaker = Breaker("billing", failures, 15, clock=clock)
    assert [breaker.failed(None) for _ in range(failures)] == [False] * (failures - 1) + [True]
    return breaker


def test_an_answer_between_failures_keeps_the_circuit_closed():
    breaker = Breaker("billing", 2, 15)
    for _ in range(5):
        assert not breaker.failed(None)
        breaker.answered()
    assert not breaker.is_open
    assert breaker.seconds_to_probe == 0


def test_failures_in_a_row_open_the_circuit_for_the_cool_down():
    clock = Clock()
    breaker = open_breaker(clock)
    assert breaker.is_open
    assert breaker.seconds_to_probe == 15
    clock.now += 15
    assert breaker.seconds_to_probe == 0
    assert breaker.is_open


def test_a_failed_probe_starts_the_cool_down_again():
    clock = Clock()
    breaker = open_breaker(clock)
    clock.now += 15
    breaker.sent("probe")
    assert breaker.is_probed
    assert breaker.failed("probe")
    assert not breaker.is_probed
    assert breaker.seconds_to_probe == 15


def test_after_an_answer_the_count_begins_anew():
    clock = Clock()
    breaker = open_breaker(clock)
    clock.now += 15
    breaker.sent("probe")
    breaker.answered()
    assert not breaker.is_open
    assert not breaker.failed("other")


def test_an_open_circuit_says_how_long_it_stays_so():
    error = open_breaker(Clock()).error()
    assert str(error) == "billing: not asked: 3 calls in a row failed, the next is sent in 15 s"
    assert error.retry_after == 15
