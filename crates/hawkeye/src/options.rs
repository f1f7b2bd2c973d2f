//! What users fix of a profile.

use std::collections::BTreeMap;

use hawkeye_lower::Visibility;
use hawkeye_shapes::Bindings;
use hawkeye_sheets::Overlay;

use crate::report::TimeOptions;
use crate::training::TrainingOptions;
use crate::widths::Widths;

/// What the user fixes.
#[derive(Clone, Debug)]
pub struct Options {
    /// Sizes of symbolic dimensions.
    pub bindings: Bindings,
    /// Number of parties; the framework's default if not given.
    pub parties: Option<u16>,
    /// Parameters of the framework by name, as the user wrote them.
    pub settings: BTreeMap<String, String>,
    /// What takes the place of functions of the framework, wherever this opens one by its name: see
    /// [`Framework::overlaid`] for those that are opened already.
    pub overlays: Vec<Overlay>,
    /// Who knows the weights; the framework's convention if not given.
    pub weights: Option<Visibility>,
    /// Who knows particular inputs or initializers, by name.
    pub visibility: BTreeMap<String, Visibility>,
    /// The party that knows the weights, by the name that the framework has for it, in place of `weights`.
    pub weights_known_to: Option<String>,
    /// Parties that know particular inputs or initializers, by the names that the framework has for them.
    pub known_to: BTreeMap<String, String>,
    /// What to train, and how; inference if not given.
    pub training: Option<TrainingOptions>,
    /// What time is predicted for; no time is if not given.
    pub time: Option<TimeOptions>,
    /// Widths of single layers, for frameworks with parameters `weight_bits` and `activation_bits`.
    pub widths: Option<Widths>,
    /// Levels of the report's call tree.
    pub depth: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bindings: Bindings::default(),
            parties: None,
            settings: BTreeMap::new(),
            overlays: Vec::new(),
            weights: None,
            visibility: BTreeMap::new(),
            weights_known_to: None,
            known_to: BTreeMap::new(),
            training: None,
            time: None,
            widths: None,
            depth: 3,
        }
    }
}
