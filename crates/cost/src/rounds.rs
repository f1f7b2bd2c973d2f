//! How frameworks count rounds.

use std::sync::Arc;

use crate::{FlightCount, Party, Step};

/// How a framework counts rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoundRule {
    /// Each step says how many it is.
    Stated,
    /// Every flight is a round.
    Flights,
    /// Every change of direction on one channel is a round.
    DirectionChanges {
        /// The channel.
        channel: Arc<str>,
        /// Sender and receiver of the last message of set-up.
        last: (Party, Party),
    },
}

impl RoundRule {
    pub(crate) fn of_step(&self, step: &Step) -> FlightCount {
        match self {
            Self::Stated => FlightCount { count: step.rounds, ends: None },
            Self::Flights => FlightCount::new(step.flights, step.direction()),
            Self::DirectionChanges { channel, .. } if *channel == step.channel => {
                FlightCount::new(step.flights, step.direction())
            }
            Self::DirectionChanges { .. } => FlightCount::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Before, Cost, Message, Overflow, Phase};

    #[test]
    fn the_online_phase_continues_from_setup_but_setup_from_nothing() -> Result<(), Overflow> {
        let channel: Arc<str> = "io".into();
        let rule = RoundRule::DirectionChanges { channel: channel.clone(), last: (Party(1), Party(0)) };
        let message = Message { from: Party(1), to: Party(0), bytes: 0, count: 1, spread: 0 };
        for (phase, rounds) in [(Phase::Setup, 1), (Phase::Online, 0)] {
            let step = Step {
                phase,
                channel: channel.clone(),
                messages: vec![message],
                rounds: 1,
                flights: 1,
                tensors: 1,
            };
            assert_eq!(
                Cost::of_step(&step, &rule)?.after(&Before::program(&rule)).rounds[phase].count,
                rounds
            );
        }
        Ok(())
    }
}
