"""Failures that are found in Python, in the family of those of the native half."""

from __future__ import annotations

import importlib
from typing import Any

from hawkeye._native import HawkEyeError


def failure(place: str, message: str, help: str | None = None) -> HawkEyeError:
    """Return an exception with one cause, as data too."""
    error = HawkEyeError(message if help is None else f"{message} (help: {help})")
    error.diagnostics = [{"severity": "error", "place": place, "message": message, "help": help}]
    return error


def extra(module: str, name: str) -> Any:
    """Return a module that an extra of the package installs."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed: pip install 'hawkeye-mpc[{name}]'"
        raise ModuleNotFoundError(message, name=error.name) from None
