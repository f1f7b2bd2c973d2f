"""Models as Python programs have them, as HawkEye reads them: the path of a file, or its bytes.

Weights are never read, so they are not passed either: tensors of more than a few elements are replaced by
references to data that is said to lie elsewhere.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Union

from hawkeye._failure import failure

Source = Union[bytes, str]

#: Constants of more elements are never looked at.
_SMALL = 64


def source(
    model: Any, args: tuple[Any, ...] | None = None, export: Mapping[str, Any] | None = None
) -> tuple[Source, str]:
    """Return a model as the native half takes it, and the name by which reports call it."""
    if isinstance(model, (str, os.PathLike)):
        path = os.fspath(model)
        return path, os.path.basename(path)
    if isinstance(model, (bytes, bytearray, memoryview)):
        return bytes(model), "model.onnx"
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(model).__mro__}
    if "onnx.ModelProto" in kinds:
        return without_weights(model).SerializeToString(), _name(model.graph.name)
    if "onnx_ir.Model" in kinds:
        return _of_ir(model), _name(model.graph.name)
    if "torch.ONNXProgram" in kinds:
        return _of_ir(model.model), _name(model.model.graph.name)
    if "torch.Module" in kinds:
        if args is None:
            raise TypeError("a torch module needs args=, a tuple of example inputs, to be exported")
        return _exported(model, args, dict(export or {})), f"{type(model).__name__}.onnx"
    kinds_taken = "a path, bytes, onnx.ModelProto, onnx_ir.Model or torch.nn.Module"
    raise TypeError(f"{type(model).__qualname__} is no model: pass {kinds_taken}")


def _name(name: str) -> str:
    return f"{name or 'model'}.onnx"


def without_weights(model: Any) -> Any:
    """Return a copy of an `onnx.ModelProto` in which large tensors have type and shape, but no data."""
    copy = type(model)()
    for field, value in model.ListFields():
        if field.name == "graph":
            _copy_graph(value, copy.graph)
        elif _repeated(field):
            getattr(copy, field.name).extend(value)
        elif field.message_type is not None:
            getattr(copy, field.name).CopyFrom(value)
        else:
            setattr(copy, field.name, value)
    return copy


def _repeated(field: Any) -> bool:
    # Newer protobuf says is_repeated; older has labels alone, of which 3 is "repeated".
    known = getattr(field, "is_repeated", None)
    return bool(known) if known is not None else field.label == 3


def _copy_graph(graph: Any, copy: Any) -> None:
    for field, value in graph.ListFields():
        if field.name == "initializer":
            for tensor in value:
                _copy_tensor(tensor, copy.initializer.add())
        elif field.name == "node":
            for node in value:
                _copy_node(node, copy.node.add())
        elif _repeated(field):
            getattr(copy, field.name).extend(value)
        else:
            setattr(copy, field.name, value)


def _copy_node(node: Any, copy: Any) -> None:
    if not any(attribute.HasField("t") or attribute.HasField("g") for attribute in node.attribute):
        copy.CopyFrom(node)
        return
    for field, value in node.ListFields():
        if field.name == "attribute":
            for attribute in value:
                added = copy.attribute.add()
                added.name, added.type = attribute.name, attribute.type
                if attribute.HasField("t"):
                    _copy_tensor(attribute.t, added.t)
                elif attribute.HasField("g"):
                    _copy_graph(attribute.g, added.g)
                else:
                    added.CopyFrom(attribute)
        elif _repeated(field):
            getattr(copy, field.name).extend(value)
        else:
            setattr(copy, field.name, value)


def _copy_tensor(tensor: Any, copy: Any) -> None:
    elements = 1
    for dim in tensor.dims:
        elements *= dim
    if elements <= _SMALL:
        copy.CopyFrom(tensor)
        return
    copy.name, copy.data_type = tensor.name, tensor.data_type
    copy.dims.extend(tensor.dims)
    copy.data_location = type(tensor).EXTERNAL
    entry = copy.external_data.add()
    entry.key, entry.value = "location", "elsewhere"


def _of_ir(model: Any) -> bytes:
    import onnx_ir as ir

    with _weightless(model):
        return bytes(ir.to_proto(model).SerializeToString())


@contextmanager
def _weightless(model: Any) -> Iterator[None]:
    """Have the initializers of an `onnx_ir.Model` refer to data elsewhere for a while."""
    import onnx_ir as ir

    kept: list[tuple[Any, Any]] = []
    try:
        for graph in model.graphs():
            for value in graph.initializers.values():
                tensor = value.const_value
                # A tensor on torch's meta device has no data, however small it is.
                absent = getattr(getattr(tensor, "raw", None), "is_meta", False)
                if tensor is None or (tensor.size <= _SMALL and not absent):
                    continue
                kept.append((value, tensor))
                value.const_value = ir.ExternalTensor(
                    "elsewhere", 0, tensor.nbytes, tensor.dtype, shape=tensor.shape, name=value.name or ""
                )
        yield
    finally:
        for value, tensor in kept:
            value.const_value = tensor


def _exported(module: Any, args: tuple[Any, ...], options: dict[str, Any]) -> bytes:
    try:
        return _traced(module, args, options)
    # Exporters raise what they like.
    except Exception as error:
        cause = str(error).strip().partition("\n")[0] or type(error).__name__
        message = f"{type(module).__name__}: torch can't export the module: {cause}"
        help = 'try the other exporter (export={"dynamo": False}), or export a file yourself'
        raise failure(type(module).__name__, message, help) from error


def _traced(module: Any, args: tuple[Any, ...], options: dict[str, Any]) -> bytes:
    import torch

    if options.get("dynamo", True) and hasattr(torch.onnx, "ONNXProgram"):
        options["dynamo"] = True
        options.setdefault("verbose", False)
        if any(parameter.is_meta for parameter in module.parameters()):
            # The exporter's optimiser computes with weights.
            options.setdefault("optimize", False)
        program = torch.onnx.export(module, args, **options)
        return _of_ir(program.model)
    written = io.BytesIO()
    torch.onnx.export(module, args, written, **options)
    import onnx

    return bytes(without_weights(onnx.load_from_string(written.getvalue())).SerializeToString())
