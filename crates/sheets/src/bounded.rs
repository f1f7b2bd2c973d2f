//! Operators, methods and functions of Starlark that look at how much they would make before they do, for sheets of
//! users (`guard.rs`).

use starlark::collections::SmallMap;
use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::dict::DictRef;
use starlark::values::list::ListRef;
use starlark::values::structs::StructRef;
use starlark::values::tuple::{TupleRef, UnpackTuple};
use starlark::values::{Heap, UnpackValue, Value};

use crate::fault::misuse;
use crate::limits::{LONGEST, room};

/// Values and characters that are walked over to see how large a value is.
const LARGEST_WALK: usize = LONGEST as usize;
/// Bytes that an element of a list takes, at most, when it is made for the list.
const ELEMENT: usize = 48;

fn is_int(value: Value<'_>) -> bool {
    value.unpack_i32().is_some() || value.get_type() == "int"
}

/// Refuses integers from which others could grow without bound.
fn small(value: Value<'_>) -> starlark::Result<()> {
    match value.unpack_i32().is_some() || i64::unpack_value(value).ok().flatten().is_some() {
        true => Ok(()),
        false => Err(misuse("an integer exceeds 64 bits")),
    }
}

fn small_both(x: Value<'_>, y: Value<'_>) -> starlark::Result<()> {
    if is_int(x) && is_int(y) {
        small(x)?;
        small(y)?;
    }
    Ok(())
}

/// Values in a value, and characters of its texts; more than [`LARGEST_WALK`] if it is larger than that.
fn size(value: Value<'_>) -> usize {
    let mut size = 0usize;
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        size += 1 + value.unpack_str().map_or(0, str::len);
        if size + waiting.len() > LARGEST_WALK {
            return LARGEST_WALK + 1;
        }
        if let Some(list) = ListRef::from_value(value) {
            waiting.extend(list.content());
        } else if let Some(tuple) = TupleRef::from_value(value) {
            waiting.extend(tuple.content());
        } else if let Some(dict) = DictRef::from_value(value) {
            waiting.extend(dict.iter().flat_map(|(key, value)| [key, value]));
        } else if let Some(fields) = StructRef::from_value(value) {
            waiting.extend(fields.iter().map(|(_, value)| value));
        }
    }
    size
}

/// Refuses a text of more characters than texts have.
fn text_of(characters: usize, heap: Heap<'_>) -> starlark::Result<()> {
    if characters > LARGEST_WALK {
        return Err(misuse(format!("the result has more than {LONGEST} elements")));
    }
    room(heap, characters)
}

/// Refuses what would take too long to compare. No more is looked at than the smaller of the two has: whether there is a
/// value at all can be asked of any.
fn walk_one(x: Value<'_>, y: Value<'_>) -> starlark::Result<()> {
    walk(y).or_else(|_| walk(x)).map(drop)
}

/// Refuses what would take too long to look through.
fn walk(value: Value<'_>) -> starlark::Result<usize> {
    match size(value) {
        size if size > LARGEST_WALK => Err(misuse(format!("a value has more than {LONGEST} elements"))),
        size => Ok(size),
    }
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
        walk_one(x, y)?;
        x.equals(y)
    }

    fn __different<'v>(x: Value<'v>, y: Value<'v>) -> starlark::Result<bool> {
        walk_one(x, y)?;
        Ok(!x.equals(y)?)
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
            let all: Vec<Value<'v>> = arguments.items.iter().chain(named.values()).copied().collect();
            text_of(made_by(text, name, &all, heap)?, heap)?;
        }
        let length = x.length().map_or(0, |length| usize::try_from(length).unwrap_or(0));
        room(heap, length.saturating_mul(ELEMENT))?;
        let method = x.get_attr(name, heap)?;
        let method = method.ok_or_else(|| misuse(format!("{} has no method {name}", x.get_type())))?;
        let named: Vec<(&str, Value<'v>)> = named.iter().map(|(name, x)| (name.as_str(), *x)).collect();
        eval.eval_function(method, &arguments.items, &named)
    }
}
