//! Shapes of a model with dimensions that have no size: as laws of the symbols, found by inferring shapes at
//! several sizes.

use std::collections::BTreeMap;

use hawkeye::{Bindings, Failure, bind, infer};
use hawkeye_graph::{Dim, Graph, Origin, Shapes, ValueId};

/// Sizes are multiples of this, as what is halved a few times has to be.
const STEP: u64 = 64;

/// A symbol without a size, and the inputs and axes that have it.
pub(super) struct OpenSymbol {
    pub(super) name: String,
    pub(super) places: Vec<(String, usize)>,
}

/// The symbols of the inputs that the bindings give no size.
pub(super) fn unbound(graph: &Graph, bindings: &Bindings) -> Vec<OpenSymbol> {
    let declared = |id: &ValueId| match &graph.value(*id).origin {
        Origin::Input(declared) => declared.dims.as_deref().unwrap_or_default(),
        _ => &[],
    };
    let leading = |name: &String| {
        let first = graph.inputs.iter().filter_map(|id| declared(id).first());
        bindings.batch.is_some()
            && first.into_iter().any(|dim| matches!(dim, Dim::Symbol(other) if other == name))
    };
    let mut symbols: Vec<OpenSymbol> = Vec::new();
    for id in &graph.inputs {
        let value = graph.value(*id);
        if bindings.shapes.contains_key(&value.name) {
            continue;
        }
        for (axis, dim) in declared(id).iter().enumerate() {
            let Dim::Symbol(name) = dim else { continue };
            if bindings.dims.contains_key(name) || leading(name) {
                continue;
            }
            let place = (value.name.clone(), axis);
            match symbols.iter_mut().find(|symbol| symbol.name == *name) {
                Some(symbol) => symbol.places.push(place),
                None => symbols.push(OpenSymbol { name: name.clone(), places: vec![place] }),
            }
        }
    }
    symbols
}

/// Types, and shapes at sizes that were tried.
pub(super) struct Tried<'a> {
    symbols: &'a [OpenSymbol],
    /// Sizes of the symbols at the first point.
    sizes: Vec<u64>,
    pub(super) first: Shapes,
    /// Shapes where one symbol is a step larger, for each of them.
    larger: Vec<Shapes>,
    /// Shapes where every symbol is two steps larger, which laws are held to.
    last: Shapes,
}

/// Infers shapes at sizes of our choice.
///
/// # Errors
/// Those of binding the inputs.
pub(super) fn try_sizes<'a>(
    graph: &Graph,
    bindings: &Bindings,
    symbols: &'a [OpenSymbol],
) -> Result<Tried<'a>, Failure> {
    let sizes: Vec<u64> = (2..).map(|i| STEP * i).take(symbols.len()).collect();
    let at = |steps: &dyn Fn(usize) -> u64| -> Result<Shapes, Failure> {
        let chosen = symbols.iter().zip(&sizes).enumerate();
        let chosen: BTreeMap<String, u64> =
            chosen.map(|(i, (symbol, size))| (symbol.name.clone(), size + STEP * steps(i))).collect();
        let dims = bindings.dims.clone().into_iter().chain(chosen).collect();
        Ok(infer(graph, &bind(graph, &Bindings { dims, ..bindings.clone() })?))
    };
    let larger = (0..symbols.len()).map(|one| at(&|i| u64::from(i == one)));
    Ok(Tried {
        symbols,
        larger: larger.collect::<Result<_, _>>()?,
        first: at(&|_| 0)?,
        last: at(&|_| 2)?,
        sizes,
    })
}

impl Tried<'_> {
    /// The shape of a value, each dimension a number, a law such as `2*seq + 1`, or a question mark.
    pub(super) fn shape(&self, id: ValueId) -> Option<Vec<String>> {
        let of = |shapes: &Shapes| shapes.facts[id].dims.clone();
        let first = of(&self.first)?;
        let rank = first.len();
        let others: Vec<Vec<Option<u64>>> = self
            .larger
            .iter()
            .map(of)
            .map(|dims| dims.filter(|dims| dims.len() == rank))
            .collect::<Option<_>>()?;
        let last = of(&self.last).filter(|dims| dims.len() == rank)?;
        let law = |axis: usize| {
            let others: Option<Vec<u64>> = others.iter().map(|dims| dims[axis]).collect();
            first[axis].zip(others).zip(last[axis]).and_then(|((a, b), c)| self.law(a, &b, c))
        };
        Some((0..rank).map(|axis| law(axis).unwrap_or_else(|| "?".to_owned())).collect())
    }

    /// What a dimension is, given its size at all points; none if no law holds at the last of them.
    fn law(&self, first: u64, larger: &[u64], last: u64) -> Option<String> {
        let moved: Vec<usize> = (0..larger.len()).filter(|i| larger[*i] != first).collect();
        match moved.as_slice() {
            [] => (last == first).then(|| first.to_string()),
            [one] => self.linear(*one, first, larger[*one], last),
            several => self.product(several, first, last),
        }
    }

    fn linear(&self, symbol: usize, first: u64, larger: u64, last: u64) -> Option<String> {
        let (name, size, growth) =
            (&self.symbols[symbol].name, self.sizes[symbol], larger.checked_sub(first)?);
        if last != first + 2 * growth {
            return None;
        }
        if growth % STEP == 0 {
            let factor = growth / STEP;
            let scaled = if factor == 1 { name.clone() } else { format!("{factor}*{name}") };
            return Some(match i128::from(first) - i128::from(factor * size) {
                0 => scaled,
                more @ 1.. => format!("{scaled} + {more}"),
                less => format!("{scaled} - {}", less.unsigned_abs()),
            });
        }
        // Halved again and again: exact for what can be halved so often.
        let divides = STEP.is_multiple_of(growth) && first * (STEP / growth) == size;
        divides.then(|| format!("{name}/{}", STEP / growth))
    }

    fn product(&self, symbols: &[usize], first: u64, last: u64) -> Option<String> {
        let sizes: u64 = symbols.iter().map(|i| self.sizes[*i]).product();
        let later: u64 = symbols.iter().map(|i| self.sizes[*i] + 2 * STEP).product();
        let factor = first / sizes;
        if factor == 0 || first != factor * sizes || last != factor * later {
            return None;
        }
        let names: Vec<&str> = symbols.iter().map(|i| self.symbols[*i].name.as_str()).collect();
        let names = names.join("*");
        Some(if factor == 1 { names } else { format!("{factor}*{names}") })
    }
}
