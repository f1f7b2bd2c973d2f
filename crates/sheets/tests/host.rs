//! The functions of the host that sheets call: what they record, and what they refuse.

mod common;

use common::{broken, framework, one};
use hawkeye_cost::{Call, CallId, Calls, Data, Item, Scope, State};
use hawkeye_lower::{Lowering, Note};
use hawkeye_sheets::ConfiguredFramework;

type OnDisk = (ConfiguredFramework, tempfile::TempDir);

fn call(calls: &Calls, id: CallId) -> String {
    let Call { name, items } = calls.call(id);
    let items: Vec<String> = items.iter().map(|item| shown(calls, item)).collect();
    format!("{}({})", calls.name(*name), items.join(" "))
}

/// All that there is of an item.
fn shown(calls: &Calls, item: &Item) -> String {
    match item {
        Item::Step(step) => {
            let messages = step
                .messages
                .iter()
                .map(|m| format!("{}>{}:{}*{}~{}", m.from.0, m.to.0, m.bytes, m.count, m.spread));
            let (phase, channel) = (step.phase.name(), &step.channel);
            let of = format!("{}r{}f{}t", step.rounds, step.flights, step.tensors);
            format!("{phase}[{channel}]{of}[{}]", messages.collect::<Vec<_>>().join(" "))
        }
        Item::Work { phase, kind, amount } => format!("{}:{amount}*{}", phase.name(), calls.name(*kind)),
        Item::Count { counter, amount } => format!("{}+{amount}", calls.name(*counter)),
        Item::Call { call: id, times } => format!("{times}x{}", call(calls, *id)),
        Item::Parallel(sides) => {
            let sides: Vec<String> = sides.iter().map(|side| call(calls, *side)).collect();
            format!("<{}>", sides.join(" | "))
        }
        Item::Own(State::Once { key, scope, call: id }) => {
            let scope = if *scope == Scope::Run { "run" } else { "session" };
            format!("once {key} a {scope}: {}", call(calls, *id))
        }
        Item::Own(State::Draw { resource, request }) => {
            format!("draw {request} of {}", calls.name(*resource))
        }
        Item::Own(State::Defer(deferral)) => {
            format!("defer {} to {}", deferral.weight, calls.name(deferral.group))
        }
    }
}

/// What the function `f` records, one item a line.
fn items((instance, _): &mut OnDisk) -> Vec<String> {
    let mut calls = Calls::default();
    let recorded = instance.sheets.call(&mut calls, "f", &[]).expect("it runs").expect("it does something");
    // A public function is a frame, within the one that stands for the question.
    let Item::Call { call: frame, times: 1 } = calls.call(recorded).items[0] else {
        unreachable!("f is a frame")
    };
    calls.call(frame).items.iter().map(|item| shown(&calls, item)).collect()
}

/// What `f` records if that is its body.
fn body(lines: &str) -> Vec<String> {
    items(&mut one(&sheet(lines)))
}

fn sheet(lines: &str) -> String {
    let g = "def g(n):\n    send(0, 1, n)\n    return n + 1\n\n";
    lines.lines().fold(format!("{g}def f():\n"), |sheet, line| format!("{sheet}    {line}\n"))
}

#[test]
fn messages_are_recorded_as_they_are_given() {
    assert_eq!(body("send(0, 1, 8)"), ["online[]1r1f1t[0>1:8*1~0]"]);
    assert_eq!(
        body("send(1, 0, 8, messages = 2, rounds = 3, phase = 'setup', channel = 'b', spread = 4)"),
        ["setup[b]3r1f1t[1>0:8*2~4]"]
    );
    assert_eq!(
        body(
            "step([(0, 1, 8), (1, 0, 6, 5)], rounds = 2, flights = 3, tensors = 4, phase = 'offline', channel = 'c')"
        ),
        ["offline[c]2r3f4t[0>1:8*1~0 1>0:6*5~0]"]
    );
    assert_eq!(body("step([])"), ["online[]1r1f1t[]"], "a barrier is a round without messages");
}

#[test]
fn an_exchange_is_between_the_parties_of_the_protocol() {
    let text = "def f():\n    exchange(8, rounds = 2)\n    send(2, 0, parties)\n";
    let mut dealt = framework("sheet: s.star\nextra_parties: [dealer]", &[("s.star", text)]);
    assert_eq!(items(&mut dealt), ["online[]2r1f1t[0>1:8*1~0 1>0:8*1~0]", "online[]1r1f1t[2>0:2*1~0]"]);
}

#[test]
fn counts_and_work_send_nothing() {
    let lines = "count('triples', 3)\nwork('macs', 5)\nwork('macs', phase = 'offline')";
    assert_eq!(body(lines), ["triples+3", "online:5*macs", "offline:1*macs"]);
}

#[test]
fn a_phase_lasts_as_long_as_its_function() {
    let lines =
        "in_phase('offline', lambda: in_phase('setup', send, 0, 1, 8) or send(0, 1, 9))\nsend(0, 1, 10)";
    let phases = ["setup", "offline", "online"];
    let recorded = body(lines);
    assert_eq!(recorded.len(), 3);
    for (item, phase) in recorded.iter().zip(phases) {
        assert!(item.starts_with(phase), "{item}");
    }
    assert_eq!(body("count('c', in_phase('offline', g, 4))")[1], "c+5", "it gives what the function gives");
}

#[test]
fn a_repetition_runs_its_function_once_and_says_how_often() {
    assert_eq!(body("count('c', repeat(7, g, 4))"), ["7xg(online[]1r1f1t[0>1:4*1~0])", "c+5"]);
    let several = "repeat(7, lambda: count('c', 1) or g(4))";
    assert_eq!(body(several), ["7x(c+1 1xg(online[]1r1f1t[0>1:4*1~0]))"]);
    assert_eq!(body("repeat(7, lambda: None)\ncount('c', 1)"), ["c+1"], "it does nothing");
    assert_eq!(body("count('c', 1 if repeat(0, g, 4) == None else 2)"), ["c+1"], "it is not run at all");
}

#[test]
fn what_is_side_by_side_begins_at_the_same_time() {
    let lines = "x, nothing, y = parallel(lambda: g(4), lambda: None, lambda: g(6))\ncount('c', x * 10 + y)";
    let [four, six] = [4, 6].map(|n| format!("(1xg(online[]1r1f1t[0>1:{n}*1~0]))"));
    assert_eq!(body(lines), [format!("<{four} | {six}>"), "c+57".to_owned()]);
    assert_eq!(body("parallel(lambda: None)\ncount('c', 1)"), ["c+1"]);
}

#[test]
fn state_is_recorded_for_later() {
    let lines = "once(('key', 1), g, 4)\nonce('zeros', g, 4, scope = 'run')\nonce('idle', lambda: None)\n\
                 draw('cots', [1, 2])\ndefer('relus', 9)";
    let g = "(1xg(online[]1r1f1t[0>1:4*1~0]))";
    let once = |key: &Data, scope: &str| format!("once {key} a {scope}: {g}");
    let key = Data::Tuple(vec!["key".into(), Data::Int(1)]);
    let request = Data::List(vec![Data::Int(1), Data::Int(2)]);
    let expected = [
        once(&key, "session"),
        once(&"zeros".into(), "run"),
        format!("draw {request} of cots"),
        "defer 9 to relus".to_owned(),
    ];
    assert_eq!(body(lines), expected);
}

/// Remarks are those of the operator, wherever in it they are made.
#[test]
fn remarks_come_out_of_what_is_repeated_or_side_by_side() {
    let text = "def check():\n    repeat(2, warn, 'a')\n    parallel(lambda: warn('b'), lambda: warn('a'))\n\
                \x20   once('k', evidence, 'composed')\n";
    let (mut instance, _folder) = one(text);
    let compiled = instance.sheets.compile(&mut Calls::default(), false, &|| panic!("it looks at no model"));
    let warning = |text: &str| Note::Warning(text.to_owned());
    let expected = [warning("a"), warning("b"), Note::Evidence("composed".to_owned())];
    assert_eq!(compiled.expect("it runs").notes, expected);
}

#[test]
fn what_can_not_be_is_refused_with_its_place() {
    let long = format!("send(0, 1, 8, channel = 'c' * {})", 100_000);
    for (line, message) in [
        ("send(0, 1, -8)", "bytes is negative: -8"),
        ("send(0, 1, 8, messages = -1)", "messages is negative: -1"),
        ("send(0, 1, 8, spread = -1)", "spread is negative: -1"),
        ("send(0, 1, 8, rounds = -1)", "rounds is negative: -1"),
        ("step([], flights = -1)", "flights is negative: -1"),
        ("step([], tensors = -1)", "tensors is negative: -1"),
        ("exchange(-1)", "bytes is negative: -1"),
        ("send(0, 2, 8)", "there is no party 2; parties are 0 to 1"),
        ("send(-1, 1, 8)", "there is no party -1; parties are 0 to 1"),
        ("send(1, 1, 8)", "party 1 sends to itself"),
        ("send(0, 1, 8, phase = 'later')", "\"later\" is no phase; phases are setup, offline, online"),
        ("in_phase('later', g, 4)", "\"later\" is no phase"),
        ("step([(0, 1)])", "(0, 1) is no message: (src, dst, bytes) or (src, dst, bytes, count)"),
        ("step([(0, 1, '8')])", "(0, 1, \"8\") is no message"),
        ("step([8])", "8 is no message"),
        ("count('c', -1)", "amount is negative: -1"),
        ("work('macs', -1)", "amount is negative: -1"),
        ("repeat(-1, g, 4)", "times is negative: -1"),
        ("defer('relus', -1)", "weight is negative: -1"),
        ("once('k', g, 4, scope = 'ever')", "\"ever\" is no scope; scopes are run, session"),
        ("once(g, g, 4)", "the key of once() must be plain data"),
        ("draw('cots', g)", "a request must be plain data"),
        (long.as_str(), "the channel's name has more than"),
    ] {
        let error = broken(&mut one(&sheet(line)), "f");
        assert!(error.contains(message), "{line}: {error}");
        assert!(error.contains("s.star:6"), "{line}: {error}");
    }
}

#[test]
fn nothing_is_sent_while_a_sheet_is_loaded() {
    for line in ["send(0, 1, 8)", "count('c', 1)", "warn('w')", "once('k', len, [])"] {
        let error = broken(&mut one(&format!("{line}\n\ndef f():\n    pass\n")), "f");
        assert!(
            error.contains("can't be used while a sheet is loaded, only inside functions"),
            "{line}: {error}"
        );
    }
    let error = broken(&mut one("inline(3)\n\ndef f():\n    pass\n"), "f");
    assert!(error.contains("inline: 3 is no function"), "{error}");
}
