//! Rewriting a model under a framework, as the command line does.
#![allow(dead_code, reason = "each test uses its own part")]

use std::path::{Path, PathBuf};

use hawkeye::{Bindings, Framework, Options, Session, load};
use hawkeye_graph::{Failure, Graph, Node};
use hawkeye_report::{Operator, Phases};
use hawkeye_rewrite::{Price, Promise, Quote, RULES, ReportRow, Rewritten, Rule, Weights, fixed, rewrite};

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// All rules that keep the function.
pub(crate) fn exact() -> Vec<&'static Rule<'static>> {
    RULES.iter().filter(|rule| rule.promise == Promise::Exact).collect()
}

/// The graph of a model file with its inputs' shapes fixed.
pub(crate) fn graph(path: &Path) -> Graph {
    let bindings = Bindings { batch: Some(1), dims: [("seq".to_owned(), 128)].into(), ..Bindings::default() };
    let model = load(path).expect("it loads");
    fixed(&model.graph, &bindings)
        .or_else(|_| fixed(&model.graph, &Bindings::default()))
        .expect("sizes are known")
}

/// A framework's prices, with its settings.
pub(crate) struct Priced {
    framework: Framework,
    session: Session,
    options: Options,
}

impl Priced {
    /// A built-in framework by name, with parameters as `NAME=VALUE` after it and `parties=N`.
    pub(crate) fn new(setting: &str) -> Self {
        let mut words = setting.split(' ');
        let framework = Framework::open(words.next().expect("a name")).expect("it is built in");
        let mut options = Options::default();
        for (name, value) in words.filter_map(|word| word.split_once('=')) {
            match name {
                "parties" => options.parties = value.parse().ok(),
                _ => drop(options.settings.insert(name.to_owned(), value.to_owned())),
            }
        }
        let session = Session::new(framework.clone(), options.parties, &options.settings)
            .expect("the settings are right");
        Self { framework, session, options }
    }

    /// What a graph costs.
    pub(crate) fn price(&self, graph: &Graph) -> Result<Price, Failure> {
        self.quote(graph).map(|quote| quote.total)
    }

    fn quote(&self, graph: &Graph) -> Result<Quote, Failure> {
        let report = self.session.price(graph, &self.options)?;
        let price = |phases: &Phases| Price {
            bytes: phases.offline.bytes + phases.online.bytes,
            rounds: phases.offline.rounds + phases.online.rounds,
            seconds: 0.0,
        };
        let row = |row: &Operator| (ReportRow::new(row.node, &row.name), price(&row.phases));
        Ok(Quote { total: price(&report.totals), rows: report.operators.iter().map(row).collect() })
    }

    /// A model rewritten by these rules.
    pub(crate) fn optimized(
        &self,
        path: &Path,
        rules: Vec<&'static Rule<'static>>,
        as_priced: bool,
    ) -> Rewritten<'static> {
        self.try_optimized(path, rules, as_priced).expect("it has a price")
    }

    /// The same, or nothing if the framework can't run it.
    pub(crate) fn try_optimized(
        &self,
        path: &Path,
        rules: Vec<&'static Rule<'static>>,
        as_priced: bool,
    ) -> Option<Rewritten<'static>> {
        let original = graph(path);
        let weights = Weights::new(Some(path), &original);
        let mut pricing = |graph: &Graph| self.quote(graph);
        let front_end = self.framework.manifest.loads.as_ref();
        let loads = |node: &Node| front_end.is_none_or(|front_end| front_end.refusal(node).is_none());
        let options = hawkeye_rewrite::RewriteOptions {
            rules,
            objective: hawkeye_rewrite::Objective::Bytes,
            loads: (!as_priced).then_some(&loads),
            relus: None,
            budget: None,
        };
        rewrite(&original, &options, &weights, &mut pricing).ok()
    }
}

/// A model rewritten by these rules for a framework.
pub(crate) fn optimized(
    path: &Path,
    framework: &str,
    rules: Vec<&'static Rule<'static>>,
    as_priced: bool,
) -> Rewritten<'static> {
    Priced::new(framework).optimized(path, rules, as_priced)
}
