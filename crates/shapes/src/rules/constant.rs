//! Constants that tract would allocate.

use hawkeye_graph::SMALL;
use tract_onnx::pb::NodeProto;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::tract_hir::internal::*;

/// `ConstantOfShape`: old exporters make weights with it, of any size.
pub(crate) fn constant_of_shape(
    node: &NodeProto,
    inputs: &[&InferenceFact],
    _outputs: usize,
) -> TractResult<TVec<InferenceFact>> {
    let value = node.attribute.iter().find(|a| a.name == "value").and_then(|a| a.t.as_ref());
    let dtype = match value {
        Some(value) => DatumType::try_from(DataType::try_from(value.data_type)?)?,
        None => DatumType::F32,
    };
    let Some(shape) = inputs.first().and_then(|shape| shape.value.concretize()) else {
        return Ok(tvec!(InferenceFact::dt(dtype)));
    };
    let shape = shape.cast_to::<i64>()?;
    let dims: Vec<usize> = shape
        .try_as_plain_ram()?
        .as_slice::<i64>()?
        .iter()
        .map(|d| Ok(usize::try_from(*d)?))
        .collect::<TractResult<_>>()?;
    let count = dims.iter().try_fold(1usize, |count, dim| count.checked_mul(*dim));
    match count {
        Some(count) if count as u64 <= SMALL => {
            let scalar = match value {
                Some(value) => tract_onnx::tensor::load_tensor(
                    &tract_onnx::data_resolver::MmapDataResolver,
                    value,
                    None,
                )?,
                None => tensor0(0f32),
            };
            let tensor = scalar.into_shape(&[])?.broadcast_to_shape(&dims)?;
            Ok(tvec!(tensor.into_arc_tensor().try_into()?))
        }
        _ => {
            let dims: TVec<TDim> = dims.iter().map(|d| d.to_dim()).collect();
            Ok(tvec!(InferenceFact::dt_shape(dtype, dims)))
        }
    }
}

/// `Range`: the axes of a function's body may come from it, so few elements are computed.
pub(crate) fn range(
    _node: &NodeProto,
    inputs: &[&InferenceFact],
    _outputs: usize,
) -> TractResult<TVec<InferenceFact>> {
    let Some(dtype) = inputs.first().and_then(|start| start.datum_type.concretize()) else {
        return Ok(tvec!(InferenceFact::default()));
    };
    let open = InferenceFact::default().with_datum_type(dtype);
    let open = open.with_shape(ShapeFactoid::closed(tvec!(GenericFactoid::Any)));
    let bounds: Option<Vec<_>> = inputs.iter().map(|i| i.value.concretize()).collect();
    let Some([start, limit, step]) = bounds.as_deref() else { return Ok(tvec!(open)) };
    let (count, few) = if dtype.is_float() {
        let single = dtype == DatumType::F32;
        floats(scalar(start)?, scalar(limit)?, scalar(step)?, single)
    } else {
        integers(scalar(start)?, scalar(limit)?, scalar(step)?)?
    };
    match few {
        Some(few) => Ok(tvec!(few.cast_to_dt(dtype)?.into_owned().into_arc_tensor().try_into()?)),
        None => Ok(tvec!(InferenceFact::dt_shape(dtype, tvec!(count.to_dim())))),
    }
}

/// `Cast`: exact on integers at the limits of their types, which tract takes for symbols.
pub(crate) fn cast(
    node: &NodeProto,
    inputs: &[&InferenceFact],
    _outputs: usize,
) -> TractResult<TVec<InferenceFact>> {
    let Some(to) = node.attribute.iter().find(|a| a.name == "to") else { bail!("Cast without a type") };
    // Before opset 6 the type was a name.
    let code = match to.s.as_slice() {
        b"FLOAT" => DataType::Float,
        b"DOUBLE" => DataType::Double,
        b"INT32" => DataType::Int32,
        b"INT64" => DataType::Int64,
        b"BOOL" => DataType::Bool,
        _ => DataType::try_from(i32::try_from(to.i)?)?,
    };
    let Some(input) = inputs.first() else { bail!("Cast of nothing") };
    let Ok(dtype) = DatumType::try_from(code) else {
        return Ok(tvec!(InferenceFact { shape: input.shape.clone(), ..InferenceFact::default() }));
    };
    let value = input.value.concretize().filter(|value| value.len() as u64 <= SMALL);
    let Some(value) = value else {
        return Ok(tvec!(InferenceFact::dt_shape(dtype, input.shape.clone())));
    };
    Ok(tvec!(converted(&value, dtype)?.into_arc_tensor().try_into()?))
}

/// A constant in another type, as ONNX Runtime converts it: integers keep their low bits.
fn converted(value: &Tensor, dtype: DatumType) -> TractResult<Tensor> {
    let from = value.datum_type();
    if from == DatumType::String || dtype == DatumType::String {
        return Ok(value.cast_to_dt(dtype)?.into_owned());
    }
    if from.is_float() && dtype.is_integer() {
        let floats = value.cast_to::<f64>()?;
        let least = match dtype {
            DatumType::I64 | DatumType::U64 | DatumType::U32 => i64::MIN,
            // Narrow types are the low bits of 32.
            _ => i64::from(i32::MIN),
        };
        let ints: Vec<i64> =
            floats.try_as_plain_ram()?.as_slice::<f64>()?.iter().map(|x| whole(*x, least)).collect();
        return in_type(&tensor1(&ints).into_shape(value.shape())?, dtype);
    }
    if from.is_float() || from == DatumType::U64 {
        return Ok(value.cast_to_dt(dtype)?.into_owned());
    }
    in_type(value.cast_to::<i64>()?.as_ref(), dtype)
}

/// 64-bit integers in another type.
fn in_type(ints: &Tensor, dtype: DatumType) -> TractResult<Tensor> {
    if dtype == DatumType::I64 { Ok(ints.clone()) } else { Ok(ints.cast_to_dt(dtype)?.into_owned()) }
}

/// A real number without its fraction. What is none of the integers from the least one on becomes that, as on x86.
fn whole(number: f64, least: i64) -> i64 {
    let (number, limit) = (number.trunc(), -(least as f64));
    if number >= -limit && number < limit { number as i64 } else { least }
}

fn scalar<T: Datum + Copy>(tensor: &Tensor) -> TractResult<T> {
    let tensor = tensor.cast_to::<T>()?;
    let first = tensor.try_as_plain_ram()?.as_slice::<T>()?.first().copied();
    first.context("a bound of Range has no element")
}

/// How many elements there are, and which, if they are few: each is the one before and the step, in the
/// precision of the type, as ONNX Runtime has it.
fn floats(start: f64, limit: f64, step: f64, single: bool) -> (i64, Option<Tensor>) {
    let round = |x: f64| if single { f64::from(x as f32) } else { x };
    let count = (round(limit - start) / step).ceil().max(0.0) as i64;
    let few = || std::iter::successors(Some(start), |x| Some(round(x + step))).take(count as usize);
    (count, (count <= SMALL as i64).then(|| tensor1(&few().collect::<Vec<_>>())))
}

fn integers(start: i64, limit: i64, step: i64) -> TractResult<(i64, Option<Tensor>)> {
    ensure!(step != 0, "a Range of step 0");
    let (start, limit, step) = (i128::from(start), i128::from(limit), i128::from(step));
    let span = if step > 0 { limit - start } else { start - limit };
    let stride = step.abs();
    let count = i64::try_from((span + stride - 1).div_euclid(stride).max(0))?;
    let few = || (0..count).map(|i| i64::try_from(start + step * i128::from(i)));
    let few = (count <= SMALL as i64).then(|| few().collect::<Result<Vec<_>, _>>()).transpose()?;
    Ok((count, few.map(|few| tensor1(&few))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_at_their_limits() {
        let ints = |value: &Tensor, dtype: DatumType| {
            let all = converted(value, dtype)
                .expect("it converts")
                .cast_to::<i64>()
                .expect("integers")
                .into_owned();
            all.try_as_plain_ram().expect("in memory").as_slice::<i64>().expect("integers").to_vec()
        };
        let limits = tensor1(&[i64::MAX, i64::MIN, -1]);
        assert_eq!(ints(&limits, DatumType::I64), [i64::MAX, i64::MIN, -1]);
        assert_eq!(ints(&limits, DatumType::I32), [-1, 0, -1]);
        assert_eq!(ints(&tensor1(&[i32::MAX, i32::MIN]), DatumType::I64), [2_147_483_647, -2_147_483_648]);
        assert_eq!(ints(&tensor1(&[2.9f32, -2.9, 9.3e18]), DatumType::I64), [2, -2, i64::MIN]);
        assert_eq!(ints(&tensor1(&[i64::MAX, 0]), DatumType::Bool), [1, 0]);
        // Figures of ONNX Runtime 1.32.0.
        let far = tensor1(&[3e9f64 + 512.0, -3e9 - 512.0, 300.7, f64::NAN, 1e19, 70_000.0]);
        let least = i64::from(i32::MIN);
        assert_eq!(ints(&far, DatumType::I32), [least, least, 300, least, least, 70_000]);
        assert_eq!(ints(&far, DatumType::I16), [0, 0, 300, 0, 0, 4464]);
        assert_eq!(ints(&far, DatumType::U8), [0, 0, 44, 0, 0, 112]);
        assert_eq!(ints(&tensor1(&[2_147_483_647.5f64]), DatumType::I32), [2_147_483_647]);
    }

    #[test]
    fn ranges_of_any_size() {
        let count = |start, limit, step| integers(start, limit, step).map(|(count, _)| count).ok();
        assert_eq!(count(3, 10, 4), Some(2));
        assert_eq!(count(10, 3, -4), Some(2));
        assert_eq!(count(3, 3, 1), Some(0));
        assert_eq!(count(0, i64::MAX, 1), Some(i64::MAX));
        assert_eq!(count(i64::MIN, i64::MAX, 1), None);
        assert_eq!(count(0, 1, 0), None);
        assert_eq!(floats(0.0, 1e18, 1.0, false).0, 1_000_000_000_000_000_000);
        assert_eq!(floats(0.0, 1.0, 0.3, false).0, 4);
        // In single precision as ONNX Runtime 1.32.0 adds it up.
        let few = floats(0.0, 0.5, f64::from(0.1f32), true).1.expect("five");
        let last = few.try_as_plain_ram().expect("in memory").as_slice::<f64>().expect("reals")[3];
        assert_eq!(last as f32, 0.1f32 + 0.1 + 0.1);
    }
}
