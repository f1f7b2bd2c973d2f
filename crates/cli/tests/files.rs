//! Where results go and where models come from: devices, pipes, links, modes, inputs.
#![cfg(unix)]

mod common;

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{command_line, text};
use hawkeye_testing::fixtures;
use tempfile::TempDir;

/// A folder of the test's own with a copy of LeNet-5 in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder can be made"));
        fs::copy(fixtures().join("models/lenet5.onnx"), folder.path("model.onnx")).expect("it is copied");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hawkeye"));
        command.args(arguments).current_dir(self.0.path());
        command
    }

    /// Writes a small result to a path.
    fn write_to(&self, path: &str) -> Output {
        self.run(&["profile", "model.onnx", "-f", "crypten", "--by", "phase", "--format", "csv", "-o", path])
    }

    fn names(&self) -> Vec<String> {
        let files = fs::read_dir(self.0.path()).expect("it exists");
        let mut names: Vec<String> =
            files.map(|f| f.expect("it is listed").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn is_result(path: &Path) -> bool {
    fs::read_to_string(path).expect("it can be read").starts_with("phase,")
}

#[track_caller]
fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn a_dash_is_standard_output() {
    let folder = Folder::new();
    let output = folder.write_to("-");
    succeeds(&output);
    assert!(output.stdout.starts_with(b"phase,"));
    let output = folder.run(&["strip", "model.onnx", "-o", "-"]);
    succeeds(&output);
    hawkeye::import(output.stdout.into(), None).expect("it is a model");
    assert_eq!(folder.names(), ["model.onnx"], "no file of that name is made");
}

#[test]
fn standard_output_by_its_path_keeps_its_position() {
    let folder = Folder::new();
    let mut file = File::create(folder.path("log")).expect("it is made");
    file.write_all(b"before\n").expect("it is written");
    let mut command = folder.command(&["frameworks", "list"]);
    let status = command.stdout(file.try_clone().expect("it is cloned")).status().expect("it starts");
    assert!(status.success());
    let mut command =
        folder.command(&["profile", "model.onnx", "-f", "crypten", "--format", "csv", "-o", "/dev/stdout"]);
    assert!(command.stdout(file.try_clone().expect("it is cloned")).status().expect("it starts").success());
    file.write_all(b"after\n").expect("it is written");
    let content = fs::read_to_string(folder.path("log")).expect("it can be read");
    assert!(content.starts_with("before\n") && content.ends_with("after\n"));
    assert!(content.contains("\noperator,"));
}

#[test]
fn a_pipe_is_written_to() {
    let folder = Folder::new();
    let pipe = folder.path("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts");
    assert!(made.success());
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read_to_string(pipe).expect("it can be read"))
    };
    succeeds(&folder.write_to("pipe"));
    assert!(reader.join().expect("it reads").starts_with("phase,"));
    assert!(fs::symlink_metadata(&pipe).expect("it is there").file_type().is_fifo());
}

#[test]
fn a_device_stays_a_device() {
    let folder = Folder::new();
    let device = folder.path("null");
    // Only those who may make devices could lose one.
    let made = Command::new("mknod").arg(&device).args(["c", "1", "3"]).stderr(Stdio::null()).status();
    let usable = made.is_ok_and(|status| status.success()) && fs::write(&device, "x").is_ok();
    if usable {
        succeeds(&folder.write_to("null"));
        assert!(fs::symlink_metadata(&device).expect("it is there").file_type().is_char_device());
    }
}

#[test]
fn links_are_followed() {
    let folder = Folder::new();
    fs::create_dir(folder.path("results")).expect("it is made");
    fs::write(folder.path("results/old.csv"), "old").expect("it is written");
    symlink("results/old.csv", folder.path("present")).expect("it is linked");
    symlink("results/new.csv", folder.path("absent")).expect("it is linked");
    symlink("absent", folder.path("chain")).expect("it is linked");
    for (link, file) in [("present", "results/old.csv"), ("chain", "results/new.csv")] {
        succeeds(&folder.write_to(link));
        assert!(fs::symlink_metadata(folder.path(link)).expect("it is there").is_symlink(), "{link}");
        assert!(is_result(&folder.path(file)), "{link}");
    }
    symlink("loop", folder.path("loop")).expect("it is linked");
    assert_eq!(folder.write_to("loop").status.code(), Some(2));
}

#[test]
fn other_names_of_a_file_stay_names_of_it() {
    let folder = Folder::new();
    // Longer than the result, so that what is left of it would show.
    fs::write(folder.path("a.csv"), vec![b'x'; 100_000]).expect("it is written");
    fs::hard_link(folder.path("a.csv"), folder.path("b.csv")).expect("it is linked");
    succeeds(&folder.write_to("a.csv"));
    let of = |name| fs::read(folder.path(name)).expect("it can be read");
    assert!(is_result(&folder.path("b.csv")));
    assert_eq!(of("a.csv"), of("b.csv"));
    assert!(!of("a.csv").contains(&b'x'));
}

#[test]
fn modes_stay() {
    let folder = Folder::new();
    let file = folder.path("result.csv");
    fs::write(&file, "old").expect("it is written");
    for mode in [0o600, 0o640, 0o755] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).expect("it is set");
        succeeds(&folder.write_to("result.csv"));
        let now = fs::metadata(&file).expect("it is there").permissions().mode();
        assert_eq!(now & 0o777, mode);
        assert!(is_result(&file));
    }
}

#[test]
fn owners_stay() {
    let folder = Folder::new();
    let file = folder.path("result.csv");
    fs::write(&file, "old").expect("it is written");
    // Only root may give files away.
    if std::os::unix::fs::chown(&file, Some(12_345), Some(12_345)).is_ok() {
        succeeds(&folder.write_to("result.csv"));
        let now = fs::metadata(&file).expect("it is there");
        assert_eq!((now.uid(), now.gid()), (12_345, 12_345));
        assert!(is_result(&file));
    }
}

#[test]
fn a_file_is_written_whole_or_stays() {
    let folder = Folder::new();
    fs::write(folder.path("result.csv"), "old").expect("it is written");
    let before = fs::metadata(folder.path("result.csv")).expect("it is there").ino();
    let output =
        folder.run(&["profile", "model.onnx", "-f", "crypten", "--parties", "99", "-o", "result.csv"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read(folder.path("result.csv")).expect("it can be read"), b"old");
    // A new file takes the place of the old at once: a reader sees one or the other.
    let mut reader = File::open(folder.path("result.csv")).expect("it opens");
    succeeds(&folder.write_to("result.csv"));
    let mut seen = String::new();
    reader.read_to_string(&mut seen).expect("it can be read");
    assert_eq!(seen, "old");
    assert_ne!(fs::metadata(folder.path("result.csv")).expect("it is there").ino(), before);
    assert_eq!(folder.names(), ["model.onnx", "result.csv"], "nothing else is left");
}

/// Runs the program as somebody who may not write everywhere, if the test may do so.
fn as_nobody(folder: &Folder, arguments: &[&str]) -> Option<Output> {
    use std::os::unix::process::CommandExt;
    let mut command = folder.command(arguments);
    if fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
        command.uid(65_534).gid(65_534);
    }
    command.output().ok()
}

#[test]
fn a_file_that_may_be_written_to_in_a_folder_that_may_not() {
    let folder = Folder::new();
    let inner = folder.path("locked");
    fs::create_dir(&inner).expect("it is made");
    fs::write(inner.join("open.csv"), vec![b'x'; 100_000]).expect("it is written");
    fs::write(inner.join("closed.csv"), "old").expect("it is written");
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is set");
    };
    mode(&inner.join("open.csv"), 0o666);
    mode(&inner.join("closed.csv"), 0o444);
    mode(&folder.path("model.onnx"), 0o644);
    mode(folder.0.path(), 0o755);
    let write = |path: &str| {
        let arguments = ["profile", "model.onnx", "-f", "crypten", "--by", "phase", "--format", "csv", "-o"];
        as_nobody(&folder, &[&arguments[..], &[path]].concat())
    };
    mode(&inner, 0o555);
    let open = write("locked/open.csv");
    let new = write("locked/new.csv");
    // Where the folder may be written to, the file's own protection still counts.
    mode(&inner, 0o777);
    let closed = write("locked/closed.csv");
    let (Some(open), Some(new), Some(closed)) = (open, new, closed) else { return };
    // Another user may not be let into the program's folder at all.
    if open.status.success() {
        assert!(is_result(&inner.join("open.csv")));
        for refused in [&new, &closed] {
            assert_eq!(refused.status.code(), Some(2));
            assert!(text(&refused.stderr).contains("can't be written"), "{}", text(&refused.stderr));
        }
        assert_eq!(fs::read(inner.join("closed.csv")).expect("it can be read"), b"old");
    }
}

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
    for arguments in [&["shapes"][..], &["strip"], &["profile", "-f", "crypten"]] {
        let output = folder.run(&[arguments, &["external.onnx", "-o", "model.data"]].concat());
        let said = text(&output.stderr);
        assert!(said.contains("would overwrite the input model.data"), "{said}");
    }
    assert_eq!(fs::read(folder.path("model.data")).expect("it can be read"), [0; 2048]);
}

#[test]
fn models_and_reports_come_through_pipes() {
    let folder = Folder::new();
    let expected = |name: &str| {
        let output = folder.run(&["profile", "model.onnx", "-f", "crypten"]);
        text(&output.stdout).replacen("model.onnx", name, 1)
    };
    for (path, name) in [("-", "stdin"), ("/dev/stdin", "stdin")] {
        for piped in [true, false] {
            let mut command = folder.command(&["profile", path, "-f", "crypten"]);
            let input = File::open(folder.path("model.onnx")).expect("it opens");
            if !piped {
                // A file behind standard input may be read by its own name.
                let output = command.stdin(input).output().expect("it starts");
                succeeds(&output);
                continue;
            }
            let mut cat = Command::new("cat").stdin(input).stdout(Stdio::piped()).spawn().expect("it starts");
            let output = command.stdin(cat.stdout.take().expect("it is piped")).output().expect("it starts");
            cat.wait().expect("it ends");
            succeeds(&output);
            assert_eq!(text(&output.stdout), expected(name));
        }
    }
    let report = folder.run(&["profile", "model.onnx", "-f", "crypten"]).stdout;
    for arguments in
        [&["check", "-", "--max", "bytes=1GiB"][..], &["compare", "-", "model.onnx", "-f", "crypten"]]
    {
        let mut child = folder
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        child.stdin.take().expect("it is piped").write_all(&report).expect("it is taken");
        assert!(child.wait().expect("it ends").success(), "{arguments:?}");
    }
    let twice = folder.run(&["compare", "-", "-", "-f", "crypten"]);
    assert!(text(&twice.stderr).contains("standard input is given twice"));
}

#[test]
fn commands_that_look_twice_at_a_model_take_it_from_a_pipe() {
    let folder = Folder::new();
    for arguments in [&["strip", "-"][..], &["annotate", "-", "-f", "crypten"], &["grad", "-"]] {
        let mut cat = Command::new("cat")
            .arg(folder.path("model.onnx"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let run = [arguments, &["-o", "from_pipe.onnx"]].concat();
        let output = folder.command(&run).stdin(cat.stdout.take().expect("it is piped")).output();
        cat.wait().expect("it ends");
        succeeds(&output.expect("it starts"));
        let named: Vec<&str> = arguments.iter().map(|a| if *a == "-" { "model.onnx" } else { a }).collect();
        succeeds(&folder.run(&[&named[..], &["-o", "from_file.onnx"]].concat()));
        let of = |name| fs::read(folder.path(name)).expect("it can be read");
        assert_eq!(of("from_pipe.onnx"), of("from_file.onnx"), "{arguments:?}");
    }
}

#[test]
fn the_format_follows_the_extension() {
    let folder = Folder::new();
    let starts = [
        ("page.html", "<!doctype html>"),
        ("report.json", "{"),
        ("report.yml", "schema: "),
        ("table.csv", "operator,"),
        ("table.md", "**"),
        ("stacks.folded", "online;Conv_0;"),
        ("PAGE.HTM", "<!doctype html>"),
        ("report", "schema: "),
    ];
    for (name, start) in starts {
        succeeds(&folder.run(&["profile", "model.onnx", "-f", "crypten", "-o", name]));
        let content = fs::read_to_string(folder.path(name)).expect("it can be read");
        assert!(content.to_lowercase().starts_with(&start.to_lowercase()), "{name}: {}", &content[..40]);
    }
    succeeds(&folder.run(&["profile", "model.onnx", "-f", "crypten", "--format", "csv", "-o", "as.json"]));
    let content = fs::read_to_string(folder.path("as.json")).expect("it can be read");
    assert!(content.starts_with("operator,"), "what is asked for counts more");
    let output = folder.run(&["profile", "model.onnx", "-f", "crypten", "-o", "x.svg"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("does not write svg"), "{}", text(&output.stderr));
}

#[test]
fn folders_and_missing_folders_are_named() {
    let folder = Folder::new();
    for (path, cause) in [(".", "it is a directory"), ("nowhere/x.csv", "No such file")] {
        let output = folder.write_to(path);
        assert_eq!(output.status.code(), Some(2));
        let message = text(&output.stderr);
        assert!(message.contains(cause) && message.contains(path), "{message}");
    }
    let output = command_line(&["profile", ".", "-f", "crypten"]);
    assert!(text(&output.stderr).contains("it is a directory"), "{}", text(&output.stderr));
}
