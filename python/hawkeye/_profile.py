"""Profiling."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Iterable, Mapping
from typing import Any, Union

from hawkeye import _models, _native
from hawkeye._report import Report

Setting = Union[str, int, float, bool]


def _options(
    parties: int | None = None,
    batch: int | None = None,
    dims: Mapping[str, int] | None = None,
    shapes: Mapping[str, Iterable[int]] | None = None,
    values: Mapping[str, float | bool] | None = None,
    weights: str | None = None,
    inputs: Mapping[str, str] | None = None,
    train: str | None = None,
    optimizer: str = "sgd",
    step: int | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    dataset_size: int | None = None,
    train_output: str | None = None,
    frozen: Iterable[str] = (),
    network: str | None = None,
    bandwidth: str | None = None,
    rtt: str | None = None,
    machine: str | os.PathLike[str] | None = None,
    pipeline: Iterable[str] = (),
    arrivals: str | None = None,
    storage: str | None = None,
    depth: int | None = None,
) -> dict[str, Any]:
    return {
        "parties": _whole("parties", parties),
        "batch": _whole("batch", batch),
        "dims": {name: _whole(f"dims[{name!r}]", size) for name, size in (dims or {}).items()},
        "shapes": {
            name: [_whole(f"shapes[{name!r}]", size) for size in shape]
            for name, shape in (shapes or {}).items()
        },
        "values": {name: _spelt(value) for name, value in (values or {}).items()},
        "weights": None if weights is None else str(weights),
        "inputs": {name: str(who) for name, who in (inputs or {}).items()},
        "train": _text("train", train),
        "optimizer": _text("optimizer", optimizer),
        "step": _whole("step", step),
        "steps": _whole("steps", steps),
        "epochs": _whole("epochs", epochs),
        "dataset_size": _whole("dataset_size", dataset_size),
        "train_output": _text("train_output", train_output),
        "frozen": [frozen] if isinstance(frozen, str) else list(frozen),
        "network": _text("network", network),
        "bandwidth": _text("bandwidth", bandwidth),
        "rtt": _text("rtt", rtt),
        "machine": _text("machine", machine),
        "pipeline": [pipeline] if isinstance(pipeline, str) else list(pipeline),
        "arrivals": _text("arrivals", arrivals),
        "storage": _text("storage", storage),
        "depth": _whole("depth", depth),
    }


def _whole(name: str, number: Any) -> int | None:
    if number is None:
        return None
    try:
        whole = operator.index(number)
    except TypeError:
        raise TypeError(f"{name}: a whole number is needed, not {number!r}") from None
    if whole < 0:
        raise ValueError(f"{name}: {whole} is negative")
    return whole


def _text(name: str, text: Any) -> str | None:
    if text is None:
        return None
    try:
        return os.fsdecode(text)
    except TypeError:
        raise TypeError(f"{name}: text is needed, not {text!r}") from None


def _spelt(value: Setting) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Session:
    """A framework with its settings, for many profiles; safe to use from many threads.

    >>> session = Session("crypten", max_method="pairwise")
    >>> session.profile("fixtures/models/lenet5.onnx").totals.online.rounds
    83
    """

    def __init__(self, framework: str | os.PathLike[str], **settings: Setting) -> None:
        name = _text("framework", framework)
        if name is None:
            raise TypeError(
                f"framework: a name or a directory is needed; names are {', '.join(frameworks())}"
            )
        self._native = _native.Session(name, {key: _spelt(value) for key, value in settings.items()})
        self.framework = name

    def profile(
        self,
        model: Any,
        *,
        args: tuple[Any, ...] | None = None,
        export: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Report:
        """Profile a model; the options are those of `hawkeye.profile`."""
        source, name = _models.source(model, args, export)
        return Report(self._native.profile(source, name, _options(**options)))


def profile(
    model: Any,
    framework: str | os.PathLike[str],
    *,
    args: tuple[Any, ...] | None = None,
    export: Mapping[str, Any] | None = None,
    settings: Mapping[str, Setting] | None = None,
    parties: int | None = None,
    batch: int | None = None,
    dims: Mapping[str, int] | None = None,
    shapes: Mapping[str, Iterable[int]] | None = None,
    values: Mapping[str, float | bool] | None = None,
    weights: str | None = None,
    inputs: Mapping[str, str] | None = None,
    train: str | None = None,
    optimizer: str = "sgd",
    step: int | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    dataset_size: int | None = None,
    train_output: str | None = None,
    frozen: Iterable[str] = (),
    network: str | None = None,
    bandwidth: str | None = None,
    rtt: str | None = None,
    machine: str | os.PathLike[str] | None = None,
    pipeline: Iterable[str] = (),
    arrivals: str | None = None,
    storage: str | None = None,
    depth: int | None = None,
) -> Report:
    """Report what a model sends under a framework.

    Args:
        model: The path of an ONNX file, its bytes, an `onnx.ModelProto`, an `onnx_ir.Model`, or a
            `torch.nn.Module` with `args`. Weights are never read nor copied.
        framework: A name (`hawkeye.frameworks()`), or the directory of one's own.
        args: Example inputs of a torch module.
        export: Options of `torch.onnx.export`, `dynamo=False` among them.
        settings: Parameters of the framework, in its own spelling.
        parties: Number of parties.
        batch: Size of the inputs' leading dimension.
        dims: Sizes of the model's symbolic dimensions.
        shapes: Whole shapes of inputs.
        values: Values of inputs that hold one number and steer an `If` or a `Loop`.
        weights: Who knows the weights: `secret`, `public`, or a party by number or name.
        inputs: The same for inputs and initializers by name.
        train: The loss; training steps are priced instead of an inference.
        optimizer: The optimizer with PyTorch's settings, as in `sgd:lr=0.1,momentum=0.9`.
        step: The one step that is priced, counted from 1.
        steps: Price a run of that many steps.
        epochs: Price that many passes over `dataset_size` samples.
        dataset_size: Samples of the data set.
        train_output: The output that the loss looks at.
        frozen: Parameters that are not trained.
        network: Predict seconds on this network: a preset such as `wan-100m`, or a YAML file.
        bandwidth: Bandwidth of each party's uplink, such as `200Mbit/s`.
        rtt: Round-trip time, such as `20ms`.
        machine: What local work takes: a profile, a YAML file, or `none`; the framework's own if not given.
        pipeline: Schedules of MPC-Pipe to simulate, such as `inner-layer=2`.
        arrivals: Simulate a service whose requests arrive at random, such as `2/s`.
        storage: What each party can keep of preprocessing, such as `8GiB`.
        depth: Levels of the report's call tree.

    Raises:
        HawkEyeError: With every cause, its place and what to do next.

    >>> profile("fixtures/models/alexnet.onnx", "crypten", batch=2).counters["rounds"]
    242
    """
    session = Session(framework, **dict(settings or {}))
    return session.profile(
        model,
        args=args,
        export=export,
        parties=parties,
        batch=batch,
        dims=dims,
        shapes=shapes,
        values=values,
        weights=weights,
        inputs=inputs,
        train=train,
        optimizer=optimizer,
        step=step,
        steps=steps,
        epochs=epochs,
        dataset_size=dataset_size,
        train_output=train_output,
        frozen=frozen,
        network=network,
        bandwidth=bandwidth,
        rtt=rtt,
        machine=machine,
        pipeline=pipeline,
        arrivals=arrivals,
        storage=storage,
        depth=depth,
    )


def frameworks() -> list[str]:
    """Names of the frameworks that come with HawkEye.

    >>> "crypten" in frameworks()
    True
    """
    return _native.frameworks()


def shapes(
    model: Any,
    *,
    batch: int | None = None,
    dims: Mapping[str, int] | None = None,
    shapes: Mapping[str, Iterable[int]] | None = None,
) -> dict[str, tuple[str | None, tuple[int | None, ...] | None]]:
    """Type and shape of every value of a model.

    >>> shapes("fixtures/models/lenet5.onnx")["input.4"]
    ('float32', (1, 6, 14, 14))
    """
    source, _ = _models.source(model)
    values = json.loads(_native.shapes(source, _options(batch=batch, dims=dims, shapes=shapes)))
    return {
        value["name"]: (value["dtype"], None if value["shape"] is None else tuple(value["shape"]))
        for value in values
    }
