//! `hawkeye optimize`.

mod catalogue;
mod difference;
mod table;
mod widths;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use hawkeye::{
    Diagnostic, Failure, Framework, Model, Options, Place, Report, Session, Widths, check_dims, load,
};
use hawkeye_graph::{Graph, Node};
use hawkeye_onnx::export;
use hawkeye_report::{Operator, Phases};
use hawkeye_rewrite::{
    Objective, Price, Quote, ReportRow, Rewritten, Rule, UserRule, Weights, fixed, output_types, prove,
    rewrite,
};
use hawkeye_shapes::{bind, infer};
use hawkeye_sheets::written_rules;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::input::source;
use super::output;
use super::run::Run;

#[derive(Debug, Args)]
pub(crate) struct OptimizeArguments {
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
    /// What is to be least; seconds need a network
    #[arg(long, value_enum, default_value_t = Goal::Bytes)]
    objective: Goal,
    /// Which phases count: online alone, or offline and online; set-up, which is paid once, never does
    #[arg(long, value_enum, default_value_t = Counted::Total)]
    phase: Counted,
    /// Rules that change the function or what is revealed, sets of them such as mpcformer, or relu-budget=R, the
    /// share of ReLUs to keep
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    allow: Vec<String>,
    /// These rules only
    #[arg(long, value_name = "RULE,...", value_delimiter = ',')]
    select: Vec<String>,
    /// All rules but these
    #[arg(long, value_name = "RULE,...", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Rules of one's own: a file of them, besides those that the framework's manifest lists
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Use every operator that has a price, even those that the framework's front end does not load
    #[arg(long)]
    as_priced: bool,
    /// Also set parameters of the framework that keep the function
    #[arg(long)]
    tune: bool,
    /// Stop the search after that many seconds with what was found
    #[arg(long, value_name = "SECONDS")]
    budget_seconds: Option<u32>,
    /// Exit with 1 if something can be saved
    #[arg(long)]
    check: bool,
    /// List the rules
    #[arg(long)]
    list: bool,
    /// Explain a rule, or a set of them
    #[arg(long, value_name = "RULE")]
    explain: Option<String>,
    /// Also show which nodes go and which come
    #[arg(long)]
    diff: bool,
    /// How to write the table
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    format: TableFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Goal {
    Bytes,
    Rounds,
    Seconds,
}

impl From<Goal> for Objective {
    fn from(goal: Goal) -> Self {
        match goal {
            Goal::Bytes => Self::Bytes,
            Goal::Rounds => Self::Rounds,
            Goal::Seconds => Self::Seconds,
        }
    }
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
    Html,
}

impl OptimizeArguments {
    /// What errors are about.
    pub(crate) fn subject(&self) -> String {
        self.model.as_ref().map_or_else(|| "rules".to_owned(), |model| model.display().to_string())
    }
}

/// A parameter that was set, and the price before and after.
struct Tuned {
    setting: String,
    /// The build that it needs.
    needs: String,
    before: Option<Price>,
    after: Price,
}

/// What was found for a model.
struct Optimised<'a> {
    original: Graph,
    tuned: Vec<Tuned>,
    rewritten: Rewritten<'a>,
}

pub(crate) fn run(command: &OptimizeArguments) -> Result<ExitCode, Failure> {
    let framework = command.framework.as_deref().map(Framework::open).transpose()?;
    let mut written = written_rules(&command.rules)?;
    if let Some(framework) = &framework {
        written.extend(framework.rules()?);
    }
    let users: Vec<UserRule<'_>> = written.iter().map(UserRule::new).collect();
    let rules = catalogue::all(&users)?;
    if command.list {
        return output::write(None, catalogue::list(&rules).as_bytes()).map(|()| ExitCode::SUCCESS);
    }
    if let Some(name) = &command.explain {
        return output::write(None, catalogue::explain(&rules, name)?.as_bytes()).map(|()| ExitCode::SUCCESS);
    }
    let (Some(path), Some(framework)) = (&command.model, framework) else {
        return Err(output::failed("a model and a framework are needed".to_owned()));
    };
    let options = command.run.options()?;
    if command.objective == Goal::Seconds && options.time.is_none() {
        return Err(output::failed(
            "seconds need a network: say --network, or --bandwidth and --rtt".to_owned(),
        ));
    }
    let framework = framework.overlaid(&options.overlays)?;
    let source = source(path)?;
    let path = source.path.as_path();
    let model = load(path)?;
    check_dims(&model.graph, &options.bindings.dims)?;
    let choice = catalogue::choose(&rules, &command.allow, &command.select, &command.ignore)?;
    let search =
        SearchSetup { framework, options, rules: choice.rules, relus: choice.relus, command: Some(command) };
    if let Some(Widths::Open { most, layers }) = &command.run.widths {
        return output::write(None, search.widths(&model, layers, *most)?.as_bytes())
            .map(|()| ExitCode::SUCCESS);
    }
    let mut found = search.run(&model, Some(path))?;
    let mut text = table::render(&found, command.format)?;
    if command.diff {
        text.push_str(&difference::between(&found.original, &found.rewritten.graph));
    }
    if let Some(out) = &command.output {
        let weights = Weights::new(Some(path), &found.original);
        text.push_str(&write(&found.original, &mut found.rewritten, &weights, path, out)?);
    }
    // Where the model goes to standard output, nothing may come between.
    if command.output.as_deref().is_some_and(output::is_standard) {
        output::note(&text);
    } else {
        output::write(None, text.as_bytes())?;
    }
    let saved = found.rewritten.applied.iter().any(|step| step.before != Some(step.after));
    let saves = saved || !found.tuned.is_empty();
    Ok(if command.check && saves { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// One line about what exact rewrites would save.
pub(crate) fn advice(
    model: &Model,
    path: &Path,
    name: &str,
    framework: &Framework,
    options: &Options,
) -> Result<String, Failure> {
    let written = framework.rules()?;
    let users: Vec<UserRule<'_>> = written.iter().map(UserRule::new).collect();
    let rules = catalogue::all(&users)?;
    let rules = catalogue::choose(&rules, &[], &[], &[])?.rules;
    let search = SearchSetup {
        framework: framework.clone(),
        options: options.clone(),
        rules,
        relus: None,
        command: None,
    };
    let found = search.run(model, Some(path))?.rewritten;
    let (Some(before), Some(after)) = (found.before, found.after) else { return Ok(String::new()) };
    let share = table::share(before.bytes, after.bytes);
    let file = path.display();
    Ok(match before.bytes == after.bytes {
        true => "exact rewrites would save nothing\n".to_owned(),
        false => format!("exact rewrites would save {share}: hawkeye optimize {file} -f {name}\n"),
    })
}

/// How far the search is, on a terminal.
fn progress() -> ProgressBar {
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} {pos} graphs priced, {elapsed}");
    spinner.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

/// What is searched for.
struct SearchSetup<'a> {
    framework: Framework,
    options: Options,
    rules: Vec<&'a Rule<'a>>,
    relus: Option<f64>,
    command: Option<&'a OptimizeArguments>,
}

impl<'a> SearchSetup<'a> {
    fn run(&self, model: &Model, path: Option<&Path>) -> Result<Optimised<'a>, Failure> {
        let original = fixed(&model.graph, &self.options.bindings)?;
        let counted = self.command.map_or(Counted::Total, |command| command.phase);
        let objective = self.command.map_or(Objective::Bytes, |command| command.objective.into());
        let as_priced = self.command.is_some_and(|command| command.as_priced);
        let mut settings = self.options.settings.clone();
        let tuned = match self.command {
            Some(command) if command.tune => self.tune(&original, objective, counted, &mut settings)?,
            _ => Vec::new(),
        };
        let pricer = Pricer::new(self, &settings, counted)?;
        let front_end = self.framework.manifest.loads.as_ref();
        let only_loaded = front_end.is_some() && !as_priced;
        let by_hand = RefCell::new(None);
        let spinner = progress();
        let mut pricing = |graph: &Graph| {
            spinner.inc(1);
            let report = pricer.report(graph)?;
            // What the front end does not run costs what the same functions cost when they are called by hand.
            let composed =
                report.operators.iter().filter(|op| op.evidence.as_deref() == Some("composed")).count();
            let most = *by_hand.borrow_mut().get_or_insert(composed);
            if composed > most && only_loaded {
                return Err(output::failed("the framework's front end does not run it".to_owned()));
            }
            Ok(pricer.quote(&report))
        };
        let loads = |node: &Node| front_end.is_none_or(|front_end| front_end.refusal(node).is_none());
        let weights = Weights::new(path, &original);
        let options = hawkeye_rewrite::RewriteOptions {
            rules: self.rules.clone(),
            objective,
            loads: (!as_priced).then_some(&loads),
            relus: self.relus,
            budget: self
                .command
                .and_then(|command| command.budget_seconds)
                .map(|s| Duration::from_secs(s.into())),
        };
        let rewritten = rewrite(&original, &options, &weights, &mut pricing);
        spinner.finish_and_clear();
        let rewritten = rewritten?;
        Ok(Optimised { original, tuned, rewritten })
    }

    /// Sets one parameter after another that makes the model cheaper and keeps its function.
    fn tune(
        &self,
        graph: &Graph,
        objective: Objective,
        counted: Counted,
        settings: &mut BTreeMap<String, String>,
    ) -> Result<Vec<Tuned>, Failure> {
        let priced = |settings: &BTreeMap<String, String>| {
            let pricer = Pricer::new(self, settings, counted)?;
            pricer.report(graph).map(|report| pricer.price(&report))
        };
        let mut before = priced(settings).ok();
        let mut tuned = Vec::new();
        for (name, parameter) in &self.framework.manifest.parameters {
            let Some(needs) = &parameter.tune else { continue };
            for value in parameter.values() {
                let mut other = settings.clone();
                other.insert(name.clone(), value.clone());
                let Ok(after) = priced(&other) else { continue };
                if before.is_none_or(|before| objective.is_less(after, before)) {
                    let setting = format!("--set {name}={value}");
                    tuned.retain(|row: &Tuned| !row.setting.starts_with(&format!("--set {name}=")));
                    tuned.push(Tuned { setting, needs: needs.clone(), before, after });
                    (*settings, before) = (other, Some(after));
                }
            }
        }
        Ok(tuned)
    }
}

/// A framework with its settings.
struct Pricer {
    session: Session,
    options: Options,
    counted: Counted,
}

impl Pricer {
    fn new(
        search: &SearchSetup<'_>,
        settings: &BTreeMap<String, String>,
        counted: Counted,
    ) -> Result<Self, Failure> {
        let session = Session::new(search.framework.clone(), search.options.parties, settings)?;
        let options = Options { bindings: hawkeye::Bindings::default(), ..search.options.clone() };
        Ok(Self { session, options, counted })
    }

    fn report(&self, graph: &Graph) -> Result<Report, Failure> {
        self.session.price(graph, &self.options)
    }

    fn price(&self, report: &Report) -> Price {
        self.counted(&report.totals, report.time.as_ref().map(|time| time.seconds))
    }

    fn quote(&self, report: &Report) -> Quote {
        let row =
            |row: &Operator| (ReportRow::new(row.node, &row.name), self.counted(&row.phases, row.seconds));
        Quote { total: self.price(report), rows: report.operators.iter().map(row).collect() }
    }

    fn counted(&self, phases: &Phases, seconds: Option<f64>) -> Price {
        let (offline, online) = (&phases.offline, &phases.online);
        let seconds = seconds.unwrap_or_default();
        match self.counted {
            Counted::Online => Price { bytes: online.bytes, rounds: online.rounds, seconds },
            Counted::Total => {
                Price { bytes: offline.bytes + online.bytes, rounds: offline.rounds + online.rounds, seconds }
            }
        }
    }
}

/// Runs both models on random inputs, and writes the new one if they agree.
fn write(
    original: &Graph,
    rewritten: &mut Rewritten<'_>,
    weights: &Weights,
    source: &Path,
    out: &Path,
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
    output::write_model(Some(out), |to| to.write_all(&exported.bytes))?;
    Ok(format!("\n{proof}\n"))
}
