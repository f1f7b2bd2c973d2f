//! Sheet functions as protocol calls.
#![allow(unsafe_code, reason = "Starlark's derives implement marker traits for values on its heap")]

use std::fmt;

use allocative::Allocative;
use hawkeye_cost::Item;
use hawkeye_lower::Note;
use starlark::coerce::Coerce;
use starlark::docs::DocItem;
use starlark::environment::Module;
use starlark::eval::{Arguments, Evaluator};
use starlark::starlark_complex_value;
use starlark::values::{
    Freeze, FreezeResult, Freezer, Heap, NoSerialize, ProvidesStaticType, StarlarkPagable, StarlarkValue,
    Trace, Value, ValueLike, starlark_value,
};

use crate::convert::{to_data, to_value};
use crate::entry::is_entry;
use crate::fault::misuse;
use crate::recorder::{Key, Recorded, Recorder};
use crate::syntax::Defined;

/// What evidence calls an operator that a user's own function had a part in.
pub const OVERLAY: &str = "overlay";

/// A function of a sheet, wrapped so that calling it opens a node of the call tree. Calls with
/// equal plain arguments are expanded once.
#[derive(Debug, Trace, Coerce, ProvidesStaticType, NoSerialize, StarlarkPagable, Allocative)]
#[repr(C)]
pub(crate) struct ProtocolGen<V> {
    function: V,
    name: String,
    id: usize,
    /// Whether it is a user's own in the place of the framework's.
    replaced: bool,
}

starlark_complex_value!(pub(crate) Protocol);

impl<'v> Protocol<'v> {
    pub(crate) fn new(function: Value<'v>, name: &str, id: usize, replaced: bool) -> Self {
        Self { function, name: name.to_owned(), id, replaced }
    }
}

impl<V> fmt::Display for ProtocolGen<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl<'v> Freeze for Protocol<'v> {
    type Frozen = FrozenProtocol;
    fn freeze(self, freezer: &Freezer) -> FreezeResult<Self::Frozen> {
        let Self { function, name, id, replaced } = self;
        Ok(ProtocolGen { function: function.freeze(freezer)?, name, id, replaced })
    }
}

#[starlark_value(type = "function")]
impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for ProtocolGen<V>
where
    Self: ProvidesStaticType<'v>,
{
    fn documentation(&self) -> DocItem {
        self.function.to_value().documentation()
    }

    fn invoke(
        &self,
        _me: Value<'v>,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let heap = eval.heap();
        let (positional, named) = given(args, heap)?;
        // While sheets are loaded nothing is recorded: a table may be computed by any function.
        let Some(recorder) = Recorder::of(eval) else {
            return call(self.function.to_value(), &positional, &named, eval);
        };
        recorder.called(self.id);
        let key = self.key(recorder, &positional, &named);
        if let Some(expanded) = key.as_ref().and_then(|key| recorder.known(key)) {
            replay(recorder, &expanded)?;
            return Ok(to_value(&expanded.result, heap));
        }
        recorder.begin(&self.name, Some(self.id));
        if self.replaced {
            recorder.note(Note::Evidence(OVERLAY.to_owned()))?;
        }
        let result = call(self.function.to_value(), &positional, &named, eval);
        let closed = recorder.end();
        let result = result?;
        // What is remembered is the calls and the result; a list that was changed would be so once only.
        let mut arguments = positional.iter().chain(named.iter().map(|(_, value)| value));
        if key.is_some() && arguments.any(may_change) && self.key(recorder, &positional, &named) != key {
            let name = &self.name;
            return Err(misuse(format!("{name} changes a value that it is given: return a new one")));
        }
        let call = recorder.store(closed.call);
        let data = to_data(result);
        // A result that is no plain data can't be handed out again, so the call is made anew each time.
        let key = key.filter(|_| data.is_some());
        let expanded = Recorded { result: data.unwrap_or_default(), call, notes: closed.notes };
        replay(recorder, &expanded)?;
        if let Some(key) = key {
            recorder.remember(key, expanded);
        }
        Ok(result)
    }
}

impl<V> ProtocolGen<V> {
    /// What identifies the call, if its arguments are plain data.
    fn key(
        &self,
        recorder: &Recorder,
        positional: &[Value<'_>],
        named: &[(String, Value<'_>)],
    ) -> Option<Key> {
        Some(Key {
            function: self.id,
            phase: recorder.phase(),
            arguments: positional.iter().map(|value| to_data(*value)).collect::<Option<_>>()?,
            named: named
                .iter()
                .map(|(name, value)| Some((name.clone(), to_data(*value)?)))
                .collect::<Option<_>>()?,
        })
    }
}

/// Whether a value is, or holds, something that can be changed.
fn may_change(value: &Value<'_>) -> bool {
    !matches!(value.get_type(), "int" | "float" | "string" | "bool" | "NoneType")
}

type Given<'v> = (Vec<Value<'v>>, Vec<(String, Value<'v>)>);

/// The arguments of a call, by position and by name.
fn given<'v>(args: &Arguments<'v, '_>, heap: Heap<'v>) -> starlark::Result<Given<'v>> {
    let positional = args.positions(heap)?.collect();
    let named = args.names_map()?.into_iter();
    Ok((positional, named.map(|(name, value)| (name.as_str().to_owned(), value)).collect()))
}

/// Calls another function with the same arguments.
pub(crate) fn pass_on<'v>(
    function: Value<'v>,
    args: &Arguments<'v, '_>,
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<Value<'v>> {
    let (positional, named) = given(args, eval.heap())?;
    call(function, &positional, &named, eval)
}

fn call<'v>(
    function: Value<'v>,
    positional: &[Value<'v>],
    named: &[(String, Value<'v>)],
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<Value<'v>> {
    let named: Vec<(&str, Value<'v>)> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    eval.eval_function(function, positional, &named)
}

fn replay(recorder: &Recorder, expanded: &Recorded) -> starlark::Result<()> {
    if let Some(call) = expanded.call {
        recorder.push(Item::Call { call, times: 1 })?;
    }
    for note in &expanded.notes {
        recorder.note(note.clone())?;
    }
    Ok(())
}

/// Makes a protocol call of a public function that may send.
pub(crate) fn wrap(module: &Module<'_>, defined: &Defined, id: usize, replaced: bool) {
    let name = defined.name.as_str();
    if is_entry(name) || name.starts_with('_') || defined.inline || !defined.sends {
        return;
    }
    if let Some(value) = module.get(name)
        && value.get_type() == "function"
        && Protocol::from_value(value).is_none()
    {
        module.set(name, module.heap().alloc(Protocol::new(value, name, id, replaced)));
    }
}
