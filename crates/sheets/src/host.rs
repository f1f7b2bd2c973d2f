//! The functions that sheets call to send, count, repeat and draw.
#![allow(clippy::too_many_arguments, reason = "sheets pass them by name")]

use hawkeye_cost::{Call, Data, Deferral, Item, Message, Party, Phase, Scope, State, Step};
use hawkeye_lower::Note;
use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::list::UnpackList;
use starlark::values::none::{NoneOr, NoneType};
use starlark::values::structs::AllocStruct;
use starlark::values::tuple::{TupleRef, UnpackTuple};
use starlark::values::{FrozenValue, UnpackValue, Value};

use crate::convert::to_data;
use crate::fault::{misuse, natural};
use crate::limits::LONGEST_NAME;
use crate::recorder::{PartyCounts, Recorder};

fn recorder<'a>(eval: &Evaluator<'_, 'a, '_>) -> starlark::Result<&'a Recorder> {
    Recorder::of(eval).ok_or_else(|| misuse("can't be used while a sheet is loaded, only inside functions"))
}

fn phase(recorder: &Recorder, name: NoneOr<&str>) -> starlark::Result<Phase> {
    match name {
        NoneOr::None => Ok(recorder.phase()),
        NoneOr::Other(name) => Phase::from_name(name)
            .ok_or_else(|| misuse(format!("\"{name}\" is no phase; phases are setup, offline, online"))),
    }
}

/// Checks a message's ends. Parties are numbered from 0; `parties` counts those of the protocol
/// and the extra ones.
fn message(
    parties: u32,
    from: i64,
    to: i64,
    bytes: u64,
    count: u64,
    spread: u64,
) -> starlark::Result<Message> {
    let party = |number: i64| match u16::try_from(number) {
        Ok(party) if u32::from(party) < parties => Ok(Party(party)),
        _ => Err(misuse(format!("there is no party {number}; parties are 0 to {}", parties - 1))),
    };
    if from == to {
        return Err(misuse(format!("party {from} sends to itself")));
    }
    Ok(Message { from: party(from)?, to: party(to)?, bytes, count, spread })
}

/// What a step is beside its messages.
struct Manner<'a> {
    phase: NoneOr<&'a str>,
    channel: &'a str,
    rounds: i64,
    flights: i64,
    tensors: i64,
}

fn record(recorder: &Recorder, messages: Vec<Message>, manner: Manner<'_>) -> starlark::Result<NoneType> {
    let Manner { phase, channel, rounds, flights, tensors } = manner;
    if channel.len() > LONGEST_NAME {
        return Err(misuse(format!("the channel's name has more than {LONGEST_NAME} bytes")));
    }
    recorder.push(Item::Step(Step {
        phase: self::phase(recorder, phase)?,
        channel: channel.into(),
        messages,
        rounds: natural("rounds", rounds)?,
        flights: natural("flights", flights)?,
        tensors: natural("tensors", tensors)?,
    }))?;
    Ok(NoneType)
}

/// Runs `f` and gives what it did as a call of its own.
fn body<'v>(
    recorder: &Recorder,
    f: Value<'v>,
    args: &[Value<'v>],
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<(Call, Value<'v>)> {
    recorder.begin("", None);
    let result = eval.eval_function(f, args, &[]);
    let closed = recorder.end();
    for note in closed.notes {
        recorder.note(note)?;
    }
    Ok((closed.call, result?))
}

#[starlark_module]
pub(crate) fn emission(builder: &mut GlobalsBuilder) {
    fn send<'v>(
        src: i64,
        dst: i64,
        bytes: i64,
        #[starlark(default = 1)] messages: i64,
        #[starlark(default = 1)] rounds: i64,
        #[starlark(default = NoneOr::None)] phase: NoneOr<&str>,
        #[starlark(default = "")] channel: &str,
        #[starlark(default = 0)] spread: i64,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let recorder = recorder(eval)?;
        let parties = recorder.parties().all.into();
        let bytes = natural("bytes", bytes)?;
        let (messages, spread) = (natural("messages", messages)?, natural("spread", spread)?);
        let messages = vec![message(parties, src, dst, bytes, messages, spread)?];
        record(recorder, messages, Manner { phase, channel, rounds, flights: 1, tensors: 1 })
    }

    fn exchange<'v>(
        bytes: i64,
        #[starlark(default = 1)] rounds: i64,
        #[starlark(default = NoneOr::None)] phase: NoneOr<&str>,
        #[starlark(default = "")] channel: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let recorder = recorder(eval)?;
        let bytes = natural("bytes", bytes)?;
        let parties = recorder.parties().protocol;
        let pairs = (0..parties).flat_map(|a| (0..parties).filter(move |b| *b != a).map(move |b| (a, b)));
        let messages = pairs
            .map(|(from, to)| Message { from: Party(from), to: Party(to), bytes, count: 1, spread: 0 })
            .collect();
        record(recorder, messages, Manner { phase, channel, rounds, flights: 1, tensors: 1 })
    }

    fn step<'v>(
        messages: UnpackList<Value<'v>>,
        #[starlark(default = 1)] rounds: i64,
        #[starlark(default = 1)] flights: i64,
        #[starlark(default = 1)] tensors: i64,
        #[starlark(default = NoneOr::None)] phase: NoneOr<&str>,
        #[starlark(default = "")] channel: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let recorder = recorder(eval)?;
        let parties = recorder.parties().all.into();
        let mut sent = Vec::with_capacity(messages.items.len());
        for item in messages.items {
            let fields = TupleRef::from_value(item).map(TupleRef::content).unwrap_or_default();
            let numbers: Option<Vec<i64>> =
                fields.iter().map(|f| i64::unpack_value(*f).ok().flatten()).collect();
            sent.push(match numbers.as_deref() {
                Some([src, dst, bytes]) => message(parties, *src, *dst, natural("bytes", *bytes)?, 1, 0)?,
                Some([src, dst, bytes, count]) => {
                    message(parties, *src, *dst, natural("bytes", *bytes)?, natural("count", *count)?, 0)?
                }
                _ => {
                    return Err(misuse(format!(
                        "{item} is no message: (src, dst, bytes) or (src, dst, bytes, count)"
                    )));
                }
            });
        }
        record(recorder, sent, Manner { phase, channel, rounds, flights, tensors })
    }

    fn count<'v>(counter: &str, amount: i64, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        let recorder = recorder(eval)?;
        let counter = recorder.symbol(counter);
        recorder.push(Item::Count { counter, amount: natural("amount", amount)? })?;
        Ok(NoneType)
    }

    fn work<'v>(
        kind: &str,
        #[starlark(default = 1)] amount: i64,
        #[starlark(default = NoneOr::None)] phase: NoneOr<&str>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let recorder = recorder(eval)?;
        let kind = recorder.symbol(kind);
        let phase = self::phase(recorder, phase)?;
        recorder.push(Item::Work { phase, kind, amount: natural("amount", amount)? })?;
        Ok(NoneType)
    }
}

#[starlark_module]
pub(crate) fn composition(builder: &mut GlobalsBuilder) {
    fn in_phase<'v>(
        #[starlark(require = pos)] phase: &str,
        #[starlark(require = pos)] f: Value<'v>,
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let recorder = recorder(eval)?;
        let phase = self::phase(recorder, NoneOr::Other(phase))?;
        let before = recorder.set_phase(phase);
        let result = eval.eval_function(f, &args.items, &[]);
        recorder.set_phase(before);
        result
    }

    fn repeat<'v>(
        #[starlark(require = pos)] times: i64,
        #[starlark(require = pos)] f: Value<'v>,
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let times = natural("times", times)?;
        if times == 0 {
            return Ok(Value::new_none());
        }
        let recorder = recorder(eval)?;
        let (call, result) = body(recorder, f, &args.items, eval)?;
        match call.items.as_slice() {
            // A single call needs no sequence around it: `repeat(3, f)` and three calls of f are then the same item.
            [Item::Call { call, times: 1 }] => recorder.push(Item::Call { call: *call, times })?,
            _ => {
                if let Some(call) = recorder.store(call) {
                    recorder.push(Item::Call { call, times })?;
                }
            }
        }
        Ok(result)
    }

    fn parallel<'v>(
        #[starlark(args)] functions: UnpackTuple<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Vec<Value<'v>>> {
        let recorder = recorder(eval)?;
        let mut calls = Vec::with_capacity(functions.items.len());
        let mut results = Vec::with_capacity(functions.items.len());
        for f in functions.items {
            let (call, result) = body(recorder, f, &[], eval)?;
            calls.extend(recorder.store(call));
            results.push(result);
        }
        if !calls.is_empty() {
            recorder.push(Item::Parallel(calls))?;
        }
        Ok(results)
    }
}

#[starlark_module]
pub(crate) fn state(builder: &mut GlobalsBuilder) {
    fn once<'v>(
        #[starlark(require = pos)] key: Value<'v>,
        #[starlark(require = pos)] f: Value<'v>,
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        #[starlark(require = named, default = "session")] scope: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let recorder = recorder(eval)?;
        let scope = match scope {
            "run" => Scope::Run,
            "session" => Scope::Session,
            _ => return Err(misuse(format!("\"{scope}\" is no scope; scopes are run, session"))),
        };
        let key =
            to_data(key).ok_or_else(|| misuse("the key of once() must be plain data, and not too large"))?;
        let (call, _) = body(recorder, f, &args.items, eval)?;
        if let Some(call) = recorder.store(call) {
            recorder.push(Item::Own(State::Once { key, scope, call }))?;
        }
        Ok(NoneType)
    }

    fn draw<'v>(
        resource: &str,
        request: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let recorder = recorder(eval)?;
        let request =
            to_data(request).ok_or_else(|| misuse("a request must be plain data, and not too large"))?;
        let resource = recorder.symbol(resource);
        recorder.push(Item::Own(State::Draw { resource, request }))?;
        Ok(NoneType)
    }

    fn defer<'v>(group: &str, weight: i64, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        let recorder = recorder(eval)?;
        let group = recorder.symbol(group);
        let weight = natural("weight", weight)?;
        recorder.push(Item::Own(State::Defer(Deferral { group, weight })))?;
        Ok(NoneType)
    }
}

#[starlark_module]
pub(crate) fn notes(builder: &mut GlobalsBuilder) {
    fn warn<'v>(text: &str, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        recorder(eval)?.note(Note::Warning(text.to_owned()))?;
        Ok(NoneType)
    }

    fn evidence<'v>(kind: &str, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        recorder(eval)?.note(Note::Evidence(kind.to_owned()))?;
        Ok(NoneType)
    }
}

#[starlark_module]
pub(crate) fn declarations(builder: &mut GlobalsBuilder) {
    /// Declares functions that open no frame. The loader reads it off the text; running it does nothing.
    fn inline<'v>(#[starlark(args)] functions: UnpackTuple<Value<'v>>) -> starlark::Result<NoneType> {
        match functions.items.iter().find(|f| f.get_type() != "function") {
            Some(other) => Err(misuse(format!("inline: {other} is no function"))),
            None => Ok(NoneType),
        }
    }
}

/// Parameters and the number of parties, as sheets see them.
pub(crate) fn constants(builder: &mut GlobalsBuilder, parameters: &[(String, Data)], parties: PartyCounts) {
    builder.set("parties", i32::from(parties.protocol));
    let fields: Vec<(String, FrozenValue)> = parameters
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Data::Bool(b) => builder.alloc(*b),
                Data::Int(i) => builder.alloc(*i),
                Data::Float(bits) => builder.alloc(f64::from_bits(*bits)),
                Data::Text(text) => builder.alloc(text.as_str()),
                Data::None | Data::List(_) | Data::Tuple(_) | Data::Dict(_) | Data::Struct(_) => {
                    FrozenValue::new_none()
                }
            };
            (name.clone(), value)
        })
        .collect();
    builder.set("params", AllocStruct(fields));
}
