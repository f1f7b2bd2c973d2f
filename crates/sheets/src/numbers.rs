//! Numbers for sheets: exact integers, and doubles where the framework computes with doubles.

use std::num::NonZeroI32;

use starlark::environment::GlobalsBuilder;
use starlark::starlark_module;
use starlark::values::float::UnpackFloat;
use starlark::values::list::AllocList;
use starlark::values::list_or_tuple::UnpackListOrTuple;
use starlark::values::range::Range;
use starlark::values::tuple::{AllocTuple, UnpackTuple};
use starlark::values::{Heap, UnpackValue, Value};

use crate::fault::{TOO_LARGE, natural};
use crate::limits::{LONG_RANGE, LONGEST, WIDE_RANGE, room};

/// A number that has no result.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct OutOfRange(String);

fn out_of_range(message: String) -> starlark::Error {
    starlark::Error::new_other(OutOfRange(message))
}

fn overflow() -> starlark::Error {
    out_of_range(format!("the result {TOO_LARGE}"))
}

fn whole(x: f64) -> starlark::Result<i64> {
    // 2^63 is the first double beyond the range.
    if x.is_finite() && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&x) {
        Ok(x as i64)
    } else {
        Err(out_of_range(format!("{x} is no integer of 64 bits")))
    }
}

// What begins with `__` stands for an operator; sheets define names of their own like `multiply`.
#[starlark_module]
pub(crate) fn integers(builder: &mut GlobalsBuilder) {
    fn __shift_left(x: i64, bits: i64) -> starlark::Result<i64> {
        let bits = match u32::try_from(bits) {
            Ok(bits) => bits,
            Err(_) if bits < 0 => return Err(out_of_range(format!("a shift by a negative number: {bits}"))),
            Err(_) => return Err(overflow()),
        };
        let factor = 1i64.checked_shl(bits).filter(|factor| *factor > 0);
        factor.and_then(|factor| x.checked_mul(factor)).ok_or_else(overflow)
    }

    fn __multiply<'v>(x: Value<'v>, y: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        if let (Some(x), Some(y)) = (x.unpack_i32(), y.unpack_i32()) {
            return Ok(heap.alloc(i64::from(x) * i64::from(y)));
        }
        let integer = |x: Value<'v>| x.get_type() == "int";
        let small = |x: Value<'v>| i64::unpack_value(x).ok().flatten();
        if integer(x) && integer(y) {
            return match (small(x), small(y)) {
                (Some(_), Some(_)) => x.mul(y, heap),
                _ => Err(out_of_range(format!("a factor {TOO_LARGE}"))),
            };
        }
        let long = |x: Value<'v>, y: Value<'v>| {
            let times = small(y)?;
            let length = x.length().ok()?;
            (i64::from(length).saturating_mul(times) > LONGEST).then_some(())
        };
        if long(x, y).or_else(|| long(y, x)).is_some() {
            return Err(out_of_range(format!("the result has more than {LONGEST} elements")));
        }
        room(heap, 0)?;
        x.mul(y, heap)
    }

    /// Starlark's own range, which may be as long as it likes.
    #[starlark(as_type = Range)]
    fn range(
        #[starlark(require = pos)] a: i64,
        #[starlark(require = pos)] b: Option<i64>,
        #[starlark(require = pos, default = 1)] step: i64,
    ) -> starlark::Result<Range> {
        let (start, stop) = b.map_or((0, a), |b| (a, b));
        let length = (i128::from(stop) - i128::from(start)) / i128::from(if step == 0 { 1 } else { step });
        if length > i128::from(LONGEST) {
            return Err(out_of_range(format!("{LONG_RANGE} {LONGEST} elements")));
        }
        let small = |n: i64| i32::try_from(n).map_err(|_| out_of_range(format!("{n} {WIDE_RANGE}")));
        let step =
            NonZeroI32::new(small(step)?).ok_or_else(|| out_of_range("a range of step 0".to_owned()))?;
        Ok(Range::new(small(start)?, small(stop)?, step))
    }

    /// Starlark's own zip, which makes all of its tuples at once.
    fn zip<'v>(
        #[starlark(args)] lists: UnpackTuple<Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let mut lists = lists.items.iter().map(|list| list.iterate(heap)).collect::<Result<Vec<_>, _>>()?;
        let mut rows = Vec::new();
        while let Some(row) = lists.iter_mut().map(Iterator::next).collect::<Option<Vec<_>>>() {
            if row.is_empty() {
                break;
            }
            rows.push(heap.alloc(AllocTuple(row)));
            room(heap, rows.len() * size_of::<Value<'v>>())?;
        }
        Ok(heap.alloc(AllocList(rows)))
    }

    fn ceil_div(a: i64, b: i64) -> starlark::Result<i64> {
        if b <= 0 {
            return Err(out_of_range(format!("ceil_div by {b}")));
        }
        Ok(a.div_euclid(b) + i64::from(a.rem_euclid(b) != 0))
    }

    fn ceil_log2(n: i64) -> starlark::Result<u32> {
        match natural("n", n)? {
            0 => Err(out_of_range("ceil_log2 of 0".to_owned())),
            n => Ok(u64::BITS - (n - 1).leading_zeros()),
        }
    }

    fn bit_length(n: i64) -> starlark::Result<u32> {
        Ok(u64::BITS - natural("n", n)?.leading_zeros())
    }

    fn isqrt(n: i64) -> starlark::Result<u64> {
        Ok(natural("n", n)?.isqrt())
    }

    fn sum(xs: UnpackListOrTuple<i64>) -> starlark::Result<i64> {
        xs.items.iter().try_fold(0i64, |sum, x| sum.checked_add(*x)).ok_or_else(overflow)
    }

    fn prod(xs: UnpackListOrTuple<i64>) -> starlark::Result<i64> {
        xs.items.iter().try_fold(1i64, |product, x| product.checked_mul(*x)).ok_or_else(overflow)
    }
}

#[starlark_module]
pub(crate) fn doubles(builder: &mut GlobalsBuilder) {
    fn log(x: UnpackFloat) -> starlark::Result<f64> {
        Ok(x.0.ln())
    }

    fn log2(x: UnpackFloat) -> starlark::Result<f64> {
        Ok(x.0.log2())
    }

    fn sqrt(x: UnpackFloat) -> starlark::Result<f64> {
        Ok(x.0.sqrt())
    }

    fn pow(x: UnpackFloat, y: UnpackFloat) -> starlark::Result<f64> {
        Ok(x.0.powf(y.0))
    }

    fn f32(x: UnpackFloat) -> starlark::Result<f64> {
        Ok(f64::from(x.0 as f32))
    }

    fn ceil(x: UnpackFloat) -> starlark::Result<i64> {
        whole(x.0.ceil())
    }

    fn floor(x: UnpackFloat) -> starlark::Result<i64> {
        whole(x.0.floor())
    }
}
