//! Operators, methods and functions of Starlark that look at how much they would make before they do, for sheets of
//! users (`guard.rs`).

use std::cmp::Ordering;
use std::collections::HashMap;

use starlark::collections::SmallMap;
use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::dict::DictRef;
use starlark::values::list::ListRef;
use starlark::values::record::Record;
use starlark::values::structs::StructRef;
use starlark::values::tuple::{TupleRef, UnpackTuple};
use starlark::values::{Heap, UnpackValue, Value};

use crate::fault::{TOO_LARGE, misuse};
use crate::limits::{LONGEST, look, room};

/// Values and characters that are walked over to see how large a value is.
const LARGEST_WALK: usize = LONGEST as usize;
/// Values within values within each other: what hashes, orders and writes them out goes as deep on the stack.
const DEEPEST_WALK: usize = 1000;
/// Methods of dictionaries that hash what they are given.
const KEYED: [&str; 4] = ["get", "pop", "setdefault", "update"];
/// Methods that move whatever stands behind what they take out or put in.
const MOVING: [&str; 4] = ["insert", "pop", "popitem", "remove"];
/// Looks that one number in a key counts as, if it is no small integer: of such numbers, thousands can be made that have
/// one hash, and each is compared with all of them.
const WIDE_KEY: usize = 2500;
/// Characters that take as long to look through as one value.
const BLOCK: usize = 16;
/// Bytes that an element of a list takes, at most, when it is made for the list.
const ELEMENT: usize = 48;

fn is_int(value: Value<'_>) -> bool {
    value.unpack_i32().is_some() || value.get_type() == "int"
}

/// Refuses integers from which others could grow without bound.
fn small(value: Value<'_>) -> starlark::Result<()> {
    match value.unpack_i32().is_some() || i64::unpack_value(value).ok().flatten().is_some() {
        true => Ok(()),
        false => Err(misuse(format!("an integer {TOO_LARGE}"))),
    }
}

fn small_both(x: Value<'_>, y: Value<'_>) -> starlark::Result<()> {
    if is_int(x) && is_int(y) {
        small(x)?;
        small(y)?;
    }
    Ok(())
}

/// What is found when a value is walked over.
#[derive(Default)]
struct ValueExtent {
    /// Values in it, and characters of its texts; more than [`LARGEST_WALK`] if it is larger than that.
    size: usize,
    /// How deep they nest; more than [`DEEPEST_WALK`] if it is deeper than that.
    depth: usize,
    /// Numbers that are no small integers.
    wide: usize,
}

fn extent(value: Value<'_>) -> ValueExtent {
    let mut extent = ValueExtent::default();
    let mut waiting = vec![(value, 1)];
    while let Some((value, depth)) = waiting.pop() {
        extent.size += 1 + value.unpack_str().map_or(0, str::len);
        extent.depth = extent.depth.max(depth);
        if extent.size + waiting.len() > LARGEST_WALK {
            extent.size = LARGEST_WALK + 1;
            return extent;
        }
        if depth > DEEPEST_WALK {
            return extent;
        }
        let mut within = |value| waiting.push((value, depth + 1));
        if let Some(list) = ListRef::from_value(value) {
            list.iter().for_each(within);
        } else if let Some(tuple) = TupleRef::from_value(value) {
            tuple.iter().for_each(within);
        } else if let Some(dict) = DictRef::from_value(value) {
            dict.iter().flat_map(|(key, value)| [key, value]).for_each(within);
        } else if let Some(fields) = StructRef::from_value(value) {
            fields.iter().for_each(|(_, value)| within(value));
        } else if let Some(record) = Record::from_value(value) {
            record.iter().for_each(|(_, value)| within(value));
        } else if value.unpack_i32().is_none() && matches!(value.get_type(), "int" | "float") {
            extent.wide += 1;
        }
    }
    extent
}

/// Refuses a text of more characters than texts have.
fn text_of(characters: usize, heap: Heap<'_>) -> starlark::Result<()> {
    if characters > LARGEST_WALK {
        return Err(misuse(format!("the result has more than {LONGEST} elements")));
    }
    room(heap, characters)
}

/// Whether two values are equal. Starlark's own comparison takes as long as it likes where values hold the same value
/// again and again: this one counts what it looks at. What both hold is not looked into, as Starlark doesn't either, so
/// that values that share most of what they hold can be compared however large they are.
fn equal<'v>(x: Value<'v>, y: Value<'v>) -> starlark::Result<bool> {
    if x.unpack_i32().is_some() || y.unpack_i32().is_some() || y.is_none() {
        look(1)?;
        return x.equals(y);
    }
    let mut waiting = vec![(x, y)];
    while let Some((x, y)) = waiting.pop() {
        if x.ptr_eq(y) {
            continue;
        }
        let before = waiting.len();
        if let (Some(x), Some(y)) = (ListRef::from_value(x), ListRef::from_value(y)) {
            if x.len() != y.len() {
                return Ok(false);
            }
            waiting.extend(x.iter().zip(y.iter()).rev());
        } else if let (Some(x), Some(y)) = (TupleRef::from_value(x), TupleRef::from_value(y)) {
            if x.len() != y.len() {
                return Ok(false);
            }
            waiting.extend(x.iter().zip(y.iter()).rev());
        } else if let (Some(x), Some(y)) = (DictRef::from_value(x), DictRef::from_value(y)) {
            if x.len() != y.len() {
                return Ok(false);
            }
            for (key, value) in x.iter() {
                look(extent(key).size)?;
                match y.get(key)? {
                    Some(other) => waiting.push((value, other)),
                    None => return Ok(false),
                }
            }
        } else if let (Some(x), Some(y)) = (StructRef::from_value(x), StructRef::from_value(y)) {
            let fields: HashMap<&str, Value<'v>> =
                y.iter().map(|(name, value)| (name.as_str(), value)).collect();
            if x.iter().len() != fields.len() {
                return Ok(false);
            }
            for (name, value) in x.iter() {
                match fields.get(name.as_str()) {
                    Some(other) => waiting.push((value, *other)),
                    None => return Ok(false),
                }
            }
        } else {
            // Nothing tells whether two records are of one type, other than comparing them.
            if Record::from_value(x).is_some() && Record::from_value(y).is_some() {
                walk(y).or_else(|_| walk(x))?;
            }
            look(x.unpack_str().map_or(0, str::len) / BLOCK)?;
            if !x.equals(y)? {
                return Ok(false);
            }
        }
        look(1 + waiting.len().saturating_sub(before))?;
    }
    Ok(true)
}

/// How two values are ordered, of which at least one can be looked through.
fn order<'v>(x: Value<'v>, y: Value<'v>) -> starlark::Result<Ordering> {
    if !is_int(x) && !is_int(y) {
        walk(y).or_else(|_| walk(x))?;
    }
    x.compare(y)
}

/// Looks at the keys of pairs of which a dictionary is made; those of another dictionary have been looked at.
fn keys<'v>(pairs: Value<'v>, heap: Heap<'v>) -> starlark::Result<()> {
    if DictRef::from_value(pairs).is_none() {
        for pair in pairs.iterate(heap)? {
            let key = pair.iterate(heap)?.next();
            key.map_or(Ok(()), hash)?;
        }
    }
    Ok(())
}

/// Whether a container holds a value.
fn holds<'v>(container: Value<'v>, x: Value<'v>) -> starlark::Result<bool> {
    let elements = ListRef::from_value(container).map(ListRef::content);
    match elements.or_else(|| TupleRef::from_value(container).map(TupleRef::content)) {
        Some(elements) => {
            for element in elements {
                if equal(*element, x)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        None => {
            hash(x)?;
            look(container.unpack_str().map_or(0, str::len) / BLOCK)?;
            container.is_in(x)
        }
    }
}

/// Refuses what would take too long to look through, or nests too deep for that.
fn walk(value: Value<'_>) -> starlark::Result<usize> {
    walked(value).map(|extent| extent.size)
}

fn walked(value: Value<'_>) -> starlark::Result<ValueExtent> {
    if value.unpack_i32().is_some() {
        return Ok(ValueExtent { size: 1, depth: 1, wide: 0 });
    }
    let extent = extent(value);
    look(extent.size)?;
    match extent {
        ValueExtent { size, .. } if size > LARGEST_WALK => {
            Err(misuse(format!("a value has more than {LONGEST} elements")))
        }
        ValueExtent { depth, .. } if depth > DEEPEST_WALK => {
            Err(misuse(format!("a value nests more than {DEEPEST_WALK} deep")))
        }
        extent => Ok(extent),
    }
}

/// Refuses a key that would take too long to be hashed, or to be told from others of its hash.
fn hash(key: Value<'_>) -> starlark::Result<()> {
    look(walked(key)?.wide.saturating_mul(WIDE_KEY))
}

/// How long the text may be that a method of texts makes.
fn made_by<'v>(text: &str, method: &str, arguments: &[Value<'v>], heap: Heap<'v>) -> starlark::Result<usize> {
    let argument = |position: usize| arguments.get(position).and_then(|value| value.unpack_str());
    let shown = || -> starlark::Result<usize> {
        arguments.iter().try_fold(0, |sum, value| Ok(sum + 4 * walk(*value)?))
    };
    Ok(match (method, argument(0), argument(1)) {
        ("replace", Some(""), Some(new)) => text.len() + (text.len() + 1).saturating_mul(new.len()),
        ("replace", Some(old), Some(new)) => text.len() + text.matches(old).count().saturating_mul(new.len()),
        ("join", ..) => {
            let mut length = 0usize;
            for part in arguments.first().into_iter().flat_map(|parts| parts.iterate(heap)).flatten() {
                length = length.saturating_add(text.len() + part.unpack_str().map_or(0, str::len));
            }
            length
        }
        ("format", ..) => text.len() + text.matches('{').count().saturating_mul(shown()?),
        ("upper" | "lower", ..) => text.len().saturating_mul(3),
        _ => 0,
    })
}

// What begins with `__` stands for what Starlark calls otherwise.
#[starlark_module]
pub(crate) fn bounded(builder: &mut GlobalsBuilder) {
    fn __add<'v>(x: Value<'v>, y: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        small_both(x, y)?;
        if let (Some(x), Some(y)) = (x.unpack_str(), y.unpack_str()) {
            text_of(x.len() + y.len(), heap)?;
        } else if !is_int(x) {
            let length = |value: Value<'v>| value.length().map_or(0, |n| usize::try_from(n).unwrap_or(0));
            room(heap, (length(x) + length(y)) * size_of::<Value<'v>>())?;
        }
        x.add(y, heap)
    }

    fn __subtract<'v>(x: Value<'v>, y: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        small_both(x, y)?;
        x.sub(y, heap)
    }

    fn __remainder<'v>(x: Value<'v>, y: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        if let Some(text) = x.unpack_str() {
            let shown = text.matches('%').count().saturating_mul(4 * walk(y)?);
            text_of(text.len() + shown, heap)?;
        }
        x.percent(y, heap)
    }

    fn __equal<'v>(x: Value<'v>, y: Value<'v>) -> starlark::Result<bool> {
        equal(x, y)
    }

    fn __different<'v>(x: Value<'v>, y: Value<'v>) -> starlark::Result<bool> {
        Ok(!equal(x, y)?)
    }

    fn __less<'v>(x: Value<'v>, y: Value<'v>) -> starlark::Result<bool> {
        Ok(order(x, y)?.is_lt())
    }

    fn __at_most<'v>(x: Value<'v>, y: Value<'v>) -> starlark::Result<bool> {
        Ok(order(x, y)?.is_le())
    }

    fn __greater<'v>(x: Value<'v>, y: Value<'v>) -> starlark::Result<bool> {
        Ok(order(x, y)?.is_gt())
    }

    fn __at_least<'v>(x: Value<'v>, y: Value<'v>) -> starlark::Result<bool> {
        Ok(order(x, y)?.is_ge())
    }

    fn __within<'v>(x: Value<'v>, container: Value<'v>) -> starlark::Result<bool> {
        holds(container, x)
    }

    fn __not_within<'v>(x: Value<'v>, container: Value<'v>) -> starlark::Result<bool> {
        Ok(!holds(container, x)?)
    }

    /// Looks at a value before it is ordered or written out.
    fn __looked<'v>(x: Value<'v>) -> starlark::Result<Value<'v>> {
        walk(x)?;
        Ok(x)
    }

    /// The same before it is hashed.
    fn __hashed<'v>(x: Value<'v>) -> starlark::Result<Value<'v>> {
        hash(x)?;
        Ok(x)
    }

    /// The same for the keys of a dictionary that is made of pairs.
    fn __keys<'v>(pairs: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        keys(pairs, heap)?;
        Ok(pairs)
    }

    /// The same before all of them are shown in one text; false, so that `or` goes on to it.
    fn __shown<'v>(#[starlark(args)] values: UnpackTuple<Value<'v>>) -> starlark::Result<bool> {
        values.items.iter().try_for_each(|value| walk(*value).map(drop))?;
        Ok(false)
    }

    /// Looks at what a statement has changed.
    fn __bounded<'v>(x: Value<'v>) -> starlark::Result<Value<'v>> {
        if is_int(x) {
            small(x)?;
        }
        Ok(x)
    }

    /// Looks at the memory after a value was made.
    fn __room<'v>(x: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        room(heap, 0)?;
        Ok(x)
    }

    fn __len(x: Value<'_>) -> starlark::Result<i32> {
        look(x.unpack_str().map_or(0, str::len) / BLOCK)?;
        x.length()
    }

    fn __all<'v>(x: Value<'v>, heap: Heap<'v>) -> starlark::Result<bool> {
        for element in x.iterate(heap)? {
            look(1)?;
            if !element.to_bool() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn __any<'v>(x: Value<'v>, heap: Heap<'v>) -> starlark::Result<bool> {
        for element in x.iterate(heap)? {
            look(1)?;
            if element.to_bool() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn __str<'v>(x: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        text_of(4 * walk(x)?, heap)?;
        Ok(heap.alloc(x.to_str()))
    }

    fn __repr<'v>(x: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        text_of(4 * walk(x)?, heap)?;
        Ok(heap.alloc(x.to_repr()))
    }

    fn __method<'v>(
        #[starlark(require = pos)] x: Value<'v>,
        #[starlark(require = pos)] name: &str,
        #[starlark(args)] arguments: UnpackTuple<Value<'v>>,
        #[starlark(kwargs)] named: SmallMap<String, Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let heap = eval.heap();
        if let Some(text) = x.unpack_str() {
            look(text.len() / BLOCK)?;
            let all: Vec<Value<'v>> = arguments.items.iter().chain(named.values()).copied().collect();
            text_of(made_by(text, name, &all, heap)?, heap)?;
        }
        if let (Some(list), "index" | "remove", Some(sought)) =
            (ListRef::from_value(x), name, arguments.items.first())
        {
            for element in list.content() {
                if equal(*element, *sought)? {
                    break;
                }
            }
        } else if DictRef::from_value(x).is_some() && KEYED.contains(&name) {
            match arguments.items.first() {
                Some(pairs) if name == "update" => keys(*pairs, heap)?,
                first => first.map_or(Ok(()), |key| hash(*key))?,
            }
        }
        let length = x.length().map_or(0, |length| usize::try_from(length).unwrap_or(0));
        if MOVING.contains(&name) {
            look(length / if DictRef::from_value(x).is_some() { 1 } else { BLOCK })?;
        }
        room(heap, length.saturating_mul(ELEMENT))?;
        let method = x.get_attr(name, heap)?;
        let method = method.ok_or_else(|| misuse(format!("{} has no method {name}", x.get_type())))?;
        let named: Vec<(&str, Value<'v>)> = named.iter().map(|(name, x)| (name.as_str(), *x)).collect();
        eval.eval_function(method, &arguments.items, &named)
    }
}
