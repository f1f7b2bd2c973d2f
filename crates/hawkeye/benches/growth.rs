//! How time grows with the number of nodes, beside tract alone and Python's onnx: `make growth`.
//!
//! Writes the plot `docs/growth.svg`. Set `PYTHON` to an interpreter that has `onnx` to time it too.

#![allow(clippy::print_stdout, reason = "a bench prints what it measures")]

use hawkeye_testing::decoder;

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Instant;

use decoder::Decoder;
use hawkeye::{Bindings, Framework, Options, analyse, bind, infer, load};
use mimalloc::MiMalloc;
use plotters::prelude::*;
use tract_onnx::prelude::{Framework as _, InferenceModelExt as _};

/// As in the tool; tract gets it too.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const LAYERS: [usize; 7] = [1, 80, 250, 500, 1000, 1500, 2300];

const PYTHON: &str = "
import sys, time, onnx
start = time.process_time()
onnx.shape_inference.infer_shapes(onnx.load(sys.argv[1]), data_prop=True)
print(time.process_time() - start)
";

struct Point {
    nodes: usize,
    shapes: f64,
    profile: f64,
    tract: f64,
    python: Option<f64>,
}

fn main() {
    // For a profiler: one size alone, by shapes, profile or tract.
    if let Some(what) = std::env::args().nth(1).filter(|what| !what.starts_with("--")) {
        return alone(&what);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut points = Vec::new();
    println!(
        "{:>8} {:>10} {:>10} {:>10} {:>10}   (seconds)",
        "nodes", "shapes", "profile", "tract", "python"
    );
    for layers in LAYERS {
        let path = folder.path().join("model.onnx");
        std::fs::write(&path, Decoder::narrow(layers).file()).expect("it is written");
        let point = Point {
            nodes: load(&path).expect("it is a model").graph.nodes.len(),
            shapes: best(|| shapes(&path)),
            profile: best(|| profile(&path)),
            tract: best(|| tract(&path)),
            python: std::env::var("PYTHON").ok().map(|python| python_seconds(&python, &path)),
        };
        let python = point.python.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.3}"));
        let Point { nodes, shapes, profile, tract, .. } = point;
        println!("{nodes:>8} {shapes:>10.3} {profile:>10.3} {tract:>10.3} {python:>10}");
        points.push(point);
    }
    let plot = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/growth.svg");
    draw(&plot, &points).expect("the plot is drawn");
}

fn alone(what: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, Decoder::narrow(1000).file()).expect("it is written");
    match what {
        "shapes" => shapes(&path),
        "profile" => profile(&path),
        _ => tract(&path),
    }
}

/// The best of three times, in seconds of this thread on a processor.
fn best(run: impl Fn()) -> f64 {
    let time = |_| {
        let start = processor_time();
        run();
        processor_time() - start
    };
    (0..3).map(time).fold(f64::INFINITY, f64::min)
}

/// Where the system does not tell, the time of day must do.
fn processor_time() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|field| field.parse::<f64>().ok());
    nanoseconds.map_or_else(|| START.elapsed().as_secs_f64(), |n| n / 1e9)
}

fn shapes(path: &Path) {
    let model = load(path).expect("it is a model");
    let inputs = bind(&model.graph, &Bindings::default()).expect("its sizes are fixed");
    assert!(infer(&model.graph, &inputs).facts.iter().all(|fact| fact.shape().is_some()));
}

fn profile(path: &Path) {
    let framework = Framework::open("crypten").expect("it is built in");
    let model = load(path).expect("it is a model");
    analyse(&model, "model.onnx", framework, &Options::default()).expect("it profiles");
}

/// tract up to the shapes of every node.
fn tract(path: &Path) {
    let mut model = tract_onnx::onnx().model_for_path(path).expect("it is a model");
    model.analyse(true).expect("tract knows every operator");
}

fn python_seconds(python: &str, path: &Path) -> f64 {
    let output = Command::new(python).arg("-c").arg(PYTHON).arg(path).output().expect("Python runs");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("it has onnx")
}

type Time = fn(&Point) -> f64;

fn draw(path: &Path, points: &[Point]) -> Result<(), Box<dyn std::error::Error>> {
    let most_nodes = points.iter().map(|p| p.nodes).max().unwrap_or(1) as f64;
    let most_time = points.iter().map(|p| p.tract.max(p.profile)).fold(0.0, f64::max) * 1.05;
    let area = SVGBackend::new(path, (720, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..most_nodes, 0.0..most_time)?;
    chart.configure_mesh().x_desc("nodes").y_desc("seconds").disable_mesh().draw()?;
    let lines: [(&str, RGBColor, Time); 3] = [
        ("shapes", RGBColor(31, 119, 180), |p| p.shapes),
        ("profile under CrypTen", RGBColor(44, 160, 44), |p| p.profile),
        ("tract alone", RGBColor(127, 127, 127), |p| p.tract),
    ];
    for (label, color, time) in lines {
        let line = LineSeries::new(points.iter().map(|p| (p.nodes as f64, time(p))), color.stroke_width(2));
        chart
            .draw_series(line)?
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).border_style(BLACK).draw()?;
    area.present()?;
    Ok(())
}
