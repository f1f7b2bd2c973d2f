//! `hawkeye profile` of several models, under several frameworks or on several networks: a line for each.

use hawkeye::{Diagnostic, Failure, Framework, Options, Place, Report, Sessions, Severity, check_dims, load};
use hawkeye_graph::printable;
use hawkeye_report::render::{LEAST_NAME, WIDTH, binary, field, grouped, shortened, verbatim, wrapped_line};
use hawkeye_report::{PHASES, PhaseCost, Phases, Quantity, SpentInfo, TimeInfo};
use serde::{Serialize, Serializer};

use super::arguments::{Format, ProfileArguments};
use super::input::source;
use super::output;
use super::refusals::{Refusal, grouped as grouped_refusals, of_subject};

/// A model under a framework, and on a network if one is given.
#[derive(Serialize)]
struct SurveyRow {
    model: String,
    framework: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<Phases>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<TimeInfo>,
    /// Why there are no totals.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_text")]
    refused: Vec<Diagnostic>,
}

fn as_text<S: Serializer>(errors: &[Diagnostic], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(errors.iter().map(ToString::to_string))
}

/// Profiles every model under every framework. One that is refused does not end the rest; it is an error if
/// all are.
pub(crate) fn run(command: &ProfileArguments, format: Format) -> Result<(), Failure> {
    let complete = |options| Options { training: command.training.options(), depth: 0, ..options };
    let each: Vec<Options> = command.run.each().into_iter().map(complete).collect();
    // They differ in their networks alone.
    let Some(options) = each.first() else { return Ok(()) };
    // A name that stands for no framework is a slip, not a refusal.
    for name in &command.frameworks {
        Framework::open(name)?.overlaid(&options.overlays)?;
    }
    let sessions = Sessions::default();
    let mut lines = Vec::new();
    let mut failures = Vec::new();
    // Models have different dimensions: a name that none of them has is a slip.
    let mut unknown = options.bindings.dims.clone();
    for path in &command.models {
        let model = source(path).and_then(|source| Ok((load(&source.path)?, source.name)));
        let own = |options: &Options| {
            let mut options = options.clone();
            if let Ok((model, _)) = &model {
                let has = |name: &String, size: u64| {
                    check_dims(&model.graph, &[(name.clone(), size)].into()).is_ok()
                };
                options.bindings.dims.retain(|name, size| has(name, *size));
            }
            options
        };
        let each: Vec<Options> = each.iter().map(own).collect();
        for options in &each {
            unknown.retain(|name, _| !options.bindings.dims.contains_key(name));
        }
        for (framework, options) in
            command.frameworks.iter().flat_map(|name| each.iter().map(move |options| (name, options)))
        {
            let report = model
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|(model, file)| sessions.get(framework, options)?.analyse(model, file, options));
            let network = options.time.as_ref().map(|time| time.network.name.clone());
            let mut line = line(&path.display().to_string(), framework, network, report.as_ref().ok());
            if let Err(Failure(errors)) = report {
                let subject = match command.frameworks.as_slice() {
                    [_, _, ..] if model.is_ok() => format!("{} under {framework}", path.display()),
                    _ => path.display().to_string(),
                };
                failures.extend(of_subject(&subject, &errors));
                line.refused = errors;
                line.refused.retain(|error| error.severity == Severity::Error);
            }
            lines.push(line);
        }
    }
    if let Some((name, _)) = unknown.first_key_value() {
        let message = format!("no model has a dimension named \"{name}\"");
        let help = "hawkeye shapes MODEL lists the dimensions of a model";
        return Err(Diagnostic::error(Place::Model, message).help(help).into());
    }
    if lines.iter().all(|line| line.totals.is_none()) {
        return Err(Failure(failures));
    }
    output::write(command.output.as_deref(), printed(&lines, format)?.as_bytes())
}

fn printed(lines: &[SurveyRow], format: Format) -> Result<String, Failure> {
    Ok(match format {
        Format::Text => text(lines),
        Format::Markdown => markdown(lines),
        Format::Csv => csv(lines),
        Format::Json => {
            serde_json::to_string_pretty(lines).map_err(|e| output::failed(e.to_string()))? + "\n"
        }
        Format::Yaml => serde_yaml::to_string(lines).map_err(|e| output::failed(e.to_string()))?,
        Format::Html | Format::Folded | Format::Speedscope | Format::Perfetto => {
            let message = "several models, frameworks or networks make a table, not a page or stacks";
            let help = "give --format text, markdown, csv, json or yaml; hawkeye compare --format html sets \
                        sides beside each other";
            return Err(Diagnostic::error(Place::Model, message).help(help).into());
        }
    })
}

fn line(model: &str, framework: &str, network: Option<String>, report: Option<&Report>) -> SurveyRow {
    SurveyRow {
        model: model.to_owned(),
        framework: framework.to_owned(),
        totals: report.map(|report| report.totals),
        network,
        time: report.and_then(|report| report.time.clone()),
        refused: Vec::new(),
    }
}

fn phases(totals: &Phases) -> [&PhaseCost; 3] {
    [&totals.setup, &totals.offline, &totals.online]
}

/// Model, framework, bytes of each phase, messages and rounds; where networks are given, the network, its seconds and
/// what they are spent on.
fn cells(line: &SurveyRow) -> Vec<String> {
    let mut cells = vec![printable(&line.model).into_owned(), line.framework.clone()];
    match &line.totals {
        None => cells.extend(["refused", "", "", "", ""].map(str::to_owned)),
        Some(totals) => {
            cells.extend(phases(totals).map(|cost| binary(cost.bytes)));
            let sum =
                |quantity: Quantity| phases(totals).map(|cost| u128::from(quantity.of(cost))).iter().sum();
            cells.extend([grouped(sum(Quantity::Messages)), grouped(sum(Quantity::Rounds))]);
        }
    }
    if let Some(network) = &line.network {
        cells.push(printable(network).into_owned());
        cells.extend(seconds(line).map(|part| part.map_or_else(String::new, |part| format!("{part:.3}"))));
    }
    cells
}

const HEADER: [&str; 7] = ["model", "framework", "setup", "offline", "online", "messages", "rounds"];
/// The column of the network, which follows these.
const NETWORK: usize = HEADER.len();
const TIMES: [&str; 5] = ["seconds", "latency", "transfer", "work", "waiting"];

/// Seconds, and what they are spent on, as [`TIMES`] names them.
fn seconds(line: &SurveyRow) -> [Option<f64>; 5] {
    let Some(TimeInfo { seconds, spent, .. }) = &line.time else { return [None; 5] };
    let SpentInfo { latency, transfer, work, wait } = *spent;
    [*seconds, latency, transfer, work, wait].map(Some)
}

fn header(lines: &[SurveyRow]) -> Vec<String> {
    let timed = lines.iter().any(|line| line.network.is_some());
    let times = timed.then(|| ["network"].into_iter().chain(TIMES)).into_iter().flatten();
    HEADER.into_iter().chain(times).map(str::to_owned).collect()
}

fn refusals(lines: &[SurveyRow]) -> Vec<String> {
    let refused = lines.iter().filter(|line| !line.refused.is_empty());
    let mut refusals: Vec<Refusal<'_>> = refused
        .map(|SurveyRow { model, framework, refused: errors, .. }| Refusal { model, framework, errors })
        .collect();
    // Networks have no part in it.
    refusals.dedup_by_key(|refusal| (refusal.model, refusal.framework));
    grouped_refusals(&refusals)
}

fn text(lines: &[SurveyRow]) -> String {
    let mut rows: Vec<Vec<String>> = std::iter::once(header(lines)).chain(lines.iter().map(cells)).collect();
    let widths = |rows: &[Vec<String>]| -> Vec<usize> {
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        (0..rows[0].len()).map(width).collect()
    };
    let excess =
        |widths: &[usize]| (widths.iter().sum::<usize>() + 2 * (widths.len() - 1)).saturating_sub(WIDTH);
    // What seconds are spent on, and the beginnings of long paths, are in the other formats.
    if excess(&widths(&rows)) > 0 {
        rows.iter_mut().for_each(|row| row.truncate(NETWORK + 2));
    }
    let given = widths(&rows);
    let longest = given[0].saturating_sub(excess(&given)).max(LEAST_NAME);
    rows.iter_mut().for_each(|row| row[0] = shortened(&row[0], longest));
    let widths = widths(&rows);
    let mut text = String::new();
    for row in &rows {
        let cell = |(column, cell): (usize, &String)| match column {
            0 | 1 | NETWORK => format!("{cell:<width$}", width = widths[column]),
            _ => format!("{cell:>width$}", width = widths[column]),
        };
        let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    let refusals = refusals(lines);
    if !refusals.is_empty() {
        text.push_str("\nrefused:\n");
        for refusal in refusals {
            text.push_str(&(wrapped_line(&format!("  {refusal}"), 4) + "\n"));
        }
    }
    text
}

fn markdown(lines: &[SurveyRow]) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let header = header(lines);
    let rule = |column: usize| if matches!(column, 0 | 1 | NETWORK) { "---|" } else { "---:|" };
    let mut text = format!("{}|{}\n", row(&header), (0..header.len()).map(rule).collect::<String>());
    for line in lines {
        text.push_str(&row(&cells(line).iter().map(|cell| verbatim(cell)).collect::<Vec<_>>()));
    }
    for refusal in refusals(lines) {
        text.push_str(&format!("\n> {refusal}\n"));
    }
    text
}

fn csv(lines: &[SurveyRow]) -> String {
    let columns = || (0..PHASES.len()).flat_map(|phase| Quantity::ALL.map(|quantity| (phase, quantity)));
    let names = columns().map(|(phase, quantity)| format!("{}_{}", PHASES[phase], quantity.name()));
    let names = names.collect::<Vec<_>>().join(",");
    let times: Vec<String> = header(lines).into_iter().skip(NETWORK).map(|name| format!(",{name}")).collect();
    let mut text = format!("model,framework,{names}{},refused\n", times.concat());
    for line in lines {
        let number = |(phase, quantity): (usize, Quantity)| {
            line.totals.map_or_else(String::new, |totals| quantity.of(phases(&totals)[phase]).to_string())
        };
        let mut fields = vec![field(&line.model), field(&line.framework)];
        fields.extend(columns().map(number));
        if let Some(network) = &line.network {
            fields.push(field(network));
            fields.extend(seconds(line).map(|part| part.map_or_else(String::new, |part| part.to_string())));
        }
        let refused: Vec<String> = line.refused.iter().map(ToString::to_string).collect();
        fields.push(field(&refused.join("; ")));
        text.push_str(&(fields.join(",") + "\n"));
    }
    text
}
