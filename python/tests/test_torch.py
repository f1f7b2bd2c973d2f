"""Torch modules are exported in memory, and their weights go nowhere."""

import pytest

import hawkeye

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")


class Net(torch.nn.Module):
    """A convolution and what usually follows."""

    def __init__(self, width=8):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, width, 3)
        self.linear = torch.nn.Linear(width * 13 * 13, 10)

    def forward(self, x):
        x = torch.nn.functional.max_pool2d(torch.relu(self.conv(x)), 2)
        return self.linear(torch.flatten(x, 1))


IMAGE = (torch.zeros(1, 1, 28, 28),)


def test_both_exporters_cost_the_same():
    dynamo = hawkeye.profile(Net().eval(), "cryptflow2", args=IMAGE)
    script = hawkeye.profile(Net().eval(), "cryptflow2", args=IMAGE, export={"dynamo": False})
    assert dynamo.totals == script.totals


def test_modules_on_the_meta_device_have_no_weights_to_copy():
    with torch.device("meta"):
        large = Net(width=65536).eval()
        image = (torch.zeros(1, 1, 28, 28),)
    assert hawkeye.profile(large, "cryptflow2", args=image).totals.online.bytes > 0


def test_a_module_needs_inputs():
    with pytest.raises(TypeError, match="args="):
        hawkeye.profile(Net(), "crypten")


def test_a_module_that_can_not_be_exported_says_so():
    class Bad(torch.nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(hawkeye.HawkEyeError, match="export"):
        hawkeye.profile(Bad(), "crypten", args=IMAGE)
