//! Losses and optimizers against PyTorch (`make_training.py`).

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use common::{Net, Runner, compare};
use hawkeye_grad::Loss;
use serde_json::Value;

fn fixtures() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/training.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

#[test]
fn losses() {
    for case in fixtures()["losses"].as_array().unwrap() {
        let loss: Loss = case["name"].as_str().unwrap().parse().unwrap();
        println!("{loss}");
        let shape: Vec<u64> = case["shape"].as_array().unwrap().iter().map(|d| d.as_u64().unwrap()).collect();
        let mut net = Net::new(18);
        let x = net.given(&shape, numbers(&case["output"]));
        let z = net.op("Identity", &[x], &[]);
        let step = net.step(z, loss, "sgd", 1);
        let runner = Runner::new(&step.graph, &[step.loss, step.gradients[z].unwrap()]);
        let found = runner.run(&[numbers(&case["output"]), numbers(&case["target"])]);
        let expected = [vec![case["loss"].as_f64().unwrap() as f32], numbers(&case["gradient"])];
        compare(&found[0], &expected[0], 1e-5, &format!("{loss}"));
        compare(&found[1], &expected[1], 1e-5, &format!("gradient of {loss}"));
    }
}

/// Three steps, each handed the state of the one before; the first makes its own.
#[test]
fn optimizers() {
    for case in fixtures()["optimizers"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        println!("{name}");
        let mut parameter = numbers(&case["start"]);
        let mut state: Option<Vec<Vec<f32>>> = None;
        for (index, gradient) in case["gradients"].as_array().unwrap().iter().enumerate() {
            let mut net = Net::new(18);
            let x = net.given(&[3, 2], parameter.clone());
            let z = net.op("Identity", &[x], &[]);
            // The gradient of −Σ y·z / N is −y / N.
            let step = net.step(z, Loss::Nll, name, index as u64 + 1);
            let target = numbers(gradient).iter().map(|g| -3.0 * g).collect();
            let wanted = step.graph.inputs.len() - 2;
            let before = state.take().filter(|state| !state.is_empty());
            let before = before.unwrap_or_else(|| vec![vec![0.0; 6]; wanted]);
            let before = if wanted == 0 { Vec::new() } else { before };
            let data = [vec![parameter, target], before].concat();
            let mut found = Runner::new(&step.graph, &step.graph.outputs[1..]).run(&data);
            state = Some(found.split_off(1));
            parameter = found.remove(0);
            let expected = numbers(&case["after"][index]);
            compare(&parameter, &expected, 1e-5, &format!("{name}, step {}", index + 1));
        }
    }
}

#[test]
fn the_first_momentum_is_the_gradient() {
    let mut net = Net::new(18);
    let x = net.input(&[2, 2]);
    let z = net.op("Tanh", &[x], &[]);
    let names = |step| -> Vec<String> {
        let step = net.step(z, Loss::Mse, "sgd:momentum=0.9", step);
        let name = |id| step.graph.value(id).name.clone();
        step.graph.inputs.iter().chain(&step.graph.outputs).map(|id| name(*id)).collect()
    };
    assert_eq!(names(1), ["input0", "target", "loss", "new/input0", "new/momentum/input0"]);
    assert_eq!(
        names(2),
        ["input0", "target", "momentum/input0", "loss", "new/input0", "new/momentum/input0"]
    );
}

/// CrypTen drops elements whose size is not below the threshold.
#[test]
fn large_gradients_are_dropped() {
    let mut net = Net::new(18);
    let x = net.given(&[1, 3], vec![0.0; 3]);
    let z = net.op("Identity", &[x], &[]);
    let step = net.step(z, Loss::Nll, "sgd:lr=1,grad_threshold=0.5", 1);
    let found = Runner::new(&step.graph, &step.graph.outputs[1..]).run(&[vec![0.0; 3], vec![0.4, 0.6, -0.3]]);
    compare(&found[0], &[0.4, 0.0, -0.3], 1e-5, "new parameter");
}

/// A step is made of parts, in order and without gaps.
#[test]
fn parts_cover_the_step() {
    let mut net = Net::new(18);
    let (x, w) = (net.input(&[2, 3]), net.input(&[3, 2]));
    let y = net.op("MatMul", &[x, w], &[]);
    let y = net.op("Relu", &[y], &[]);
    let step = net.step(y, Loss::Mse, "adam", 1);
    let mut next = net.graph.nodes.len();
    for (part, range) in &step.parts {
        assert_eq!(range.start, next, "{part:?}");
        next = range.end;
    }
    assert_eq!(next, step.graph.nodes.len());
    for (index, node) in net.graph.nodes.iter().enumerate() {
        assert_eq!((&node.op, &node.inputs), (&step.graph.nodes[index].op, &step.graph.nodes[index].inputs));
    }
}
