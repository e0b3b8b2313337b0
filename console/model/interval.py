"""What a share of few events says."""

from __future__ import annotations

from math import sqrt

Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


def wilson(bad: float, total: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of bad / total, within [0, 1]: 5 of 1000 is 0.002138 to 0.011651.

    Source: E. B. Wilson, 1927; it holds for independent events, so within one slice or one short window. Raises
    ZeroDivisionError without events.
    """
    share = min(max(bad / total, 0.0), 1.0)
    # Multiplied out, so that a total far below one event is not divided by.
    middle = (share * total + z * z / 2) / (total + z * z)
    reach = z / (total + z * z) * sqrt(share * (1 - share) * total + z * z / 4)
    return max(0.0, middle - reach), min(1.0, middle + reach)
