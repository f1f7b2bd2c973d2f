"""Profiles from Python are those of the command line."""

import math
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import hawkeye

MODELS = Path(__file__).parents[2] / "fixtures" / "models"
LENET = MODELS / "lenet5.onnx"
ALEXNET = MODELS / "alexnet.onnx"


def test_equals_the_command_line():
    printed = subprocess.run(
        [sys.executable, "-m", "hawkeye", "profile", LENET, "-f", "crypten", "--format", "yaml"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert hawkeye.profile(LENET, "crypten").to_yaml() == printed.stdout


def test_operators_and_links_add_up():
    report = hawkeye.profile(LENET, "cryptflow2")
    for phase in ("setup", "offline", "online"):
        total = getattr(report.totals, phase).bytes
        assert sum(getattr(o.phases, phase).bytes for o in report.operators) == total
        assert sum(link.bytes for link in report.links if link.phase == phase) == total


def test_bytes_are_as_good_as_a_path():
    assert hawkeye.profile(LENET.read_bytes(), "crypten").totals == hawkeye.profile(LENET, "crypten").totals


def test_protos_lose_their_weights_and_nothing_else():
    onnx = pytest.importorskip("onnx")
    from hawkeye._models import without_weights

    model = onnx.load(LENET, load_external_data=False)
    for tensor in model.graph.initializer:
        elements = math.prod(tensor.dims)
        tensor.ClearField("data_location")
        del tensor.external_data[:]
        tensor.raw_data = bytes(4 * elements)
    small = without_weights(model)
    assert len(small.SerializeToString()) < 10_000 < len(model.SerializeToString())
    assert small.graph.node == model.graph.node
    assert hawkeye.profile(model, "crypten").operators == hawkeye.profile(LENET, "crypten").operators


def test_ir_models_keep_their_weights():
    ir = pytest.importorskip("onnx_ir")
    model = ir.load(LENET)
    before = {name: value.const_value for name, value in model.graph.initializers.items()}
    assert hawkeye.profile(model, "crypten").totals == hawkeye.profile(LENET, "crypten").totals
    assert {name: value.const_value for name, value in model.graph.initializers.items()} == before


def test_options_and_settings():
    report = hawkeye.profile(ALEXNET, "crypten", parties=3, batch=2, settings={"max_method": "pairwise"})
    fields = report.to_dict()
    assert fields["framework"]["parties"] == 3
    assert fields["run"]["batch"] == 2
    assert fields["framework"]["parameters"]["max_method"] == "pairwise"


def test_training():
    report = hawkeye.profile(LENET, "crypten", train="cross_entropy", optimizer="sgd:lr=0.1")
    assert {operator.pass_ for operator in report.operators} == {"forward", "loss", "backward", "optimizer"}


@pytest.mark.parametrize(
    ("model", "framework", "options", "place"),
    [
        (LENET, "cryptn", {}, "cryptn"),
        (MODELS / "absent.onnx", "crypten", {}, "absent.onnx"),
        (b"no model", "crypten", {}, "the model"),
        (LENET, "crypten", {"inputs": {"absent": "secret"}}, "the model"),
        (LENET, "crypten", {"dims": {"seq": 3}}, "the model"),
        (LENET, "crypten", {"weights": "nobody"}, "weights"),
        (LENET, "crypten", {"train": "nothing"}, "train"),
        (LENET, "crypten", {"train": "cross_entropy", "step": 1, "steps": 2}, "steps"),
        (LENET, "crypten", {"network": "moon"}, "network"),
        (LENET, "crypten", {"machine": "none"}, "network"),
        (LENET, "crypten", {"network": "lan-1g", "pipeline": "backwards"}, "pipeline"),
    ],
)
def test_errors_carry_their_diagnostics(model, framework, options, place):
    with pytest.raises(hawkeye.HawkEyeError) as caught:
        hawkeye.profile(model, framework, **options)
    assert caught.value.diagnostics
    assert place in caught.value.diagnostics[0]["place"]


def test_what_is_no_model_is_named():
    with pytest.raises(TypeError, match="dict is no model"):
        hawkeye.profile({}, "crypten")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": "many"}, "batch: a whole number is needed, not 'many'"),
        ({"dims": {"seq": 1.5}}, r"dims\['seq'\]: a whole number is needed, not 1.5"),
        ({"network": 3}, "network: text is needed, not 3"),
        ({"bach": 1}, "unexpected keyword argument 'bach'"),
    ],
)
def test_wrong_types_are_named(options, message):
    with pytest.raises(TypeError, match=message):
        hawkeye.profile(LENET, "crypten", **options)
    with pytest.raises(ValueError, match="batch: -1 is negative"):
        hawkeye.profile(LENET, "crypten", batch=-1)
    with pytest.raises(TypeError, match=r"framework: .*crypten"):
        hawkeye.profile(LENET, None)


def test_values_steer_control_flow():
    model = MODELS.parent / "cases" / "if_on_public_input.onnx"
    with pytest.raises(hawkeye.HawkEyeError, match="value"):
        hawkeye.profile(model, "crypten")
    report = hawkeye.profile(model, "crypten", values={"sr": 16000})
    assert (report.totals.online.bytes, report.counters["rounds"]) == (3712, 9)


def test_settings_are_read_when_a_session_opens():
    with pytest.raises(hawkeye.HawkEyeError, match="max_method"):
        hawkeye.Session("crypten", maxmethod="pairwise")


def test_parties_have_names():
    by_name = hawkeye.profile(LENET, "cryptflow2", weights="ALICE")
    assert by_name.totals == hawkeye.profile(LENET, "cryptflow2", weights="0").totals
    with pytest.raises(hawkeye.HawkEyeError, match="neither secret, public nor a party"):
        hawkeye.profile(LENET, "crypten", weights="ALICE")


def test_machines_and_services():
    on = {"network": "lan-1g"}
    with_work = hawkeye.profile(LENET, "crypten", **on)
    without = hawkeye.profile(LENET, "crypten", machine="none", **on)
    assert 0 < without.seconds < with_work.seconds
    served = hawkeye.profile(LENET, "crypten", arrivals="2/h", pipeline=["inner-layer=2"], **on)
    assert served.to_dict()["time"] != with_work.to_dict()["time"]


def test_sessions_serve_threads():
    session = hawkeye.Session("crypten")
    expected = session.profile(LENET).totals
    with ThreadPoolExecutor(4) as pool:
        assert all(report.totals == expected for report in pool.map(session.profile, [LENET] * 16))


def test_reports_travel(tmp_path):
    report = hawkeye.profile(LENET, "crypten")
    assert pickle.loads(pickle.dumps(report)).to_dict() == report.to_dict()
    report.save(tmp_path / "report.json")
    assert hawkeye.Report.load(tmp_path / "report.json").to_dict() == report.to_dict()
    for extension in ("yaml", "html", "txt"):
        report.save(tmp_path / f"report.{extension}")
    with pytest.raises(ValueError, match="docx"):
        report.save(tmp_path / "report.docx")
    assert "<iframe" in report._repr_html_()


def test_pandas():
    pytest.importorskip("pandas")
    report = hawkeye.profile(LENET, "crypten")
    table = report.to_pandas()
    assert table["online_bytes"].sum() == report.totals.online.bytes
    assert list(table["op"]) == [operator.op for operator in report.operators]


def test_comparison_and_explanation():
    report = hawkeye.profile(LENET, "crypten", depth=9)
    other = hawkeye.profile(LENET, "crypten", settings={"max_method": "pairwise"})
    assert len(report.compare(other)["sides"]) == 2
    call = report.explain("Relu_1")
    assert call.op == "Relu"
    assert [child.name for child in call.children] == ["relu"]
    with pytest.raises(KeyError, match="did you mean Relu_1"):
        report.explain("Relu-1")
    with pytest.raises(TypeError, match="reports"):
        report.compare("the other")


def test_commands_write_models(tmp_path):
    hawkeye.strip(LENET, tmp_path / "small.onnx")
    assert (
        hawkeye.profile(tmp_path / "small.onnx", "crypten").totals == hawkeye.profile(LENET, "crypten").totals
    )
    hawkeye.annotate(LENET, tmp_path / "annotated.onnx", "crypten")
    hawkeye.grad(LENET, tmp_path / "step.onnx", batch=1)
    assert (tmp_path / "annotated.onnx").stat().st_size > (tmp_path / "small.onnx").stat().st_size
    with pytest.raises(hawkeye.HawkEyeError):
        hawkeye.strip(tmp_path / "absent.onnx", tmp_path / "out.onnx")
