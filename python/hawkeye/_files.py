"""From file to file: the commands that write models, as functions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from typing import Any, Union

from hawkeye import _models, _native
from hawkeye._failure import failure

Path = Union[str, os.PathLike[str]]


def _arguments(command: str, positional: Iterable[Path], options: dict[str, Any]) -> list[str]:
    arguments = [command, *(os.fspath(path) for path in positional)]
    for name, value in options.items():
        option = "--" + name.rstrip("_").replace("_", "-")
        values = value if isinstance(value, (list, tuple)) else [value]
        for item in values:
            if item is True:
                arguments.append(option)
            elif item is not None and item is not False:
                arguments += [option, str(os.fspath(item) if isinstance(item, os.PathLike) else item)]
    return arguments


def _execute(command: str, positional: Iterable[Path], options: dict[str, Any]) -> int:
    return _native.execute(["hawkeye", *_arguments(command, positional, options)])


def annotate(model: Path, output: Path, framework: str, **options: Any) -> None:
    """Write the model with its costs as metadata of its nodes (`hawkeye annotate`).

    Options are those of the command, with underscores: `batch=1`, `set=["max_method=pairwise"]`.
    """
    _execute("annotate", [model], {"output": output, "framework": framework, **options})


def strip(model: Path, output: Path) -> None:
    """Write the model without its weights (`hawkeye strip`)."""
    _execute("strip", [model], {"output": output})


def grad(model: Path, output: Path, **options: Any) -> None:
    """Write a training step as an ONNX file (`hawkeye grad`)."""
    _execute("grad", [model], {"output": output, **options})


def optimize(model: Any, framework: Path, output: Path | None = None, **options: Any) -> dict[str, Any]:
    """Find the exact rewrites that make a model cheaper (`hawkeye optimize`), and write the result.

    Without an output this is advice. Returns the prices `before` and `after`, and what was `applied`.
    A model that is no path is looked at without its weights, so only a path can be written.

    >>> advice = optimize("fixtures/models/lenet5.onnx", "crypten")
    >>> advice["before"]["bytes"], advice["after"]["bytes"]
    (13374176, 4044256)
    """
    source, _ = _models.source(model)
    if isinstance(source, bytes) and output is not None:
        raise TypeError("weights are needed to write a model: pass the path of a file")
    options = {"framework": framework, "output": output, "format": "json", **options}
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(source, bytes):
            path = os.path.join(folder, "model.onnx")
            with open(path, "wb") as file:
                file.write(source)
        else:
            path = source
        command = [sys.executable, "-m", "hawkeye", *_arguments("optimize", [path], options)]
        # A process of its own, for what it prints is the result.
        done = subprocess.run(command, capture_output=True)
    printed, told = done.stdout.decode(), done.stderr.decode().strip()
    if done.returncode:
        raise failure("optimize", told)
    found: dict[str, Any] = json.JSONDecoder().raw_decode(printed)[0]
    return found
