//! Every format says what the report says, to the byte.

use std::sync::LazyLock;

use hawkeye::{Options, Report, Visibility};
use hawkeye_report::render::{View, csv, folded, html, markdown, speedscope};
use hawkeye_report::{Axis, Quantity};
use hawkeye_report::{PhaseCost, Phases};
use hawkeye_testing::{fixtures, profile};

const PHASES: [&str; 3] = ["setup", "offline", "online"];

/// Five models and more, each under every framework that runs it, with whole call trees.
static REPORTS: LazyLock<Vec<Report>> = LazyLock::new(|| {
    let models = [
        "models/lenet5.onnx",
        "models/resnet18.onnx",
        "models/resnet50.onnx",
        "models/bert_base.onnx",
        "delphi/models/minionn.onnx",
        "delphi/models/linked_mlp3_b1.onnx",
    ];
    let mut options = Options { depth: usize::MAX, ..Options::default() };
    options.bindings.batch = Some(1);
    options.bindings.dims.insert("seq".to_owned(), 16);
    let mut reports = Vec::new();
    for model in models {
        options.visibility.clear();
        if model.contains("bert") {
            let names = ["input_ids", "attention_mask", "token_type_ids"];
            options.visibility.extend(names.map(|name| (name.to_owned(), Visibility::Public)));
        }
        for framework in hawkeye::builtin_names() {
            reports.extend(profile(&fixtures().join(model), &framework, &options));
        }
    }
    for framework in hawkeye::builtin_names() {
        let models = reports.iter().filter(|report| report.framework.name == framework);
        assert!(models.count() >= 2, "{framework} runs few of the models");
    }
    reports
});

fn phases(phases: &Phases) -> [PhaseCost; 3] {
    [phases.setup, phases.offline, phases.online]
}

#[test]
fn csv_adds_up_on_every_axis() {
    for report in REPORTS.iter() {
        for axis in Axis::ALL {
            for (top, depth) in [(None, 0), (Some(2), 2), (Some(7), 3), (None, usize::MAX)] {
                let text =
                    csv(report, View { axis, sort: top.map(|_| Quantity::Rounds), top, depth, fold: false });
                let mut lines = text.lines();
                let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
                let lines: Vec<Vec<&str>> = lines.map(|line| line.rsplit(',').collect()).collect();
                for (phase, cost) in PHASES.iter().zip(phases(&report.totals)) {
                    for quantity in Quantity::ALL {
                        let name = format!("{phase}_{}", quantity.name());
                        let Some(column) = header.iter().rev().position(|title| *title == name) else {
                            assert!(axis == Axis::Link && quantity == Quantity::Rounds);
                            continue;
                        };
                        let sum: u64 =
                            lines.iter().map(|line| line[column].parse::<u64>().expect("a number")).sum();
                        assert_eq!(sum, quantity.of(&cost), "{} {axis:?} {name}", report.model.file);
                    }
                }
            }
        }
    }
}

/// The numbers of a line of a Markdown table, by column.
fn numbers(line: &str) -> Vec<Option<u64>> {
    line.split('|').map(|cell| cell.trim().replace(',', "").parse().ok()).collect()
}

#[test]
fn tables_for_people_add_up_on_every_axis() {
    for report in REPORTS.iter() {
        for axis in Axis::ALL {
            let view = View { axis, sort: None, top: Some(4), depth: 2, fold: false };
            let page = markdown(report, view);
            let lines: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
            let [header, _, rows @ .., total] = lines.as_slice() else { panic!("no table in {page}") };
            let bytes: u64 = phases(&report.totals).iter().map(|cost| cost.bytes).sum();
            let mut of_bytes = 0;
            for (column, title) in header.split('|').map(str::trim).enumerate() {
                if !title.ends_with("bytes") && !["messages", "rounds"].contains(&title)
                    || title.contains('%')
                {
                    continue;
                }
                let sum: u64 = rows.iter().map(|row| numbers(row)[column].expect("a number")).sum();
                assert_eq!(Some(sum), numbers(total)[column], "{} {axis:?} {title}", report.model.file);
                of_bytes += if title.ends_with("bytes") { sum } else { 0 };
            }
            assert_eq!(of_bytes, bytes, "{} {axis:?}", report.model.file);
        }
    }
}

#[test]
fn stacks_add_up_in_every_weight() {
    for report in REPORTS.iter() {
        for weight in Quantity::ALL {
            let text = folded(report, weight);
            let scope: serde_json::Value =
                serde_json::from_str(&speedscope(report, weight)).expect("it is JSON");
            for (phase, cost) in PHASES.iter().zip(phases(&report.totals)) {
                let of_phase = text.lines().filter(|line| line.split(';').next() == Some(phase));
                let amount = |line: &str| line.rsplit(' ').next().and_then(|n| n.parse::<u64>().ok());
                let sum: u64 = of_phase.map(|line| amount(line).expect("a number")).sum();
                assert_eq!(sum, weight.of(&cost), "{} {phase} {}", report.model.file, weight.name());
                let name = format!("{phase} {}", weight.name());
                let profiles = scope["profiles"].as_array().expect("a list");
                let profile = profiles.iter().find(|profile| profile["name"] == name.as_str());
                assert_eq!(profile.map_or(0, |p| p["endValue"].as_u64().expect("a number")), sum);
            }
        }
    }
}

#[test]
fn a_tree_cut_at_any_depth_adds_up() {
    let mut options = Options { depth: 0, ..Options::default() };
    options.bindings.batch = Some(1);
    for depth in 0..6 {
        options.depth = depth;
        let report = profile(&fixtures().join("models/resnet18.onnx"), "cryptflow2", &options);
        let report = report.expect("it profiles");
        for weight in Quantity::ALL {
            let text = folded(&report, weight);
            let amount = |line: &str| line.rsplit(' ').next().and_then(|n| n.parse::<u64>().ok());
            let sum: u64 = text.lines().map(|line| amount(line).expect("a number")).sum();
            let total: u64 = phases(&report.totals).iter().map(|cost| weight.of(cost)).sum();
            assert_eq!(sum, total, "{} cut at {depth}", weight.name());
        }
        let view = View { axis: Axis::Protocol, sort: None, top: None, depth: 3, fold: false };
        let bytes: u64 = phases(&report.totals).iter().map(|cost| cost.bytes).sum();
        let text = csv(&report, view);
        let of_line = |line: &str| {
            let fields: Vec<u64> = line.rsplit(',').take(9).map(|n| n.parse().expect("a number")).collect();
            fields[8] + fields[5] + fields[2]
        };
        assert_eq!(text.lines().skip(1).map(of_line).sum::<u64>(), bytes, "protocols cut at {depth}");
    }
}

/// Adds a key to every object that is not a map from names that the user or framework chose.
fn extend(value: &mut serde_json::Value, inside: &str) {
    match value {
        serde_json::Value::Object(object) => {
            // Its keys, and theirs, are names that the user chose.
            let fixed = object.iter_mut().filter(|(key, _)| *key != "visibility");
            fixed.for_each(|(key, value)| extend(value, key));
            if !["counters", "parameters", "party_names", "dims"].contains(&inside) {
                object.insert("added_later".to_owned(), serde_json::json!({"bytes": "unheard of"}));
            }
        }
        serde_json::Value::Array(list) => list.iter_mut().for_each(|value| extend(value, inside)),
        _ => {}
    }
}

#[test]
fn keys_that_later_versions_add_do_no_harm() {
    for report in REPORTS.iter() {
        let mut value = serde_json::to_value(report).expect("it serializes");
        extend(&mut value, "");
        assert_eq!(serde_json::from_value::<Report>(value).expect("it parses"), *report);
    }
}

#[test]
fn a_report_is_read_back_as_it_was_written() {
    for report in REPORTS.iter() {
        let text = serde_yaml::to_string(report).expect("it serializes");
        assert_eq!(serde_yaml::from_str::<Report>(&text).expect("it parses"), *report);
    }
}

/// The report that a page holds.
fn embedded(page: &str) -> Report {
    let (_, rest) = page.split_once(r#"<script type="application/json" id="report">"#).expect("it holds one");
    let (json, _) = rest.split_once("</script>").expect("the element ends");
    serde_json::from_str(json).expect("it parses")
}

#[test]
fn a_page_holds_the_whole_report_and_fetches_nothing() {
    for report in REPORTS.iter() {
        let page = html(report);
        assert_eq!(embedded(&page), *report);
        assert!(!page.contains("{{"), "nothing is left to fill in");
        for outside in ["http:", "https:", "src=", "href=", "@import", "url(", "fetch("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}

#[test]
fn names_cannot_break_out_of_a_page() {
    let mut report = REPORTS[0].clone();
    report.model.file = "</title><script>alert(1)</script><!--".to_owned();
    report.operators[1].name = report.model.file.clone();
    report.operators[1].phases = report.totals; // so that the headline names it
    let page = html(&report);
    assert_eq!(embedded(&page), report);
    assert_eq!(page.matches("<script").count(), 2, "the report's and the program's");
    assert!(!page.contains("<!--"));
}
