//! Numbers in sheets: exact, or an error.

mod common;

use common::{broken, one};
use hawkeye_cost::{Calls, Item};

/// What an expression comes to, which is not negative.
fn number(expression: &str) -> u64 {
    let sheet = format!("def f():\n    count('c', {expression})\n");
    let (mut instance, _folder) = one(&sheet);
    let mut calls = Calls::default();
    let recorded = instance.sheets.call(&mut calls, "f", &[]).expect("it runs").expect("it counts");
    let Item::Call { call, .. } = calls.call(recorded).items[0] else { unreachable!("f is a frame") };
    match calls.call(call).items[..] {
        [Item::Count { amount, .. }] => amount,
        _ => unreachable!("{expression} is counted once"),
    }
}

const LARGEST: &str = "9223372036854775807";

#[test]
fn integers_are_exact_up_to_64_bits() {
    let largest = i64::MAX.unsigned_abs();
    for (expression, expected) in [
        ("ceil_div(7, 2)", 4),
        ("ceil_div(8, 2)", 4),
        ("4 + ceil_div(-7, 2)", 1),
        (&format!("ceil_div({LARGEST}, 2)"), 1 << 62),
        ("ceil_log2(1)", 0),
        ("ceil_log2(2)", 1),
        ("ceil_log2(3)", 2),
        ("ceil_log2(1 << 62)", 62),
        (&format!("ceil_log2({LARGEST})"), 63),
        ("bit_length(0)", 0),
        ("bit_length(255)", 8),
        ("bit_length(256)", 9),
        ("isqrt(15)", 3),
        ("isqrt(16)", 4),
        (&format!("isqrt({LARGEST})"), 3_037_000_499),
        ("sum([])", 0),
        ("sum((1, 2, 3))", 6),
        ("prod([])", 1),
        ("prod([3, 4])", 12),
        ("3 << 40", 3 << 40),
        ("-(-1 << 62)", 1 << 62),
        ("3000000000 * 3", 9_000_000_000),
        (LARGEST, largest),
        ("math.floor(2.5)", 2),
        ("math.ceil(2.5)", 3),
        ("math.ceil(math.log2(1024))", 10),
        ("math.floor(math.sqrt(49))", 7),
        ("math.floor(math.pow(2, 10))", 1024),
        ("math.floor(math.f32(16777217))", 16_777_216),
        ("math.floor(math.log(1))", 0),
        ("len(range(2, 11, 3))", 3),
        ("len(range(5, 0, -2))", 3),
        ("zip([1, 2, 3], [4, 5])[1][1]", 5),
    ] {
        assert_eq!(number(expression), expected, "{expression}");
    }
}

#[test]
fn what_has_no_result_is_an_error() {
    for (expression, message) in [
        ("ceil_div(1, 0)", "ceil_div by 0"),
        ("ceil_div(1, -2)", "ceil_div by -2"),
        ("ceil_log2(0)", "ceil_log2 of 0"),
        ("ceil_log2(-1)", "n is negative: -1"),
        ("bit_length(-1)", "n is negative: -1"),
        ("isqrt(-1)", "n is negative: -1"),
        (&format!("sum([{LARGEST}, 1])"), "64 bits"),
        ("prod([1 << 40, 1 << 40])", "64 bits"),
        ("1 << 63", "64 bits"),
        ("1 << -1", "a shift by a negative number: -1"),
        ("math.floor(math.pow(10, 30))", "is no integer of 64 bits"),
        ("math.ceil(math.log(0))", "is no integer of 64 bits"),
        ("len(range(0, 5, 0))", "a range of step 0"),
    ] {
        let error = broken(&mut one(&format!("def f():\n    count('c', {expression})\n")), "f");
        assert!(error.contains(message), "{expression}: {error}");
    }
}
