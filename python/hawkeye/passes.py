"""Passes for onnx-ir and onnxscript pipelines.

>>> import onnx_ir as ir
>>> from hawkeye.passes import AnnotateCost
>>> model = ir.load("fixtures/models/lenet5.onnx")
>>> result = AnnotateCost("crypten")(model)
>>> result.model.graph.node(2).metadata_props["hawkeye.online.bytes"]
'6961920'
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from typing import Any

import onnx_ir as ir

from hawkeye._files import optimize
from hawkeye._profile import Session
from hawkeye._report import PHASES, Report

PREFIX = "hawkeye."


class AnnotateCost(ir.passes.InPlacePass):
    """Writes the cost of every node into its `metadata_props`.

    Keys are `hawkeye.<phase>.bytes|messages|rounds`, as `hawkeye annotate` writes them: what is zero is
    left out, but for the online bytes. `report` is that of the last model.
    """

    def __init__(self, framework: str, *, settings: dict[str, Any] | None = None, **options: Any) -> None:
        """Options are those of `hawkeye.profile`."""
        super().__init__()
        self._session = Session(framework, **(settings or {}))
        self._options = options
        self.report: Report | None = None

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Annotate a model."""
        self.report = self._session.profile(model, **self._options)
        sums: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for operator in self.report.operators:
            if operator.node is None:
                continue
            for phase in PHASES:
                cost = getattr(operator.phases, phase)
                for name in ("bytes", "messages", "rounds"):
                    sums[operator.node][f"{PREFIX}{phase}.{name}"] += getattr(cost, name)
        for index, node in enumerate(model.graph):
            for key in [key for key in node.metadata_props if key.startswith(PREFIX)]:
                del node.metadata_props[key]
            for key, amount in sums[index].items():
                if amount or key == f"{PREFIX}online.bytes":
                    node.metadata_props[key] = str(amount)
        return ir.passes.PassResult(model, modified=True)


class OptimizeCommunication(ir.passes.FunctionalPass):
    """Returns the model rewritten for least communication; the model that it is given stays as it is.

    The rewriting is exact unless `allow` names approximations, and is proved by running both models on
    random inputs. `applied` tells what was done to the last model.

    >>> import onnx_ir as ir
    >>> cheaper = OptimizeCommunication("crypten")(ir.load("fixtures/models/lenet5.onnx"))
    >>> cheaper.modified
    True
    """

    def __init__(self, framework: str, **options: Any) -> None:
        """Options are those of `hawkeye optimize`, with underscores."""
        super().__init__()
        self._framework = framework
        self._options = options
        self.applied: list[dict[str, Any]] = []

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Rewrite a model."""
        with tempfile.TemporaryDirectory() as folder:
            before, after = os.path.join(folder, "before.onnx"), os.path.join(folder, "after.onnx")
            ir.save(model, before)
            self.applied = optimize(before, self._framework, after, **self._options)["applied"]
            rewritten = ir.load(after)
            # The folder goes; what lies in it must not be referred to.
            ir.external_data.load_to_model(rewritten)
        return ir.passes.PassResult(rewritten, modified=bool(self.applied))
