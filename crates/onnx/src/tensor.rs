//! Constants: shape, type and, where small, elements.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use hawkeye_graph::{DType, Elements, SMALL, Tensor, element_count};

use crate::wire::{SparseTensorProto, TensorProto, tensor_proto::DataLocation};

/// Converts a constant. `folder` is where external data is looked for.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn tensor(proto: &TensorProto, folder: Option<&Path>) -> Result<Tensor, String> {
    let code = proto.data_type();
    let dtype = DType::from_onnx(code).ok_or_else(|| format!("unknown element type {code}"))?;
    let dims = proto
        .dims
        .iter()
        .map(|d| u64::try_from(*d).map_err(|_| format!("negative dimension {d}")))
        .collect::<Result<Vec<_>, _>>()?;
    let count = element_count(&dims)?;
    let elements = if count > SMALL { None } else { elements(proto, dtype, count as usize, folder)? };
    Ok(Tensor { dtype, dims, elements })
}

/// The tensor that a sparse one stands for, without its elements.
pub(crate) fn dense(sparse: &SparseTensorProto) -> TensorProto {
    let data_type = sparse.values.as_ref().and_then(|values| values.data_type);
    TensorProto { dims: sparse.dims.clone(), data_type, ..TensorProto::default() }
}

fn elements(
    proto: &TensorProto,
    dtype: DType,
    count: usize,
    folder: Option<&Path>,
) -> Result<Option<Elements>, String> {
    if proto.data_location() == DataLocation::External {
        let raw = external(proto, folder)?;
        return Ok(raw.and_then(|raw| from_raw(&raw, dtype, count)));
    }
    if let Some(raw) = &proto.raw_data {
        let short = width(dtype).is_some_and(|width| raw.len() < count * width);
        return match short {
            true => Err(format!("{} bytes of data do not hold {count} elements of {dtype}", raw.len())),
            // Numbers beyond 63 bits are not kept.
            false => Ok(from_raw(raw, dtype, count)),
        };
    }
    let ints = || Elements::Ints(proto.int32_data.iter().map(|v| i64::from(*v)).collect());
    let elements = match dtype {
        DType::Float32 => Elements::Floats(proto.float_data.iter().map(|v| f64::from(*v)).collect()),
        DType::Float64 => Elements::Floats(proto.double_data.clone()),
        DType::Int64 => Elements::Ints(proto.int64_data.clone()),
        DType::Int32 | DType::Int16 | DType::Int8 | DType::Uint16 | DType::Uint8 | DType::Bool => ints(),
        DType::Uint32 | DType::Uint64 => {
            let words = proto.uint64_data.iter().map(|v| i64::try_from(*v));
            match words.collect::<Result<_, _>>() {
                Ok(words) => Elements::Ints(words),
                Err(_) => return Ok(None),
            }
        }
        DType::String => {
            let text = |b: &bytes::Bytes| String::from_utf8_lossy(b).into_owned();
            Elements::Strings(proto.string_data.iter().map(text).collect())
        }
        DType::Float16 => {
            let half = |v: &i32| half_to_f64(u16::try_from(*v & 0xffff).unwrap_or(0));
            Elements::Floats(proto.int32_data.iter().map(half).collect())
        }
        DType::Bfloat16 => {
            let bits = |v: &i32| f64::from(f32::from_bits(u32::from_ne_bytes(v.to_ne_bytes()) << 16));
            Elements::Floats(proto.int32_data.iter().map(bits).collect())
        }
        DType::Complex64
        | DType::Complex128
        | DType::Float8E4m3fn
        | DType::Float8E4m3fnuz
        | DType::Float8E5m2
        | DType::Float8E5m2fnuz
        | DType::Uint4
        | DType::Int4
        | DType::Float4E2m1
        | DType::Float8E8m0
        | DType::Uint2
        | DType::Int2 => return Ok(None),
    };
    let found = match &elements {
        Elements::Ints(v) => v.len(),
        Elements::Floats(v) => v.len(),
        Elements::Strings(v) => v.len(),
    };
    match found {
        n if n == count => Ok(Some(elements)),
        // Files that were stripped of their data keep the shape.
        0 => Ok(None),
        n => Err(format!("{n} elements of data for a shape of {count}")),
    }
}

/// Bytes per element, where elements are whole bytes.
fn width(dtype: DType) -> Option<usize> {
    match dtype {
        DType::Bool | DType::Int8 | DType::Uint8 => Some(1),
        DType::Int16 | DType::Uint16 | DType::Float16 | DType::Bfloat16 => Some(2),
        DType::Int32 | DType::Uint32 | DType::Float32 => Some(4),
        DType::Int64 | DType::Uint64 | DType::Float64 => Some(8),
        _ => None,
    }
}

/// Elements from little-endian bytes; `None` if there are too few or the type is not read.
fn from_raw(raw: &[u8], dtype: DType, count: usize) -> Option<Elements> {
    let width = width(dtype)?;
    if raw.len() < count * width {
        return None;
    }
    let words = || raw.chunks_exact(width).take(count);
    let unsigned = |w: &[u8]| w.iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    let signed = |w: &[u8]| {
        let shift = 64 - 8 * w.len();
        ((unsigned(w) << shift) as i64) >> shift
    };
    Some(match dtype {
        DType::Float32 => {
            let float = |w: &[u8]| f64::from(f32::from_bits(unsigned(w) as u32));
            Elements::Floats(words().map(float).collect())
        }
        DType::Float64 => Elements::Floats(words().map(|w| f64::from_bits(unsigned(w))).collect()),
        DType::Float16 => Elements::Floats(words().map(|w| half_to_f64(unsigned(w) as u16)).collect()),
        DType::Bfloat16 => {
            let float = |w: &[u8]| f64::from(f32::from_bits((unsigned(w) as u32) << 16));
            Elements::Floats(words().map(float).collect())
        }
        DType::Uint8 | DType::Uint16 | DType::Uint32 | DType::Bool => {
            Elements::Ints(words().map(|w| unsigned(w) as i64).collect())
        }
        DType::Uint64 => {
            let words = words().map(|w| i64::try_from(unsigned(w)));
            Elements::Ints(words.collect::<Result<_, _>>().ok()?)
        }
        _ => Elements::Ints(words().map(signed).collect()),
    })
}

/// IEEE 754 binary16.
fn half_to_f64(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    sign * match exponent {
        0 => fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1.0 + fraction) * 2f64.powi(e - 15),
    }
}

/// The bytes of a small external tensor; `None` if its file is not there.
pub(crate) fn external(proto: &TensorProto, folder: Option<&Path>) -> Result<Option<Vec<u8>>, String> {
    let entry = |key: &str| proto.external_data.iter().find(|e| e.key() == key).map(|e| e.value());
    let location = entry("location").ok_or("external data without a location")?;
    let inside = |c: Component<'_>| matches!(c, Component::Normal(_) | Component::CurDir);
    if !Path::new(location).components().all(inside) {
        return Err(format!("external data at \"{location}\", which is outside the model's folder"));
    }
    let number = |key: &str| {
        entry(key).map(str::parse::<u64>).transpose().map_err(|e| format!("{key} of external data: {e}"))
    };
    let offset = number("offset")?.unwrap_or(0);
    let length = number("length")?;
    let Some(folder) = folder else { return Ok(None) };
    let path = folder.join(location);
    // Opening a pipe waits for who writes to it.
    if !path.is_file() {
        return Ok(None);
    }
    let Ok(mut file) = File::open(path) else { return Ok(None) };
    if file.seek(SeekFrom::Start(offset)).is_err() {
        return Ok(None);
    }
    // Elements of a small tensor take at most 8 bytes each.
    let most = length.unwrap_or(u64::MAX).min(8 * SMALL);
    let mut raw = Vec::new();
    Ok(file.take(most).read_to_end(&mut raw).ok().map(|_| raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_integers_keep_their_sign() {
        let raw = (-3i16).to_le_bytes();
        assert_eq!(from_raw(&raw, DType::Int16, 1), Some(Elements::Ints(vec![-3])));
        assert_eq!(from_raw(&raw, DType::Uint16, 1), Some(Elements::Ints(vec![65533])));
    }

    #[test]
    fn halves_are_converted() {
        assert_eq!(half_to_f64(0x3c00), 1.0);
        assert_eq!(half_to_f64(0xc000), -2.0);
        assert_eq!(half_to_f64(0x0001), 2f64.powi(-24));
        assert_eq!(half_to_f64(0x7c00), f64::INFINITY);
    }
}
