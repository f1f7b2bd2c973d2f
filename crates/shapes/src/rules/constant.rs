//! Constants that tract would allocate.

use hawkeye_graph::SMALL;
use tract_onnx::pb::NodeProto;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::tract_hir::internal::*;

use super::own::Rule;

/// `ConstantOfShape`: old exporters make weights with it, of any size.
#[derive(Clone, Debug)]
pub(crate) struct ConstantOfShape;

impl Rule for ConstantOfShape {
    const OP: &'static str = "ConstantOfShape";

    fn outputs(
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
}
