import pytest

from hawkeye.calibrate import crypten_profile, spu_profile


def test_a_profile_of_crypten_takes_calls_and_bytes_apart():
    kinds = ("mul", "matmul", "square", "conv2d", "AND", "B2A_single_bit", "local")
    seconds = dict.fromkeys(kinds, 1e-3)
    opened = 16 * 49_900
    seconds["mul of 50 000"] = seconds["AND of 50 000"] = 1e-3 + 5e-9 * opened
    seconds["matmul of 64 x 256 x 128"] = 1e-3 + 5e-9 * 8 * (64 * 256 + 256 * 128) + 1e-10 * 64 * 256 * 128
    seconds.update(
        {"all_reduce": 2e-3, "all_reduce of two": 2.5e-3, "all_reduce of 300 000": 4.4e-3, "ltz": 16e-3}
    )
    profile = crypten_profile(seconds)
    assert profile["work"]["opened_byte"] == pytest.approx(5e-9)
    assert profile["work"]["multiplication"] == pytest.approx(1e-10)
    assert profile["transport"] == {
        "flight": pytest.approx(1e-3),
        "tensor": pytest.approx(5e-4),
        "byte": pytest.approx(1e-9),
        "floor": {"default": pytest.approx(2e-3)},
    }


def test_a_profile_of_spu_has_no_negative_seconds():
    names = (
        "add",
        "less",
        "mul",
        "mul of 200 000",
        "product of 1",
        "product of 64",
        "product of 256",
        "convolution",
        "pooling",
    )
    profile = spu_profile({name: 1.0 / place for place, name in enumerate(names, 1)}, "SEMI2K")
    seconds = [*profile["work"].values(), *profile["transport"].values()]
    assert all(value >= 0 for value in seconds) and profile["work"]["multiplication"] > 0
