//! Which rules to apply, decided by what whole graphs cost.
//!
//! No rule is always good, and a node's price depends on its neighbours, so every candidate is priced as
//! a whole. A rule is applied to all places at once first; places that lose by it are then found by
//! halving. Families go one after another, the cheapest rule of each first, until nothing gets cheaper.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use hawkeye_graph::{Failure, Graph, Node};

use crate::draft::{Candidate, Draft};
use crate::edit::Spelling;
use crate::rule::{Family, Rule};
use crate::weights::{Recipes, Weights};

/// What a graph costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Bytes that all parties send.
    pub bytes: u64,
    /// Rounds.
    pub rounds: u64,
}

/// What is to be least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Objective {
    /// Bytes, then rounds.
    #[default]
    Bytes,
    /// Rounds, then bytes.
    Rounds,
}

impl Objective {
    fn of(self, price: Price) -> (u64, u64) {
        match self {
            Self::Bytes => (price.bytes, price.rounds),
            Self::Rounds => (price.rounds, price.bytes),
        }
    }
}

/// Prices a graph.
pub type Pricing<'a> = dyn FnMut(&Graph) -> Result<Price, Failure> + 'a;

/// Whether a framework's front end loads a node.
pub type Loads<'a> = dyn Fn(&Node) -> bool + 'a;

/// A rule that was applied, and what it saved.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The rule.
    pub rule: &'static Rule,
    /// Names of the nodes that it started from.
    pub nodes: Vec<String>,
    /// The price before it; `None` if the framework could not run it.
    pub before: Option<Price>,
    /// The price after it.
    pub after: Price,
    /// What must hold of weights that the model does not hold.
    pub questions: Vec<String>,
    /// The graph after it.
    pub(crate) snapshot: Rc<(Graph, Recipes)>,
}

/// The search and what it needs.
pub(crate) struct Search<'a> {
    pub(crate) rules: Vec<&'static Rule>,
    pub(crate) objective: Objective,
    pub(crate) loads: Option<&'a Loads<'a>>,
    pub(crate) weights: &'a Weights,
    pub(crate) pricing: &'a mut Pricing<'a>,
    pub(crate) prices: HashMap<u64, Option<Price>>,
}

/// A draft, what it costs and how it came about.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) draft: Draft,
    /// `None` if the framework can't run it.
    pub(crate) price: Option<Price>,
    pub(crate) applied: Vec<Applied>,
}

impl Search<'_> {
    /// The price of a draft; `None` if the framework can't run it.
    pub(crate) fn price(&mut self, draft: &Draft) -> Option<Price> {
        let key = draft.key();
        if let Some(price) = self.prices.get(&key) {
            return *price;
        }
        let price = (self.pricing)(&draft.graph).ok();
        self.prices.insert(key, price);
        price
    }

    fn is_better(&self, price: Option<Price>, than: Option<Price>) -> bool {
        match (price, than) {
            (Some(price), Some(than)) => self.objective.of(price) < self.objective.of(than),
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// The best that can be reached rule by rule.
    pub(crate) fn climb(&mut self, mut state: State) -> State {
        loop {
            let before = state.applied.len();
            for family in Family::ALL {
                while let Some(next) = self.step(&state, family) {
                    state = next;
                }
            }
            if state.applied.len() == before {
                return state;
            }
        }
    }

    /// The best step by a rule of a family; `None` if none makes it cheaper.
    fn step(&mut self, state: &State, family: Family) -> Option<State> {
        let rules: Vec<_> = self.rules.iter().copied().filter(|rule| rule.family == family).collect();
        let mut best: Option<State> = None;
        for rule in rules {
            for spelling in [Spelling::Slice, Spelling::Split] {
                let Some(candidate) = self.candidate(state, rule, None, spelling) else { continue };
                let parts = candidate.takes_parts;
                let next = self.refine(state, rule, spelling, candidate);
                let than = best.as_ref().map_or(state.price, |best| best.price);
                if self.is_better(next.price, than) {
                    best = Some(next);
                }
                if !parts {
                    break;
                }
            }
        }
        best
    }

    fn candidate(
        &self,
        state: &State,
        rule: &'static Rule,
        classes: Option<&BTreeSet<u64>>,
        spelling: Spelling,
    ) -> Option<Candidate> {
        let candidate = state.draft.apply(rule, classes, spelling, self.weights)?;
        let loads = self.loads.is_none_or(|loads| {
            let named = |graph: &Graph, node: &Node| {
                let first = node.present_outputs().next()?;
                Some((node.op.clone(), graph.value(first).name.clone()))
            };
            let (old, new) = (&state.draft.graph, &candidate.draft.graph);
            let before: HashSet<_> = old.nodes.iter().filter_map(|node| named(old, node)).collect();
            let is_new = |node: &&Node| named(new, node).is_some_and(|name| !before.contains(&name));
            new.nodes.iter().filter(is_new).all(loads)
        });
        loads.then_some(candidate)
    }

    fn next(&mut self, state: &State, rule: &'static Rule, candidate: Candidate) -> State {
        let price = self.price(&candidate.draft);
        let mut applied = state.applied.clone();
        applied.push(Applied {
            rule,
            nodes: candidate.places.iter().map(|place| place.name.clone()).collect(),
            before: state.price,
            after: price.unwrap_or_default(),
            questions: candidate.questions,
            snapshot: Rc::new((candidate.draft.graph.clone(), candidate.draft.recipes.clone())),
        });
        State { draft: candidate.draft, price, applied }
    }

    /// A candidate without the places that lose by it, as far as halving finds them.
    fn refine(
        &mut self,
        state: &State,
        rule: &'static Rule,
        spelling: Spelling,
        candidate: Candidate,
    ) -> State {
        let classes: BTreeSet<u64> = candidate.places.iter().map(|place| place.class).collect();
        let all = self.next(state, rule, candidate);
        if classes.len() == 1 {
            return all;
        }
        let mut halves = Vec::new();
        let list: Vec<u64> = classes.into_iter().collect();
        for half in list.chunks(list.len().div_ceil(2)) {
            let half: BTreeSet<u64> = half.iter().copied().collect();
            if let Some(candidate) = self.candidate(state, rule, Some(&half), spelling) {
                let next = self.next(state, rule, candidate);
                halves.push((half, next));
            }
        }
        if halves.iter().all(|(_, half)| self.is_better(half.price, state.price)) {
            return all;
        }
        let mut best = all;
        for (half, _) in halves {
            if let Some(candidate) = self.candidate(state, rule, Some(&half), spelling) {
                let half = self.refine(state, rule, spelling, candidate);
                if self.is_better(half.price, best.price) {
                    best = half;
                }
            }
        }
        best
    }
}
