"""Numbers and dates from clients: valid forms are parsed, and all others raise `ValueError`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scones.cloud.wire import numbers


def test_a_count_consists_of_ascii_digits_within_its_bounds():
    assert numbers.unsigned_integer("0", 10) == 0
    assert numbers.unsigned_integer("604800", 604_800) == 604_800


@pytest.mark.parametrize("text", ["", "-1", "+1", "1_0", " 1", "²", "\u0661", "0x1", "11", "9" * 5000])
def test_no_count(text):
    with pytest.raises(ValueError, match="not a number"):
        numbers.unsigned_integer(text, 10)


@pytest.mark.parametrize("text", ["", "-1", "+3", "0_3", "0x3", "3\n", "fff", "g", "f" * 5000])
def test_no_hexadecimal_number(text):
    with pytest.raises(ValueError, match="not a hexadecimal number"):
        numbers.hexadecimal(text, 0xFF)
    assert numbers.hexadecimal("fF", 0xFF) == 255


@pytest.mark.parametrize(("kind", "most"), [("integer", 2**31 - 1), ("long", 2**63 - 1)])
def test_integers_have_the_range_of_their_type(kind, most):
    assert numbers.integer(str(most), kind) == most
    assert numbers.integer(str(-most - 1), kind) == -most - 1
    for outside in (most + 1, -most - 2, 10**39):
        with pytest.raises(ValueError, match="outside the range"):
            numbers.integer(str(outside), kind)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-inf", "1e999", "1_0.5", "", "0x1p3", "1" * 5000])
def test_no_decimal_number(text):
    with pytest.raises(ValueError, match=r"not a number|not finite"):
        numbers.decimal(text)
    with pytest.raises(ValueError, match="range of double"):
        numbers.finite(10**400)
    assert numbers.decimal("-1.5e3") == -1500


@pytest.mark.parametrize(
    "value", [1e20, -1e20, 10**400, float("nan"), "9" * 400, "1e300", "0001-01-01T00:00:00+23:59", "²", "Mon", None, []]
)
def test_no_time(value):
    with pytest.raises(ValueError):  # noqa: PT011 - the words differ by kind
        numbers.timestamp(value)


@pytest.mark.parametrize("value", [0, "0", "1970-01-01", "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_times(value):
    assert numbers.timestamp(value) == datetime(1970, 1, 1, tzinfo=UTC)
