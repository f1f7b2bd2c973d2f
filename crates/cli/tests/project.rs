//! `hawkeye check` of a project, as its hawkeye.toml says.

mod common;

use common::{command_line, text};

#[test]
fn a_project_is_checked_as_its_file_says() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    std::fs::copy(hawkeye_testing::fixtures().join("models/lenet5.onnx"), folder.path().join("lenet5.onnx"))
        .expect("it is copied");
    let file = folder.path().join("hawkeye.toml");
    let file = file.to_str().expect("paths are text here");
    let check = |text: &str, format: &str| {
        std::fs::write(file, text).expect("it is written");
        command_line(&["check", "--project", file, "--format", format])
    };
    let project = "frameworks = [\"crypten\", \"cheetah\"]\nmax = [\"rounds=1000000\"]\n\
                   [[model]]\npath = \"lenet5.onnx\"\nmax = [\"online.bytes=20MiB\"]\n";
    let output = check(project, "json");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let results = document["results"].as_array().expect("a list");
    assert_eq!(results.len(), 2);
    assert_eq!(results[0]["checks"].as_array().map(Vec::len), Some(2));
    assert_eq!((&results[0]["kept"], &results[1]["framework"]["name"]), (&true.into(), &"cheetah".into()));
    for format in ["text", "github", "junit"] {
        let code = check(&project.replace("20MiB", "1"), format).status.code();
        assert_eq!(code, Some(1), "{format}");
    }
    let slow = project.replace("\"rounds=1000000\"]", "\"online.seconds=0.001\"]\nnetwork = \"wan-100m\"");
    assert_eq!(check(&slow, "json").status.code(), Some(1));
    let trained = format!(
        "{project}shapes = {{input = \"4x1x28x28\"}}\n[model.training]\nloss = \"cross_entropy\"\noptimizer = \"sgd:lr=0.1,momentum=0.9\"\nsteps = 2\n"
    )
    .replace("[\"crypten\", \"cheetah\"]", "[\"crypten\"]");
    let document: serde_json::Value = serde_json::from_slice(&check(&trained, "json").stdout).expect("JSON");
    let lenet = folder.path().join("lenet5.onnx");
    let step = command_line(&[
        "profile",
        lenet.to_str().expect("paths are text here"),
        "--framework",
        "crypten",
        "--shape=input=4x1x28x28",
        "--train=cross_entropy",
        "--optimizer=sgd:lr=0.1,momentum=0.9",
        "--steps=2",
        "--format=json",
    ]);
    let step: serde_json::Value = serde_json::from_slice(&step.stdout).expect("JSON");
    let checks = document["results"][0]["checks"].as_array().expect("a list");
    assert_eq!(checks[1]["actual"], step["totals"]["online"]["bytes"], "{document}");
    // A framework of one's own is looked for beside the file.
    let exported = folder.path().join("mine");
    let exported = exported.to_str().expect("paths are text here");
    assert!(command_line(&["frameworks", "export", "crypten", exported]).status.success());
    assert_eq!(check(&project.replace("\"crypten\"", "\"./mine\""), "json").status.code(), Some(0));
    for (text, expected) in [
        (
            "frameworks = [\"crypten\"]\n[[model]]\npath = \"lenet5.onnx\"\ndims = {sequ = 1}\n",
            "no dimension named \"sequ\"",
        ),
        (
            "frameworks = [\"crypten\"]\nnetwork = \"lan\"\n[[model]]\npath = \"lenet5.onnx\"\n",
            "there is no network \"lan\"",
        ),
        ("frameworks = [\"crypten\"]\n", "lists no model"),
        ("frameworks = \"crypten\"\n", "expected a list"),
        ("frameworks = [\"crypten\"]\n[[model]]\npath = \"lenet5.onnx\"\n", "lenet5.onnx has no budgets"),
        (
            "frameworks = [\"crypten\"]\n[[model]]\npath = \"lenet5.onnx\"\nmax = [\"foo=1\"]\n",
            "lenet5.onnx: \"foo\" is unknown",
        ),
        (
            "frameworks = [\"crypten\"]\n[[model]]\npath = \"lenet5.onnx\"\nmax = [\"bytes=1GiB\"]\nvalues = {sr = 16000}\n",
            "the model has no input named \"sr\"",
        ),
        ("[[model]]\npath = 1\n", "hawkeye.toml:2:8"),
        (
            "frameworks = [\"crypten\"]\n[[model]]\npath = \"lenet5.onnx\"\nmax = [\"bytes=1\"]\ntraining = {loss = \"mes\"}\n",
            "lenet5.onnx: training.loss = \"mes\": there is no loss \"mes\"",
        ),
        (
            "frameworks = [\"crypten\"]\n[[model]]\npath = \"lenet5.onnx\"\nmax = [\"bytes=1\"]\ntraining = {loss = \"mse\", epochs = 1}\n",
            "training takes one of step, steps, and epochs with dataset_size",
        ),
        ("[[model]]\npath = \"lenet5.onnx\"\nmodel = 1\n", "unknown field `model`"),
        ("[[model]]\npath = \"lenet5.onnx\"\nframework = 1\n", "did you mean frameworks?"),
        ("[[model]]\npath = \"lenet5.onnx\"\n", "has no frameworks"),
        ("frameworks = [\"crypten\"]\n[[model]]\npath = \"gone.onnx\"\n", "gone.onnx"),
        (
            "frameworks = [\"delphi\"]\n[[model]]\npath = \"lenet5.onnx\"\n",
            "lenet5.onnx under delphi: node 2",
        ),
    ] {
        let output = check(text, "text");
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(crate::text(&output.stderr).contains(expected), "{text}: {}", crate::text(&output.stderr));
    }
    let missing = command_line(&["check", "--project", "nowhere.toml"]);
    assert!(crate::text(&missing.stderr).contains("write a hawkeye.toml"));
    // Numbers and truth values need no quotes.
    let set = "frameworks = [\"crypten\"]\n[[model]]\npath = \"lenet5.onnx\"\nmax = [\"bytes=1GiB\"]\n\
               set = {exp_iterations = 7, reciprocal_all_pos = true}\nweights = 1\n";
    let output = check(set, "json");
    assert!(output.status.success(), "{}", crate::text(&output.stderr));
}

/// What is for models that are named would do nothing.
#[test]
fn options_of_models_are_refused_for_a_project() {
    for option in [["--framework", "crypten"], ["--batch", "2"], ["--max", "bytes=1"], ["--set", "a=b"]] {
        let output = command_line(&[&["check"], &option[..]].concat());
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(said.contains(&format!("{} is for models that are named", option[0])), "{said}");
    }
}

#[test]
fn a_baseline_is_no_place_for_the_result() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::copy(hawkeye_testing::fixtures().join("models/lenet5.onnx"), path("lenet5.onnx"))
        .expect("it is copied");
    let project = "frameworks = [\"crypten\"]\n[[model]]\npath = \"lenet5.onnx\"\nbaseline = \"base.yaml\"\n";
    std::fs::write(path("hawkeye.toml"), project).expect("it is written");
    let base = path("base.yaml");
    assert!(command_line(&["profile", &path("lenet5.onnx"), "-f", "crypten", "-o", &base]).status.success());
    for (output, code) in
        [(&base, 2), (&path("lenet5.onnx"), 2), (&path("hawkeye.toml"), 2), (&path("new.txt"), 0)]
    {
        let done =
            command_line(&["check", "--project", &path("hawkeye.toml"), "--format", "text", "-o", output]);
        assert_eq!(done.status.code(), Some(code), "{output}: {}", text(&done.stderr));
    }
}
