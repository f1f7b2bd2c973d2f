//! Which rules to apply, decided by what whole graphs cost.
//!
//! No rule is always good, and a node's price depends on its neighbours, so every candidate is priced as
//! a whole. A rule is applied to all places at once first; places that lose by it are then found by what
//! the rows of the two reports differ in, and where that does not tell, by halving. Families go one after another, the cheapest rule of each first, until nothing gets cheaper.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::time::Instant;

use hawkeye_graph::{Derivation, Failure, Graph, Node};

use crate::draft::{AppliedAt, Candidate, Draft};
use crate::edit::Spelling;
use crate::gains::Gains;
use crate::price::{Objective, Price, Pricing, Quote};
use crate::rule::{Family, Rule};
use crate::weights::{Recipes, Weights};

/// Whether a framework's front end loads a node.
pub type LoadsNode<'a> = dyn Fn(&Node) -> bool + 'a;

/// A rule that was applied, and what it saved.
#[derive(Clone, Debug)]
pub struct Applied<'r> {
    /// The rule.
    pub rule: &'r Rule<'r>,
    /// Names of the nodes that it started from.
    pub nodes: Vec<String>,
    /// The price before it; `None` if the framework could not run it.
    pub before: Option<Price>,
    /// The price after it.
    pub after: Price,
    /// What must hold of weights that the model does not hold.
    pub questions: Vec<String>,
    /// The graph after it.
    pub(crate) snapshot: (Rc<Graph>, Rc<Recipes>),
}

/// Rules that save nothing by themselves where another of their family makes up for it: the inner two of three
/// layers of an inverted residual without activations; two factors that a framework multiplies itself, before a
/// layer takes them; products of one weight together, before the activations after them are.
const OPENINGS: &[&str] = &["merge-conv1x1-conv", "merge-factors", "batch-independent"];

/// The search and what it needs.
pub(crate) struct Search<'a, 'r> {
    pub(crate) rules: Vec<&'r Rule<'r>>,
    pub(crate) objective: Objective,
    pub(crate) loads: Option<&'a LoadsNode<'a>>,
    pub(crate) weights: &'a Weights,
    pub(crate) pricing: &'a mut Pricing<'a>,
    pub(crate) quotes: HashMap<u64, Option<Rc<Quote>>>,
    /// Where a rule saved nothing: rule, spelling, and the node with its neighbours.
    pub(crate) lost: HashSet<(&'r str, Spelling, u64)>,
    /// When to stop with what was found.
    pub(crate) until: Option<Instant>,
}

/// A draft, what it costs and how it came about.
#[derive(Clone)]
pub(crate) struct SearchState<'r> {
    pub(crate) draft: Draft,
    /// `None` if the framework can't run it.
    pub(crate) quote: Option<Rc<Quote>>,
    pub(crate) applied: Vec<Applied<'r>>,
}

impl SearchState<'_> {
    pub(crate) fn price(&self) -> Option<Price> {
        self.quote.as_ref().map(|quote| quote.total)
    }
}

impl<'r> Search<'_, 'r> {
    /// The price of a draft; `None` if the framework can't run it.
    fn quote(&mut self, draft: &Draft) -> Option<Rc<Quote>> {
        let key = draft.key();
        if let Some(quote) = self.quotes.get(&key) {
            return quote.clone();
        }
        let quote = (self.pricing)(&draft.graph).ok().map(Rc::new);
        self.quotes.insert(key, quote.clone());
        quote
    }

    /// Whether a state is better: cheaper, or with less that the framework's front end does not load.
    fn beats(&self, state: &SearchState<'_>, than: &SearchState<'_>) -> bool {
        let (price, old) = (state.price(), than.price());
        let refused = |state: &SearchState<'_>| {
            let refused = |node: &&Node| self.loads.is_some_and(|loads| !loads(node));
            state.draft.graph.nodes.iter().filter(refused).count()
        };
        self.is_better(price, old) || price == old && refused(state) < refused(than)
    }

    fn is_better(&self, price: Option<Price>, than: Option<Price>) -> bool {
        match (price, than) {
            (Some(price), Some(than)) => self.objective.is_less(price, than),
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// The best that can be reached rule by rule.
    pub(crate) fn climb(&mut self, mut state: SearchState<'r>) -> Result<SearchState<'r>, Failure> {
        loop {
            let before = state.applied.len();
            for family in Family::ALL {
                while let Some(next) = self.advance(&state, family)? {
                    state = next;
                }
            }
            if state.applied.len() == before {
                return Ok(state);
            }
        }
    }

    /// The best step by a rule of a family, or by two rules of which the first alone saves nothing.
    fn advance(
        &mut self,
        state: &SearchState<'r>,
        family: Family,
    ) -> Result<Option<SearchState<'r>>, Failure> {
        match self.step(state, family)? {
            Some(next) => Ok(Some(next)),
            None => self.leap(state, family),
        }
    }

    /// The best step by a rule of a family; `None` if none makes it cheaper.
    fn step(&mut self, state: &SearchState<'r>, family: Family) -> Result<Option<SearchState<'r>>, Failure> {
        if self.until.is_some_and(|until| Instant::now() >= until) {
            return Ok(None);
        }
        let rules: Vec<_> = self.rules.iter().copied().filter(|rule| rule.family == family).collect();
        let mut best: Option<SearchState<'r>> = None;
        for rule in rules {
            for spelling in [Spelling::Slice, Spelling::Split] {
                let Some(candidate) = self.candidate(state, rule, None, spelling)? else { continue };
                let parts = candidate.takes_parts;
                let contexts: Vec<u64> = candidate.places.iter().map(|place| place.context).collect();
                let next = self.refine(state, rule, spelling, candidate)?;
                // What did not pay in this context will not pay there again.
                if !self.beats(&next, state) {
                    self.lost.extend(contexts.into_iter().map(|context| (rule.name, spelling, context)));
                }
                if self.beats(&next, best.as_ref().unwrap_or(state)) {
                    best = Some(next);
                }
                // Where no parts are taken the spellings are the same.
                if !parts {
                    break;
                }
            }
        }
        Ok(best)
    }

    /// A step by a rule that pays only together with a later one, and that one; what they leave is cleaned up.
    fn leap(&mut self, state: &SearchState<'r>, family: Family) -> Result<Option<SearchState<'r>>, Failure> {
        let rules = self.rules.clone().into_iter();
        for rule in rules.filter(|rule| rule.family == family && OPENINGS.contains(&rule.name)) {
            for spelling in [Spelling::Slice, Spelling::Split] {
                let Some(candidate) = state.draft.apply(rule, &|_, _| true, spelling, self.weights)? else {
                    break;
                };
                if !self.is_loaded(&candidate) {
                    continue;
                }
                let mut opened = self.next(state, rule, candidate);
                // The second rule may be of the same family, or clean up what the first left.
                for family in [family, Family::Cleaning] {
                    let Some(next) = self.step(&opened, family)? else { continue };
                    if self.is_better(next.price(), state.price()) {
                        return Ok(Some(next));
                    }
                    opened = next;
                }
            }
        }
        Ok(None)
    }

    fn candidate(
        &self,
        state: &SearchState<'r>,
        rule: &'r Rule<'r>,
        classes: Option<&BTreeSet<u64>>,
        spelling: Spelling,
    ) -> Result<Option<Candidate>, Failure> {
        let takes = |class, context| {
            classes.is_none_or(|classes| classes.contains(&class))
                && !self.lost.contains(&(rule.name, spelling, context))
        };
        let candidate = state.draft.apply(rule, &takes, spelling, self.weights)?;
        Ok(candidate.filter(|candidate| self.is_loaded(candidate)))
    }

    /// Whether the framework's front end loads all nodes that rules made.
    fn is_loaded(&self, candidate: &Candidate) -> bool {
        let mut made =
            candidate.draft.graph.nodes.iter().filter(|node| node.provenance.is_by(Derivation::Rewrite));
        self.loads.is_none_or(|loads| made.all(loads))
    }

    /// The graph without ReLUs, the largest first, until the given share of their elements is left.
    pub(crate) fn drop_relus(
        &mut self,
        state: SearchState<'r>,
        rule: &'r Rule<'r>,
        share: f64,
    ) -> Result<SearchState<'r>, Failure> {
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
        Ok(match state.draft.apply_at(rule, &dropped, self.weights)? {
            Some(candidate) => self.next(&state, rule, candidate),
            None => state,
        })
    }

    fn next(&mut self, state: &SearchState<'r>, rule: &'r Rule<'r>, candidate: Candidate) -> SearchState<'r> {
        let quote = self.quote(&candidate.draft);
        let mut applied = state.applied.clone();
        applied.push(Applied {
            rule,
            nodes: candidate.places.iter().map(|place| place.name.clone()).collect(),
            before: state.price(),
            after: quote.as_ref().map(|quote| quote.total).unwrap_or_default(),
            questions: candidate.questions,
            snapshot: (Rc::clone(&candidate.draft.graph), Rc::clone(&candidate.draft.recipes)),
        });
        SearchState { draft: candidate.draft, quote, applied }
    }

    /// A candidate without the places that lose by it, as far as rows and halving find them.
    fn refine(
        &mut self,
        state: &SearchState<'r>,
        rule: &'r Rule<'r>,
        spelling: Spelling,
        mut candidate: Candidate,
    ) -> Result<SearchState<'r>, Failure> {
        let places = std::mem::take(&mut candidate.places);
        let classes: BTreeSet<u64> = places.iter().map(|place| place.class).collect();
        candidate.places.clone_from(&places);
        let all = self.next(state, rule, candidate);
        if classes.len() == 1 {
            return Ok(all);
        }
        let (hopeless, settled) = self.hopeless(state, &all, &places);
        if settled {
            return Ok(all);
        }
        let open: Vec<u64> = classes.difference(&hopeless).copied().collect();
        // Rows that tell which places lose leave the others as one part; where they tell nothing, halves are tried.
        let parts = if hopeless.is_empty() { 2 } else { 1 };
        let mut halves = Vec::new();
        for half in open.chunks(open.len().div_ceil(parts).max(1)) {
            let half: BTreeSet<u64> = half.iter().copied().collect();
            halves.extend(self.candidate(state, rule, Some(&half), spelling)?);
        }
        if parts == 2 {
            let priced: Vec<_> = halves.iter().map(|half| self.quote(&half.draft)).collect();
            let price = |quote: &Option<Rc<Quote>>| quote.as_ref().map(|quote| quote.total);
            // Halves that both save are taken together.
            if priced.iter().all(|half| self.is_better(price(half), state.price())) {
                return Ok(all);
            }
        }
        let mut best = all;
        for half in halves {
            let half = self.refine(state, rule, spelling, half)?;
            if self.is_better(half.price(), best.price()) {
                best = half;
            }
        }
        Ok(best)
    }

    /// Classes of places that lose whatever becomes of the others, as the rows of the two reports tell; and
    /// whether they tell that all others save.
    fn hopeless(
        &self,
        state: &SearchState<'r>,
        next: &SearchState<'r>,
        places: &[AppliedAt],
    ) -> (BTreeSet<u64>, bool) {
        let (Some(before), Some(after)) = (&state.quote, &next.quote) else { return <_>::default() };
        let gains =
            Gains::new(self.objective, (&state.draft.graph, before), (&next.draft.graph, after), places);
        gains.map_or_else(<_>::default, |gains| (gains.losing(), gains.all_save()))
    }
}
