"""What a neural network costs in multi-party learning, from its ONNX graph alone.

>>> import hawkeye
>>> report = hawkeye.profile("fixtures/models/lenet5.onnx", "crypten")
>>> report.totals.online.bytes
13374176
"""

from hawkeye._files import annotate, grad, optimize, strip
from hawkeye._native import HawkEyeError
from hawkeye._profile import Session, frameworks, profile, shapes
from hawkeye._report import Call, Check, Cost, Diagnostic, Link, Operator, Phases, Report
from hawkeye._sweep import RayExecutor, Sweep, sweep

__all__ = [
    "Call",
    "Check",
    "Cost",
    "Diagnostic",
    "HawkEyeError",
    "Link",
    "Operator",
    "Phases",
    "RayExecutor",
    "Report",
    "Session",
    "Sweep",
    "annotate",
    "frameworks",
    "grad",
    "optimize",
    "profile",
    "shapes",
    "strip",
    "sweep",
]
