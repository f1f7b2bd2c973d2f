//! Numbers of a log against those of a report.

use std::collections::{HashMap, HashSet};

use super::LogLine;
use indexmap::IndexMap;

use super::{Agreement, Function, Line, MatchedLine, Patterns, Printout, SENDS, filled};
use crate::{Operator, Phases, Report};

/// Judges the numbers of one log.
pub(super) struct LogMatcher<'a> {
    pub(super) patterns: &'a Patterns<'a>,
    pub(super) report: &'a Report,
    pub(super) functions: &'a HashMap<&'a str, Function>,
    pub(super) log: &'a str,
}

impl LogMatcher<'_> {
    /// A printout's lines. Where it does not tell its party, it is the one that fits best and was not
    /// taken by a printout before.
    pub(super) fn printout(&self, printout: &Printout, taken: &mut HashSet<String>) -> Vec<Line> {
        let named: Vec<String> = self.patterns.parties.iter().map(|(name, _)| (*name).to_owned()).collect();
        let numbered = (0..self.report.framework.parties).map(|party| party.to_string());
        let candidates: Vec<String> = match &printout.party {
            Some(party) => vec![party.clone()],
            None if named.is_empty() => numbered.collect(),
            None => named,
        };
        let judged = candidates.into_iter().map(|party| {
            let lines = self.lines(printout, &party);
            let wrong = lines.iter().filter(|line| line.agreement == Agreement::Differs).count();
            ((wrong, taken.contains(&party)), party, lines)
        });
        let Some((_, party, lines)) = judged.min_by_key(|(rank, ..)| *rank) else { return Vec::new() };
        if !lines.is_empty() {
            taken.insert(party);
        }
        lines
    }

    fn lines(&self, printout: &Printout, party: &str) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut seen: HashMap<usize, usize> = HashMap::new();
        for matched in &printout.matched {
            let applies = |(rule, groups): &&(usize, IndexMap<String, String>)| {
                let wanted = self.patterns.lines[*rule].0.party.as_deref();
                let stated = groups.get("party").map(String::as_str);
                wanted.or(stated).is_none_or(|wanted| wanted == party)
            };
            // The first rule that applies is the more specific one; a stated party always applies.
            let rule = matched
                .rules
                .iter()
                .find(applies)
                .or(matched.rules.iter().find(|(_, g)| g.contains_key("party")));
            if let Some((position, groups)) = rule {
                let rule = self.patterns.lines[*position].0;
                let party = groups.get("party").map_or(party, String::as_str);
                if rule.each {
                    let nth = seen.entry(*position).or_default();
                    let printed = printout
                        .matched
                        .iter()
                        .filter(|matched| matched.rules.iter().any(|(r, _)| r == position));
                    lines.extend(self.each(matched, rule, groups, party, *nth, printed.count()));
                    *nth += 1;
                    continue;
                }
                lines.extend(self.counters(matched, rule, groups, party));
                lines.extend(self.sends(matched, rule, groups, party));
                lines.extend(self.calls(matched, rule, groups));
            }
        }
        lines
    }

    /// Numbers that are counters of the framework.
    fn counters(
        &self,
        matched: &MatchedLine,
        rule: &LogLine,
        groups: &IndexMap<String, String>,
        party: &str,
    ) -> Vec<Line> {
        let counter = |(group, template): (&String, &String)| {
            let name = filled(template, matched, groups, party);
            let printed = groups.get(group)?;
            let known = self.report.counters.get(&name).copied();
            let band = if group == "bytes" { self.band() } else { 0 };
            self.line(matched.line, name, printed, rule, known, band)
        };
        rule.counters.iter().filter_map(counter).collect()
    }

    /// Numbers of the nth operator that the framework counts under a name, if it printed as many
    /// lines as there are such operators.
    fn each(
        &self,
        matched: &MatchedLine,
        rule: &LogLine,
        groups: &IndexMap<String, String>,
        party: &str,
        nth: usize,
        printed: usize,
    ) -> Vec<Line> {
        let number = |(group, template): (&String, &String)| {
            let name = filled(template, matched, groups, party);
            let part = |operator: &&Operator| operator.counters.get(&name).is_some_and(|part| *part > 0);
            let operators: Vec<&Operator> = self.report.operators.iter().filter(part).collect();
            let operator = operators.get(nth).filter(|_| operators.len() == printed);
            let what = operator.map_or(name.clone(), |operator| format!("{name} of {}", operator.name));
            let known = operator.and_then(|operator| operator.counters.get(&name).copied());
            let band = operator.map_or(0, |operator| band(&operator.phases));
            self.line(matched.line, what, groups.get(group)?, rule, known, band)
        };
        rule.counters.iter().filter_map(number).collect()
    }

    /// Numbers of one party's traffic.
    fn sends(
        &self,
        matched: &MatchedLine,
        rule: &LogLine,
        groups: &IndexMap<String, String>,
        party: &str,
    ) -> Vec<Line> {
        if groups.contains_key("call") {
            return Vec::new();
        }
        let Ok(number) = party.parse::<u16>() else { return Vec::new() };
        let number_of = |group: &&str| {
            let printed = groups.get(*group)?;
            let own = |link: &&crate::LinkTraffic| {
                let end = if group.starts_with("sent") { link.from } else { link.to };
                end == number && rule.channel.as_ref().is_none_or(|channel| *channel == link.channel)
            };
            let amount =
                |link: &crate::LinkTraffic| if group.ends_with("bytes") { link.bytes } else { link.messages };
            let known = self.report.links.iter().filter(own).map(amount).sum();
            let role = if rule.roles_vary { " (roles vary)" } else { "" };
            let what = format!("{} by party {party}{role}", group.replace('_', " "));
            let band = if group.ends_with("bytes") { self.band() } else { 0 };
            self.line(matched.line, what, printed, rule, (!rule.roles_vary).then_some(known), band)
        };
        SENDS.iter().filter_map(number_of).collect()
    }

    /// Numbers of one function's calls. Between two parties, what one sends and receives is all
    /// that is sent.
    fn calls(&self, matched: &MatchedLine, rule: &LogLine, groups: &IndexMap<String, String>) -> Vec<Line> {
        let Some(name) = groups.get("call") else { return Vec::new() };
        let count = |group: &str| groups.get(group)?.parse::<u64>().ok();
        let bytes = count("sent_bytes").zip(count("received_bytes")).map(|(a, b)| a.saturating_add(b));
        let messages =
            count("sent_messages").zip(count("received_messages")).map(|(a, b)| a.saturating_add(b));
        if bytes.unwrap_or(0) == 0 && messages.unwrap_or(0) == 0 {
            return Vec::new();
        }
        let function = self.functions.get(name.as_str());
        let one_channel = self
            .report
            .links
            .iter()
            .all(|link| link.phase == "setup" || Some(&link.channel) == rule.channel.as_ref());
        let both = self.report.framework.parties == 2 && one_channel;
        let mut lines = Vec::new();
        let mut add = |what: &str, measured: Option<u64>, known: Option<u128>| {
            if let Some(measured) = measured {
                let known = known.and_then(|known| u64::try_from(known).ok());
                let band = if what == "bytes" { self.band() } else { 0 };
                let what = format!("{name}: {what}");
                lines.extend(self.line(matched.line, what, &measured.to_string(), rule, known, band));
            }
        };
        add("calls", count("times"), function.map(|f| f.times));
        if both {
            add("bytes", bytes, function.map(|f| f.bytes));
            add("messages", messages, function.map(|f| f.messages));
        }
        lines
    }

    /// By how much bytes may vary from run to run.
    fn band(&self) -> u64 {
        band(&self.report.totals)
    }

    /// Sets a printed number beside the report's; `None` if it is no number, or nothing is counted
    /// and nothing was printed.
    fn line(
        &self,
        line: usize,
        what: String,
        printed: &str,
        rule: &LogLine,
        report: Option<u64>,
        band: u64,
    ) -> Option<Line> {
        let (measured, exact) = number(printed, rule.scale)?;
        if report.is_none() && measured == 0 {
            return None;
        }
        let difference = report.map(|report| i128::from(report) - i128::from(measured));
        let agreement = match report {
            None => Agreement::NotCounted,
            Some(report) if exact && report == measured => Agreement::Equal,
            Some(report) if !exact && rounded_equal(printed, report, rule) => Agreement::EqualAsPrinted,
            Some(report) if report.abs_diff(measured) <= band => Agreement::WithinBand,
            Some(_) => Agreement::Differs,
        };
        let log = self.log.to_owned();
        Some(Line { log, line, what, printed: printed.to_owned(), measured, report, difference, agreement })
    }
}

/// By how much bytes may vary in all phases.
fn band(phases: &Phases) -> u64 {
    let bands = [phases.setup, phases.offline, phases.online].map(|cost| cost.uncertainty);
    bands.into_iter().flatten().map(|band| band.bytes).sum()
}

/// Where roles vary, the sums over all parties, if there is a log of each.
pub(super) fn sums(lines: &[Line], report: &Report) -> Vec<Line> {
    let sum = |group: &str| {
        let what = group.replace('_', " ");
        let own: Vec<&Line> =
            lines.iter().filter(|line| line.what.starts_with(&format!("{what} by party"))).collect();
        if own.len() != usize::from(report.framework.parties) {
            return None;
        }
        let last = own.last()?;
        let measured: u64 = own.iter().map(|line| line.measured).sum();
        // Each message is sent once and received once.
        let known =
            report.counters.get(if group.ends_with("bytes") { "bytes" } else { "messages" }).copied()?;
        Some(Line {
            log: last.log.clone(),
            line: last.line,
            what: format!("{what} by all parties"),
            printed: measured.to_string(),
            measured,
            report: Some(known),
            difference: Some(i128::from(known) - i128::from(measured)),
            agreement: if known == measured { Agreement::Equal } else { Agreement::Differs },
        })
    };
    SENDS.iter().filter_map(|group| sum(group)).collect()
}

/// A printed number in units of one, and whether it is exact.
fn number(printed: &str, scale: u64) -> Option<(u64, bool)> {
    if scale == 1
        && let Ok(exact) = printed.parse()
    {
        return Some((exact, true));
    }
    let value: f64 = printed.trim_end_matches('.').parse().ok()?;
    // A print is rounded anyway: what a double holds of it is enough.
    let scaled = (value * scale as f64).round();
    (scaled >= 0.0 && scaled < u64::MAX as f64).then_some((scaled as u64, false))
}

/// Whether a number, rounded as the framework rounds it, is what was printed.
fn rounded_equal(printed: &str, known: u64, rule: &LogLine) -> bool {
    let value = known as f64 / rule.scale as f64;
    let mantissa = printed.split(['e', 'E']).next().unwrap_or_default();
    let own = match rule.digits {
        // Streams drop zeros at the end, so the print may show fewer digits than there are.
        Some(digits) => {
            let shown =
                mantissa.trim_start_matches(['0', '.', '-', '+']).chars().filter(char::is_ascii_digit);
            format!("{value:.*e}", digits.max(shown.count()).saturating_sub(1))
        }
        None => {
            let places = mantissa.split_once('.').map_or(0, |(_, places)| places.len());
            format!("{value:.places$}")
        }
    };
    matches!((own.parse::<f64>(), printed.parse::<f64>()), (Ok(own), Ok(printed)) if own == printed)
}
