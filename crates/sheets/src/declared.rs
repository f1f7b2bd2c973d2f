//! The functions that files of rules call.
#![allow(clippy::too_many_arguments, reason = "files pass them by name")]

use starlark::collections::SmallMap;
use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::Value;
use starlark::values::dict::AllocDict;
use starlark::values::list::AllocList;
use starlark::values::none::NoneOr;
use starlark::values::structs::AllocStruct;
use starlark::values::tuple::UnpackTuple;

use crate::convert::to_data;
use crate::fault::misuse;
use crate::signs::weights;
use crate::terms::Term;

/// Reads a pattern or replacement.
fn term(what: &str, value: Value<'_>) -> starlark::Result<Term> {
    let data = to_data(value).ok_or_else(|| misuse(format!("the {what} is no op(...)")))?;
    Term::read(&data).map_err(|problem| misuse(format!("the {what}: {problem}")))
}

#[starlark_module]
pub(crate) fn declared(builder: &mut GlobalsBuilder) {
    /// A node of a pattern, or of what takes its place.
    fn op<'v>(
        #[starlark(require = pos)] name: &str,
        #[starlark(args)] operands: UnpackTuple<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] bind: NoneOr<&str>,
        #[starlark(require = named, default = false)] shared: bool,
        #[starlark(kwargs)] attributes: SmallMap<String, Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let heap = eval.heap();
        let bind = match bind {
            NoneOr::None => Value::new_none(),
            NoneOr::Other(name) => heap.alloc(name),
        };
        Ok(heap.alloc(AllocStruct([
            ("op", heap.alloc(name)),
            ("operands", heap.alloc(AllocList(operands.items))),
            ("attributes", heap.alloc(AllocDict(attributes))),
            ("bind", bind),
            ("shared", Value::new_bool(shared)),
        ])))
    }

    /// A rule: nodes that match the pattern, and what takes the place of the first of them.
    fn rule<'v>(
        #[starlark(require = named)] what: &str,
        #[starlark(require = named)] pattern: Value<'v>,
        #[starlark(require = named)] replacement: Value<'v>,
        #[starlark(require = named, default = NoneOr::None)] condition: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] weights: NoneOr<Value<'v>>,
        #[starlark(require = named, default = "always")] when: &str,
        #[starlark(require = named, default = "not said")] why: &str,
        #[starlark(require = named, default = "")] source: &str,
        #[starlark(require = named, default = NoneOr::None)] error: NoneOr<&str>,
        #[starlark(require = named, default = false)] training: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let heap = eval.heap();
        let Term::Applied(found) = term("pattern", pattern)? else {
            return Err(misuse("the pattern is no op(...)"));
        };
        let found = Term::Applied(found);
        let known = found.names();
        let unknown =
            |names: Vec<&str>| names.into_iter().find(|name| !known.contains(name)).map(str::to_owned);
        let refuse = |what: &str, name: String| {
            Err(misuse(format!(
                "{what} names \"{name}\", which the pattern does not; it names {}",
                known.join(", ")
            )))
        };
        if replacement.get_type() != "function" {
            let replacement = term("replacement", replacement)?;
            if let Some(name) = unknown(replacement.names()) {
                return refuse("the replacement", name);
            }
        }
        let condition = condition.into_option().unwrap_or_else(Value::new_none);
        if !(condition.is_none() || condition.get_type() == "function") {
            return Err(misuse("the condition is a function of the values that the pattern names"));
        }
        let signs = weights.into_option().unwrap_or_else(Value::new_none);
        let signed = to_data(signs).ok_or_else(|| misuse("weights is a dictionary of names and signs"))?;
        let named = self::weights(&signed).map_err(misuse)?;
        if let Some(name) = unknown(named.iter().map(|(name, _)| name.as_str()).collect()) {
            return refuse("weights", name);
        }
        let error = match error {
            NoneOr::None => Value::new_none(),
            NoneOr::Other(error) => heap.alloc(error),
        };
        Ok(heap.alloc(AllocStruct([
            ("what", heap.alloc(what)),
            ("pattern", pattern),
            ("replacement", replacement),
            ("condition", condition),
            ("weights", signs),
            ("when", heap.alloc(when)),
            ("why", heap.alloc(why)),
            ("source", heap.alloc(source)),
            ("error", error),
            ("training", Value::new_bool(training)),
        ])))
    }
}
