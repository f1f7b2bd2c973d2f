//! Reports for people and for other programs: each renderer is a function from a report to text.
//!
//! However a report is cut into rows or stacks, these add up to its totals exactly.

mod cells;
mod checks;
mod checks_json;
mod comparison;
mod comparison_fold;
mod comparison_html;
mod comparison_many;
mod csv;
mod facts;
mod fold;
mod folded;
mod html;
mod markdown;
mod measured;
mod perfetto;
mod protocols;
mod rows;
mod speedscope;
mod stacks;
mod table;
mod text;
mod warnings;
mod wrap;

pub use checks::{checks_github, checks_junit, checks_text};
pub use checks_json::checks_json;
pub use comparison::{comparison_csv, comparison_markdown, comparison_text};
pub use comparison_html::comparison_html;
pub use csv::{csv, field};
pub use folded::folded;
pub use html::{escape, html};
pub use markdown::{markdown, verbatim};
pub use measured::{measured_csv, measured_markdown, measured_text};
pub use perfetto::perfetto;
pub use rows::View;
pub(crate) use rows::cut;
pub use speedscope::speedscope;
pub use table::{binary, grouped, shown};
pub use text::text;
pub use wrap::{LEAST_NAME, WIDTH, brief, shortened, wrapped, wrapped_line};
