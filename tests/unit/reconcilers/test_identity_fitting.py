"""Weights are fitted to all features at once, and survive features that never decide."""

import pytest

from reconcilers.identity.fitting import Pattern, fit, probability


def test_a_feature_that_always_goes_with_another_is_not_counted_twice():
    """Both features together say what one says: the sum of their weights is the evidence of one."""
    alone = [Pattern((0,), 100, 90), Pattern((), 100, 10)]
    doubled = [Pattern((0, 1), 100, 90), Pattern((), 100, 10)]
    _, (one,) = fit(alone, 1, ridge=0.01)
    _, both = fit(doubled, 2, ridge=0.01)
    assert sum(both) == pytest.approx(one, abs=0.05)


def test_the_shares_that_were_seen_come_out_again():
    intercept, (weight,) = fit([Pattern((0,), 1000, 800), Pattern((), 1000, 50)], 1, ridge=0.001)
    assert probability(intercept) == pytest.approx(0.05, abs=0.01)
    assert probability(intercept + weight) == pytest.approx(0.8, abs=0.01)


def test_a_feature_that_was_never_seen_weighs_nothing():
    _, weights = fit([Pattern((0,), 10, 9), Pattern((), 10, 1)], 2)
    assert weights[1] == pytest.approx(0.0)


def test_a_feature_that_always_matches_stays_finite():
    _, (weight,) = fit([Pattern((0,), 50, 50), Pattern((), 50, 0)], 1)
    assert 0 < weight < 20
