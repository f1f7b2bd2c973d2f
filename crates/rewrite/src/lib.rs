//! Rewrites a model for least communication.
//!
//! A [`Rule`] is a file under `rules`: it looks at a node and builds what takes its place. [`rewrite`]
//! applies rules as long as the graph gets cheaper, where the price of a graph is the caller's to say.

mod draft;
mod edit;
mod finish;
mod fold;
mod gains;
mod presets;
mod price;
mod proof;
mod rule;
mod rules;
mod run;
mod search;
mod user;
mod weights;
mod widths;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::{Duration, Instant};

use hawkeye_graph::{Diagnostic, Dim, Elements, Failure, Graph, Origin, Value};
use hawkeye_shapes::{Bindings, bind};

pub use edit::{Edit, Spelling};
pub use presets::{PRESETS, Preset};
pub use price::{Objective, Price, Pricing, Quote, ReportRow};
pub use proof::{Proof, prove};
pub use rule::{Action, Family, Promise, Rule, Site};
pub use rules::RULES;
pub use run::output_types;
pub use search::{Applied, LoadsNode};
pub use user::UserRule;
pub use weights::Weights;
pub use widths::{Chosen, cheapest_widths};

use draft::Draft;
use search::{Search, SearchState};
use weights::Recipes;

/// What the user fixes.
pub struct RewriteOptions<'a, 'r> {
    /// The rules that may be applied.
    pub rules: Vec<&'r Rule<'r>>,
    /// What is to be least.
    pub objective: Objective,
    /// What the framework's front end loads; everything that has a price if not given.
    pub loads: Option<&'a LoadsNode<'a>>,
    /// The share of the ReLUs' elements to keep: the largest are dropped first. All if not given.
    pub relus: Option<f64>,
    /// How long to search; until nothing gets cheaper if not given.
    pub budget: Option<Duration>,
}

/// A rewritten model.
pub struct Rewritten<'r> {
    /// The graph; weights that rules made have no elements before [`Rewritten::complete`].
    pub graph: Graph,
    /// What was applied, in order.
    pub applied: Vec<Applied<'r>>,
    /// The price before; `None` if the framework can't run the model as it was.
    pub before: Option<Price>,
    /// The price after.
    pub after: Option<Price>,
    recipes: Rc<Recipes>,
}

/// Fixes the shapes of a graph's inputs, which rules build on.
///
/// # Errors
/// If a size is not known.
pub fn fixed(graph: &Graph, bindings: &Bindings) -> Result<Graph, Failure> {
    let shapes = bind(graph, bindings)?;
    let mut graph = graph.clone();
    for (id, shape) in shapes {
        if let Origin::Input(declared) = &mut graph.values[id.index()].origin {
            declared.dims = Some(shape.into_iter().map(Dim::Fixed).collect());
        }
    }
    Ok(graph)
}

/// Applies rules to a graph of [`fixed`] shapes as long as they make it cheaper.
///
/// # Errors
/// What does not fit together in the graph. If no graph that was looked at has a price, the failure of the graph itself.
pub fn rewrite<'a, 'r>(
    graph: &Graph,
    options: &RewriteOptions<'a, 'r>,
    weights: &'a Weights,
    pricing: &'a mut Pricing<'a>,
) -> Result<Rewritten<'r>, Failure> {
    let draft = Draft::new(graph.clone())?;
    let first = pricing(graph).map(Rc::new);
    let quote = first.as_ref().ok().cloned();
    let before = quote.as_ref().map(|quote| quote.total);
    let mut search = Search {
        rules: options.rules.clone(),
        objective: options.objective,
        loads: options.loads,
        weights,
        pricing,
        quotes: HashMap::from([(draft.key(), quote.clone())]),
        lost: HashSet::new(),
        until: options.budget.map(|budget| Instant::now() + budget),
    };
    let mut state = SearchState { draft, quote, applied: Vec::new() };
    if let Some(share) = options.relus {
        state = search.drop_relus(state, &rules::RELU_LINEAR, share)?;
    }
    let found = search.climb(state)?;
    let after = found.price();
    let SearchState { draft, applied, .. } = found;
    match first {
        Err(failure) if after.is_none() => Err(failure),
        _ => {
            let graph = Rc::unwrap_or_clone(draft.graph);
            Ok(Rewritten { graph, applied, before, after, recipes: draft.recipes })
        }
    }
}

/// Applies one rule wherever it holds to a graph of [`fixed`] shapes, whatever that costs; `None` if it holds
/// nowhere.
///
/// # Errors
/// What does not fit together in the graph, and what goes wrong in a rule of a user's.
pub fn apply<'a>(
    graph: &Graph,
    rule: &'a Rule<'a>,
    spelling: Spelling,
    weights: &Weights,
) -> Result<Option<Rewritten<'a>>, Failure> {
    let draft = Draft::new(graph.clone())?;
    let Some(candidate) = draft.apply(rule, &|_, _| true, spelling, weights)? else { return Ok(None) };
    let applied = Applied {
        rule,
        nodes: candidate.places.iter().map(|place| place.name.clone()).collect(),
        before: None,
        after: Price::default(),
        questions: candidate.questions,
        snapshot: (Rc::clone(&candidate.draft.graph), Rc::clone(&candidate.draft.recipes)),
    };
    let Draft { graph, recipes, .. } = candidate.draft;
    let graph = Rc::unwrap_or_clone(graph);
    Ok(Some(Rewritten { graph, applied: vec![applied], before: None, after: None, recipes }))
}

impl Rewritten<'_> {
    /// Computes the weights that rules made, so that the graph can be written.
    ///
    /// # Errors
    /// If the model does not hold the weights that they are made of.
    pub fn complete(&mut self, weights: &Weights) -> Result<(), Failure> {
        let explained = |Failure(errors): Failure| {
            let errors = errors.into_iter().map(|error| {
                let message = format!("weights that rules change can't be computed: {}", error.message);
                Diagnostic { message, ..error }
                    .help("give the model with its weights, or leave out the file to write for advice alone")
            });
            Failure(errors.collect())
        };
        self.graph = completed(&self.graph, &self.recipes, weights).map_err(explained)?;
        Ok(())
    }
}

/// A graph with the elements of weights that rules made.
fn completed(graph: &Graph, recipes: &Recipes, weights: &Weights) -> Result<Graph, Failure> {
    let mut graph = graph.clone();
    let made = |value: &&mut Value| {
        matches!(&value.origin, Origin::Initializer(tensor) if tensor.elements.is_none())
            && recipes.computes(&value.name)
    };
    let made: Vec<&mut Value> = graph.values.iter_mut().filter(made).collect();
    let names: Vec<String> = made.iter().map(|value| value.name.clone()).collect();
    if names.is_empty() {
        return Ok(graph);
    }
    let computed = weights.values(&names, recipes)?;
    for (value, list) in made.into_iter().zip(computed) {
        if let Origin::Initializer(tensor) = &mut value.origin {
            tensor.elements = Some(Elements::Floats(list.into_iter().map(f64::from).collect()));
        }
    }
    Ok(graph)
}
