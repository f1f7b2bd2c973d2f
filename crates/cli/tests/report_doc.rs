//! Documents show what the commands in them print; `make docs` rewrites them.

use std::process::Command;

use hawkeye_testing::fixtures;

const START: &str = "```console\n";
const END: &str = "```\n";

#[test]
fn reports_are_as_shown() {
    check("REPORT.md", 5);
}

#[test]
fn training_is_as_shown() {
    check("TRAINING.md", 5);
}

/// Runs the commands of a document, of which there are that many at least.
fn check(document: &str, least: usize) {
    let file = fixtures().join("../docs").join(document);
    let written = std::fs::read_to_string(&file).expect("the document is there");
    // Commands of the document build on each other's files.
    let folder = tempfile::tempdir().expect("a folder can be made");
    for model in std::fs::read_dir(fixtures().join("models")).expect("the models are there") {
        let path = model.expect("it can be listed").path();
        let name = path.file_name().expect("it has a name");
        std::fs::copy(&path, folder.path().join(name)).expect("it can be copied");
    }
    let mut parts = written.split(START);
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut commands = 0;
    for part in parts {
        let (block, rest) = part.split_once(END).expect("a block ends");
        text.push_str(START);
        for command in block.lines().filter_map(|line| line.strip_prefix("$ hawkeye ")) {
            let output = Command::new(env!("CARGO_BIN_EXE_hawkeye"))
                .args(command.split_whitespace())
                .current_dir(folder.path())
                .output()
                .expect("the program starts");
            assert!(output.stderr.is_empty(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
            text.push_str(&format!("$ hawkeye {command}\n{}", String::from_utf8_lossy(&output.stdout)));
            commands += 1;
        }
        text.push_str(END);
        text.push_str(rest);
    }
    assert!(commands >= least, "{document} shows few commands");
    if std::env::var_os("HAWKEYE_BLESS").is_some() {
        std::fs::write(&file, text).expect("it can be written");
    } else {
        assert!(written == text, "docs/{document} is out of date: run `make docs`");
    }
}
