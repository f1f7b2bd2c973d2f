//! Rules that users write, as rules like any other: nodes that match a pattern, and what takes their place.

mod building;
mod matching;
mod view;

use hawkeye_graph::{Diagnostic, Place};
use hawkeye_sheets::{Sign, WrittenRule};

use crate::edit::{Claim, Edit};
use crate::rule::{Action, Family, Promise, Rule, Site};
use building::build;
use matching::matches;
use view::views;

/// A rule that a user wrote, with what [`Rule`] borrows.
pub struct UserRule<'a> {
    written: &'a WrittenRule,
    anchors: [&'a str; 1],
    rewrite: Box<Action<'a>>,
}

impl<'a> UserRule<'a> {
    /// The rule as it is written.
    #[must_use]
    pub fn new(written: &'a WrittenRule) -> Self {
        let rewrite = move |site: &Site<'_>, edit: &mut Edit| rewrite(written, site, edit);
        Self { written, anchors: [&written.pattern.op], rewrite: Box::new(rewrite) }
    }

    /// The rule as the search takes it.
    #[must_use]
    pub fn rule(&self) -> Rule<'_> {
        let written = self.written;
        let promise = written.approximation.as_ref().map(|approximation| Promise::Approximate {
            error: &approximation.error,
            training: approximation.training,
        });
        Rule {
            name: &written.name,
            family: Family::Own,
            what: &written.what,
            when: &written.when,
            why: &written.why,
            source: &written.source,
            promise: promise.unwrap_or(Promise::Exact),
            anchors: &self.anchors,
            rewrite: &*self.rewrite,
        }
    }
}

fn rewrite(rule: &WrittenRule, site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let fail = |problem: String| {
        let message = format!("rule {} can't be applied here: {problem}", rule.name);
        site.faults.borrow_mut().push(Diagnostic::error(Place::node(site.node), message));
    };
    let bound = matches(site, &rule.pattern)?;
    let term = match rule.replacement(&views(site, &bound)) {
        Ok(term) => term?,
        Err(problem) => {
            fail(problem);
            return None;
        }
    };
    for (name, sign) in &rule.weights {
        let value = bound.get(name.as_str()).copied().flatten()?;
        if !(site.is_weight(value) && site.every(value, sign.name(), holds(*sign))) {
            return None;
        }
    }
    let old = site.output()?;
    match build(edit, &term, &bound) {
        Ok(new) => {
            edit.claims.push(Claim { node: site.id, old, new });
            edit.replace(old, new);
            Some(())
        }
        Err(problem) => {
            fail(format!("{}: {problem}", rule.source));
            None
        }
    }
}

/// Whether an element has a sign.
fn holds(sign: Sign) -> fn(f32) -> bool {
    match sign {
        Sign::Positive => |x| x > 0.0,
        Sign::NonNegative => |x| x >= 0.0,
        Sign::Negative => |x| x < 0.0,
        Sign::NonZero => |x| x != 0.0,
    }
}
