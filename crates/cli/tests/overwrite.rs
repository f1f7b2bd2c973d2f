//! Nothing is written onto what is read.
#![cfg(unix)]

mod common;

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::symlink;

use common::{Folder, succeeds, text};

#[test]
fn no_input_is_overwritten() {
    let folder = Folder::new();
    let before = fs::read(folder.path("model.onnx")).expect("it can be read");
    symlink("model.onnx", folder.path("link.onnx")).expect("it is linked");
    fs::hard_link(folder.path("model.onnx"), folder.path("other.onnx")).expect("it is linked");
    let report = folder.run(&["profile", "model.onnx", "-f", "crypten", "-o", "report.yaml"]);
    succeeds(&report);
    fs::write(folder.path("net.yaml"), "bandwidth: 100Mbit/s\nrtt: 1ms\n").expect("it is written");
    fs::write(folder.path("mine.star"), "def ltz(n):\n    exchange(n)\n").expect("it is written");
    succeeds(&folder.run(&["frameworks", "new", "mine"]));
    let cases: [&[&str]; 17] = [
        &["profile", "model.onnx", "-f", "crypten", "-o", "model.onnx"],
        &["profile", "model.onnx", "-f", "crypten", "-o", "./link.onnx"],
        &["profile", "link.onnx", "-f", "crypten", "-o", "other.onnx"],
        &["strip", "model.onnx", "-o", "model.onnx"],
        &["annotate", "model.onnx", "-f", "crypten", "-o", "model.onnx"],
        &["grad", "model.onnx", "-o", "model.onnx"],
        &["sweep", "model.onnx", "-f", "crypten", "-o", "model.onnx"],
        &["budget", "model.onnx", "-f", "crypten", "-o", "model.onnx"],
        &["shapes", "model.onnx", "-o", "model.onnx"],
        &["optimize", "model.onnx", "-f", "crypten", "-o", "model.onnx"],
        &["profile", "model.onnx", "-f", "crypten", "--overlay", "mine.star", "-o", "mine.star"],
        &["profile", "model.onnx", "-f", "crypten", "--network", "lan-1g,net.yaml", "-o", "net.yaml"],
        &["profile", "model.onnx", "-f", "./mine", "-o", "mine/mine.star"],
        &["profile", "model.onnx", "-f", "./mine", "-o", "mine/framework.yaml"],
        &["sweep", "model.onnx", "-f", "crypten", "--network", "net.yaml", "-o", "net.yaml"],
        &["compare", "model.onnx", "report.yaml", "-f", "crypten", "-o", "report.yaml"],
        &["check", "model.onnx", "-f", "crypten", "--baseline", "report.yaml", "-o", "report.yaml"],
    ];
    for arguments in cases {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains("would overwrite the input"), "{}", text(&output.stderr));
    }
    // The same sheet has other names.
    fs::hard_link(folder.path("mine/mine.star"), folder.path("same.csv")).expect("it is linked");
    fs::rename(folder.path("mine/tests.yaml"), folder.path("elsewhere.yaml")).expect("it is moved");
    symlink("../elsewhere.yaml", folder.path("mine/tests.yaml")).expect("it is linked");
    for path in ["same.csv", "elsewhere.yaml"] {
        let output = folder.run(&["profile", "model.onnx", "-f", "./mine", "-o", path]);
        assert!(text(&output.stderr).contains("would overwrite the input"), "{}", text(&output.stderr));
    }
    assert_eq!(fs::read(folder.path("model.onnx")).expect("it can be read"), before);
    let mut command = folder.command(&["strip", "-", "-o", "model.onnx"]);
    let output = command.stdin(File::open(folder.path("model.onnx")).expect("it opens")).output();
    assert_eq!(output.expect("it starts").status.code(), Some(2), "nor by way of standard input");
}

/// The file in which a model's weights lie is read with it.
#[test]
fn weights_in_a_file_of_their_own_are_not_overwritten() {
    use hawkeye_onnx::wire::{
        GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    };
    use prost::Message;
    let entry = |key: &str, value: &str| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    };
    let weight = TensorProto {
        name: Some("w".to_owned()),
        dims: vec![512],
        data_type: Some(1),
        data_location: Some(1),
        external_data: vec![entry("location", "model.data")],
        ..TensorProto::default()
    };
    let graph = GraphProto { initializer: vec![weight], ..GraphProto::default() };
    let opset_import = vec![OperatorSetIdProto { version: Some(17), ..OperatorSetIdProto::default() }];
    let model = ModelProto { ir_version: Some(8), graph: Some(graph), opset_import, ..ModelProto::default() };
    let folder = Folder::new();
    fs::write(folder.path("external.onnx"), model.encode_to_vec()).expect("it is written");
    fs::write(folder.path("model.data"), [0; 2048]).expect("it is written");
    let mut command = folder.command(&["shapes", "-", "-o", "model.data"]);
    let output = command.stdin(File::open(folder.path("external.onnx")).expect("it opens")).output();
    assert!(text(&output.expect("it starts").stderr).contains("would overwrite the input"));
    for arguments in [&["shapes"][..], &["strip"], &["profile", "-f", "crypten"]] {
        let output = folder.run(&[arguments, &["external.onnx", "-o", "model.data"]].concat());
        let said = text(&output.stderr);
        assert!(said.contains("would overwrite the input model.data"), "{said}");
    }
    assert_eq!(fs::read(folder.path("model.data")).expect("it can be read"), [0; 2048]);
}

/// A shell that redirects output to an input would lose it just so.
#[test]
fn standard_output_is_no_input() {
    let folder = Folder::new();
    let before = fs::read(folder.path("model.onnx")).expect("it can be read");
    for arguments in [&["strip", "model.onnx", "-o", "-"][..], &["shapes", "model.onnx"]] {
        let file = OpenOptions::new().append(true).open(folder.path("model.onnx")).expect("it opens");
        let output = folder.command(arguments).stdout(file).output().expect("it starts");
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("would overwrite the input"), "{}", text(&output.stderr));
    }
    assert_eq!(fs::read(folder.path("model.onnx")).expect("it can be read"), before);
}

/// All that a project's file names is read with it.
#[test]
fn what_a_project_names_is_not_overwritten() {
    let folder = Folder::new();
    succeeds(&folder.run(&["frameworks", "export", "crypten", "mine"]));
    fs::write(folder.path("net.yaml"), "bandwidth: 100Mbit/s\nrtt: 1ms\n").expect("it is written");
    let project = "frameworks = [\"./mine\"]\nnetwork = \"./net.yaml\"\nmax = [\"bytes=1GiB\"]\n\
                   [[model]]\npath = \"model.onnx\"\n";
    fs::write(folder.path("hawkeye.toml"), project).expect("it is written");
    succeeds(&folder.run(&["check"]));
    for path in ["hawkeye.toml", "model.onnx", "net.yaml", "mine/framework.yaml", "mine/beaver.star"] {
        let output = folder.run(&["check", "-o", path]);
        assert!(
            text(&output.stderr).contains("would overwrite the input"),
            "{path}: {}",
            text(&output.stderr)
        );
    }
}
