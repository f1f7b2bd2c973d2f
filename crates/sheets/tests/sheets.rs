//! Frameworks of a few lines: lists of sheets, modules in roles, frames, types.

mod common;

use common::{broken, framework, one};
use hawkeye_cost::{Call, Calls, Item};
use hawkeye_sheets::ConfiguredFramework;

/// The call tree of a function, as nested names.
fn tree((instance, _): &mut (ConfiguredFramework, tempfile::TempDir), function: &str) -> String {
    fn show(calls: &Calls, call: &Call) -> String {
        let items = call.items.iter().map(|item| match item {
            Item::Step(step) => step.messages.iter().map(|m| m.bytes).sum::<u64>().to_string(),
            Item::Call { call, times } => format!("{times}x{}", show(calls, calls.call(*call))),
            other => format!("{other:?}"),
        });
        format!("{}({})", calls.name(call.name), items.collect::<Vec<_>>().join(" "))
    }
    let mut calls = Calls::default();
    let call = instance.sheets.call(&mut calls, function, &[]).expect("it runs").expect("it sends");
    show(&calls, calls.call(call))
}

#[test]
fn functions_of_all_listed_sheets_count_and_none_is_defined_twice() {
    let sheets = [
        ("a.star", "def lower_Add(n):\n    pass\n\ndef lower_Mul(n):\n    pass\n"),
        ("b.star", "load('a.star', 'lower_Add')\nlower_Sub, lower_Neg = lower_Add, lower_Add\n"),
    ];
    let (instance, _folder) = framework("sheets: [a.star, b.star]", &sheets);
    assert_eq!(instance.sheets.operators().expect("they run"), ["Add", "Mul", "Neg", "Sub"]);
    let again = [sheets[0], ("b.star", "def lower_Add(n):\n    pass\n")];
    let (instance, _folder) = framework("sheets: [a.star, b.star]", &again);
    let error = instance.sheets.operators().expect_err("it is there twice");
    assert!(error.to_string().contains("lower_Add is defined by both"), "{error}");
}

#[test]
fn a_module_stands_for_a_role() {
    let sheets = [
        ("s.star", "load('kernels', 'mul')\n\ndef f():\n    mul(3)\n"),
        ("two.star", "def mul(n):\n    send(0, 1, 2 * n)\n"),
        ("three.star", "def mul(n):\n    send(0, 1, 3 * n)\n"),
    ];
    let with =
        |kernels: &str| framework(&format!("sheets: [s.star]\nmodules: {{kernels: {kernels}}}"), &sheets);
    assert_eq!(tree(&mut with("two.star"), "f"), "f(1xf(1xmul(6)))");
    assert_eq!(tree(&mut with("three.star"), "f"), "f(1xf(1xmul(9)))");
    let error = broken(&mut framework("sheets: [s.star]", &sheets), "f");
    assert!(error.contains("\"kernels\" is no sheet, and the manifest gives no modules"), "{error}");
}

#[test]
fn frames_are_public_functions_that_send_and_are_not_inline() {
    let sheet = "
def bytes(n):
    return 8 * n

def opened(n):
    send(0, 1, bytes(n))

def either(f, n):
    f(n)

def masked(n):
    opened(n)
    opened(n)

inline(masked)

def f():
    masked(1)
    either(opened, 2)
    either(_hidden, 3)

def _hidden(n):
    send(1, 0, n)
";
    assert_eq!(tree(&mut one(sheet), "f"), "f(1xf(2xopened(8) 1xeither(1xopened(16)) 1xeither(3)))");
}

/// Equal calls are one call and how often it is made, wherever they come from; in another phase it is another.
#[test]
fn calls_are_remembered_by_arguments_and_phase() {
    let sheet = "
def g(n):
    send(0, 1, n)

def f():
    g(8)
    repeat(3, g, 8)
    repeat(0, g, 8)
    in_phase('offline', g, 8)
    g(n = 9)
    g(9)
";
    assert_eq!(tree(&mut one(sheet), "f"), "f(1xf(4xg(8) 1xg(8) 2xg(9)))");
}

#[test]
fn types_are_checked_and_records_and_enums_are_there() {
    let sheet = "
Kind = enum('arithmetic', 'boolean')
Share = record(kind = Kind, size = int)

def width(share: Share) -> int:
    return 64 if share.kind == Kind('arithmetic') else share.size

def f():
    send(0, 1, width(Share(kind = Kind('arithmetic'), size = 3)))
    send(0, 1, width(Share(kind = Kind('boolean'), size = 3)))

def wrong(x):
    width(x)

def g():
    wrong('three')
";
    assert_eq!(tree(&mut one(sheet), "f"), "f(1xf(64 3))");
    let error = broken(&mut one(sheet), "g");
    assert!(error.contains("three") && error.contains("Share"), "{error}");
}

#[test]
fn documentation_belongs_to_its_function() {
    let sheet = "
def size(n): return 8 * n

def ring(n):
    \"\"\"Sends, and says <<= in
    its text.\"\"\"
    send(0, 1, size(n))

def f():
    ring(1)
";
    let mut instance = one(sheet);
    tree(&mut instance, "f");
    let definitions = instance.0.sheets.definitions();
    let doc = |name: &str| definitions.callee(None, name).map(|(_, found)| (found.line, found.doc.clone()));
    assert_eq!(doc("size"), Some((2, String::new())));
    assert_eq!(doc("ring"), Some((4, "Sends, and says <<= in its text.".to_owned())));
}

#[test]
fn what_is_no_plain_data_is_no_result() {
    let error = broken(&mut one("def f():\n    return [f]\n"), "f");
    assert!(error.contains("plain data"), "{error}");
}
