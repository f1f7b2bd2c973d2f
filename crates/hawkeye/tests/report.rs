//! What holds for every report.

use hawkeye::{Options, Report};
use hawkeye_report::{CallNode, PhaseCost, Phases, Uncertainty};
use hawkeye_testing::{crypten, delphi, fixtures, profile, schema};

fn add(sum: &mut PhaseCost, cost: &PhaseCost) {
    sum.bytes += cost.bytes;
    sum.messages += cost.messages;
    sum.rounds += cost.rounds;
    sum.flights += cost.flights;
    if let Some(more) = cost.uncertainty {
        sum.uncertainty.get_or_insert(Uncertainty { bytes: 0 }).bytes += more.bytes;
    }
}

fn sum<'a>(all: impl Iterator<Item = &'a Phases>) -> Phases {
    let mut total = Phases::default();
    for phases in all {
        add(&mut total.setup, &phases.setup);
        add(&mut total.offline, &phases.offline);
        add(&mut total.online, &phases.online);
    }
    total
}

fn children_add_up(node: &CallNode, path: &str) {
    let path = format!("{path}/{}", node.name);
    if node.children.is_empty() || node.name == "parallel" {
        return;
    }
    for (phase, cost) in &node.costs {
        let mut total = PhaseCost::default();
        for child in &node.children {
            child.costs.get(phase).iter().for_each(|cost| add(&mut total, cost));
        }
        assert_eq!(*cost, total, "{path}: {phase}");
    }
    node.children.iter().for_each(|child| children_add_up(child, &path));
}

fn check(report: &Report, name: &str) {
    let totals = sum(report.operators.iter().map(|o| &o.phases));
    assert_eq!(totals, report.totals, "{name}: operators add up to the totals");
    let links: u64 = report.links.iter().map(|link| link.bytes).sum();
    let bytes = report.totals.setup.bytes + report.totals.offline.bytes + report.totals.online.bytes;
    assert_eq!(links, bytes, "{name}: links add up to the totals");
    let tree: u64 = report.calls.iter().flat_map(|node| node.costs.values()).map(|cost| cost.bytes).sum();
    assert_eq!(tree, bytes, "{name}: the call tree adds up to the totals");
    report.calls.iter().for_each(|node| children_add_up(node, name));
}

#[test]
fn parts_add_up_to_the_whole() {
    for trace in crypten::traces().iter().step_by(7) {
        check(&trace.profile_to(9).expect("it profiles"), &trace.name);
    }
    for trace in delphi::traces() {
        check(&trace.profile_to(9).expect("it profiles"), &trace.name);
    }
    let mut options = Options { depth: usize::MAX, ..Options::default() };
    options.bindings.batch = Some(1);
    // Delphi runs layers in sequence, without branches; its own runs are above.
    for framework in hawkeye::builtin_names().iter().filter(|name| *name != "delphi") {
        let report = profile(&fixtures().join("models/resnet18.onnx"), framework, &options);
        check(&report.unwrap_or_else(|failure| panic!("{framework}: {failure}")), framework);
    }
}

#[test]
fn reports_are_deterministic() {
    let trace = &crypten::traces()[0];
    let text = || serde_yaml::to_string(&trace.profile().expect("it profiles")).expect("it serializes");
    assert_eq!(text(), text());
}

#[test]
fn json_is_the_same_document() {
    let report = crypten::traces()[0].profile().expect("it profiles");
    let yaml: serde_json::Value =
        serde_yaml::from_str(&serde_yaml::to_string(&report).expect("it serializes")).expect("it parses");
    assert_eq!(yaml, serde_json::to_value(&report).expect("it serializes"));
}

#[test]
fn the_schema_finds_what_departs_from_it() {
    let report = crypten::traces()[0].profile().expect("it profiles");
    assert!(schema::departures(&report).is_empty());
    let mut other = report.clone();
    other.schema = "hawkeye/2".to_owned();
    other.model.sha256.push('0');
    other.links[0].phase = "later".to_owned();
    assert_eq!(schema::departures(&other).len(), 3);
}
