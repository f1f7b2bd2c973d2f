//! Plain data to and from Starlark values.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashMap;
use hawkeye_cost::Data;
use starlark::values::dict::{AllocDict, DictRef};
use starlark::values::float::StarlarkFloat;
use starlark::values::list::{AllocList, ListRef};
use starlark::values::structs::{AllocStruct, StructRef};
use starlark::values::tuple::{AllocTuple, TupleRef};
use starlark::values::{Heap, UnpackValue, Value, ValueLike};

use crate::limits::{DEEPEST_DATA, LARGEST_DATA};

/// The value of plain data.
pub(crate) fn to_value<'v>(data: &Data, heap: Heap<'v>) -> Value<'v> {
    Allocation { heap, shared: HashMap::new() }.value(data)
}

struct Allocation<'v> {
    heap: Heap<'v>,
    /// Records that have copies, by their address: one value serves them all.
    shared: HashMap<*const Field, Value<'v>>,
}

type Field = (Cow<'static, str>, Data);

impl<'v> Allocation<'v> {
    fn value(&mut self, data: &Data) -> Value<'v> {
        let heap = self.heap;
        match data {
            Data::None => Value::new_none(),
            Data::Bool(b) => Value::new_bool(*b),
            Data::Int(i) => heap.alloc(*i),
            Data::Float(bits) => heap.alloc(f64::from_bits(*bits)),
            Data::Text(text) => heap.alloc_str_intern(text).to_value(),
            Data::List(items) => heap.alloc(AllocList(items.iter().map(|item| self.value(item)))),
            Data::Tuple(items) => {
                let values: Vec<Value<'v>> = items.iter().map(|item| self.value(item)).collect();
                heap.alloc(AllocTuple(values))
            }
            Data::Dict(entries) => {
                heap.alloc(AllocDict(entries.iter().map(|(k, v)| (self.value(k), self.value(v)))))
            }
            Data::Struct(fields) if Arc::strong_count(fields) > 1 => {
                let address = fields.as_ptr();
                if let Some(value) = self.shared.get(&address) {
                    return *value;
                }
                let value = self.record(fields);
                self.shared.insert(address, value);
                value
            }
            Data::Struct(fields) => self.record(fields),
        }
    }

    fn record(&mut self, fields: &[Field]) -> Value<'v> {
        let heap = self.heap;
        heap.alloc(AllocStruct(fields.iter().map(|(name, v)| (heap.alloc_str_intern(name), self.value(v)))))
    }
}

/// The plain data of a value; `None` if it holds a function or an integer of more than 64 bits, or is too large
/// or nests too deep.
pub(crate) fn to_data(value: Value<'_>) -> Option<Data> {
    let mut parts = LARGEST_DATA;
    data(value, DEEPEST_DATA, &mut parts)
}

/// The data of a value that nests at most so deep, and has at most so many parts.
fn data(value: Value<'_>, depth: usize, parts: &mut usize) -> Option<Data> {
    if value.is_none() {
        return Some(Data::None);
    }
    if let Some(b) = value.unpack_bool() {
        return Some(Data::Bool(b));
    }
    // Small integers, texts and truth values stand in a value itself: they count as no part and may be as deep as they are.
    if let Some(small) = value.unpack_i32() {
        return Some(Data::Int(small.into()));
    }
    if let Some(text) = value.unpack_str() {
        return Some(Data::Text(text.to_owned()));
    }
    let depth = depth.checked_sub(1)?;
    let mut part = |value: Value<'_>| {
        *parts = parts.checked_sub(1)?;
        data(value, depth, parts)
    };
    if let Some(items) = TupleRef::from_value(value) {
        return Some(Data::Tuple(items.content().iter().map(|item| part(*item)).collect::<Option<_>>()?));
    }
    if let Some(items) = ListRef::from_value(value) {
        return Some(Data::List(items.content().iter().map(|item| part(*item)).collect::<Option<_>>()?));
    }
    if let Some(record) = StructRef::from_value(value) {
        let field = |(name, value): (starlark::values::StringValue<'_>, Value<'_>)| {
            Some((name.as_str().to_owned().into(), part(value)?))
        };
        return Some(Data::Struct(record.iter().map(field).collect::<Option<_>>()?));
    }
    if let Some(entries) = DictRef::from_value(value) {
        let entries = entries.iter().map(|(k, v)| Some((part(k)?, part(v)?)));
        return Some(Data::Dict(entries.collect::<Option<_>>()?));
    }
    if let Some(float) = value.downcast_ref::<StarlarkFloat>() {
        return Some(Data::from(float.0));
    }
    // Whatever is left is a larger integer, or nothing that could be compared from one run to the next.
    match i64::unpack_value(value) {
        Ok(Some(int)) => Some(Data::Int(int)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(data: &Data) -> Option<Data> {
        Heap::temp(|heap| to_data(to_value(data, heap)))
    }

    #[test]
    fn plain_data_comes_back_as_it_was() {
        let record: Data = Data::Struct(Arc::new([("a".into(), Data::Int(1)), ("b".into(), Data::None)]));
        let key = Data::Tuple(vec![Data::Int(1), "x".into()]);
        let data = Data::List(vec![
            Data::Bool(true),
            Data::Int(i64::MIN),
            Data::Int(i64::from(i32::MAX)),
            Data::from(0.1),
            Data::from(1.0),
            Data::Dict(vec![(key, record.clone())]),
            record.clone(),
            record,
        ]);
        assert_eq!(there_and_back(&data), Some(data));
    }

    #[test]
    fn records_that_have_copies_are_one_value() {
        let record = Data::Struct(Arc::new([("a".into(), Data::Int(1))]));
        let [shared, own] = [
            vec![record.clone(), record],
            vec![
                Data::Struct(Arc::new([("a".into(), Data::Int(1))])),
                Data::Struct(Arc::new([("a".into(), Data::Int(1))])),
            ],
        ];
        for (data, same) in [(Data::List(shared), true), (Data::List(own), false)] {
            Heap::temp(|heap| {
                let list = ListRef::from_value(to_value(&data, heap)).expect("it is a list");
                assert_eq!(list.content()[0].ptr_eq(list.content()[1]), same);
            });
        }
    }

    #[test]
    fn what_is_large_or_deep_is_no_data() {
        let nested = |depth: usize| (0..depth).fold(Data::None, |data, _| Data::List(vec![data]));
        assert!(there_and_back(&nested(DEEPEST_DATA)).is_some());
        assert_eq!(there_and_back(&nested(DEEPEST_DATA + 1)), None);
        let long = |length: usize| Data::Tuple(vec![Data::None; length]);
        assert!(there_and_back(&long(LARGEST_DATA)).is_some());
        assert_eq!(there_and_back(&long(LARGEST_DATA + 1)), None);
        assert_eq!(there_and_back(&Data::List(vec![long(LARGEST_DATA / 2), long(LARGEST_DATA / 2)])), None);
    }
}
