"""Sweeps: order, errors, resuming, executors."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import hawkeye

MODELS = Path(__file__).parents[2] / "fixtures" / "models"
LENET = MODELS / "lenet5.onnx"
ALEXNET = MODELS / "alexnet.onnx"


def content(**unused):
    return LENET.read_bytes()


def absent(width):
    raise ValueError(f"no model of width {width}")


def test_rows_are_in_the_order_of_the_points():
    rows = hawkeye.sweep(ALEXNET, ["crypten", "cryptflow2"], {"batch": [2, 1], "set.absent": ["x"]})
    assert [(row["framework"], row["batch"]) for row in rows] == [
        ("crypten", 2), ("crypten", 1), ("cryptflow2", 2), ("cryptflow2", 1),
    ]  # fmt: skip
    assert all("absent" in row["error"] for row in rows)


def test_points_are_profiles():
    rows = hawkeye.sweep(ALEXNET, "crypten", {"batch": [1, 3], "set.max_method": ["pairwise"]})
    for row in rows:
        report = hawkeye.profile(ALEXNET, "crypten", batch=row["batch"], settings={"max_method": "pairwise"})
        assert row["online_bytes"] == report.totals.online.bytes


def test_seconds_come_with_a_network():
    rows = hawkeye.sweep(LENET, "crypten", {"network": ["lan-3g", "wan-100m"]})
    assert rows[0]["seconds"] < rows[1]["seconds"]
    report = hawkeye.profile(LENET, "crypten", network="lan-3g")
    assert rows[0]["seconds"] == report.seconds
    assert report.to_pandas()["seconds"].sum() == pytest.approx(report.seconds)
    assert "seconds" not in hawkeye.sweep(LENET, "crypten")[0]


def test_models_may_be_functions_and_fail_alone():
    rows = hawkeye.sweep([content, absent], "crypten", {"width": [1, 2]})
    assert [row["error"] for row in rows] == [None, None, "no model of width 1", "no model of width 2"]


def test_what_a_function_names_is_its_own():
    depths = []

    def model(depth):
        depths.append(depth)
        return LENET.read_bytes()

    hawkeye.sweep(model, "crypten", {"depth": [3]})
    assert depths == [3]


def test_processes_give_the_same():
    with ProcessPoolExecutor(1) as executor:
        rows = hawkeye.sweep(ALEXNET, "crypten", {"batch": [1, 2]}, executor=executor)
    assert rows == hawkeye.sweep(ALEXNET, "crypten", {"batch": [1, 2]})


def test_interrupted_sweeps_go_on(tmp_path):
    class Stop(Exception):
        pass

    seen = []

    def stop(row):
        seen.append(row)
        raise Stop

    grid = {"batch": [1, 2, 3]}
    try:
        hawkeye.sweep(ALEXNET, "crypten", grid, resume=tmp_path / "rows.sqlite", progress=stop)
    except Stop:
        pass
    assert len(seen) == 1
    rest = []
    rows = hawkeye.sweep(ALEXNET, "crypten", grid, resume=tmp_path / "rows.sqlite", progress=rest.append)
    assert len(rest) == 2
    assert rows == hawkeye.sweep(ALEXNET, "crypten", grid)


def test_what_nobody_takes_is_an_error():
    rows = hawkeye.sweep(ALEXNET, "crypten", {"bach": [1]})
    assert rows[0]["error"] == "bach is no option of a profile, nor dim.NAME or set.NAME; did you mean batch?"


def test_pareto():
    rows = hawkeye.Sweep([{"bytes": 1, "rounds": 3}, {"bytes": 2, "rounds": 2}, {"bytes": 2, "rounds": 3}])
    assert list(rows.pareto("bytes", "rounds")) == rows[:2]
