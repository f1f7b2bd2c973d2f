//! A framework with its settings.

use std::collections::BTreeMap;

use hawkeye_cost::{Data, RoundRule};
use hawkeye_graph::Failure;
use hawkeye_report::{FrameworkInfo, Scalar};
use hawkeye_sheets::{ConfiguredFramework, Manifest, Parties, Sheets};

/// What a framework says about itself, with its settings.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    pub(crate) manifest: Manifest,
    pub(crate) parties: u16,
    parameters: Vec<(String, Data)>,
    pub(crate) round_rule: RoundRule,
}

impl Configuration {
    /// Fixes parties (the framework's default if not given) and parameters.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn new(
        manifest: Manifest,
        parties: Option<u16>,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            parties: manifest.party_count(parties)?,
            parameters: manifest.values(settings)?,
            round_rule: manifest.round_rule(),
            manifest,
        })
    }

    /// The settings of a framework, and its sheets.
    pub(crate) fn of(framework: ConfiguredFramework) -> (Self, Sheets) {
        let ConfiguredFramework { manifest, parties, parameters, round_rule, sheets } = framework;
        (Self { manifest, parties, parameters, round_rule }, sheets)
    }

    /// What a report says about the framework.
    pub(crate) fn info(&self) -> FrameworkInfo {
        let scalar = |data: &Data| match data {
            Data::Bool(b) => Scalar::Bool(*b),
            Data::Int(i) => Scalar::Int(*i),
            Data::Float(bits) => Scalar::Float(f64::from_bits(*bits)),
            other => {
                Scalar::Text(if let Data::Text(text) = other { text.clone() } else { other.to_string() })
            }
        };
        let own: &[String] = match &self.manifest.parties {
            Parties::Named { names } => names,
            Parties::Range { .. } => &[],
        };
        let extra = (self.parties..).zip(self.manifest.extra_parties.iter().cloned());
        FrameworkInfo {
            name: self.manifest.name.clone(),
            version: self.manifest.version.clone(),
            parties: self.parties,
            party_names: (0..).zip(own.iter().cloned()).chain(extra).collect(),
            evidence: self.manifest.evidence.clone(),
            measured: self.manifest.measured,
            security: self.manifest.security.clone(),
            parameters: self.parameters.iter().map(|(name, value)| (name.clone(), scalar(value))).collect(),
        }
    }
}
