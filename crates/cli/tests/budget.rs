//! `hawkeye budget`: what a training script reads and writes.

mod common;

use common::{command_line, text};
use serde_json::Value;

/// The command's output as JSON.
fn budget(arguments: &[&str]) -> Value {
    let all = [&["budget", "lenet5.onnx", "-f", "crypten", "--format", "json"], arguments].concat();
    let output = command_line(&all);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

#[test]
fn a_layer_list_goes_on_where_a_front_was_left() {
    let whole = budget(&[]);
    let folder = tempfile::tempdir().expect("there is room");
    let list = folder.path().join("replaced.yaml");
    let first = &whole["front"][0];
    std::fs::write(&list, format!("[{}]", first["replaced"])).expect("it can be written");
    let rest = budget(&["--replaced", &list.to_string_lossy()]);
    assert_eq!(rest["price"]["bytes"], first["bytes"]);
    assert_eq!(rest["elements"], first["elements"]);
}

#[test]
fn what_is_no_layer_list_is_refused_with_its_place() {
    let folder = tempfile::tempdir().expect("there is room");
    let list = folder.path().join("replaced.yaml");
    std::fs::write(&list, "relu: 1").expect("it can be written");
    let output =
        command_line(&["budget", "lenet5.onnx", "-f", "crypten", "--replaced", &list.to_string_lossy()]);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(message.contains("replaced.yaml") && message.contains("a YAML list of layers"), "{message}");
}

#[test]
fn the_text_tells_whether_counting_activations_tells_the_cost() {
    let of = |model, framework| text(&command_line(&["budget", model, "-f", framework]).stdout);
    assert!(of("lenet5.onnx", "cryptflow2").contains("products do"));
    assert!(of("../delphi/models/lenet.onnx", "delphi").contains("their number tells the cost"));
}

#[test]
fn seconds_are_told_where_there_is_a_network() {
    assert!(budget(&[])["price"].get("seconds").is_none());
    let timed = budget(&["--network", "wan-100m"]);
    let seconds = |value: &Value| value["seconds"].as_f64().expect("there are seconds");
    let front = timed["front"].as_array().expect("there is a front");
    assert!(front.iter().all(|point| seconds(point) < seconds(&timed["price"])));
}

#[test]
fn a_page_has_a_point_for_the_model_and_each_layer() {
    let arguments = ["budget", "lenet5.onnx", "-f", "crypten", "--network", "wan-100m", "--format", "html"];
    let page = text(&command_line(&arguments).stdout);
    let count = |what: &str| page.matches(what).count();
    assert_eq!((count("<svg"), count("<circle"), count("<table>")), (3, 15, 2));
    assert!(page.contains("Relu_1: 1804 elements, 11,191,520 bytes"));
}
