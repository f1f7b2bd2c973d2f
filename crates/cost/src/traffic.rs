//! Who sends how much to whom.

use std::fmt;
use std::sync::Arc;

use crate::{Overflow, Phase};

/// A party, numbered as its framework does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Party(pub u16);

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A direction between two parties, in one phase and over one of the framework's channels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// Phase of the messages.
    pub phase: Phase,
    /// Sender.
    pub from: Party,
    /// Receiver.
    pub to: Party,
    /// Channel; empty where the framework has one.
    pub channel: Arc<str>,
}

/// What is sent over a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Traffic {
    /// Payload bytes.
    pub bytes: u64,
    /// Messages.
    pub messages: u64,
    /// Band around `bytes` (plus or minus), in bytes, where sizes vary from run to run.
    pub spread: u64,
}

impl Traffic {
    pub(crate) fn plus(self, other: Self) -> Result<Self, Overflow> {
        let add = |a: u64, b: u64| a.checked_add(b).ok_or(Overflow);
        Ok(Self {
            bytes: add(self.bytes, other.bytes)?,
            messages: add(self.messages, other.messages)?,
            spread: add(self.spread, other.spread)?,
        })
    }

    pub(crate) fn times(self, n: u64) -> Result<Self, Overflow> {
        let times = |a: u64| a.checked_mul(n).ok_or(Overflow);
        Ok(Self { bytes: times(self.bytes)?, messages: times(self.messages)?, spread: times(self.spread)? })
    }
}
