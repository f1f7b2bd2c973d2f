//! Which rules to apply, decided by what whole graphs cost.
//!
//! No rule is always good, and a node's price depends on its neighbours, so every candidate is priced as
//! a whole. A rule is applied to all places at once first; places that lose by it are then found by
//! halving. Families go one after another, the cheapest rule of each first, until nothing gets cheaper.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::time::Instant;

use hawkeye_graph::{Derivation, Failure, Graph, Node};

use crate::draft::{Candidate, Draft};
use crate::edit::Spelling;
use crate::rule::{Family, Rule};
use crate::weights::{Recipes, Weights};

/// What a graph costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// Bytes that all parties send.
    pub bytes: u64,
    /// Rounds.
    pub rounds: u64,
    /// Seconds, if a network was given.
    pub seconds: f64,
}

/// What is to be least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Objective {
    /// Bytes, then rounds.
    #[default]
    Bytes,
    /// Rounds, then bytes.
    Rounds,
    /// Seconds, then bytes.
    Seconds,
}

impl Objective {
    /// Whether one price is less than another.
    #[must_use]
    pub fn is_less(self, a: Price, b: Price) -> bool {
        let (bytes, rounds) = (a.bytes.cmp(&b.bytes), a.rounds.cmp(&b.rounds));
        match self {
            Self::Bytes => bytes.then(rounds).is_lt(),
            Self::Rounds => rounds.then(bytes).is_lt(),
            Self::Seconds => a.seconds.total_cmp(&b.seconds).then(bytes).is_lt(),
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

/// Rules that are dearer by themselves where another of their family makes up for it: the inner two of three
/// layers of an inverted residual without activations.
const OPENINGS: &[&str] = &["merge-conv1x1-conv"];

/// The search and what it needs.
pub(crate) struct Search<'a> {
    pub(crate) rules: Vec<&'static Rule>,
    pub(crate) objective: Objective,
    pub(crate) loads: Option<&'a Loads<'a>>,
    pub(crate) weights: &'a Weights,
    pub(crate) pricing: &'a mut Pricing<'a>,
    pub(crate) prices: HashMap<u64, Option<Price>>,
    /// Where a rule saved nothing: rule, spelling, and the node with its neighbours.
    pub(crate) lost: HashSet<(&'static str, Spelling, u64)>,
    /// When to stop with what was found.
    pub(crate) until: Option<Instant>,
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
            (Some(price), Some(than)) => self.objective.is_less(price, than),
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// The best that can be reached rule by rule.
    pub(crate) fn climb(&mut self, mut state: State) -> State {
        loop {
            let before = state.applied.len();
            for family in Family::ALL {
                while let Some(next) = self.step(&state, family).or_else(|| self.leap(&state, family)) {
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
        if self.until.is_some_and(|until| Instant::now() >= until) {
            return None;
        }
        let rules: Vec<_> = self.rules.iter().copied().filter(|rule| rule.family == family).collect();
        let mut best: Option<State> = None;
        for rule in rules {
            for spelling in [Spelling::Slice, Spelling::Split] {
                let Some(candidate) = self.candidate(state, rule, None, spelling) else { continue };
                let parts = candidate.takes_parts;
                let contexts: Vec<u64> = candidate.places.iter().map(|place| place.context).collect();
                let next = self.refine(state, rule, spelling, candidate);
                if !self.is_better(next.price, state.price) {
                    self.lost.extend(contexts.into_iter().map(|context| (rule.name, spelling, context)));
                }
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

    /// A step by a rule that pays only together with a later one, and that one.
    fn leap(&mut self, state: &State, family: Family) -> Option<State> {
        let rules = self.rules.clone().into_iter();
        for rule in rules.filter(|rule| rule.family == family && OPENINGS.contains(&rule.name)) {
            let candidate = state.draft.apply(rule, &|_, _| true, Spelling::Slice, self.weights);
            let Some(candidate) = candidate.filter(|candidate| self.is_loaded(candidate)) else { continue };
            let opened = self.next(state, rule, candidate);
            let next = self.step(&opened, family).filter(|next| self.is_better(next.price, state.price));
            if next.is_some() {
                return next;
            }
        }
        None
    }

    fn candidate(
        &self,
        state: &State,
        rule: &'static Rule,
        classes: Option<&BTreeSet<u64>>,
        spelling: Spelling,
    ) -> Option<Candidate> {
        let takes = |class, context| {
            classes.is_none_or(|classes| classes.contains(&class))
                && !self.lost.contains(&(rule.name, spelling, context))
        };
        let candidate = state.draft.apply(rule, &takes, spelling, self.weights)?;
        self.is_loaded(&candidate).then_some(candidate)
    }

    /// Whether the framework's front end loads all nodes that rules made.
    fn is_loaded(&self, candidate: &Candidate) -> bool {
        let mut made =
            candidate.draft.graph.nodes.iter().filter(|node| node.provenance.is_by(Derivation::Rewrite));
        self.loads.is_none_or(|loads| made.all(loads))
    }

    /// The graph without ReLUs, the largest first, until the given share of their elements is left.
    pub(crate) fn drop_relus(&mut self, state: State, rule: &'static Rule, share: f64) -> State {
        let mut relus = state.draft.sizes(rule.anchors);
        relus.sort_by_key(|(id, size)| (std::cmp::Reverse(*size), *id));
        let all: u64 = relus.iter().map(|(_, size)| size).sum();
        let mut left = all;
        let mut dropped = BTreeSet::new();
        for (id, size) in relus {
            if (left as f64) <= share * all as f64 {
                break;
            }
            left -= size;
            dropped.insert(id);
        }
        match state.draft.apply_at(rule, &dropped, self.weights) {
            Some(candidate) => self.next(&state, rule, candidate),
            None => state,
        }
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
