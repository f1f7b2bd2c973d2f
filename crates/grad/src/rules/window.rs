//! Convolutions and pooling: operators that slide a window.

use hawkeye_graph::{Attribute, ValueId};

use crate::adjoint::{Adjoint, GradientResult, count};
use crate::builder::StepBuilder;

/// How a window slides: one entry per spatial axis, pads explicit and as large as the result needs.
struct Window {
    kernel: Vec<i64>,
    strides: Vec<i64>,
    dilations: Vec<i64>,
    before: Vec<i64>,
    after: Vec<i64>,
    /// By how much the pads exceed those that the model states.
    ceiling: Vec<i64>,
}

impl Window {
    /// Sliding over `wide` with as many positions as `narrow` has; `leftover` elements at the end of
    /// `wide` are seen by no position of a transposed convolution.
    fn new(
        a: &Adjoint<'_>,
        kernel: &[i64],
        wide: &[i64],
        narrow: &[i64],
        leftover: &[i64],
    ) -> Result<Self, String> {
        let rank = kernel.len();
        if wide.len() != rank || narrow.len() != rank {
            return Err("has operands of different ranks".to_owned());
        }
        let strides = a.list("strides", rank, 1)?;
        let dilations = a.list("dilations", rank, 1)?;
        let pads = a.list("pads", 2 * rank, 0)?;
        if strides.iter().chain(&dilations).any(|step| *step < 1) {
            return Err("has strides or dilations below 1".to_owned());
        }
        let mut window = Self {
            kernel: kernel.to_vec(),
            before: pads[..rank].to_vec(),
            after: pads[rank..].to_vec(),
            ceiling: vec![0; rank],
            strides,
            dilations,
        };
        let auto = a.text("auto_pad");
        let given = a.node.attributes.ints("output_shape").is_some();
        for i in 0..rank {
            let span = (narrow[i] - 1) * window.strides[i] + (kernel[i] - 1) * window.dilations[i] + 1;
            if given || auto.starts_with("SAME") {
                let total = (span + leftover[i] - wide[i]).max(0);
                // Convolutions put the odd element last for SAME_UPPER, and so do transposed ones.
                window.before[i] = if auto == "SAME_UPPER" { total / 2 } else { total - total / 2 };
                window.after[i] = total - window.before[i];
            } else if auto == "VALID" {
                window.before[i] = 0;
                window.after[i] = 0;
            }
            let missing = span - (wide[i] + window.before[i] + window.after[i]);
            if leftover[i] == 0 && missing > 0 {
                window.after[i] += missing;
                window.ceiling[i] = missing;
            }
        }
        Ok(window)
    }

    fn pads(&self) -> Attribute {
        Attribute::Ints([self.before.as_slice(), &self.after].concat())
    }

    fn attributes(&self, group: i64) -> Vec<(&'static str, Attribute)> {
        vec![
            ("group", Attribute::Int(group)),
            ("kernel_shape", Attribute::Ints(self.kernel.clone())),
            ("strides", Attribute::Ints(self.strides.clone())),
            ("dilations", Attribute::Ints(self.dilations.clone())),
            ("pads", self.pads()),
        ]
    }

    /// The transposed convolution of `narrow` with a kernel, as wide as `wide`.
    fn spread(
        &self,
        graph: &mut StepBuilder,
        narrow: (ValueId, &[i64]),
        kernel: ValueId,
        wide: &[i64],
        group: i64,
    ) -> ValueId {
        let mut attributes = self.attributes(group);
        let rest = (0..wide.len()).map(|i| {
            let span = (narrow.1[i] - 1) * self.strides[i] + (self.kernel[i] - 1) * self.dilations[i] + 1;
            (wide[i] - (span - self.before[i] - self.after[i])).max(0)
        });
        attributes.push(("output_padding", Attribute::Ints(rest.collect())));
        graph.with("ConvTranspose", &[narrow.0, kernel], &attributes)
    }

    /// The gradient of the kernel: the convolution of `wide` (N·C·…) with `narrow` (N·M·…), in which
    /// channels and batch change places, as does what is a step and what is a dilation. M·C/group·….
    fn kernel_gradient(
        &self,
        graph: &mut StepBuilder,
        wide: (ValueId, &[i64]),
        narrow: (ValueId, &[i64]),
        group: i64,
    ) -> ValueId {
        let rank = self.kernel.len();
        let swapped: Vec<usize> = [1, 0].into_iter().chain(2..rank + 2).collect();
        let input = if group == 1 {
            graph.transpose(wide.0, &swapped)
        } else {
            let [n, c, space @ ..] = wide.1 else { return wide.0 };
            let split = graph.reshape(wide.0, &[&[*n, group, c / group], space].concat());
            let perm: Vec<usize> = [2, 1, 0].into_iter().chain(3..rank + 3).collect();
            let moved = graph.transpose(split, &perm);
            graph.reshape(moved, &[&[c / group, group * n], space].concat())
        };
        let steps = graph.transpose(narrow.0, &swapped);
        let space = &narrow.1[2..];
        let attributes = [
            ("group", Attribute::Int(group)),
            ("kernel_shape", Attribute::Ints(space.to_vec())),
            ("strides", Attribute::Ints(self.dilations.clone())),
            ("dilations", Attribute::Ints(self.strides.clone())),
            ("pads", self.pads()),
        ];
        let mut gradient = graph.with("Conv", &[input, steps], &attributes);
        // Elements that no window reached make it wider than the kernel.
        let size = |i: usize| {
            let span = (space[i] - 1) * self.strides[i] + 1;
            (wide.1[i + 2] + self.before[i] + self.after[i] - span) / self.dilations[i] + 1
        };
        let axes: Vec<i64> = (0..rank).filter(|i| size(*i) != self.kernel[*i]).map(|i| i as i64).collect();
        if !axes.is_empty() {
            let ends: Vec<i64> = axes.iter().map(|i| self.kernel[*i as usize]).collect();
            let axes: Vec<i64> = axes.iter().map(|i| i + 2).collect();
            gradient = graph.slice(gradient, &axes, &vec![0; axes.len()], &ends);
        }
        graph.transpose(gradient, &swapped)
    }
}

/// The spatial axes of a shape N·C·….
fn space(shape: &[i64]) -> Result<&[i64], String> {
    shape.get(2..).ok_or_else(|| "has an operand without batch and channels".to_owned())
}

fn bias(a: &mut Adjoint<'_>, dy: ValueId, rank: usize) {
    if a.wants(2) {
        let axes: Vec<usize> = (0..rank).filter(|axis| *axis != 1).collect();
        let gradient = a.graph.sum(dy, &axes, false);
        a.give(2, gradient);
    }
}

pub(crate) fn conv(a: &mut Adjoint<'_>) -> GradientResult {
    let group = a.int("group", 1).max(1);
    let (x, w, dy) = (a.x(0)?, a.x(1)?, a.dy()?);
    let (x_shape, w_shape, y_shape) = (a.shape(0)?, a.shape(1)?, a.out_shape(0)?);
    let none = vec![0; x_shape.len()];
    let window = Window::new(a, space(&w_shape)?, space(&x_shape)?, space(&y_shape)?, &none)?;
    if a.wants(0) {
        let gradient = window.spread(a.graph, (dy, space(&y_shape)?), w, space(&x_shape)?, group);
        a.give(0, gradient);
    }
    if a.wants(1) {
        let gradient = window.kernel_gradient(a.graph, (x, &x_shape), (dy, &y_shape), group);
        a.give(1, gradient);
    }
    bias(a, dy, y_shape.len());
    Ok(())
}

/// Operand and result of a convolution change places.
pub(crate) fn conv_transpose(a: &mut Adjoint<'_>) -> GradientResult {
    let group = a.int("group", 1).max(1);
    let (x, w, dy) = (a.x(0)?, a.x(1)?, a.dy()?);
    let (x_shape, w_shape, y_shape) = (a.shape(0)?, a.shape(1)?, a.out_shape(0)?);
    let rest = a.list("output_padding", space(&x_shape)?.len(), 0)?;
    let window = Window::new(a, space(&w_shape)?, space(&y_shape)?, space(&x_shape)?, &rest)?;
    for (i, narrow) in space(&x_shape)?.iter().enumerate() {
        let span = (window.kernel[i] - 1) * window.dilations[i] + 1;
        let positions =
            (y_shape[i + 2] + window.before[i] + window.after[i] - span) / window.strides[i].max(1) + 1;
        if positions != *narrow {
            return Err(
                "leaves room for another position of its kernel, for which there is no gradient".to_owned()
            );
        }
    }
    if a.wants(0) {
        let attributes = window.attributes(group);
        let gradient = a.graph.with("Conv", &[dy, w], &attributes);
        a.give(0, gradient);
    }
    if a.wants(1) {
        let gradient = window.kernel_gradient(a.graph, (dy, &y_shape), (x, &x_shape), group);
        a.give(1, gradient);
    }
    bias(a, dy, y_shape.len());
    Ok(())
}

/// Every output passes its gradient to the element that it was taken from; windows may overlap.
pub(crate) fn max_pool(a: &mut Adjoint<'_>) -> GradientResult {
    a.only_first()?;
    if a.int("storage_order", 0) != 0 {
        return Err("has no gradient for storage_order 1".to_owned());
    }
    let dy = a.dy()?;
    let shape = a.shape(0)?;
    let indices = a.y(1);
    let zeros = a.graph.zeros(&[shape.iter().product()]);
    let (indices, flat) = (a.graph.reshape(indices, &[-1]), a.graph.reshape(dy, &[-1]));
    let attributes = [("axis", Attribute::Int(0)), ("reduction", Attribute::String("add".to_owned()))];
    let sum = a.graph.with("ScatterElements", &[zeros, indices, flat], &attributes);
    let dx = a.graph.reshape(sum, &shape);
    a.give(0, dx);
    Ok(())
}

/// The sum over windows is a convolution with ones, channel by channel.
fn spread_evenly(a: &mut Adjoint<'_>, window: &Window, dy: ValueId) -> Result<ValueId, String> {
    let (x_shape, y_shape) = (a.shape(0)?, a.out_shape(0)?);
    let channels = x_shape[1];
    let ones = a.graph.full(&[&[channels, 1], window.kernel.as_slice()].concat(), 1.0);
    Ok(window.spread(a.graph, (dy, space(&y_shape)?), ones, space(&x_shape)?, channels))
}

fn pool_window(a: &Adjoint<'_>) -> Result<Window, String> {
    let (x_shape, y_shape) = (a.shape(0)?, a.out_shape(0)?);
    let rank = space(&x_shape)?.len();
    let kernel = a.list("kernel_shape", rank, 1)?;
    Window::new(a, &kernel, space(&x_shape)?, space(&y_shape)?, &vec![0; rank])
}

pub(crate) fn average_pool(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    let window = pool_window(a)?;
    let x_shape = a.shape(0)?;
    let include = a.int("count_include_pad", 0) != 0;
    let zero = |pads: &[i64]| pads.iter().all(|pad| *pad == 0);
    let whole = if include { zero(&window.ceiling) } else { zero(&window.before) && zero(&window.after) };
    let share = if whole {
        a.graph.scale(dy, 1.0 / count(&window.kernel))
    } else {
        // How many elements each window saw.
        let declared: Vec<i64> = window.after.iter().zip(&window.ceiling).map(|(pad, c)| pad - c).collect();
        let none = vec![0; declared.len()];
        let (before, after) = if include { (&window.before, &declared) } else { (&none, &none) };
        let wide: Vec<i64> =
            space(&x_shape)?.iter().zip(before).zip(after).map(|((d, b), c)| d + b + c).collect();
        let all = a.graph.full(&[&[1, 1], wide.as_slice()].concat(), 1.0);
        let ones = a.graph.full(&[&[1, 1], window.kernel.as_slice()].concat(), 1.0);
        let rest = |pads: &[i64], counted: &[i64]| -> Vec<i64> {
            pads.iter().zip(counted).map(|(pad, c)| pad - c).collect()
        };
        let uncounted = Window {
            before: rest(&window.before, before),
            after: rest(&window.after, after),
            kernel: window.kernel.clone(),
            strides: window.strides.clone(),
            dilations: window.dilations.clone(),
            ceiling: Vec::new(),
        };
        let seen = a.graph.with("Conv", &[all, ones], &uncounted.attributes(1));
        a.graph.div(dy, seen)
    };
    let dx = spread_evenly(a, &window, share)?;
    a.give(0, dx);
    Ok(())
}

/// y = (Σ|x|ᵖ)^(1/p).
pub(crate) fn lp_pool(a: &mut Adjoint<'_>) -> GradientResult {
    let p = a.int("p", 2) as f64;
    let window = pool_window(a)?;
    let share = lp_share(a, p)?;
    let spread = spread_evenly(a, &window, share)?;
    lp_finish(a, p, spread)
}

pub(crate) fn global_lp_pool(a: &mut Adjoint<'_>) -> GradientResult {
    let p = a.int("p", 2) as f64;
    let share = lp_share(a, p)?;
    lp_finish(a, p, share)
}

/// dy·y^(1−p).
fn lp_share(a: &mut Adjoint<'_>, p: f64) -> Result<ValueId, String> {
    let (dy, y, exponent) = (a.dy()?, a.y(0), a.graph.number(1.0 - p));
    let power = a.graph.op("Pow", &[y, exponent]);
    Ok(a.graph.mul(dy, power))
}

/// Times sign(x)·|x|^(p−1).
fn lp_finish(a: &mut Adjoint<'_>, p: f64, spread: ValueId) -> GradientResult {
    let (x, exponent) = (a.x(0)?, a.graph.number(p - 1.0));
    let size = a.graph.op("Abs", &[x]);
    let power = a.graph.op("Pow", &[size, exponent]);
    let sign = a.graph.op("Sign", &[x]);
    let slope = a.graph.mul(sign, power);
    let dx = a.graph.mul(spread, slope);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn global_average_pool(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    let shape = a.shape(0)?;
    let share = a.graph.scale(dy, 1.0 / count(space(&shape)?));
    let dx = a.graph.expand(share, &shape);
    a.give(0, dx);
    Ok(())
}

/// Elements that are equally large share the gradient.
pub(crate) fn global_max_pool(a: &mut Adjoint<'_>) -> GradientResult {
    let (x, dy) = (a.x(0)?, a.dy()?);
    let y = a.y(0);
    let axes: Vec<usize> = (2..a.shape(0)?.len()).collect();
    let dx = super::reduce::winners(a.graph, x, y, dy, &axes);
    a.give(0, dx);
    Ok(())
}
