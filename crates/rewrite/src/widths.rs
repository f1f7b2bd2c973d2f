//! The cheapest widths of layers whose sensitivities have a bound on their sum.

use hawkeye_graph::{Diagnostic, Failure, Place};
use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};

use crate::{Objective, Price};

/// Choices that were made.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The number of each layer's choice.
    pub choices: Vec<usize>,
    /// What their sensitivities add up to.
    pub sensitivity: f64,
    /// The price with each layer at its least sensitive choice.
    pub before: Price,
    /// The price of what was chosen.
    pub after: Price,
}

/// Chooses for each layer one of its sensitivities, which add up to at most `most`, so that the price is least.
///
/// What a choice saves depends on the layers around it. So each layer's choices are priced one at a time around what
/// was chosen last, an integer program picks the best sum, and that is priced as a whole, until it gets no cheaper.
///
/// # Errors
/// If no choice is within the bound, or something can't be priced.
pub fn cheapest_widths(
    layers: &[Vec<f64>],
    most: f64,
    objective: Objective,
    price: &mut dyn FnMut(&[usize]) -> Result<Price, Failure>,
) -> Result<Chosen, Failure> {
    let sum = |choices: &[usize]| layers.iter().zip(choices).map(|(layer, i)| layer[*i]).sum::<f64>();
    let least =
        |layer: &Vec<f64>| (0..layer.len()).min_by(|a, b| layer[*a].total_cmp(&layer[*b])).unwrap_or(0);
    let mut choices: Vec<usize> = layers.iter().map(least).collect();
    if sum(&choices) > most {
        let message =
            format!("the least that sensitivities can add up to is {}, above {most}", sum(&choices));
        return Err(Diagnostic::error(Place::Model, message)
            .help("give more choices or a larger `most`")
            .into());
    }
    let before = price(&choices)?;
    let mut after = before;
    loop {
        let mut costs: Vec<Vec<f64>> = Vec::new();
        for (i, layer) in layers.iter().enumerate() {
            let mut of_layer = Vec::new();
            for choice in 0..layer.len() {
                let mut changed = choices.clone();
                changed[i] = choice;
                let same = changed == choices;
                of_layer.push(objective.excess(if same { after } else { price(&changed)? }, after));
            }
            costs.push(of_layer);
        }
        // Prices of single changes do not add up, so what the solver finds is priced as a whole before it is believed.
        let Some(better) = solve(layers, &costs, most) else { break };
        let priced = price(&better)?;
        if sum(&better) > most || !objective.is_less(priced, after) {
            break;
        }
        (choices, after) = (better, priced);
    }
    Ok(Chosen { sensitivity: sum(&choices), choices, before, after })
}

/// One choice a layer with the least sum of costs; `None` if the solver finds none.
fn solve(layers: &[Vec<f64>], costs: &[Vec<f64>], most: f64) -> Option<Vec<usize>> {
    // Costs of the order of one keep the solver's tolerances small beside them.
    let scale = costs.iter().flatten().fold(0.0f64, |most, cost| most.max(cost.abs())).max(f64::MIN_POSITIVE);
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let variables: Vec<Vec<Variable>> = costs
        .iter()
        .map(|layer| layer.iter().map(|cost| problem.add_binary_var(cost / scale)).collect())
        .collect();
    for layer in &variables {
        problem.add_constraint(layer.iter().map(|v| (*v, 1.0)), ComparisonOp::Eq, 1.0);
    }
    let terms = variables.iter().flatten().zip(layers.iter().flatten()).map(|(v, s)| (*v, *s));
    problem.add_constraint(terms, ComparisonOp::Le, most);
    let solution = problem.solve().ok()?.into_solution().ok()?;
    let chosen = |layer: &Vec<Variable>| layer.iter().position(|v| solution.var_value(*v) > 0.5);
    variables.iter().map(chosen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two layers cost less together if both are narrow; the third is best left alone.
    fn priced(choices: &[usize]) -> Result<Price, Failure> {
        let table = [[100, 60], [90, 70], [10, 9]];
        let alone: u64 = choices.iter().zip(table).map(|(i, layer)| layer[*i]).sum();
        let conversion = if choices[0] == choices[1] { 0 } else { 5 };
        Ok(Price { bytes: alone + conversion, ..Price::default() })
    }

    #[test]
    fn the_bound_is_spent_where_it_saves_most() {
        let layers = [vec![0.0, 0.4], vec![0.0, 0.4], vec![0.0, 0.4]];
        let of = |most| {
            let chosen = cheapest_widths(&layers, most, Objective::Bytes, &mut priced).expect("it is priced");
            (chosen.choices, chosen.after.bytes)
        };
        assert_eq!(of(0.0), (vec![0, 0, 0], 200));
        assert_eq!(of(0.5), (vec![1, 0, 0], 165));
        assert_eq!(of(0.9), (vec![1, 1, 0], 140));
        assert_eq!(of(9.0), (vec![1, 1, 1], 139));
    }

    #[test]
    fn a_bound_below_every_choice_is_an_error() {
        let failure = cheapest_widths(&[vec![0.3, 0.2]], 0.1, Objective::Bytes, &mut priced);
        assert!(failure.expect_err("nothing fits").0[0].message.contains("0.2"));
    }
}
