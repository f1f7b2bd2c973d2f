//! `hawkeye optimize`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table, presets};
use hawkeye::{Diagnostic, Failure, Framework, Model, Place, Report, analyse, load};
use hawkeye_graph::{Graph, Node, nearest};
use hawkeye_onnx::export;
use hawkeye_rewrite::{
    Applied, Objective, Options, Price, Promise, RULES, Rewritten, Rule, Weights, fixed, output_types, prove,
    rewrite,
};
use hawkeye_shapes::{bind, infer};
use serde_json::json;

use super::output;
use super::run::Run;

/// Most conditions that are printed; JSON has them all.
const QUESTIONS: usize = 5;

#[derive(Debug, Args)]
pub(crate) struct Optimize {
    /// The model, an ONNX file
    #[arg(required_unless_present_any = ["list", "explain"])]
    pub(crate) model: Option<PathBuf>,
    /// A built-in framework, or the path of one's own directory
    #[arg(short, long, required_unless_present_any = ["list", "explain"])]
    framework: Option<String>,
    #[command(flatten)]
    run: Run,
    /// Where to write the rewritten model; without it, advice only
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
    /// What is to be least
    #[arg(long, value_enum, default_value_t = Goal::Bytes)]
    objective: Goal,
    /// Which phases count: online alone, or offline and online; set-up, which is paid once, never does
    #[arg(long, value_enum, default_value_t = Counted::Total)]
    phase: Counted,
    /// Rules that change the function or what is revealed, or presets of them
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    allow: Vec<String>,
    /// These rules only
    #[arg(long, value_name = "RULE,...", value_delimiter = ',')]
    select: Vec<String>,
    /// All rules but these
    #[arg(long, value_name = "RULE,...", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Use every operator that has a price, even those that the framework's front end does not load
    #[arg(long)]
    as_priced: bool,
    /// Exit with 1 if something can be saved
    #[arg(long)]
    check: bool,
    /// List the rules
    #[arg(long)]
    list: bool,
    /// Explain a rule
    #[arg(long, value_name = "RULE")]
    explain: Option<String>,
    /// How to write the table
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    format: TableFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Goal {
    Bytes,
    Rounds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Counted {
    Online,
    Total,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TableFormat {
    Text,
    Json,
    Markdown,
}

impl Optimize {
    /// What errors are about.
    pub(crate) fn subject(&self) -> String {
        self.model.as_ref().map_or_else(|| "rules".to_owned(), |model| model.display().to_string())
    }
}

pub(crate) fn run(command: &Optimize) -> Result<ExitCode, Failure> {
    if command.list {
        return output::write(None, list().as_bytes()).map(|()| ExitCode::SUCCESS);
    }
    if let Some(name) = &command.explain {
        return output::write(None, explain(rule(name)?).as_bytes()).map(|()| ExitCode::SUCCESS);
    }
    let (Some(path), Some(name)) = (&command.model, &command.framework) else {
        return Err(output::failed("a model and a framework are needed".to_owned()));
    };
    let options = command.run.options();
    let framework = Framework::open(name)?.overlaid(&options.overlays)?;
    let model = load(path)?;
    let original = fixed(&model.graph, &options.bindings)?;
    let settings = hawkeye::Options { bindings: hawkeye::Bindings::default(), depth: 0, ..options };
    let weights = Weights::new(Some(path), &original);
    let mut pricing = |graph: &Graph| {
        let model = Model { graph: graph.clone(), ..model.clone() };
        let report = analyse(&model, "", framework.clone(), &settings)?;
        Ok(price(&report, command.phase))
    };
    let loads = |node: &Node| framework.manifest.loads(&node.domain, &node.op, node.opset);
    let options = Options {
        rules: rules(command)?,
        objective: match command.objective {
            Goal::Bytes => Objective::Bytes,
            Goal::Rounds => Objective::Rounds,
        },
        loads: (!command.as_priced).then_some(&loads),
    };
    let mut rewritten = rewrite(&original, &options, &weights, &mut pricing)?;
    let mut text = table(&rewritten, command.format)?;
    if let Some(out) = &command.output {
        text.push_str(&write(&original, &mut rewritten, &weights, path, out)?);
    }
    output::write(None, text.as_bytes())?;
    let saves = !rewritten.applied.is_empty();
    Ok(if command.check && saves { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn price(report: &Report, counted: Counted) -> Price {
    let (offline, online) = (&report.totals.offline, &report.totals.online);
    match counted {
        Counted::Online => Price { bytes: online.bytes, rounds: online.rounds },
        Counted::Total => {
            Price { bytes: offline.bytes + online.bytes, rounds: offline.rounds + online.rounds }
        }
    }
}

/// The rules that the user lets be applied.
fn rules(command: &Optimize) -> Result<Vec<&'static Rule>, Failure> {
    let allowed: Vec<&Rule> = command.allow.iter().map(|name| rule(name)).collect::<Result<_, _>>()?;
    let selected: Vec<&Rule> = command.select.iter().map(|name| rule(name)).collect::<Result<_, _>>()?;
    let ignored: Vec<&Rule> = command.ignore.iter().map(|name| rule(name)).collect::<Result<_, _>>()?;
    let within = |list: &[&Rule], rule: &Rule| list.iter().any(|other| other.name == rule.name);
    let takes = |rule: &&Rule| {
        let exact = rule.promise == Promise::Exact;
        let selected = selected.is_empty() || within(&selected, rule);
        (exact && selected || within(&allowed, rule)) && !within(&ignored, rule)
    };
    Ok(RULES.iter().filter(takes).collect())
}

fn rule(name: &str) -> Result<&'static Rule, Failure> {
    RULES.iter().find(|rule| rule.name == name).ok_or_else(|| {
        let error = Diagnostic::error(Place::Model, format!("there is no rule \"{name}\""));
        let near = nearest(name, RULES.iter().map(|rule| rule.name));
        let hint = near.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
        error.help(format!("{hint}hawkeye optimize --list shows all")).into()
    })
}

/// Runs both models on random inputs, and writes the new one if they agree.
fn write(
    original: &Graph,
    rewritten: &mut Rewritten,
    weights: &Weights,
    source: &std::path::Path,
    out: &std::path::Path,
) -> Result<String, Failure> {
    rewritten.complete(weights)?;
    let proof = prove(original, rewritten, source)?;
    let inputs = bind(&rewritten.graph, &Default::default())?;
    let types = output_types(&rewritten.graph, &infer(&rewritten.graph, &inputs).facts);
    let exported = export(&rewritten.graph, &types, Some(source))?;
    if exported.external {
        let message = "weights that no rule touched stay in other files; keep the result next to the model";
        output::warn(&[Diagnostic::warning(Place::Model, message)]);
    }
    output::write_bytes(Some(out), &exported.bytes)?;
    Ok(format!("\n{proof}\n"))
}

fn list() -> String {
    let mut text = String::new();
    for family in hawkeye_rewrite::Family::ALL {
        text.push_str(&format!("{}\n", family.name()));
        for rule in RULES.iter().filter(|rule| rule.family == family) {
            text.push_str(&format!("  {:34} {}{}\n", rule.name, promise(rule), rule.what));
        }
    }
    text
}

fn promise(rule: &Rule) -> &'static str {
    match rule.promise {
        Promise::Exact => "",
        Promise::Approximate { .. } => "(approximate) ",
        Promise::Output => "(changes the output) ",
    }
}

fn explain(rule: &Rule) -> String {
    let mut text = format!(
        "{}: {}\n\nwhen    {}\nwhy     {}\nsource  {}\n",
        rule.name, rule.what, rule.when, rule.why, rule.source
    );
    match rule.promise {
        Promise::Exact => text.push_str("exact\n"),
        Promise::Output => text.push_str("changes what is revealed; only with --allow\n"),
        Promise::Approximate { error, training } => {
            let again = if training { "the source trains again" } else { "the source does not train again" };
            text.push_str(&format!("approximate: error {error}; {again}; only with --allow\n"));
        }
    }
    text
}

/// What was applied, and what each saved; the rows add up to the difference of the two reports.
fn table(rewritten: &Rewritten, format: TableFormat) -> Result<String, Failure> {
    let rows = &rewritten.applied;
    let (before, after) = (rewritten.before, rewritten.after.unwrap_or_default());
    if format == TableFormat::Json {
        let row = |row: &Applied| {
            json!({
                "rule": row.rule.name, "nodes": row.nodes, "before": counts(row.before),
                "after": counts(Some(row.after)), "assuming": row.questions,
            })
        };
        let document = json!({
            "before": counts(before), "after": counts(rewritten.after),
            "applied": rows.iter().map(row).collect::<Vec<_>>(),
        });
        let text = serde_json::to_string_pretty(&document).map_err(|e| output::failed(e.to_string()))?;
        return Ok(text + "\n");
    }
    let mut table = Table::new();
    table.load_style(if format == TableFormat::Markdown {
        presets::ASCII_MARKDOWN
    } else {
        presets::NOTHING
    });
    table.set_header(["rule", "where", "bytes", "rounds", "saved"]);
    let share = |from: u64, to: u64| match from {
        0 => String::new(),
        _ => format!("{:+.1} %", (to as f64 - from as f64) * 100.0 / from as f64),
    };
    let total = before.unwrap_or_default().bytes;
    for row in rows {
        let place = match row.nodes.as_slice() {
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
            [] => String::new(),
        };
        let (from, to) = (row.before.unwrap_or_default(), row.after);
        let change = i128::from(to.bytes) - i128::from(from.bytes);
        let rounds = i128::from(to.rounds) - i128::from(from.rounds);
        let part = if total == 0 {
            String::new()
        } else {
            format!("{:+.1} %", change as f64 * 100.0 / total as f64)
        };
        table.add_row([row.rule.name.to_owned(), place, format!("{change:+}"), format!("{rounds:+}"), part]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = if rows.is_empty() { "nothing to save\n".to_owned() } else { format!("{table}\n\n") };
    match before {
        Some(before) => text.push_str(&format!(
            "{} -> {} bytes ({}), {} -> {} rounds\n",
            before.bytes,
            after.bytes,
            share(before.bytes, after.bytes),
            before.rounds,
            after.rounds
        )),
        None => text.push_str(&format!(
            "runs now: {} bytes, {} rounds; the framework has no lowering for the model as it is\n",
            after.bytes, after.rounds
        )),
    }
    let mut questions: Vec<&String> = rows.iter().flat_map(|row| &row.questions).collect();
    questions.dedup();
    if !questions.is_empty() {
        text.push_str("\nif, which the model's file does not tell:\n");
        let shown = questions.len().min(QUESTIONS);
        questions[..shown].iter().for_each(|question| text.push_str(&format!("  {question}\n")));
        if shown < questions.len() {
            text.push_str(&format!("  and {} more\n", questions.len() - shown));
        }
    }
    Ok(text)
}

fn counts(price: Option<Price>) -> serde_json::Value {
    price.map_or(serde_json::Value::Null, |price| json!({"bytes": price.bytes, "rounds": price.rounds}))
}
