//! A sweep as a plot.

use hawkeye::time::units::{bandwidth, duration, show_bandwidth, show_duration};
use hawkeye::{Sweep, SweepAxis, Variable};
use hawkeye_report::Quantity;
use hawkeye_report::render::grouped;
use plotters::prelude::*;

const SIZE: (u32, u32) = (960, 560);

/// A line per combination of the other axes' values, over the first axis of numbers, as SVG. Bandwidths and times are
/// on a logarithmic scale.
///
/// # Errors
/// If no axis is one of growing numbers.
pub(super) fn plot(sweep: &Sweep, phase: usize, quantity: Quantity, title: &str) -> Result<String, String> {
    let found = sweep.axes.iter().enumerate().find_map(|(i, axis)| Some((i, axis, places(axis)?)));
    let Some((position, axis, places)) = found else {
        return Err("a plot needs an axis of growing numbers".to_owned());
    };
    let lines = lines(sweep, position, &places, phase, quantity);
    let mut svg = String::new();
    draw(&mut svg, axis, &lines, quantity, title).map_err(|e| e.to_string())?;
    Ok(svg + "\n")
}

/// A label and its points.
type PlotLine = (String, Vec<(f64, f64)>);

/// Where the values of an axis lie, if they are numbers that grow.
fn places(axis: &SweepAxis) -> Option<Vec<f64>> {
    let logarithms = |read: fn(&str) -> Result<f64, String>| {
        axis.values.iter().map(|value| read(value).ok().map(f64::log10)).collect::<Option<Vec<f64>>>()
    };
    let places = match axis.variable {
        Variable::Bandwidth => logarithms(bandwidth)?,
        Variable::Rtt => logarithms(duration)?,
        _ => return Some(axis.numbers()?.into_iter().map(|number| number as f64).collect()),
    };
    (places.len() > 1 && places[0].is_finite() && places.is_sorted_by(|a, b| a < b)).then_some(places)
}

fn place_label(axis: &SweepAxis, place: f64) -> String {
    match axis.variable {
        Variable::Bandwidth => show_bandwidth(10_f64.powf(place)),
        Variable::Rtt => show_duration(10_f64.powf(place)),
        // There is nothing between whole numbers.
        _ if (place - place.round()).abs() > 1e-9 => String::new(),
        _ => format!("{place:.0}"),
    }
}

/// What an axis of a quantity counts in, and its name, so that ticks are round numbers.
fn unit(quantity: Quantity, highest: f64) -> (f64, &'static str) {
    const BINARY: [(f64, &str); 5] = [
        (1_099_511_627_776.0, "TiB"),
        (1_073_741_824.0, "GiB"),
        (1_048_576.0, "MiB"),
        (1024.0, "KiB"),
        (1.0, "B"),
    ];
    match quantity {
        Quantity::Bytes => BINARY.into_iter().find(|(size, _)| highest >= *size).unwrap_or((1.0, "B")),
        // Amounts of seconds are in nanoseconds.
        Quantity::Seconds => (1e9, "s"),
        Quantity::Messages | Quantity::Rounds => (1.0, ""),
    }
}

fn lines(sweep: &Sweep, axis: usize, places: &[f64], phase: usize, quantity: Quantity) -> Vec<PlotLine> {
    let line = |points: Vec<&hawkeye::Point>| {
        let label = points.first().map(|point| hawkeye::fixed(sweep, axis, point).join(", "));
        let amounts = points.iter().map(|point| hawkeye::amount(&point.totals, phase, quantity) as f64);
        let points = places.iter().copied().zip(amounts).collect();
        (label.unwrap_or_default(), points)
    };
    hawkeye::series(sweep, axis).into_iter().map(line).collect()
}

fn draw(
    svg: &mut String,
    axis: &SweepAxis,
    lines: &[PlotLine],
    quantity: Quantity,
    title: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flat_map(|(_, points)| points);
    let (least, most) = points().fold((f64::MAX, f64::MIN), |(a, b), (x, _)| (a.min(*x), b.max(*x)));
    let highest = points().map(|(_, y)| *y).fold(1.0, f64::max);
    let (size, unit) = unit(quantity, highest);
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(84)
        .build_cartesian_2d(least..most, 0.0..highest * 1.05 / size)?;
    let label = |y: &f64| {
        let number = match y.round() {
            whole if (y - whole).abs() < 1e-9 => grouped(whole as u128),
            _ => format!("{y:.3}").trim_end_matches('0').to_owned(),
        };
        format!("{number} {unit}")
    };
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc(axis.variable.name())
        .y_desc(quantity.name())
        .x_label_formatter(&|x| place_label(axis, *x))
        .y_label_formatter(&label)
        .draw()?;
    for (i, (name, points)) in lines.iter().enumerate() {
        let colour = Palette99::pick(i).to_rgba();
        let points = || points.iter().map(|(x, y)| (*x, *y / size));
        // The numbers are exact there, and a line between them says no more than which belong together.
        chart.draw_series(points().map(|point| Circle::new(point, 3, colour.filled())))?;
        let series = chart.draw_series(LineSeries::new(points(), colour.stroke_width(2)))?;
        if !name.is_empty() {
            let key = move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2));
            series.label(name).legend(key);
        }
    }
    if lines.len() > 1 {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.3))
            .draw()?;
    }
    drop(chart);
    root.present()?;
    drop(root);
    Ok(())
}
