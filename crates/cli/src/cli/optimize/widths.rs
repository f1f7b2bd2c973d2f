//! `hawkeye optimize --widths`: the cheapest widths of layers.

use std::collections::BTreeMap;
use std::fmt::Write;

use hawkeye::{Failure, Model, Width, WidthChoice, Widths};
use hawkeye_rewrite::{Chosen, cheapest_widths};

use super::{Counted, Pricer, SearchSetup, TableFormat, output, table};

impl SearchSetup<'_> {
    /// Layers and the choices of each, which the sensitivities bound.
    pub(super) fn widths(
        &self,
        model: &Model,
        layers: &BTreeMap<String, Vec<WidthChoice>>,
        most: f64,
    ) -> Result<String, Failure> {
        let Some(command) = self.command else { return Ok(String::new()) };
        let rules = [&command.allow, &command.select, &command.ignore];
        if command.tune || command.diff || command.check || rules.iter().any(|list| !list.is_empty()) {
            let message = "--widths chooses widths alone: leave out what is about rules and settings";
            return Err(output::failed(message.to_owned()));
        }
        if command.format != TableFormat::Text {
            return Err(output::failed(
                "--widths writes YAML, for --widths to read: leave out --format".to_owned(),
            ));
        }
        let width = |choice: &WidthChoice| Width {
            weight_bits: choice.weight_bits,
            activation_bits: choice.activation_bits,
        };
        let chosen = |choices: &[usize]| -> BTreeMap<String, Width> {
            layers.iter().zip(choices).map(|((name, of), i)| (name.clone(), width(&of[*i]))).collect()
        };
        let counted: Counted = command.phase;
        let mut pricer = Pricer::new(self, &self.options.settings, counted)?;
        pricer.options.bindings = self.options.bindings.clone();
        let mut price = |choices: &[usize]| {
            pricer.options.widths = Some(Widths::Fixed(chosen(choices)));
            pricer.report(&model.graph).map(|report| pricer.price(&report))
        };
        let sensitivities: Vec<Vec<f64>> =
            layers.values().map(|layer| layer.iter().map(|choice| choice.sensitivity).collect()).collect();
        let found = cheapest_widths(&sensitivities, most, command.objective.into(), &mut price)?;
        let file = document(&found, most, &chosen(&found.choices));
        let Some(path) = &command.output else { return Ok(file) };
        output::write(Some(path), file.as_bytes())?;
        Ok(summary(&found, most))
    }
}

/// What was found, on one line.
fn summary(found: &Chosen, most: f64) -> String {
    let (before, after) = (found.before, found.after);
    let seconds = match after.seconds {
        0.0 => String::new(),
        _ => format!(", {:.3} -> {:.3} seconds", before.seconds, after.seconds),
    };
    format!(
        "{}{seconds}; sensitivity {} of {most}\n",
        table::change(before, after),
        // As many digits as a user writes.
        (found.sensitivity * 1e6).round() / 1e6,
    )
}

/// A file of widths.
fn document(found: &Chosen, most: f64, layers: &BTreeMap<String, Width>) -> String {
    let mut text = format!("# {}layers:\n", summary(found, most));
    for (name, width) in layers {
        let name = serde_json::to_string(name).expect("a name can be written");
        let bits = [("weight_bits", width.weight_bits), ("activation_bits", width.activation_bits)];
        let bits = bits.iter().filter_map(|(name, bits)| Some(format!("{name}: {}", (*bits)?)));
        let _ = writeln!(text, "  {name}: {{{}}}", bits.collect::<Vec<_>>().join(", "));
    }
    text
}
