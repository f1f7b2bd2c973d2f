import pytest

from hawkeye.calibrate import cheetah_profile, crypten_profile, spu_profile


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


def test_a_profile_of_cheetah_takes_queries_products_and_answers_apart():
    query, product, answer, packing = 5e-3, 1e-3, 3e-3, 7e-3
    seconds = {
        "product of 1": query + product + answer,
        "product of 65 536": 8 * query + 8 * product + answer,
        "product by 64": 2 * query + 32 * product + answer + packing,
        "product by 512": 2 * query + 256 * product + answer + packing,
    }
    names = ("less", "less of 50 000", "square", "mul of 16 384", "product by a filter", "convolution")
    for name in (*names, "maximum of 1728", "maximum of 864", "pooling", "add in all", "less in all"):
        seconds[name] = 1.0
    for name in ("less", "square", "product of 1"):
        seconds[f"first {name}"] = 2.0
    seconds["mean less of 50 000"] = 1.5
    work = cheetah_profile(seconds)["work"]
    assert work["dot_query_64"] == pytest.approx(query)
    assert work["dot_product_64"] == pytest.approx(product)
    assert work["dot_answer_64"] == pytest.approx(answer)
    assert work["dot_packing_64"] == pytest.approx(packing)
    assert all(value >= 0 for value in work.values())
