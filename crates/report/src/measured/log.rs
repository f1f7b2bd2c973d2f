//! What a framework prints, as patterns: the `log` key of a manifest.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// How to read a framework's own statistics out of a log. `docs/FRAMEWORKS.md` explains every key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in docs/FRAMEWORKS.md")]
pub struct Log {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party_count: Option<String>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub parties: IndexMap<String, String>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub sections: IndexMap<String, String>,
    pub lines: Vec<LogLine>,
}

/// A kind of line that holds statistics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in docs/FRAMEWORKS.md")]
pub struct LogLine {
    #[serde(rename = "match")]
    pub pattern: String,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub counters: IndexMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub each: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub roles_vary: bool,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub scale: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<usize>,
}

fn one() -> u64 {
    1
}

fn is_one(n: &u64) -> bool {
    *n == 1
}
