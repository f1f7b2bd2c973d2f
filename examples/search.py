"""Search a space of CIFAR ResNets and MobileNets for what costs least, on local threads, Dask or Ray.

    python examples/search.py --points 10000 --executor dask --framework spu-semi2k --plot front.png

Each point is a function from parameters to the bytes of an ONNX model without weights; nothing is trained
and nothing is written but the rows (`--resume`) and the plot.
"""

from __future__ import annotations

import argparse
import itertools
import random

from onnx import TensorProto, helper

import hawkeye


class Builder:
    """A graph under construction; weights have shapes, but no data."""

    def __init__(self) -> None:
        self.nodes, self.weights, self.count = [], [], 0

    def weight(self, *shape: int) -> str:
        """A weight whose data is said to be elsewhere."""
        name = f"w{len(self.weights)}"
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="elsewhere")
        self.weights.append(tensor)
        return name

    def op(self, kind: str, *inputs: str, **attributes: object) -> str:
        """A node; returns its output."""
        self.count += 1
        output = f"v{self.count}"
        self.nodes.append(
            helper.make_node(kind, list(inputs), [output], f"{kind}_{self.count}", **attributes)
        )
        return output

    def conv(self, x: str, cin: int, cout: int, kernel: int, stride: int = 1, group: int = 1) -> str:
        """A convolution that keeps the map's size, but for the stride."""
        weight = self.weight(cout, cin // group, kernel, kernel)
        pads = [kernel // 2] * 4
        return self.op("Conv", x, weight, self.weight(cout), pads=pads, strides=[stride] * 2, group=group)

    def bytes(self, output: str, classes: int) -> bytes:
        """The model."""
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])
        logits = helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, classes])
        graph = helper.make_graph(self.nodes, "variant", [image], [logits], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        return model.SerializeToString()


def variant(family: str, depth: int, width: int, activation: str, pool: str, head: int) -> bytes:
    """A network: ResNet blocks, or inverted residuals of MobileNet-V2."""
    b = Builder()

    def act(x: str) -> str:
        return b.op("Mul", x, x) if activation == "square" else b.op(activation, x)

    x, channels = act(b.conv("image", 3, width, 3)), width
    for stage in range(3):
        for block in range(depth):
            stride = 2 if stage and not block else 1
            out = width << stage
            if family == "resnet":
                y = b.conv(act(b.conv(x, channels, out, 3, stride)), out, out, 3)
            else:
                wide = channels * 4
                y = act(b.conv(x, channels, wide, 1))
                y = b.conv(act(b.conv(y, wide, wide, 3, stride, group=wide)), wide, out, 1)
            skip = x if stride == 1 and channels == out else b.conv(x, channels, out, 1, stride)
            x, channels = act(b.op("Add", y, skip)), out
    if pool == "max":
        x = b.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = b.op("Flatten", b.op("GlobalAveragePool", x))
    if head:
        x, channels = act(b.op("Gemm", x, b.weight(head, channels), b.weight(head), transB=1)), head
    return b.bytes(b.op("Gemm", x, b.weight(10, channels), b.weight(10), transB=1), 10)


GRID = {
    "family": ["resnet", "mobilenet"],
    "depth": list(range(1, 10)),
    "width": list(range(8, 72, 2)),
    "activation": ["Relu", "square", "LeakyRelu", "Sigmoid"],
    "pool": ["none", "max"],
    "head": [0, 64, 128],
}


def main() -> None:
    """Run the search."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--framework", default="crypten")
    parser.add_argument("--executor", choices=["threads", "dask", "ray"], default="threads")
    parser.add_argument("--network", help="predict seconds, too, on a network such as wan-400m")
    parser.add_argument("--resume", default="search.sqlite")
    parser.add_argument("--plot")
    arguments = parser.parse_args()

    points = list(itertools.product(*GRID.values()))
    random.Random(0).shuffle(points)
    chosen = [dict(zip(GRID, values)) for values in points[: arguments.points]]
    goals = ["bytes", "rounds"]
    if arguments.network:
        chosen = [{**point, "network": arguments.network} for point in chosen]
        goals.append("seconds")

    executor = None
    if arguments.executor == "dask":
        from distributed import Client

        executor = Client(processes=True).get_executor()
    elif arguments.executor == "ray":
        executor = hawkeye.RayExecutor()
    rows = hawkeye.sweep(
        variant, arguments.framework, points=chosen, executor=executor, resume=arguments.resume
    )
    failed = [row for row in rows if row["error"]]
    print(f"{len(rows)} points, {len(failed)} failed")
    front = rows.pareto(*goals)
    for row in sorted(front, key=lambda row: row["bytes"]):
        print({name: row[name] for name in (*GRID, *goals)})
    if arguments.plot:
        from matplotlib import pyplot

        whole = [row for row in rows if not row["error"]]
        figure, panes = pyplot.subplots(1, len(goals) - 1, squeeze=False, figsize=(6 * (len(goals) - 1), 4))
        for axes, goal in zip(panes[0], goals[1:]):
            axes.loglog([r["bytes"] for r in whole], [r[goal] for r in whole], ".", alpha=0.2)
            axes.loglog([r["bytes"] for r in front], [r[goal] for r in front], "o")
            axes.set_xlabel("bytes")
            axes.set_ylabel(goal)
        figure.tight_layout()
        figure.savefig(arguments.plot)


if __name__ == "__main__":
    main()
