"""Measures what a framework's primitives take on this machine, and writes a profile for ``--machine``.

    hawkeye calibrate crypten -o my-machine.yaml
    hawkeye calibrate spu-semi2k -o my-machine.yaml
    hawkeye calibrate seal -o my-machine.yaml

The framework must be installed here; for SEAL, TenSEAL, which wraps all of it. The parties run on this
machine, over its loopback device; every primitive is timed alone, and the least of its repetitions counts.
No model is run.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPETITIONS = 7
PARTIES = {"crypten": 2, "spu-semi2k": 2, "spu-aby3": 3, "spu-cheetah": 2, "seal": 1}
PACKAGES = {"crypten": "crypten", "seal": "tenseal"}  # SPU's is spu, whatever the protocol

Seconds = dict[str, float]


def calls(function: Callable[[], object], clock: Callable[[], float]) -> list[float]:
    """Seconds of a first call, and of the repetitions."""
    times = []
    for _ in range(REPETITIONS + 1):
        start = clock()
        function()
        times.append(clock() - start)
    return times


def least(function: Callable[[], object], clock: Callable[[], float]) -> float:
    """Least seconds of a call, after one that does not count."""
    return min(calls(function, clock)[1:])


def measure_crypten(rank: int, folder: Path) -> Seconds:
    """Seconds of CrypTen's primitives: work of the main thread, and the communicator's wall time."""
    parties = PARTIES["crypten"]
    os.environ.update(
        RANK=str(rank),
        WORLD_SIZE=str(parties),
        RENDEZVOUS=f"file://{folder}/rendezvous",
        DISTRIBUTED_BACKEND="gloo",
    )
    import crypten
    import torch
    from crypten.mpc.primitives import beaver

    torch.set_num_threads(1)
    crypten.init()

    def secret(*shape: int) -> Any:
        return crypten.cryptensor(torch.rand(*shape), src=0)

    def bits(count: int) -> Any:
        return secret(count).to(crypten.mpc.binary)._tensor

    one, many = secret(100), secret(50_000)
    few_bits, many_bits = bits(100), bits(50_000)
    wide = torch.zeros(300_000, dtype=torch.long)
    small = torch.zeros(100, dtype=torch.long)
    send = crypten.communicator.get().all_reduce
    image, kernel = secret(1, 1, 28, 28), secret(6, 1, 5, 5)
    a, b, row, square = secret(64, 256), secret(256, 128), secret(1, 10), secret(10, 10)

    def work(function: Callable[[], object]) -> float:
        return least(function, time.thread_time)

    def wall(function: Callable[[], object]) -> float:
        return least(function, time.perf_counter)

    with crypten.no_grad():
        seconds = {
            "mul": work(lambda: one * one),
            "matmul": work(lambda: row.matmul(square)),
            "square": work(one.square),
            "conv2d": work(lambda: image.conv2d(kernel)),
            "AND": work(lambda: few_bits & few_bits),
            "B2A_single_bit": work(lambda: beaver.B2A_single_bit(few_bits & 1)),
            "local": work(lambda: one + one),
            "mul of 50 000": work(lambda: many * many),
            "AND of 50 000": work(lambda: many_bits & many_bits),
            "matmul of 64 x 256 x 128": work(lambda: a.matmul(b)),
            "all_reduce": wall(lambda: send(small)),
            "all_reduce of two": wall(lambda: send([small, small], batched=True)),
            "all_reduce of 300 000": wall(lambda: send(wide)),
            "ltz": wall(one._ltz) - work(one._ltz),
        }
    return seconds


def crypten_profile(seconds: Seconds) -> dict[str, Any]:
    """The profile that follows from the primitives, as docs/TIME.md reads them."""
    opened = 16 * 49_900
    byte = statistics.mean((seconds[f"{kind} of 50 000"] - seconds[kind]) / opened for kind in ("mul", "AND"))
    multiplications = 64 * 256 * 128
    product = seconds["matmul of 64 x 256 x 128"] - seconds["matmul"] - byte * 8 * (64 * 256 + 256 * 128)
    kinds = ("mul", "matmul", "square", "conv2d", "AND", "B2A_single_bit", "local")
    work = {kind: seconds[kind] for kind in kinds}
    work.update(
        conv1d=seconds["conv2d"],
        conv_transpose1d=seconds["mul"],
        conv_transpose2d=seconds["mul"],
        transfer=seconds["local"],
        opened_byte=byte,
        multiplication=max(0.0, product / multiplications),
    )
    transport = {
        "flight": seconds["all_reduce"] / 2,
        "tensor": max(0.0, seconds["all_reduce of two"] - seconds["all_reduce"]),
        "byte": (seconds["all_reduce of 300 000"] - seconds["all_reduce"]) / (8 * 300_000),
        "floor": {"default": seconds["ltz"] / 8},
    }
    return {"work": work, "transport": transport}


def measure_spu(rank: int, protocol: str, address: str, parties: int) -> Seconds:
    """Seconds of programs of one operation under SPU, in one runtime."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax
    import numpy as np
    import spu.api as api
    import spu.utils.frontend as frontend
    from spu import libspu

    host, port = address.split(":")
    links = libspu.link.Desc()
    links.recv_timeout_ms = 600_000
    for party in range(parties):
        links.add_party(f"party{party}", f"{host}:{int(port) + party}")
    config = libspu.RuntimeConfig(
        protocol=getattr(libspu.ProtocolKind, protocol), field=libspu.FieldType.FM64
    )
    config.max_concurrency = 1
    runtime = api.Runtime(libspu.link.create_brpc(links, rank), config)
    secret = libspu.Visibility.VIS_SECRET

    def runs(
        function: Callable[..., Any], *shapes: tuple[int, ...], clock: Callable[[], float]
    ) -> list[float]:
        values = [np.full(shape, 0.5, np.float32) for shape in shapes]
        names = [f"in{index}" for index in range(len(values))]
        executable, _ = frontend.compile(
            frontend.Kind.JAX,
            function,
            tuple(values),
            {},
            names,
            [secret] * len(values),
            lambda out: ["out"],
            copts=libspu.CompilerOptions(),
        )
        io = api.Io(parties, config)
        np.random.seed(1)
        for name, value in zip(names, values):
            runtime.set_var(name, io.make_shares(value, secret)[rank])
        return calls(lambda: runtime.run(executable), clock)

    def run(function: Callable[..., Any], *shapes: tuple[int, ...], clock: Callable[[], float]) -> float:
        return min(runs(function, *shapes, clock=clock)[1:])

    def pool(x: Any) -> Any:
        return jax.lax.reduce_window(x, -np.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def product(x: Any, y: Any) -> Any:
        return x @ y

    def convolution(x: Any, y: Any) -> Any:
        return jax.lax.conv_general_dilated(x, y, (1, 1), "VALID")

    wall, cpu = time.perf_counter, time.process_time
    if protocol == "CHEETAH":
        seconds = {}
        for name, function, shapes in (
            ("less", lambda x, y: x < y, ((1,), (1,))),
            ("less of 50 000", lambda x, y: x < y, ((50_000,), (50_000,))),
            ("square", lambda x: x * x, ((8192,),)),
            ("mul of 16 384", lambda x, y: x * y, ((16_384,), (16_384,))),
            ("product of 1", product, ((1, 1), (1, 1))),
            ("product of 65 536", product, ((1, 65_536), (65_536, 1))),
            ("product by 64", product, ((1, 4096), (4096, 64))),
            ("product by 512", product, ((1, 4096), (4096, 512))),
            ("product by a filter", product, ((576, 25), (25, 1))),
            ("convolution", convolution, ((1, 1, 28, 28), (1, 1, 5, 5))),
            ("maximum of 1728", jax.numpy.maximum, ((1728,), (1728,))),
            ("maximum of 864", jax.numpy.maximum, ((864,), (864,))),
            ("pooling", pool, ((1, 6, 24, 24),)),
        ):
            first, *more = runs(function, *shapes, clock=cpu)
            seconds[name], seconds[f"first {name}"] = min(more), first
            seconds[f"mean {name}"] = statistics.mean(more)
        seconds["add in all"] = run(lambda x, y: x + y, (1,), (1,), clock=wall)
        seconds["less in all"] = run(lambda x, y: x < y, (1,), (1,), clock=wall)
        return seconds
    return {
        "add": run(lambda x, y: x + y, (1,), (1,), clock=wall),
        "less": run(lambda x, y: x < y, (1,), (1,), clock=wall),
        "mul": run(lambda x, y: x * y, (1,), (1,), clock=wall),
        "mul of 200 000": run(lambda x, y: x * y, (200_000,), (200_000,), clock=wall),
        "product of 1": run(product, (1, 1), (1, 1), clock=wall),
        "product of 64": run(product, (64, 64), (64, 64), clock=wall),
        "product of 256": run(product, (256, 256), (256, 256), clock=cpu),
        "convolution": run(convolution, (1, 1, 28, 28), (1, 1, 5, 5), clock=wall),
        "pooling": run(pool, (1, 6, 24, 24), clock=wall),
    }


# Times that a thread waits for another in a product of 64 x 64 x 64, as the sheets say; windows of the
# convolution.
_MEETINGS = 3
_WINDOWS = 24 * 24
# Flights of the comparison of one element, and bytes that a party sends for a product of 200 000.
_FLIGHTS = {"SEMI2K": 7, "ABY3": 8, "CHEETAH": 19}
_BYTES = {"SEMI2K": 200_000 * (16 + 4), "ABY3": 200_000 * (8 + 4 + 8)}


def spu_profile(seconds: Seconds, protocol: str) -> dict[str, Any]:
    """The profile that follows from the primitives, as docs/TIME.md reads them."""
    work = {
        "multiplication": seconds["product of 256"] / 256**3,
        "thread_meeting": max(0.0, seconds["product of 64"] - seconds["product of 1"]) / _MEETINGS,
        "window": max(0.0, (seconds["convolution"] - seconds["mul"]) / _WINDOWS),
        "window_element": max(0.0, (seconds["pooling"] - 2 * seconds["less"]) / (6 * 24 * 24)),
    }
    transport = {
        "flight": max(0.0, (seconds["less"] - seconds["add"]) / _FLIGHTS[protocol]),
        "byte": max(0.0, (seconds["mul of 200 000"] - seconds["mul"]) / _BYTES[protocol]),
    }
    return {"work": work, "transport": transport}


def cheetah_profile(seconds: Seconds) -> dict[str, Any]:
    """The profile of SPU's CHEETAH, by the amounts that its sheets state for the primitives.

    But for flights, on processor time. What the first call of a kind takes longer is set-up. Of calls that
    draw correlated OTs from a stock, the least has no extension and the mean has its share of them. Products
    of vectors are taken apart by their numbers of queries, products and answers: 1, 1, 1; 8, 8, 1; 2, 32, 1;
    2, 256, 1; the last two answers are packed.
    """
    drawn = 50_000 * 94  # of which 64 chosen messages of four digits, and 15 ANDs each way
    extensions = drawn / 10_017_120
    square = 2 * seconds["square"] / 4  # one party's part of it
    query = max(0.0, (seconds["mul of 16 384"] - 4 * square) / 4)
    pair = (seconds["product of 65 536"] - seconds["product of 1"]) / 7
    one = (seconds["product by 512"] - seconds["product by 64"]) / 224
    answer = max(0.0, seconds["product of 1"] - pair)
    work = {
        "ot_instance": seconds["first less"] - seconds["less"],
        "ferret_extension": (seconds["mean less of 50 000"] - seconds["less of 50 000"]) / extensions,
        "ot_hash": (seconds["less of 50 000"] - seconds["less"]) / drawn,
        "mul_keys_64": seconds["first square"] - seconds["square"],
        "mul_query_64": query,
        "mul_answer_64": square - query,
        "dot_keys_64": seconds["first product of 1"] - seconds["product of 1"],
        "dot_query_64": pair - one,
        "dot_product_64": one,
        "dot_answer_64": answer,
        "dot_packing_64": seconds["product by 64"] - 2 * (pair - one) - 32 * one - answer,
        "window": (seconds["convolution"] - seconds["product by a filter"]) / _WINDOWS,
        "window_element": (seconds["pooling"] - seconds["maximum of 1728"] - seconds["maximum of 864"])
        / (6 * 24 * 24),
    }
    transport = {"flight": max(0.0, (seconds["less in all"] - seconds["add in all"]) / _FLIGHTS["CHEETAH"])}
    return {"work": {kind: max(0.0, taken) for kind, taken in work.items()}, "transport": transport}


# What TenSEAL does not have, as in the profile seal-cpu, which says where it is from.
_NOT_TIMED = {
    "ot_row": 6.43e-8,
    "ferret_cot": 6.25e-8,
    "ot_hash": 2.66e-8,
    "garbled_and": 8.94e-7,
    "evaluated_and": 3.86e-7,
}


def party(framework: str, rank: int, folder: Path, address: str) -> None:
    """One party; writes what it measured into the folder."""
    if framework == "crypten":
        seconds = measure_crypten(rank, folder)
    elif framework == "seal":
        # This file is run as a script, beside the other.
        seconds = importlib.import_module("calibrate_seal").measure(REPETITIONS)
    else:
        seconds = measure_spu(rank, framework.split("-")[1].upper(), address, PARTIES[framework])
    (folder / f"{rank}.json").write_text(json.dumps(seconds))


def calibrate(framework: str, address: str) -> dict[str, Any]:
    """Runs all parties and returns the profile."""
    package = PACKAGES.get(framework, "spu")
    if importlib.util.find_spec(package) is None:
        remedy = f"pip install {package}, or take another Python"
        sys.exit(f"{package} is not installed in {sys.executable}: {remedy}")
    parties = range(PARTIES[framework])
    with tempfile.TemporaryDirectory(prefix="hawkeye-calibrate-") as name:
        folder = Path(name)
        command = [sys.executable, __file__, framework, "--folder", name, "--address", address, "--rank"]
        # SPU logs to standard output, where the profile goes.
        started = [subprocess.Popen([*command, str(rank)], stdout=sys.stderr) for rank in parties]
        codes = [process.wait() for process in started]
        if any(codes):
            cause = f"the installed {package} may be of another version"
            sys.exit(f"a party failed, with what stands above; {cause}")
        measured = [json.loads((folder / f"{rank}.json").read_text()) for rank in parties]
    # The parties wait for one another, so the slowest counts.
    seconds = {primitive: max(each[primitive] for each in measured) for primitive in measured[0]}
    if framework == "crypten":
        profile = crypten_profile(seconds)
    elif framework == "seal":
        print("oblivious transfers and garbled gates are not timed but taken from seal-cpu", file=sys.stderr)
        profile = {"work": seconds | _NOT_TIMED}
    elif framework == "spu-cheetah":
        profile = cheetah_profile(seconds)
    else:
        profile = spu_profile(seconds, framework.split("-")[1].upper())
    shared = {} if framework == "seal" else {"cores": os.cpu_count() or 1}
    return {
        "profile": f"{framework}-{platform.node() or 'here'}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "source": f"measured: hawkeye calibrate {framework}, parties on one machine",
        "evidence": "measured",
        **shared,
        **profile,
    }


def main(arguments: list[str]) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="hawkeye calibrate", description=__doc__.split("\n")[0])
    parser.add_argument("framework", choices=sorted(PARTIES))
    parser.add_argument("-o", "--output", type=Path, help="file that is written; standard output if left out")
    parser.add_argument("--address", default="127.0.0.1:29700", help="where SPU's first party listens")
    parser.add_argument("--rank", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.rank is not None:
        party(options.framework, options.rank, options.folder, options.address)
        return
    # JSON is YAML.
    text = json.dumps(calibrate(options.framework, options.address), indent=2) + "\n"
    if options.output is None:
        sys.stdout.write(text)
    else:
        options.output.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
