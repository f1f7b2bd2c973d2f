//! Where results go and where models come from: devices, pipes, links, modes, inputs.
#![cfg(unix)]

mod common;

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{Folder, command_line, succeeds, text};

fn is_result(path: &Path) -> bool {
    fs::read_to_string(path).expect("it can be read").starts_with("phase,")
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

/// What the process was given open is written on, not replaced: others write there, too.
#[test]
fn open_files_are_written_on() {
    let folder = Folder::new();
    let mut log = File::create(folder.path("log")).expect("it is made");
    log.write_all(b"before\n").expect("it is written");
    symlink("/dev/stderr", folder.path("link")).expect("it is linked");
    for path in ["/dev/stderr", "/proc/self/fd/2", "link"] {
        let mut command =
            folder.command(&["profile", "model.onnx", "-f", "crypten", "--format", "csv", "-o", path]);
        let status =
            command.stderr(OpenOptions::new().append(true).open(folder.path("log")).expect("it opens"));
        assert!(status.status().expect("it starts").success());
    }
    let content = fs::read_to_string(folder.path("log")).expect("it can be read");
    assert!(content.starts_with("before\n"), "{content}");
    assert_eq!(content.matches("MaxPool_2").count(), 3, "{content}");
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

/// Files may have 8 KiB here, which is as if the disk were full: what was there stays, what was not is not begun.
#[test]
fn a_full_disk_leaves_all_as_it_was() {
    let folder = Folder::new();
    let program = env!("CARGO_BIN_EXE_hawkeye");
    let limited = |arguments: &str| {
        let script = format!("trap '' XFSZ; ulimit -f 16; exec {program} {arguments}");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(folder.0.path()).output().expect("sh starts")
    };
    fs::write(folder.path("old.html"), "old").expect("it is written");
    fs::write(folder.path("linked.html"), "old").expect("it is written");
    fs::hard_link(folder.path("linked.html"), folder.path("other.html")).expect("it is linked");
    let names = folder.names();
    for path in ["old.html", "linked.html", "new.html"] {
        let output = limited(&format!("profile model.onnx -f crypten -o {path}"));
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(text(&output.stderr).contains("can't be written"), "{}", text(&output.stderr));
    }
    let output = limited("frameworks export crypten mine");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(folder.names(), names);
    for path in ["old.html", "linked.html", "other.html"] {
        assert_eq!(fs::read(folder.path(path)).expect("it can be read"), b"old", "{path}");
    }
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
    for format in ["svg", "onnx"] {
        let output = folder.run(&["profile", "model.onnx", "-f", "crypten", "-o", &format!("x.{format}")]);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(said.contains(&format!("does not write {format}")), "{said}");
    }
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
