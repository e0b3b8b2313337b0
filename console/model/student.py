"""Student's t distribution, for any number of degrees of freedom above 0.

P(T <= t) = 1 - I_x(v/2, 1/2) / 2 with x = v / (v + t^2) for t >= 0; I is the regularised incomplete beta function, by
its continued fraction (Lentz's method; Press et al.: Numerical Recipes, 6.4).
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, inf, isnan, lgamma, log, log1p, sqrt

_TINY = 1e-300
_EPS = 1e-16
_MOST = 10_000
"""Terms of the fraction: it takes about the square root of the larger parameter."""


def incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), for a and b above 0 and x in [0, 1]."""
    return _beta(a, b, x, 1.0 - x)


def _beta(a: float, b: float, x: float, y: float) -> float:
    """With y = 1 - x given apart: near 1 the difference has lost its digits."""
    if x <= 0.0 or y <= 0.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - _lower(b, a, y, x)
    return _lower(a, b, x, y)


def _lower(a: float, b: float, x: float, y: float) -> float:
    """Where the fraction converges fast: x below the mean, about."""
    lx = log(x) if x < 0.5 else log1p(-y)
    ly = log(y) if y < 0.5 else log1p(-x)
    return exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * lx + b * ly) * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / _apart(1.0 - (a + b) * x / (a + 1.0))
    found = d
    for m in range(1, _MOST):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        change = 1.0
        for term in (even, odd):
            d = 1.0 / _apart(1.0 + term * d)
            c = _apart(1.0 + term / c)
            change = c * d
            found *= change
        if abs(change - 1.0) < _EPS:
            break
    return found


def _apart(value: float) -> float:
    """Never 0, by which is divided."""
    return value if abs(value) > _TINY else _TINY


def below(t: float, freedom: float) -> float:
    """P(T <= t) with so many degrees of freedom. Raises ValueError below or at 0."""
    if not freedom > 0.0 or isnan(t):
        raise ValueError(f"Student's t has no such distribution: {freedom:g} degrees of freedom, at {t:g}")
    if t in (inf, -inf):
        return 1.0 if t > 0 else 0.0
    square = t * t
    whole = freedom + square
    if whole == inf:
        return 1.0 if t > 0 else 0.0
    beyond = 0.5 * _beta(freedom / 2.0, 0.5, freedom / whole, square / whole)
    return 1.0 - beyond if t > 0 else beyond


@lru_cache(maxsize=256)
def quantile(share: float, freedom: float) -> float:
    """The t with P(T <= t) = share: 2.131846786 for 95 % and 4. Raises ValueError for no share in (0, 1)."""
    if not 0.0 < share < 1.0:
        raise ValueError(f"no quantile at {share:g}: expected a share between 0 and 1")
    if share == 0.5:
        return 0.0
    if share > 0.5:
        return -quantile(1.0 - share, freedom)
    low, high = -1.0, 0.0  # in the lower tail, where no digit is lost
    while below(low, freedom) > share:
        low, high = 2.0 * low, low
        if low < -1e150:
            return -inf
    while True:  # halved until nothing is left between
        middle = 0.5 * (low + high) if low > -4.0 else -sqrt(low * high) if high < 0 else 0.5 * (low + high)
        if not low < middle < high or (high - low) <= 1e-14 * max(-low, 1e-12):
            return 0.5 * (low + high)
        if below(middle, freedom) > share:
            high = middle
        else:
            low = middle
