//! Reports against what frameworks print after a run.
//!
//! What a framework prints is told by the `log` key of its manifest; nothing here knows one.

mod log;
mod matcher;

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
pub use log::{Log, LogLine};
use regex::{Captures, Regex};
use serde::Serialize;

use matcher::{LogMatcher, sums};

use crate::{CallNode, Report};

/// Name and version of the schema.
pub const MEASURED_SCHEMA: &str = "hawkeye-measured/1";

/// Statistics of a run beside the report's numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// [`MEASURED_SCHEMA`].
    pub schema: &'static str,
    /// The framework.
    pub framework: String,
    /// Its version, as modelled.
    pub version: String,
    /// Parties of the report.
    pub parties: u16,
    /// Every number that was printed, in the order of the logs.
    pub lines: Vec<Line>,
}

/// A number that was printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Name of the log.
    pub log: String,
    /// Line in the log, from 1.
    pub line: usize,
    /// What it counts.
    pub what: String,
    /// The number as it was printed, in the framework's unit.
    pub printed: String,
    /// The same in bytes, messages, rounds or calls, as far as the print tells.
    pub measured: u64,
    /// What the report says; null if it does not count this.
    pub report: Option<u64>,
    /// How much more the report says.
    pub difference: Option<i128>,
    /// How the two agree.
    pub agreement: Agreement,
}

/// How a printed number and the report's agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// To the unit.
    Equal,
    /// The report's number, rounded as the framework rounds, is what was printed.
    EqualAsPrinted,
    /// Within the band that the report states for sizes that vary.
    WithinBand,
    /// Not at all.
    Differs,
    /// The report does not count this, or it varies from run to run.
    NotCounted,
}

impl Agreement {
    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::EqualAsPrinted => "equal as printed",
            Self::WithinBand => "within the band",
            Self::Differs => "differs",
            Self::NotCounted => "not comparable",
        }
    }
}

impl Measured {
    /// How many numbers agree.
    #[must_use]
    pub fn agreeing(&self) -> usize {
        let agrees = |line: &&Line| !matches!(line.agreement, Agreement::Differs | Agreement::NotCounted);
        self.lines.iter().filter(agrees).count()
    }

    /// Whether a number differs beyond how it was printed.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.lines.iter().any(|line| line.agreement == Agreement::Differs)
    }
}

/// The patterns of a manifest, compiled.
#[derive(Clone, Debug)]
pub struct Patterns<'a> {
    signature: Option<Regex>,
    party_count: Option<Regex>,
    parties: Vec<(&'a str, Regex)>,
    sections: Vec<(&'a str, Regex)>,
    lines: Vec<(&'a LogLine, Regex)>,
}

impl<'a> Patterns<'a> {
    /// Compiles them.
    ///
    /// # Errors
    /// The first pattern that is wrong, and why.
    pub fn new(log: &'a Log) -> Result<Self, String> {
        let regex = |pattern: &String| Regex::new(pattern).map_err(|error| error.to_string());
        let named = |patterns: &'a IndexMap<String, String>| {
            patterns.iter().map(|(name, pattern)| Ok((name.as_str(), regex(pattern)?))).collect()
        };
        let parties: Result<_, String> = named(&log.parties);
        let sections: Result<_, String> = named(&log.sections);
        Ok(Self {
            signature: log.signature.as_ref().map(regex).transpose()?,
            party_count: log.party_count.as_ref().map(regex).transpose()?,
            parties: parties?,
            sections: sections?,
            lines: log
                .lines
                .iter()
                .map(|line| Ok((line, regex(&line.pattern)?)))
                .collect::<Result<_, String>>()?,
        })
    }

    /// Whether a log looks like this framework's.
    #[must_use]
    pub fn recognise(&self, text: &str) -> bool {
        self.signature.as_ref().is_some_and(|signature| signature.is_match(&plain(text)))
    }

    /// The number of parties, where the log tells.
    #[must_use]
    pub fn party_count(&self, text: &str) -> Option<u16> {
        let text = plain(text);
        let found = self.party_count.as_ref()?.captures(&text)?;
        found.get(1)?.as_str().parse().ok()
    }

    /// What the report says to every number in the logs, which are given with their names. `calls`
    /// tells whether the report's call tree is complete, so that calls can be counted in it.
    #[must_use]
    pub fn against(&self, logs: &[(String, String)], report: &Report, calls: bool) -> Measured {
        let functions = if calls { functions(&report.calls) } else { HashMap::new() };
        let mut lines = Vec::new();
        let mut taken = HashSet::new();
        for (name, text) in logs {
            for printout in self.printouts(text) {
                let matcher = LogMatcher { patterns: self, report, functions: &functions, log: name };
                lines.extend(matcher.printout(&printout, &mut taken));
            }
        }
        if self.lines.iter().any(|(kind, _)| kind.roles_vary) {
            lines.extend(sums(&lines, report));
        }
        Measured {
            schema: MEASURED_SCHEMA,
            framework: report.framework.name.clone(),
            version: report.framework.version.clone(),
            parties: report.framework.parties,
            lines,
        }
    }

    /// A log cut where it says again what it has said already, or where another party speaks.
    fn printouts(&self, text: &str) -> Vec<Printout> {
        let mut printouts = vec![Printout::default()];
        let mut section = None;
        let mut said = HashSet::new();
        for (number, line) in plain(text).lines().enumerate() {
            if let Some((name, _)) = self.sections.iter().find(|(_, pattern)| pattern.is_match(line)) {
                section = Some((*name).to_owned());
            }
            let found = |(rule, (kind, pattern)): (usize, &(&LogLine, Regex))| {
                let here = kind.section.is_none() || kind.section == section;
                Some((rule, groups(pattern, &pattern.captures(line).filter(|_| here)?)))
            };
            let rules: Vec<_> = self.lines.iter().enumerate().filter_map(found).collect();
            let party =
                self.parties.iter().find(|(_, pattern)| pattern.is_match(line)).map(|(name, _)| *name);
            if let Some((rule, groups)) = rules.first().filter(|(rule, _)| !self.lines[*rule].0.each) {
                let mut topic: Vec<(String, String)> = groups
                    .iter()
                    .filter(|(name, _)| is_topic(name))
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect();
                topic.extend(section.iter().map(|section| ("section".to_owned(), section.clone())));
                if !said.insert((*rule, topic.clone())) {
                    printouts.push(Printout::default());
                    said = HashSet::from([(*rule, topic)]);
                }
            }
            let known = printouts.last().and_then(|printout| printout.party.clone());
            if let Some(party) = party
                && known.is_some_and(|known| known != party)
                && printouts.last().is_some_and(|printout| !printout.matched.is_empty())
            {
                printouts.push(Printout::default());
                said.clear();
            }
            if let Some(printout) = printouts.last_mut() {
                printout.party = party.map(str::to_owned).or(printout.party.take());
                if !rules.is_empty() {
                    printout.matched.push(MatchedLine { line: number + 1, section: section.clone(), rules });
                }
            }
        }
        printouts
    }
}

/// What one party prints once.
#[derive(Clone, Debug, Default)]
struct Printout {
    party: Option<String>,
    matched: Vec<MatchedLine>,
}

/// A line that matches.
#[derive(Clone, Debug)]
struct MatchedLine {
    line: usize,
    section: Option<String>,
    /// Rules that match, and what they captured.
    rules: Vec<(usize, IndexMap<String, String>)>,
}

/// A counter's name with what the line says put in.
fn filled(template: &str, matched: &MatchedLine, groups: &IndexMap<String, String>, party: &str) -> String {
    let mut name = template.replace("{party}", party);
    if let Some(section) = &matched.section {
        name = name.replace("{section}", section);
    }
    for (key, value) in groups {
        name = name.replace(&format!("{{{key}}}"), &value.to_lowercase());
    }
    name
}

/// Groups that hold numbers; all others tell what the numbers are about.
const SENDS: [&str; 4] = ["sent_bytes", "received_bytes", "sent_messages", "received_messages"];

fn is_topic(group: &str) -> bool {
    !SENDS.contains(&group) && !matches!(group, "bytes" | "messages" | "rounds" | "times")
}

fn groups(pattern: &Regex, captures: &Captures<'_>) -> IndexMap<String, String> {
    let names = pattern.capture_names().flatten();
    names.filter_map(|name| Some((name.to_owned(), captures.name(name)?.as_str().to_owned()))).collect()
}

/// A log without escape codes; line ends that were printed as `\n` are line ends.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.find(|c| c.is_ascii_alphabetic());
            }
            '\r' if chars.peek() != Some(&'\n') => plain.push('\n'),
            '\r' => {}
            '\\' if chars.peek() == Some(&'n') => {
                chars.next();
                plain.push('\n');
            }
            c => plain.push(c),
        }
    }
    plain
}

/// How often every function runs, and what it sends in all phases.
fn functions(calls: &[CallNode]) -> HashMap<&str, Function> {
    let mut sums = HashMap::new();
    let mut nodes: Vec<&CallNode> = calls.iter().collect();
    while let Some(node) = nodes.pop() {
        let sum: &mut Function = sums.entry(node.name.as_str()).or_default();
        sum.times += u128::from(node.times);
        for cost in node.costs.values() {
            sum.bytes += u128::from(cost.bytes);
            sum.messages += u128::from(cost.messages);
        }
        nodes.extend(&node.children);
    }
    sums
}

#[derive(Clone, Copy, Debug, Default)]
struct Function {
    times: u128,
    bytes: u128,
    messages: u128,
}
