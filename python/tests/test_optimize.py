"""Rewriting from Python: advice, files, and the pass."""

from pathlib import Path

import pytest

import hawkeye

LENET = Path(__file__).parents[2] / "fixtures" / "models" / "lenet5.onnx"


@pytest.fixture
def lenet(tmp_path):
    """LeNet-5 with weights: rewriting proves itself by running."""
    onnx = pytest.importorskip("onnx")
    numpy = pytest.importorskip("numpy")
    model = onnx.load(LENET, load_external_data=False)
    draw = numpy.random.default_rng(0)
    for tensor in model.graph.initializer:
        weights = draw.normal(0, 0.1, tuple(tensor.dims)).astype("float32")
        tensor.CopyFrom(onnx.numpy_helper.from_array(weights, tensor.name))
    path = tmp_path / "lenet5.onnx"
    onnx.save(model, path)
    return path


def test_advice_needs_no_weights():
    advice = hawkeye.optimize(LENET, "crypten")
    assert advice["after"]["bytes"] < advice["before"]["bytes"]
    assert hawkeye.optimize(LENET.read_bytes(), "crypten") == advice


def test_what_is_written_costs_what_was_said(lenet, tmp_path):
    done = hawkeye.optimize(lenet, "crypten", tmp_path / "out.onnx")
    totals = hawkeye.profile(tmp_path / "out.onnx", "crypten").totals
    assert totals.online.bytes + totals.offline.bytes == done["after"]["bytes"]


def test_bytes_can_not_be_written(tmp_path):
    with pytest.raises(TypeError, match="path"):
        hawkeye.optimize(LENET.read_bytes(), "crypten", tmp_path / "out.onnx")


def test_failures_are_of_the_family(tmp_path):
    with pytest.raises(hawkeye.HawkEyeError, match="absent"):
        hawkeye.optimize(tmp_path / "absent.onnx", "crypten")


def test_the_pass_leaves_its_model_and_returns_a_cheaper_one(lenet):
    ir = pytest.importorskip("onnx_ir")
    from hawkeye.passes import OptimizeCommunication

    model = ir.load(lenet)
    before = hawkeye.profile(model, "crypten").totals.online.bytes
    cheaper = OptimizeCommunication("crypten")
    result = cheaper(model)
    assert result.modified and cheaper.applied
    assert hawkeye.profile(result.model, "crypten").totals.online.bytes < before
    assert hawkeye.profile(model, "crypten").totals.online.bytes == before
    assert all(value.const_value.numpy() is not None for value in result.model.graph.initializers.values())
