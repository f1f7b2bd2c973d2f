//! Which statements of a sheet are to be run so that some of its names are known.

use std::collections::{BTreeMap, HashSet};

use crate::outline::{NameOrigin, Outline};

/// What names need.
#[derive(Default)]
pub(crate) struct Selection<'a> {
    /// Names that were known before.
    pub(crate) known: Vec<&'a str>,
    /// Statements to run.
    pub(crate) statements: HashSet<usize>,
    /// What to load: names here and there, by modules.
    pub(crate) loads: BTreeMap<&'a str, Vec<(&'a str, &'a str)>>,
    /// Names that values hold without calling them, if what the names stand for is a function: those may be wanted
    /// or not.
    pub(crate) held: Vec<&'a str>,
    seen: HashSet<&'a str>,
}

impl<'a> Selection<'a> {
    /// Adds what a name needs.
    pub(crate) fn need<'o: 'a>(
        &mut self,
        outline: &Outline<'o>,
        name: &'a str,
        known: impl Fn(&str) -> bool,
    ) {
        let mut names: Vec<&'a str> = vec![name];
        while let Some(name) = names.pop() {
            if !self.seen.insert(name) {
                continue;
            }
            if known(name) {
                self.known.push(name);
                continue;
            }
            match outline.origin(name) {
                Some(NameOrigin::Loaded { module, name: theirs }) => {
                    self.loads.entry(module).or_default().push((name, theirs));
                }
                Some(NameOrigin::Defined(statement)) => {
                    for &statement in outline.together(name).iter().chain([&statement]) {
                        if self.statements.insert(statement) {
                            let held = outline.held(statement);
                            let mentioned = outline.mentioned(statement).iter();
                            names.extend(mentioned.filter(|name| !held.contains(name)));
                            self.held.extend(held);
                        }
                    }
                }
                None => {}
            }
        }
    }

    /// Whether something else than a value that holds it needs a name.
    pub(crate) fn needs(&self, name: &str) -> bool {
        self.seen.contains(name)
    }
}
