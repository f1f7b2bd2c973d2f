//! ONNX models under SIRNN: operators beside measured layers, quantised exports, the switches.

use std::collections::BTreeMap;

use hawkeye::{Bindings, Failure, Options, Report};
use hawkeye_testing::{fixtures, profile};
use serde::Deserialize;

fn report(model: &str, settings: &[(&str, &str)]) -> Result<Report, Failure> {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    // The exports of PyTorch leave the batch open.
    let bindings = Bindings { batch: model.starts_with("../").then_some(1), ..Bindings::default() };
    let options = Options { settings: settings.collect(), bindings, depth: 1, ..Options::default() };
    profile(&fixtures().join("sirnn/models").join(model), "sirnn", &options)
}

/// Bytes after set-up.
fn online(model: &str, settings: &[(&str, &str)]) -> u64 {
    report(model, settings).expect("it can be profiled").totals.online.bytes
}

/// A model of one operator, and the measured row of the layer that it becomes.
#[derive(Deserialize)]
struct Measured {
    model: String,
    settings: BTreeMap<String, u32>,
    row: Row,
}

/// As in the tables of layers: name, parameters, bytes by socket and party, rounds by socket.
#[derive(Deserialize)]
struct Row(#[expect(dead_code, reason = "for readers")] String, Vec<i64>, [u64; 4], [u64; 2]);

#[test]
fn operators_send_what_their_layers_sent() {
    let text =
        std::fs::read_to_string(fixtures().join("sirnn/operators.jsonl")).expect("the fixture is there");
    for line in text.lines() {
        let Measured { model, settings, row } = serde_json::from_str(line).expect("a model per line");
        let settings: Vec<_> =
            settings.iter().map(|(name, value)| (name.as_str(), value.to_string())).collect();
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let report = report(&model, &settings).expect("it can be profiled");
        let mut sent = [0; 4];
        for link in report.links.iter().filter(|link| link.phase == "online") {
            sent[usize::from(link.from) + if link.channel == "io_rev" { 2 } else { 0 }] += link.bytes;
        }
        assert_eq!(sent, row.2, "{model}: {:?}", row.1);
        // Directions were cleared before the row; here the first message goes on in that of set-up's last one.
        assert_eq!(report.totals.online.rounds + 1, row.3[0], "{model}");
    }
}

#[test]
fn exports_of_one_network_cost_the_same() {
    for protocol in ["sirnn", "privquant", "eqo"] {
        let settings = [("protocol", protocol)];
        let qdq = online("network_qdq.onnx", &settings);
        for model in ["network_qoperator.onnx", "network_qdq_per_channel.onnx"] {
            assert_eq!(online(model, &settings), qdq, "{model} under {protocol}");
        }
    }
    // LeakyRelu and hard swish too, which QOperator has as QLinearLeakyRelu and as products.
    assert_eq!(online("block_qoperator.onnx", &[]), online("block_qdq.onnx", &[]));
    // By ONNX Runtime, and by PyTorch (PT2E).
    assert_eq!(online("lenet_pt2e.onnx", &[]), online("lenet_qdq.onnx", &[]));
    let eight = [("weight_bits", "8"), ("activation_bits", "8")];
    assert_eq!(online("network_qdq_symmetric.onnx", &[]), online("network_float.onnx", &eight));
}

#[test]
fn widths_of_the_model_are_not_overridden() {
    let four = [("weight_bits", "4"), ("activation_bits", "6")];
    assert_eq!(online("network_qdq.onnx", &four), online("network_qdq.onnx", &[]));
    assert!(online("network_qdq_int4.onnx", &[]) < online("network_qdq.onnx", &[]));
}

/// The switches of a protocol, one by one.
const EQO: [(&str, &str); 6] = [
    ("operand_side", "cheaper"),
    ("accumulator", "full"),
    ("conversion", "fused"),
    ("known_sign", "used"),
    ("residual", "narrower"),
    ("convolution", "winograd"),
];

#[test]
fn a_protocol_is_its_switches() {
    let of = |settings: &[(&str, &str)]| report("network_float.onnx", settings).expect("it can be profiled");
    let (named, switched) = (of(&[("protocol", "eqo")]), of(&EQO));
    assert_eq!(named.totals, switched.totals);
    assert_eq!(named.operators, switched.operators);
}

#[test]
fn a_cheaper_side_is_no_dearer_than_either() {
    let with = |side| online("network_float.onnx", &[("protocol", "privquant"), ("operand_side", side)]);
    let cheaper = with("cheaper");
    assert!(cheaper <= with("weights") && cheaper <= with("activations"));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let refused = |model, settings: &[(&str, &str)], reason: &str| {
        let failure = report(model, settings).expect_err("it is refused").to_string();
        assert!(failure.contains(reason), "{failure}");
    };
    refused(
        "network_float.onnx",
        &[("convolution", "winograd")],
        "needs accumulator=full and conversion=fused",
    );
    refused("network_float.onnx", &[("operand_side", "cheaper")], "needs accumulator=full");
    refused("network_dynamic.onnx", &[], "quantise the model statically");
}

/// What docs/QUANTISED.md calls its networks.
const NETWORKS: [(&str, &str); 5] = [
    ("ResNet-32, CIFAR-100", "resnet32.onnx"),
    ("ResNet-18, CIFAR-100", "resnet18_cifar.onnx"),
    ("ResNet-18, 224 x 224", "../../models/resnet18.onnx"),
    ("ResNet-50, 224 x 224", "../../models/resnet50.onnx"),
    ("MobileNet-V2, 224 x 224", "mobilenet_v2.onnx"),
];

/// Megabytes with separators, as the table has them.
fn megabytes(bytes: u64) -> String {
    let rounded = (bytes + 500_000) / 1_000_000;
    if rounded < 1000 { rounded.to_string() } else { format!("{},{:03}", rounded / 1000, rounded % 1000) }
}

#[test]
fn the_table_in_the_documentation_holds() {
    let text =
        std::fs::read_to_string(fixtures().join("../docs/QUANTISED.md")).expect("the document is there");
    let mut model = "";
    let mut rows = 0;
    for line in text.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let Some((_, file)) =
            cells.get(1).and_then(|name| NETWORKS.iter().find(|(known, _)| known == name))
        {
            model = file;
        }
        let Some((weights, activations)) =
            cells.get(2).and_then(|widths| widths.strip_prefix('w')).and_then(|w| w.split_once('a'))
        else {
            continue;
        };
        rows += 1;
        let mut rounds = Vec::new();
        for (protocol, cell) in ["sirnn", "privquant", "eqo"].into_iter().zip(&cells[3..6]) {
            let settings =
                [("protocol", protocol), ("weight_bits", weights), ("activation_bits", activations)];
            let online = report(model, &settings).expect("it can be profiled").totals.online;
            assert_eq!(megabytes(online.bytes), **cell, "{model} {protocol} w{weights}a{activations}");
            rounds.push(online.rounds.to_string());
        }
        assert_eq!(rounds.join(" / "), cells[8], "{model} w{weights}a{activations}");
    }
    assert_eq!(rows, 4 * NETWORKS.len());
}
