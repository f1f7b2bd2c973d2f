//! Sheets that would take more memory or time than there is, or go wrong: an error with its place, the line there
//! and the function.

mod common;

use common::{broken, one};

/// The body of a function `f`, and what is said of it.
const BODIES: &[(&str, &str)] = &[
    // Texts, lists and numbers that grow without bound.
    (
        "s = 'x'\nfor i in range(40):\n    s = s + s",
        "s.star:4:13-18: the result has more than 1000000 elements",
    ),
    ("s = 'x'\nfor i in range(40):\n    s += s", "take more than"),
    ("s = [1]\nfor i in range(40):\n    s = s + s", "take more than"),
    ("s = (1,)\nfor i in range(40):\n    s = s + s", "take more than"),
    ("s = [1]\nfor i in range(40):\n    s.extend(list(s))", "take more than"),
    ("s = 'x'\nfor i in range(40):\n    s = ''.join([s, s])", "more than 1000000 elements"),
    ("s = 'x'\nfor i in range(40):\n    s = '{}{}'.format(s, s)", "more than 1000000 elements"),
    ("s = 'x'\nfor i in range(40):\n    s = f'{s}{s}'", "a value has more than 1000000 elements"),
    ("s = 'x'\nfor i in range(40):\n    s = s.replace('x', 'xx')", "more than 1000000 elements"),
    ("s = 'x' * 1000000\ns = s.replace('x', s)", "s.star:3:"),
    ("s = 'x' * 1000000\ns = s.join(s.elems())", "more than 1000000 elements"),
    ("s = 'x' * 1000000\ns = '%s%s' % (s, s)", "more than 1000000 elements"),
    ("x = [list(range(1000000)) for i in range(1000)]", "take more than"),
    ("x = {i: sorted(range(1000000)) for i in range(1000)}", "take more than"),
    ("s = 'x' * 1000000\nx = [list(s.elems()) for i in range(1000)]", "take more than"),
    ("x = []\nfor i in range(60):\n    x = [x, x]\ns = str(x)", "a value has more than 1000000 elements"),
    (
        "x = []\ny = []\nfor i in range(60):\n    x = [x, x]\n    y = [y, y]\nb = x == y",
        "runs more than 50000000 looks at elements of values",
    ),
    ("_pair() == _pair()", "looks at elements"),
    ("b = _pair() != _pair()", "looks at elements"),
    ("b = _pair() < _pair()", "s.star:2:9-26: a value has more than 1000000 elements"),
    ("b = _pair() >= _pair()", "a value has more than"),
    ("b = _pair() in [_pair()]", "looks at elements"),
    ("b = _pair() not in (1, _pair())", "looks at elements"),
    ("b = _pair() in {_leaf: 1}", "a value has more than"),
    ("b = [_pair()].index(_pair())", "looks at elements"),
    ("b = {_pair(): 1}", "s.star:2:10-17: a value has more than"),
    ("b = {(_pair(), 1): 1}", "a value has more than"),
    ("b = {_pair(): 1 for i in range(1)}", "a value has more than"),
    ("b = {}\nb[_pair()] = 1", "s.star:3:7-14: a value has more than"),
    ("b = {}\nb[1], b[_pair()] = 1, 2", "a value has more than"),
    ("b = {}\nb.get(_pair())", "a value has more than"),
    ("b = {}\nb.update([(_pair(), 1)])", "a value has more than"),
    ("b = dict([(_pair(), 1)])", "a value has more than"),
    ("b = sorted([_pair(), _pair()])", "a value has more than"),
    ("b = sorted([1, 2], key = lambda x: _pair())", "a value has more than"),
    ("b = max(_pair(), _pair())", "a value has more than"),
    ("b = min([1, 2], key = lambda x: _pair())", "a value has more than"),
    ("b = _pair()\ns = f'{b}'", "s.star:3:5-9: a value has more than"),
    ("print(_pair())", "a value has more than"),
    ("fail(_pair())", "a value has more than"),
    ("fail(*[_pair()])", "a value has more than"),
    (
        "b = struct(x = 1)\nfor i in range(60):\n    b = struct(x = b, y = b)\ns = str(b)",
        "a value has more than",
    ),
    ("s = 'x' * 1000000\nfor i in range(1000000):\n    b = 'y' in s", "looks at elements"),
    ("s = 'x' * 1000000\nfor i in range(1000000):\n    b = s.find('y')", "looks at elements"),
    ("s = list(range(1000000))\nfor i in range(1000000):\n    b = -1 in s", "looks at elements"),
    ("s = [0] * 1000000\nfor i in range(1000000):\n    b = any(s)", "looks at elements"),
    // What is hashed, and what is moved.
    ("d = {}\nfor i in range(1000000):\n    d[i * 4294967296] = i", "s.star:4:11-25: runs more than"),
    ("d = {(i * 4294967296, 1): i for i in range(1000000)}", "looks at elements"),
    (
        "x = ()\nfor i in range(300000):\n    x = (x,)\nd = {x: 1}",
        "s.star:5:10-11: a value nests more than 1000 deep",
    ),
    (
        "x = []\ny = []\nfor i in range(300000):\n    x = [x]\n    y = [y]\ns = sorted([x, y])",
        "nests more than 1000 deep",
    ),
    ("d = {i: 0 for i in range(100000)}\nfor i in range(100000):\n    d.pop(i)", "looks at elements"),
    ("d = {i: 0 for i in range(100000)}\nfor i in range(100000):\n    d.popitem()", "looks at elements"),
    ("x = list(range(100000))\nfor i in range(100000):\n    x.insert(0, i)", "looks at elements"),
    ("n = 3\nfor i in range(60):\n    n *= n", "s.star:4:11-15: a factor exceeds 64 bits"),
    (
        "n = 3\nfor i in range(1000000):\n    n += n",
        "s.star:4:9-15: an integer exceeds 64 bits\n   |\n 4 |         n += n\n",
    ),
    ("n = [3]\nfor i in range(1000000):\n    n[0] -= -n[0]", "an integer exceeds 64 bits"),
    ("n = 3\nfor i in range(1000000):\n    n = n + n", "s.star:4:13-18: an integer exceeds 64 bits"),
    ("n = [3]\nx = [n.append(n[-1] + n[-1]) for i in range(1000000)]", "an integer exceeds 64 bits"),
    ("s = zip(*[range(1000)] * 100000)", "take more than"),
    ("z = zip\ns = z(*[range(1000)] * 100000)", "take more than"),
    (
        "for i in range(100000):\n    warn(str(i))",
        "s.star:3:9-21: one function warns of more than 1000 things",
    ),
    ("send(0, 1, 3000000000 * 4000000000)", "s.star:2:5-40: bytes exceeds 64 bits"),
    ("s = 'x' * 10000000000", "the result has more than 1000000 elements"),
    ("s = list(range(1000000000))", "s.star:2:14-31: a range has more than 1000000 elements"),
    ("s = sorted(range(-1000000000, 0))", "a range has more than"),
    ("s = [i for j in range(1000) for i in range(1000000)]", "s.star:2:"),
    ("n = 1 << 1000000000", "s.star:2:9-24: the result exceeds 64 bits"),
    ("n = 3\nfor i in range(60):\n    n = n * n", "a factor exceeds 64 bits"),
    // Calls and messages without end.
    ("f()", "recursion: f calls itself, more than 300 calls deep"),
    ("_even(3)", "recursion: _"),
    ("repeat(2, f)", "recursion: f calls itself"),
    ("_nest(40)", "calls are recorded one by one"),
    (
        "for i in range(1000000):\n    send(0, 1, i)",
        "s.star:3:9-22: one function sends or calls more than 200000",
    ),
    ("m = [(0, 1, i) for i in range(1000)]\nfor i in range(100000):\n    step(m)", "one function sends"),
    ("for i in range(1000000):\n    parallel(_leaf, _leaf)", "one function sends"),
    ("for i in range(100):\n    for j in range(1000000):\n        pass", "loop turns and calls"),
    ("send(0, 1, 8, channel = 'c' * 1000)", "the channel's name has more than 200 bytes"),
    // Data that has no end.
    ("x = []\nx.append(x)\nonce(x, _leaf)", "plain data, and not too large"),
    ("x = []\nfor i in range(60):\n    x = [x, x]\nonce(x, _leaf)", "plain data, and not too large"),
    // What is no amount.
    ("send(0, 1, -8)", "s.star:2:5-19: bytes is negative: -8"),
    ("send(0, 1, 8, messages = -1)", "messages is negative: -1"),
    ("send(0, 1, 8, spread = -1)", "spread is negative: -1"),
    ("step([(0, 1, 8)], rounds = -1)", "rounds is negative: -1"),
    ("repeat(-2, _leaf)", "times is negative: -2"),
    ("count('x', -3)", "amount is negative: -3"),
    ("work('x', -3)", "amount is negative: -3"),
    ("defer('g', -3)", "weight is negative: -3"),
    ("n = 1 << -1", "a shift by a negative number: -1"),
    ("send(0, 1, 4 ** 2)", "Starlark has no **: write products"),
];

/// What the bodies call.
const REST: &str = "
def _leaf():
    send(0, 1, 8)

def _pair():
    x = ('x',)
    for i in range(60):
        x = (x, x)
    return x

def _even(n):
    _odd(n + 1)

def _odd(n):
    _even(n + 1)

def _nest(d):
    if d == 0:
        send(0, 1, 8)
        return
    repeat(2, _nest, d - 1)
    repeat(3, _nest, d - 1)
";

#[test]
fn whatever_has_no_bound_is_an_error_with_its_place() {
    let mut failures = Vec::new();
    for (body, expected) in BODIES {
        let lines: Vec<String> = body.lines().map(|line| format!("    {line}\n")).collect();
        let said = broken(&mut one(&format!("def f():\n{}{REST}", lines.concat())), "f");
        if !said.contains(expected) || !said.contains("s.star:") {
            failures.push(format!("{body}\nexpected: {expected}\nsaid: {said}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Values of which most is one and the same, however large they are written out, as expressions of a compiler are.
#[test]
fn what_is_shared_is_compared_as_it_stands() {
    let sheet = "def f():\n    x = struct(op = 'x', of = [])\n    for i in range(60):\n        x = struct(op = 'add', of = [x, x])\n    \
                 y = struct(op = 'neg', of = [x])\n    same = struct(op = 'neg', of = [x])\n    \
                 if y == same and y in [x, same] and [x, y].index(y) == 1 and y != x and len({'y': y}) == 1:\n        \
                 send(0, 1, 8)\n";
    let (instance, _folder) = &mut one(sheet);
    let call = instance.sheets.call(&mut hawkeye_cost::Calls::default(), "f", &[]);
    assert!(call.is_ok_and(|call| call.is_some()));
}

#[test]
fn sheets_that_nest_too_deep_are_refused_unread() {
    let brackets = format!("def f():\n    x = {}1{}\n", "(".repeat(20_000), ")".repeat(20_000));
    let sum = format!("def f():\n    x = {}1\n", "1 + ".repeat(100_000));
    let calls = format!("def f():\n    x = f{}\n", "()".repeat(100_000));
    for sheet in [brackets, sum, calls] {
        let said = broken(&mut one(&sheet), "f");
        assert!(said.contains("s.star:2: more than"), "{said}");
    }
}

#[test]
fn one_expression_is_bounded_however_long_it_is() {
    let lists = format!("def f():\n    x = [{}]\n", "list(range(1000000)), ".repeat(200));
    assert!(broken(&mut one(&lists), "f").contains("s.star:2:"));
    let sums = format!("def f():\n    s = 'x' * 500000\n    x = [{}]\n", "s + s, ".repeat(500));
    assert!(broken(&mut one(&sums), "f").contains("s.star:3:"));
}

#[test]
fn values_of_a_sheet_itself_are_bounded_too() {
    let said = broken(&mut one("X = list(range(1000000000))\n\ndef f():\n    send(0, 1, len(X))\n"), "f");
    assert!(said.contains("s.star:1:10-27: a range has more than"), "{said}");
}

#[test]
fn data_of_any_depth_can_be_an_argument() {
    let sheet = "def g(x):\n    send(0, 1, 8)\n\ndef f():\n    x = []\n    for i in range(10000):\n        x = [x]\n    g(x)\n";
    let (instance, _folder) = &mut one(sheet);
    let call = instance.sheets.call(&mut hawkeye_cost::Calls::default(), "f", &[]);
    assert!(call.is_ok_and(|call| call.is_some()));
}

#[test]
fn a_fault_shows_its_line_and_who_called() {
    let sheet = "def f():\n    _size(0)\n\ndef _size(n):\n    send(0, 1, 100 // n)\n";
    let said = broken(&mut one(sheet), "f");
    let (first, rest) = said.split_once('\n').expect("there are several lines");
    assert!(first.ends_with("s.star:5:16-24: Floor division by zero: 100 // 0"), "{said}");
    let lines: Vec<&str> = rest.lines().collect();
    assert_eq!(lines[..3], ["   |", " 5 |     send(0, 1, 100 // n)", "   |                ^^^^^^^^"]);
    assert!(lines[3].starts_with("  in _size, called at ") && lines[3].ends_with("s.star:2:5-13"), "{said}");
    assert_eq!(lines[4..], ["  in f"]);
}
