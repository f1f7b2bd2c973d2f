//! A timeline in Chrome's trace format, as Perfetto and speedscope open it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{CallNode, Operator, Report};

/// Threads of a party.
const THREADS: [(u32, &str); 3] = [(1, "operators and calls"), (2, "processor"), (3, "link")];

/// A slice of a thread, in microseconds.
#[derive(Serialize)]
struct Slice<'a> {
    name: &'a str,
    ph: &'static str,
    ts: f64,
    dur: f64,
    pid: u16,
    tid: u32,
    args: Value,
}

/// The predicted course of the program: parties as processes; operators in execution order with their calls,
/// what of each operator is local work, and what is messages. Calls of one name are drawn together. Without
/// a network there is nothing to draw.
///
/// # Panics
/// Never: strings and numbers serialise.
#[must_use]
pub fn perfetto(report: &Report) -> String {
    let mut events = Vec::new();
    for party in 0..report.framework.parties {
        let name = match report.framework.party_names.get(&party) {
            Some(name) => format!("party {party}: {name}"),
            None => format!("party {party}"),
        };
        events.push(json!({"name": "process_name", "ph": "M", "pid": party, "args": {"name": name}}));
        for (thread, name) in THREADS {
            events.push(json!({
                "name": "thread_name", "ph": "M", "pid": party, "tid": thread, "args": {"name": name}
            }));
        }
        let mut now = 0.0;
        for operator in &report.operators {
            let duration = 1e6 * operator.seconds.unwrap_or_default();
            if duration > 0.0 {
                let mut timeline = Timeline { events: &mut events, party };
                timeline.operator(report, operator, now, duration);
            }
            now += duration;
        }
    }
    let trace = json!({"traceEvents": events, "displayTimeUnit": "ms"});
    serde_json::to_string(&trace).expect("it serialises") + "\n"
}

struct Timeline<'e> {
    events: &'e mut Vec<Value>,
    party: u16,
}

impl Timeline<'_> {
    fn operator(&mut self, report: &Report, operator: &Operator, start: f64, duration: f64) {
        let online = &operator.phases.online;
        let args = json!({"op": operator.op, "bytes": online.bytes, "rounds": online.rounds});
        self.slice(1, &operator.name, start, duration, args);
        if let Some(call) = find(report, operator) {
            // Operators of one name are one node of the tree.
            let share = duration / (1e6 * call.seconds.unwrap_or(f64::INFINITY));
            self.calls(&call.children, start, start + duration, share);
        }
        if let Some(spent) = &operator.time {
            let work = 1e6 * spent.work;
            self.slice(2, &operator.name, start, work, json!({}));
            let args = json!({"latency": spent.latency, "transfer": spent.transfer, "wait": spent.wait});
            self.slice(3, &operator.name, start + work, duration - work, args);
        }
    }

    fn calls(&mut self, calls: &[CallNode], start: f64, end: f64, share: f64) {
        let mut now = start;
        for call in calls {
            // Calls side by side wait together, and are longer one after the other than their parent.
            let duration = (1e6 * share * call.seconds.unwrap_or_default()).min(end - now);
            self.slice(1, &call.name, now, duration, json!({"times": call.times}));
            self.calls(&call.children, now, now + duration, share);
            now += duration;
        }
    }

    fn slice(&mut self, thread: u32, name: &str, ts: f64, dur: f64, args: Value) {
        if dur > 0.0 {
            let slice = Slice { name, ph: "X", ts, dur, pid: self.party, tid: thread, args };
            self.events.extend(serde_json::to_value(slice));
        }
    }
}

/// The node of the call tree that is the operator.
fn find<'a>(report: &'a Report, operator: &Operator) -> Option<&'a CallNode> {
    let mut nodes = &report.calls;
    let pass = report.run.training.is_some().then_some(&operator.pass);
    for module in pass.into_iter().chain(&operator.scope) {
        nodes = &nodes.iter().find(|node| node.name == *module && node.op.is_none())?.children;
    }
    nodes.iter().find(|node| node.name == operator.name && node.op.is_some())
}
