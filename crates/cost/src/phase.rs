//! When something is sent.

use std::fmt;
use std::ops::{Index, IndexMut};

/// The phase of a protocol that a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Once per session, whatever the model: keys, base OTs.
    Setup,
    /// Before the inputs are known: triples, garbled circuits.
    Offline,
    /// On the inputs.
    Online,
}

impl Phase {
    /// All phases in order.
    pub const ALL: [Self; 3] = [Self::Setup, Self::Offline, Self::Online];

    /// The phase of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// Its name in sheets and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Offline => "offline",
            Self::Online => "online",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One `T` per phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PhaseMap<T>([T; 3]);

impl<T> PhaseMap<T> {
    /// Builds the entry of each phase.
    pub fn try_from_fn<E>(mut f: impl FnMut(Phase) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self([f(Phase::Setup)?, f(Phase::Offline)?, f(Phase::Online)?]))
    }
}

impl<T> Index<Phase> for PhaseMap<T> {
    type Output = T;
    fn index(&self, phase: Phase) -> &T {
        &self.0[phase as usize]
    }
}

impl<T> IndexMut<Phase> for PhaseMap<T> {
    fn index_mut(&mut self, phase: Phase) -> &mut T {
        &mut self.0[phase as usize]
    }
}
