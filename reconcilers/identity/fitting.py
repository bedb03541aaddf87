"""Logistic regression over levels: a weight for each, fitted to a few thousand patterns.

Fitted to all aspects at once, because they are not independent: sister companies share a domain
*and* a name stem, which a model that multiplies them counts twice.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_STEPS = 25
_CALM = 1e-6


@dataclass(frozen=True)
class Pattern:
    """Pairs that look alike: which features they have, how many there are, how many are matches."""

    features: tuple[int, ...]
    pairs: int
    matches: float


def fit(
    patterns: Sequence[Pattern], features: int, ridge: float = 1.0
) -> tuple[float, list[float]]:
    """The intercept and a weight (in nats) per feature, by Newton's method with a ridge penalty."""
    size = features + 1
    weights = [0.0] * size
    for _ in range(_STEPS):
        gradient, hessian = _slopes(patterns, weights, ridge)
        step = _solved(hessian, gradient)
        weights = [weight + change for weight, change in zip(weights, step, strict=True)]
        if max(map(abs, step)) < _CALM:
            break
    return weights[-1], weights[:-1]


def probability(nats: float) -> float:
    return 1 / (1 + math.exp(-max(-40.0, min(40.0, nats))))


def bits(nats: float) -> float:
    return nats / math.log(2)


def _slopes(
    patterns: Sequence[Pattern], weights: Sequence[float], ridge: float
) -> tuple[list[float], list[list[float]]]:
    size = len(weights)
    gradient = [-ridge * weight for weight in weights[:-1]] + [0.0]
    hessian = [
        [ridge if i == j and i < size - 1 else 0.0 for j in range(size)] for i in range(size)
    ]
    for pattern in patterns:
        active = (*pattern.features, size - 1)
        p = probability(sum(weights[each] for each in active))
        error, curve = pattern.matches - pattern.pairs * p, pattern.pairs * p * (1 - p)
        for i in active:
            gradient[i] += error
            row = hessian[i]
            for j in active:
                row[j] += curve
    return gradient, hessian


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss-Jordan with pivots; the ridge keeps the matrix regular."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        head = rows[i][i] or 1e-9
        rows[i] = [value / head for value in rows[i]]
        for k in range(size):
            if k != i and rows[k][i]:
                factor = rows[k][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i], strict=True)]
    return [row[-1] for row in rows]


def numbered(levels: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], int]:
    """Each (aspect, level) with the number of its feature."""
    pairs = [(aspect, word) for aspect, words in levels.items() for word in words]
    return {pair: number for number, pair in enumerate(pairs)}
