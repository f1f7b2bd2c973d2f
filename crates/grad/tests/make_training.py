#!/usr/bin/env python3
"""Writes fixtures/training.json: what PyTorch makes of losses and optimizers.

    python3 crates/grad/tests/make_training.py

Made with PyTorch 1.12.1. Losses: the value and the gradient of the output. Optimizers: a parameter after
each of three steps with given gradients.
"""
import json
import os

import torch
import torch.nn.functional as F

torch.manual_seed(7)


def flat(tensor):
    return [float(x) for x in tensor.detach().flatten()]


def loss(name, z, y, function):
    z = z.clone().requires_grad_()
    value = function(z, y)
    value.backward()
    return {"name": name, "shape": list(z.shape), "output": flat(z), "target": flat(y), "loss": float(value),
            "gradient": flat(z.grad)}


def losses():
    z = torch.randn(4, 5)
    hot = F.one_hot(torch.tensor([1, 4, 0, 2]), 5).float()
    soft = torch.softmax(torch.randn(4, 5), 1)
    logs = torch.log_softmax(torch.randn(4, 5), 1)
    chance = torch.sigmoid(torch.randn(4, 5))
    # Certain and wrong: PyTorch bounds logarithms and quotients here.
    sure = torch.tensor([[0.0, 1.0, 0.5]])
    return [
        loss("cross_entropy", z, hot, F.cross_entropy),
        loss("cross_entropy", z, soft, F.cross_entropy),
        loss("nll", logs, hot, lambda z, y: F.nll_loss(z, y.argmax(1))),
        loss("mse", z, soft, F.mse_loss),
        loss("mse", torch.randn(2, 3, 4), torch.randn(2, 3, 4), F.mse_loss),
        loss("l1", z, soft, F.l1_loss),
        loss("bce", chance, soft, F.binary_cross_entropy),
        loss("bce", sure, torch.tensor([[1.0, 1.0, 0.0]]), F.binary_cross_entropy),
        loss("bce_with_logits", z, soft, F.binary_cross_entropy_with_logits),
        loss("kl_div", logs, soft, lambda z, y: F.kl_div(z, y, reduction="batchmean")),
        loss("kl_div", logs, hot, lambda z, y: F.kl_div(z, y, reduction="batchmean")),
    ]


def optimizer(text, make):
    parameter = torch.nn.Parameter(torch.randn(3, 2))
    start = flat(parameter)
    rule = make([parameter])
    gradients, after = [], []
    for _ in range(3):
        parameter.grad = torch.randn(3, 2)
        gradients.append(flat(parameter.grad))
        rule.step()
        after.append(flat(parameter))
    return {"name": text, "start": start, "gradients": gradients, "after": after}


def optimizers():
    o = torch.optim
    return [
        optimizer("sgd:lr=0.1", lambda p: o.SGD(p, 0.1)),
        optimizer("sgd:lr=0.1,weight_decay=0.2", lambda p: o.SGD(p, 0.1, weight_decay=0.2)),
        optimizer("sgd:lr=0.1,momentum=0.9", lambda p: o.SGD(p, 0.1, momentum=0.9)),
        optimizer("sgd:lr=0.1,momentum=0.9,dampening=0.3,weight_decay=0.2",
                  lambda p: o.SGD(p, 0.1, momentum=0.9, dampening=0.3, weight_decay=0.2)),
        optimizer("sgd:lr=0.1,momentum=0.8,nesterov=true",
                  lambda p: o.SGD(p, 0.1, momentum=0.8, nesterov=True)),
        optimizer("adam:lr=0.1", lambda p: o.Adam(p, 0.1)),
        optimizer("adam:lr=0.1,beta1=0.8,beta2=0.95,eps=0.01,weight_decay=0.2",
                  lambda p: o.Adam(p, 0.1, (0.8, 0.95), 0.01, 0.2)),
        optimizer("adamw:lr=0.1,weight_decay=0.2", lambda p: o.AdamW(p, 0.1, weight_decay=0.2)),
        optimizer("rmsprop:lr=0.1", lambda p: o.RMSprop(p, 0.1)),
        optimizer("rmsprop:lr=0.1,alpha=0.9,eps=0.01,weight_decay=0.2,momentum=0.7,centered=true",
                  lambda p: o.RMSprop(p, 0.1, 0.9, 0.01, 0.2, 0.7, True)),
        optimizer("adagrad:lr=0.1", lambda p: o.Adagrad(p, 0.1)),
        optimizer("adagrad:lr=0.1,lr_decay=0.5,weight_decay=0.2,eps=0.01",
                  lambda p: o.Adagrad(p, 0.1, 0.5, 0.2, eps=0.01)),
    ]


if __name__ == "__main__":
    path = os.path.join(os.path.dirname(__file__), "fixtures", "training.json")
    with open(path, "w") as file:
        json.dump({"losses": losses(), "optimizers": optimizers()}, file, indent=1)
        file.write("\n")
