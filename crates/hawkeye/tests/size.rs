//! Large models: time and memory grow with the nodes, not with the weights.

use hawkeye_testing::decoder;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use decoder::{Decoder, Weights};
use hawkeye::{Framework, Options, Report, analyse, load};

fn profile(path: &std::path::Path) -> Report {
    let model = load(path).expect("it is a model");
    let framework = Framework::open("crypten").expect("it is built in");
    analyse(&model, "decoder.onnx", framework, &Options::default()).expect("it profiles")
}

/// Seconds of this thread on a processor, where the system tells.
fn processor_time() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

#[test]
fn thirteen_gigabytes_that_do_not_exist() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("decoder.onnx");
    std::fs::write(&path, Decoder::LARGE.file()).expect("it is written");
    let start = processor_time();
    let report = profile(&path);
    assert!(report.model.parameters > 6_000_000_000);
    if let (Some(start), Some(end)) = (start, processor_time()) {
        assert!(end - start < 1.0, "{} s", end - start);
    }
}

#[test]
fn a_file_of_two_gigabytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("decoder.onnx");
    // A message field may be given in pieces, which are merged: the graph, and one more initializer of
    // 2 GB, whose bytes are a hole in the file.
    let mut file = File::create(&path).expect("it can be made");
    file.write_all(&Decoder::narrow(2).file()).expect("it is written");
    let elements: u64 = 1 << 29;
    let length = 4 * elements;
    let mut tensor = vec![0x08];
    varint(&mut tensor, elements);
    tensor.extend([0x10, 1, 0x42, 4]);
    tensor.extend(b"hole");
    tensor.push(0x4a);
    varint(&mut tensor, length);
    let mut initializer = vec![0x2a];
    varint(&mut initializer, tensor.len() as u64 + length);
    initializer.extend(&tensor);
    let mut graph = vec![0x3a];
    varint(&mut graph, initializer.len() as u64 + length);
    graph.extend(&initializer);
    file.write_all(&graph).expect("it is written");
    let end = file.seek(SeekFrom::Current(i64::try_from(length).expect("2 GB"))).expect("it is sparse");
    file.set_len(end).expect("it is sparse");
    assert!(profile(&path).model.parameters > elements);
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[test]
fn time_grows_with_the_nodes() {
    let folder = tempfile::tempdir().expect("a folder");
    let time = |layers: usize| {
        let path = folder.path().join("decoder.onnx");
        std::fs::write(&path, Decoder { weights: Weights::External, ..Decoder::narrow(layers) }.file())
            .expect("it is written");
        let start = processor_time()?;
        profile(&path);
        Some(processor_time()? - start)
    };
    time(8);
    if let (Some(few), Some(many)) = (time(100), time(800)) {
        assert!(many < 24.0 * few, "8 times the nodes took {few} s, then {many} s");
    }
}
