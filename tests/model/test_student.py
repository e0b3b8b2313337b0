"""Student's t: a table, scipy where it is there, and what must hold of any distribution."""

from __future__ import annotations

from math import atan, inf, isclose, pi, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.student import below, incomplete_beta, quantile

TABLE = (
    # share, degrees of freedom, t: to ten digits, computed with 30
    (0.8, 4, 0.9409645765),
    (0.95, 1, 6.3137515147),
    (0.95, 2, 2.9199855804),
    (0.95, 4, 2.1318467863),
    (0.95, 30, 1.6972608866),
    (0.975, 10, 2.2281388520),
    (0.999, 5, 5.8934295313),
)


@pytest.mark.parametrize(("share", "freedom", "t"), TABLE)
def test_the_table(share: float, freedom: float, t: float) -> None:
    assert quantile(share, freedom) == pytest.approx(t, abs=1e-9)
    assert below(t, freedom) == pytest.approx(share, abs=1e-9)


@given(st.floats(-1e6, 1e6))
def test_with_one_and_two_degrees_of_freedom_it_has_a_closed_form(t: float) -> None:
    assert below(t, 1) == pytest.approx(0.5 + atan(t) / pi, abs=1e-12)
    assert below(t, 2) == pytest.approx(0.5 + t / (2 * sqrt(2 + t * t)), abs=1e-12)


@given(st.floats(0.05, 5000), st.floats(0.0005, 0.9995))
def test_it_is_as_scipy_says(freedom: float, share: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    t = quantile(share, freedom)
    assert below(t, freedom) == pytest.approx(share, abs=1e-9)
    assert below(t, freedom) == pytest.approx(float(stats.t.cdf(t, freedom)), abs=1e-9)
    expected = float(stats.t.ppf(share, freedom))
    assert isclose(t, expected, rel_tol=1e-9, abs_tol=1e-9)


@given(st.floats(0.05, 500), st.floats(-100, 100), st.floats(-100, 100))
def test_it_never_falls_and_is_symmetric(freedom: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0.0 <= below(low, freedom) <= below(high, freedom) + 1e-12 <= 1.0 + 1e-12
    assert below(one, freedom) + below(-one, freedom) == pytest.approx(1.0, abs=1e-12)


@given(st.floats(0.1, 50), st.floats(0.1, 50), st.floats(0, 1))
def test_the_incomplete_beta_has_its_mirror(a: float, b: float, x: float) -> None:
    mirrored = 1.0 - x
    if 1.0 - mirrored == x:  # else the mirror image is another number
        assert incomplete_beta(a, b, x) + incomplete_beta(b, a, mirrored) == pytest.approx(1.0, abs=1e-9)


def test_the_ends() -> None:
    assert (below(inf, 3), below(-inf, 3), below(1e200, 3), quantile(0.5, 7)) == (1.0, 0.0, 1.0, 0.0)
    assert (incomplete_beta(2, 3, 0), incomplete_beta(2, 3, 1)) == (0.0, 1.0)


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, 2.0])
def test_no_share_has_no_quantile(share: float) -> None:
    with pytest.raises(ValueError, match="expected a share between 0 and 1"):
        quantile(share, 3)


@pytest.mark.parametrize("freedom", [0.0, -1.0, float("nan")])
def test_no_freedom_no_distribution(freedom: float) -> None:
    with pytest.raises(ValueError, match="degrees of freedom"):
        below(1.0, freedom)
