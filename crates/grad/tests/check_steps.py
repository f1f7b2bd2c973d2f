#!/usr/bin/env python3
"""Checks training steps that `hawkeye grad` wrote, with ONNX's checker and ONNX Runtime.

    hawkeye grad model.onnx --batch 2 --train mse --optimizer sgd:lr=1 -o step.onnx
    python3 crates/grad/tests/check_steps.py step.onnx...

Every float initializer gets random numbers (the corpus has zeros). The change of the loss along the
gradient of each parameter must equal the square of the gradient's length, within what single precision
allows. Needs onnx, onnxruntime and numpy.
"""
import os
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper


def fill(model, rng):
    """Random weights that keep activations near one."""
    scales = {i for n in model.graph.node if n.op_type.endswith("Normalization") for i in n.input[1:2]}
    variances = {i for n in model.graph.node if n.op_type == "BatchNormalization" for i in n.input[4:5]}
    means = {i for n in model.graph.node if n.op_type == "BatchNormalization" for i in n.input[3:4]}
    weights = {}
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or not tensor.dims or tensor.name.startswith("constant"):
            continue
        dims = list(tensor.dims)
        if tensor.name not in parameters(model):
            if tensor.name not in variances | means:
                continue
        fan = max(int(np.prod(dims)) // dims[0], dims[0] if len(dims) == 2 else 1)
        values = rng.standard_normal(dims).astype(np.float32) * np.float32(1.3 / fan**0.5)
        if len(dims) == 1:
            values *= 0.1
        if tensor.name in scales | variances:
            values = 1 + np.abs(values)
        weights[tensor.name] = values
    for i in reversed(range(len(model.graph.initializer))):
        tensor = model.graph.initializer[i]
        if tensor.name in weights:
            dims = list(tensor.dims)
            model.graph.input.append(helper.make_tensor_value_info(tensor.name, onnx.TensorProto.FLOAT, dims))
            del model.graph.initializer[i]
    return weights


def parameters(model):
    return [o.name[4:] for o in model.graph.output if o.name.startswith("new/") and in_model(model, o.name[4:])]


def in_model(model, name):
    return any(t.name == name for t in model.graph.initializer)


def settle_dropout(model):
    """Lets training dropout keep everything, as two runs would else differ."""
    constants = {t.name: t for t in model.graph.initializer}
    constants |= {n.output[0]: a.t for n in model.graph.node for a in n.attribute if a.name == "value"}
    for i, node in enumerate(model.graph.node):
        if node.op_type == "Dropout" and len(node.input) == 3 and len(node.output) == 2:
            ratio = float(numpy_helper.to_array(constants[node.input[1]]))
            kept = numpy_helper.from_array(np.float32(1 - ratio), node.output[0] + "/kept")
            model.graph.initializer.append(kept)
            x, (y, mask) = node.input[0], node.output
            model.graph.node[i].CopyFrom(helper.make_node("Div", [x, kept.name], [y]))
            model.graph.node.insert(i, helper.make_node("Equal", [x, x], [mask]))


def forward_only(model):
    """Leaves what the loss needs."""
    needed, nodes = {"loss"}, []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            nodes.append(node)
    for field, kept in [(model.graph.node, nodes[::-1]), (model.graph.output, [model.graph.output[0]])]:
        kept = [type(item).FromString(item.SerializeToString()) for item in kept]
        del field[:]
        field.extend(kept)


def check(path):
    model = onnx.load(path)
    onnx.checker.check_model(path, full_check=True)
    rng = np.random.default_rng(1)
    names = parameters(model)
    producers = {o: n for n in model.graph.node for o in n.output}
    # With lr=1 the new parameter is the old less the gradient.
    gradients = {name: producers["new/" + name].input[1] for name in names}
    settle_dropout(model)
    weights = fill(model, rng)
    del model.graph.output[:]
    for name in ["loss"] + sorted(set(gradients.values())):
        model.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    feeds = dict(weights)
    for value in model.graph.input:
        if value.name in feeds:
            continue
        dims = [d.dim_value for d in value.type.tensor_type.shape.dim]
        kind = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        if np.issubdtype(kind, np.floating):
            feeds[value.name] = rng.standard_normal(dims).astype(kind)
        else:
            feeds[value.name] = np.ones(dims, kind) if "mask" in value.name else rng.integers(0, 2, dims).astype(kind)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    def session(model):
        return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    outputs = [o.name for o in model.graph.output]
    found = dict(zip(outputs, session(model).run(outputs, feeds)))
    forward_only(model)
    wanted = {i.name for i in model.graph.input}
    feeds = {name: value for name, value in feeds.items() if name in wanted}
    forward = session(model)
    worst, checked, flat = (0.0, ""), 0, 0
    chosen = names if len(names) <= 12 else [names[i] for i in np.linspace(0, len(names) - 1, 12).astype(int)]
    for name in chosen:
        gradient = found[gradients[name]].astype(np.float64)
        length = np.linalg.norm(gradient)
        if not np.isfinite(length) or length < 1e-7:
            flat += 1
            continue
        errors = []
        for reach in (1e-1, 1e-2, 1e-3, 1e-4):
            move = (gradient / length * reach * max(np.linalg.norm(weights[name]), 1e-3)).astype(np.float32)
            losses = [
                float(forward.run(["loss"], {**feeds, name: weights[name] + s * move})[0]) for s in (1, -1)
            ]
            slope = (losses[0] - losses[1]) / 2
            expected = float((gradient * move).sum())
            if abs(expected) > 2e-5 * abs(losses[0]):
                errors.append(abs(slope - expected) / abs(expected))
        if not errors:
            flat += 1  # too small a change to be seen
            continue
        checked += 1
        worst = max(worst, (min(errors), name))
    verdict = "ok  " if worst[0] < 0.05 and checked else "FAIL"
    print(f"{verdict} {os.path.basename(path)}: {checked} of {len(names)} parameters, {flat} flat, "
          f"worst {worst[0]:.1e} {worst[1]}, loss {float(found['loss']):.4f}", flush=True)
    return verdict == "ok  "


if __name__ == "__main__":
    results = [check(path) for path in sys.argv[1:]]
    sys.exit(0 if all(results) else 1)
