"""Costs in tests: `assert_cost`, and a fixture of that name for pytest."""

from __future__ import annotations

from typing import Any

from hawkeye._profile import profile
from hawkeye._report import Report


def assert_cost(model: Any, framework: str, *budgets: str, **options: Any) -> Report:
    """Fail a test if a model exceeds a budget; returns the report.

    >>> report = assert_cost("fixtures/models/lenet5.onnx", "crypten", "online.bytes<=20MiB", "rounds<=200")
    >>> assert_cost("fixtures/models/lenet5.onnx", "crypten", "rounds<=100")
    Traceback (most recent call last):
    AssertionError: rounds: 133 exceed 100
    """
    report = profile(model, framework, **options)
    exceeded = [check for check in report.check(*budgets) if not check.holds]
    if exceeded:
        lines = (f"{check.name}: {check.actual:,} exceed {check.limit:,}" for check in exceeded)
        raise AssertionError("\n".join(lines))
    return report


try:
    import pytest
except ImportError:
    pass
else:

    @pytest.fixture(name="assert_cost")
    def _assert_cost() -> Any:
        """Fixture: `hawkeye.testing.assert_cost`."""
        return assert_cost
