//! `hawkeye explain`.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::PathBuf;

use anstyle::Style;
use clap::{Args, ValueEnum};
use hawkeye::{
    Bindings, Diagnostic, Explained, Explanation, Failure, Framework, Model, Operand, Options, Place, Report,
    analyse_with_definitions, check_dims, explain, in_the_midst, load, operator,
};
use hawkeye_grad::Pass;
use hawkeye_graph::printable;
use hawkeye_sheets::{Counter, CounterKind, Manifest, Parties, Reference, Rounds};

use super::distinct::{name_apart, which};
use super::input::source;
use super::output;
use super::run::{Open, Setup, TrainingArguments};
use super::values::{dims, pair, pass};

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The model, an ONNX file
    #[arg(required_unless_present_any = ["op", "explain_units"])]
    pub(crate) model: Option<PathBuf>,
    /// A node's name, as reports show it
    #[arg(required_unless_present_any = ["op", "explain_units"])]
    node: Option<String>,
    /// A built-in framework, or the path of one's own directory
    #[arg(short, long)]
    pub(crate) framework: String,
    /// An operator instead of a node: its name, with --shape and --weight for its operands
    #[arg(long, conflicts_with = "model")]
    pub(crate) op: Option<String>,
    /// Shape of an input of the model, or of an operand of --op (repeatable, in order)
    #[arg(long = "shape", value_name = "[INPUT=]AxBxC", value_parser = shape)]
    shapes: Vec<(Option<String>, Vec<u64>)>,
    /// Shape of an operand of --op that is a weight; these follow the others (repeatable)
    #[arg(long = "weight", value_name = "AxBxC", value_parser = dims)]
    weight_shapes: Vec<Vec<u64>>,
    /// An attribute of --op (repeatable)
    #[arg(long = "attr", value_name = "NAME=VALUE", value_parser = pair)]
    attributes: Vec<(String, String)>,
    #[command(flatten)]
    setup: Setup,
    #[command(flatten)]
    open: Open,
    #[command(flatten)]
    training: TrainingArguments,
    /// In training, the pass that is explained: forward, loss, backward or optimizer
    #[arg(long, default_value = "forward", requires = "train", value_parser = pass())]
    pass: Pass,
    /// Levels of calls; all if not given
    #[arg(long)]
    depth: Option<usize>,
    /// Explain what this framework's bytes, messages, rounds, phases and counters are
    #[arg(long)]
    explain_units: bool,
    /// How to write it
    #[arg(long, value_enum)]
    format: Option<ExplanationFormat>,
    /// Where to write it; standard output if not given
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
}

/// Formats of an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExplanationFormat {
    Text,
    Json,
}

fn shape(text: &str) -> Result<(Option<String>, Vec<u64>), String> {
    match text.rsplit_once('=') {
        Some((name, value)) => Ok((Some(name.to_owned()), dims(value)?)),
        None => Ok((None, dims(text)?)),
    }
}

pub(crate) fn run(command: &ExplainArguments) -> Result<(), Failure> {
    let framework = Framework::open(&command.framework)?.overlaid(&command.setup.options().overlays)?;
    let manifest = framework.manifest.clone();
    if command.explain_units {
        return output::write(command.output.as_deref(), units(&manifest).as_bytes());
    }
    let (mut model, file, node) = subject(command)?;
    name_apart(&mut model);
    let named = command.shapes.iter().filter_map(|(name, dims)| Some((name.clone()?, dims.clone())));
    let mut options = Options {
        bindings: Bindings { shapes: named.collect(), ..command.open.bindings() },
        training: command.training.options(),
        depth: usize::MAX,
        ..command.setup.options()
    };
    if command.op.is_some() {
        options.visibility = in_the_midst(&model).into_iter().chain(options.visibility).collect();
    }
    check_dims(&model.graph, &options.bindings.dims)?;
    let (report, definitions) = analyse_with_definitions(&model, &file, framework, &options)?;
    let Some(explanation) = explain(&report, &definitions, command.pass, &node) else {
        return Err(which(&report, &node).unwrap_or_else(|| unknown(&report, &node)).into());
    };
    let format = output::format(command.format, command.output.as_deref())?;
    let text = match format.unwrap_or(ExplanationFormat::Text) {
        ExplanationFormat::Text => {
            text(&report, &explanation, command.depth.unwrap_or(usize::MAX), manifest.reference.as_ref())
        }
        ExplanationFormat::Json => {
            serde_json::to_string_pretty(&explanation).map_err(|e| output::failed(e.to_string()))? + "\n"
        }
    };
    output::write(command.output.as_deref(), text.as_bytes())
}

/// The model, its name, and the node in it.
fn subject(command: &ExplainArguments) -> Result<(Model, String, String), Failure> {
    if let Some(op) = &command.op {
        let inputs = command.shapes.iter().map(|(_, dims)| Operand::Input(dims.clone()));
        let operands: Vec<Operand> =
            inputs.chain(command.weight_shapes.iter().cloned().map(Operand::Weight)).collect();
        if operands.is_empty() {
            let help = format!("for example --op {op} --shape 1x64x56x56");
            return Err(Diagnostic::error(Place::Model, "an operator needs operands").help(help).into());
        }
        return Ok((operator(op, &operands, &command.attributes)?, op.clone(), op.clone()));
    }
    let (Some(path), Some(node)) = (&command.model, &command.node) else {
        let message = "give a model and a node, or --op with --shape";
        return Err(Diagnostic::error(Place::Model, message).into());
    };
    let source = source(path)?;
    Ok((load(&source.path)?, source.name, node.clone()))
}

/// There is no such node; names like it are those of that operator, or spelt alike.
fn unknown(report: &Report, name: &str) -> Diagnostic {
    let wanted = name.to_lowercase();
    let likeness = |operator: &&hawkeye_report::Operator| {
        let own = operator.name.to_lowercase();
        let same = operator.op.to_lowercase() == wanted || own.ends_with(&wanted) || own.contains(&wanted);
        let likeness = strsim::jaro_winkler(&own, &wanted);
        if same { 1.0 + likeness } else { likeness }
    };
    let mut near: Vec<_> = report.operators.iter().filter(|operator| likeness(operator) > 0.7).collect();
    near.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    let names: Vec<&str> = near.iter().take(5).map(|operator| operator.name.as_str()).collect();
    let help = if names.is_empty() {
        "hawkeye profile --by operator lists the nodes".to_owned()
    } else {
        format!("did you mean {}?", names.join(", "))
    };
    Diagnostic::error(Place::Model, format!("the model has no node \"{name}\"")).help(help)
}

const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

fn text(report: &Report, explanation: &Explanation, depth: usize, reference: Option<&Reference>) -> String {
    let mut text = String::new();
    let node = &explanation.node;
    let framework = &report.framework;
    let shapes: Vec<String> = node
        .outputs
        .iter()
        .map(|output| {
            let dims = output.shape.iter().flatten();
            dims.map(|dim| dim.map_or("?".to_owned(), |n| n.to_string())).collect::<Vec<_>>().join("x")
        })
        .collect();
    // Writing to a string never fails.
    let _ = writeln!(
        text,
        "{HEADING}{}{HEADING:#} ({}) -> {} under {} {}, {} parties",
        printable(&node.name),
        printable(&node.op),
        shapes.join(", "),
        framework.name,
        framework.version,
        framework.parties
    );
    if let Some(evidence) = &node.evidence {
        let _ = writeln!(text, "{FAINT}evidence: {evidence}{FAINT:#}");
    }
    text.push('\n');
    let mut rows = TreeRows::default();
    let mut top = explanation.expansion.clone();
    top.name.clone_from(&node.op);
    rows.add(&top, "", "", depth);
    let rows = rows.rows;
    let width = rows.iter().map(|row| row.tree.chars().count()).max().unwrap_or(0);
    for row in rows {
        let pad = " ".repeat(width - row.tree.chars().count());
        let _ = writeln!(text, "{}", format!("{}{pad}  {}", row.tree, row.costs).trim_end());
        if !row.note.is_empty() {
            let _ = writeln!(text, "{}{FAINT}{}{FAINT:#}", row.indent, row.note);
        }
    }
    if explanation.expansion.costs.is_empty() {
        text.push_str("It sends nothing.\n");
    }
    if let Some(reference) = reference {
        let version = reference.commit.as_ref().or(reference.release.as_ref());
        let version = version.map(|version| format!(" at {version}")).unwrap_or_default();
        let _ = writeln!(text, "\nPlaces in sources are those of {}{version}.", reference.repository);
    }
    text
}

struct TreeRow {
    tree: String,
    costs: String,
    indent: String,
    note: String,
}

/// The tree as lines. A function's documentation is shown where it first occurs.
#[derive(Default)]
struct TreeRows {
    rows: Vec<TreeRow>,
    told: HashSet<String>,
}

impl TreeRows {
    fn add(&mut self, call: &Explained, first: &str, rest: &str, depth: usize) {
        let times = if call.times == 1 { String::new() } else { format!(" x{}", grouped(call.times)) };
        let hidden = depth == 0 && !call.calls.is_empty();
        let more = if hidden { " ..." } else { "" };
        let bar = if call.calls.is_empty() || hidden { "  " } else { "│ " };
        let sheet = call.sheet.clone().unwrap_or_default();
        let new = self.told.insert(sheet.clone());
        let note = if call.doc.is_empty() || !new { sheet } else { format!("{sheet}: {}", call.doc) };
        self.rows.push(TreeRow {
            tree: format!("{first}{}{times}{more}", call.name),
            costs: costs(call),
            indent: format!("{rest}{bar}"),
            note,
        });
        if hidden {
            return;
        }
        let last = call.calls.len().saturating_sub(1);
        for (position, child) in call.calls.iter().enumerate() {
            let (branch, below) = if position == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            self.add(child, &format!("{rest}{branch}"), &format!("{rest}{below}"), depth.saturating_sub(1));
        }
    }
}

/// "online 2,182,656 bytes in 46 messages, 23 rounds"
fn costs(call: &Explained) -> String {
    let phase = |(name, cost): (&String, &hawkeye_report::PhaseCost)| {
        let band = cost.uncertainty.map(|band| format!(" ± {}", grouped(band.bytes))).unwrap_or_default();
        let [bytes, messages, rounds] =
            [(cost.bytes, "byte"), (cost.messages, "message"), (cost.rounds, "round")].map(many);
        format!("{name} {bytes}{band} in {messages}, {rounds}")
    };
    call.costs.iter().map(phase).collect::<Vec<_>>().join("; ")
}

/// "1 message", "46 messages"
fn many((n, what): (u64, &str)) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

fn grouped(n: u64) -> String {
    hawkeye_report::render::grouped(n.into())
}

/// What the framework's numbers mean.
fn units(manifest: &Manifest) -> String {
    let (parties, example) = match &manifest.parties {
        Parties::Named { names } => (names.clone(), names.len().to_string()),
        Parties::Range { min, max, .. } if min == max => (Vec::new(), min.to_string()),
        Parties::Range { min, max, .. } => (Vec::new(), format!("{min} to {max}")),
    };
    let numbered: Vec<String> = parties.iter().enumerate().map(|(i, name)| format!("{i} = {name}")).collect();
    let extra = &manifest.extra_parties;
    let mut text = format!("{} {}: {}\n\n", manifest.name, manifest.version, manifest.title);
    let mut add = |name: &str, meaning: &str| {
        // Writing to a string never fails.
        let _ = writeln!(text, "{HEADING}{name}{HEADING:#}\n    {}", meaning.replace('\n', "\n    "));
    };
    let mut who = format!("{example} parties run the protocol");
    if !numbered.is_empty() {
        who.push_str(&format!(": {}", numbered.join(", ")));
    }
    if !extra.is_empty() {
        who.push_str(&format!("; {} may be one more party, numbered after them", extra.join(", ")));
    }
    add("parties", &who);
    add(
        "bytes",
        "Payload that all parties together hand to the transport: each message counts once, where it is\n\
         sent. Headers of the transport (TCP, gRPC) are not in it. 1 MiB is 1,048,576 bytes.",
    );
    add("messages", "Calls of the framework's send functions, by all parties together.");
    add(
        "rounds",
        match &manifest.rounds {
            Rounds::Sheet => {
                "As the framework itself counts them: each step of the sheet says how many it is."
            }
            Rounds::Flights => "Flights: the framework has no counter of its own.",
            Rounds::DirectionChanges { .. } => {
                "As the framework itself counts them: changes of direction on its main channel. What runs on\n\
                 other channels at the same time adds none."
            }
        },
    );
    add(
        "flights",
        "Maximal runs of messages in one direction, one after another; counted alike for every framework,\n\
         so that they can be compared. Exchanges in both directions at once are one flight.",
    );
    add(
        "phases",
        "setup: once per session, whatever the model (keys, base OTs).\n\
         offline: depends on the model, not on its inputs (triples, garbled circuits).\n\
         online: on the inputs.",
    );
    let evidence = match manifest.evidence.as_str() {
        "measured" => "measured: the numbers were compared with the running framework (docs/ACCURACY.md).",
        "formula" => {
            "formula: the numbers are those of published formulas, and not what any framework sends."
        }
        _ => "modelled: the numbers follow the source, and were not compared with a run.",
    };
    add("evidence", evidence);
    let counters: Vec<String> = manifest
        .counters
        .iter()
        .map(|(name, counter)| format!("{name}: {}", meaning(counter, &parties)))
        .collect();
    add("counters, as the framework prints them", &counters.join("\n"));
    text
}

/// A counter in words.
fn meaning(counter: &Counter, parties: &[String]) -> String {
    let party = |number: u16| parties.get(usize::from(number)).cloned().unwrap_or(format!("party {number}"));
    let mut text = match counter.sum {
        CounterKind::Bytes => "bytes".to_owned(),
        CounterKind::Messages => "messages".to_owned(),
        CounterKind::Rounds => "rounds".to_owned(),
        CounterKind::Flights => "flights".to_owned(),
        CounterKind::Counted => {
            format!("what the library itself adds up as \"{}\"", counter.key.as_deref().unwrap_or_default())
        }
    };
    if let Some(from) = counter.from {
        text.push_str(&format!(" sent by {}", party(from)));
    }
    if let Some(to) = counter.to {
        text.push_str(&format!(" to {}", party(to)));
    }
    if let Some(channel) = &counter.channel {
        text.push_str(&format!(" on channel {channel}"));
    }
    match &counter.phases {
        Some(phases) => text.push_str(&format!(", {}", phases.join(" and "))),
        None if counter.sum != CounterKind::Counted => text.push_str(", all phases"),
        None => {}
    }
    text
}
