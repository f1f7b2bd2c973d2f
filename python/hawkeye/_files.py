"""From file to file: the commands that write models, as functions."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Union

from hawkeye import _native

Path = Union[str, os.PathLike[str]]


def _execute(command: str, positional: Iterable[Path], options: dict[str, Any]) -> int:
    arguments = ["hawkeye", command, *(os.fspath(path) for path in positional)]
    for name, value in options.items():
        option = "--" + name.rstrip("_").replace("_", "-")
        values = value if isinstance(value, (list, tuple)) else [value]
        for item in values:
            if item is True:
                arguments.append(option)
            elif item is not None and item is not False:
                arguments += [option, str(os.fspath(item) if isinstance(item, os.PathLike) else item)]
    return _native.execute(arguments)


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
