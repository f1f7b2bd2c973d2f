//! Costs and how they compose.

use litemap::LiteMap;

use crate::{Direction, FlightCount, Link, Overflow, Phase, PhaseMap, RoundRule, Step, Symbol, Traffic};

/// What a call costs.
///
/// Sequences form a monoid ([`Cost::then`], [`Cost::default`]); [`Cost::times`] is repeated
/// sequence; [`Cost::beside`] is commutative. The property tests beside this file state the laws.
///
/// ```
/// use hawkeye_cost::{Cost, Message, Party, Phase, RoundRule, Step};
///
/// let send = |from, to| Step {
///     phase: Phase::Online,
///     channel: "".into(),
///     messages: vec![Message { from: Party(from), to: Party(to), bytes: 8, count: 1, spread: 0 }],
///     rounds: 1,
///     flights: 1,
///     tensors: 1,
/// };
/// let there = Cost::of_step(&send(0, 1), &RoundRule::Stated)?;
/// let back = Cost::of_step(&send(1, 0), &RoundRule::Stated)?;
/// let both = there.times(2)?.then(&back)?;
/// assert_eq!(both.flights[Phase::Online].count, 2); // two messages there are one flight
/// assert_eq!(both.rounds[Phase::Online].count, 3); // the framework counts three rounds
/// # Ok::<(), hawkeye_cost::Overflow>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Bytes and messages of each link.
    pub links: LiteMap<Link, Traffic>,
    /// Rounds as the framework counts them.
    pub rounds: PhaseMap<FlightCount>,
    /// Sequential message flights.
    pub flights: PhaseMap<FlightCount>,
    /// What the framework's own counters count beyond that.
    pub counted: LiteMap<Symbol, u64>,
}

/// How a sequence ends, which is all that what follows needs to know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Before {
    rounds: PhaseMap<FlightCount>,
    flights: PhaseMap<FlightCount>,
}

impl Before {
    /// What comes before a program, so that its first message may continue a direction: nothing
    /// before set-up, set-up's last message before the other phases.
    #[must_use]
    pub fn program(rule: &RoundRule) -> Self {
        let mut before = Self::default();
        if let RoundRule::DirectionChanges { last: (from, to), .. } = rule {
            for phase in [Phase::Offline, Phase::Online] {
                before.rounds[phase] = FlightCount::new(1, Direction::OneWay(*from, *to));
            }
        }
        before
    }

    /// The end of this sequence and `next`.
    #[must_use]
    pub fn then(mut self, next: &Cost) -> Self {
        for phase in Phase::ALL {
            self.rounds[phase] = self.rounds[phase].end_with(next.rounds[phase]);
            self.flights[phase] = self.flights[phase].end_with(next.flights[phase]);
        }
        self
    }
}

impl Cost {
    /// The cost of one step.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn of_step(step: &Step, rule: &RoundRule) -> Result<Self, Overflow> {
        let mut cost = Self::default();
        for m in &step.messages {
            let link = Link { phase: step.phase, from: m.from, to: m.to, channel: step.channel.clone() };
            add(&mut cost.links, &link, Traffic { bytes: m.bytes, messages: m.count, spread: m.spread })?;
        }
        cost.flights[step.phase] = FlightCount::new(step.flights, step.direction());
        cost.rounds[step.phase] = rule.of_step(step);
        Ok(cost)
    }

    /// What one counter counts.
    #[must_use]
    pub fn of_count(counter: Symbol, amount: u64) -> Self {
        Self { counted: LiteMap::from_iter([(counter, amount)]), ..Self::default() }
    }

    /// This, then `next`.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn then(mut self, next: &Self) -> Result<Self, Overflow> {
        self.add_sums(next)?;
        for phase in Phase::ALL {
            self.rounds[phase] = self.rounds[phase].then(next.rounds[phase])?;
            self.flights[phase] = self.flights[phase].then(next.flights[phase])?;
        }
        Ok(self)
    }

    /// This and `other` at the same time: what is sent adds up, rounds and flights overlap.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn beside(mut self, other: &Self) -> Result<Self, Overflow> {
        self.add_sums(other)?;
        for phase in Phase::ALL {
            self.rounds[phase] = self.rounds[phase].beside(other.rounds[phase]);
            self.flights[phase] = self.flights[phase].beside(other.flights[phase]);
        }
        Ok(self)
    }

    /// This, `n` times in sequence.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn times(&self, n: u64) -> Result<Self, Overflow> {
        if n == 0 {
            return Ok(Self::default());
        }
        let links = self.links.iter().map(|(link, traffic)| Ok((link.clone(), traffic.times(n)?)));
        let counted = self.counted.iter().map(|(k, v)| Ok((*k, v.checked_mul(n).ok_or(Overflow)?)));
        Ok(Self {
            links: links.collect::<Result<_, Overflow>>()?,
            counted: counted.collect::<Result<_, Overflow>>()?,
            rounds: PhaseMap::try_from_fn(|phase| self.rounds[phase].times(n))?,
            flights: PhaseMap::try_from_fn(|phase| self.flights[phase].times(n))?,
        })
    }

    /// This as seen after `before`: a flight that goes on is not counted again, and nothing that
    /// follows joins it.
    #[must_use]
    pub fn after(&self, before: &Before) -> Self {
        let mut cost = self.clone();
        for phase in Phase::ALL {
            // Its ends are spent: what is left is a plain number that can be summed in any order.
            let alone = |count| FlightCount { count, ends: None };
            cost.rounds[phase] = alone(self.rounds[phase].after(before.rounds[phase]));
            cost.flights[phase] = alone(self.flights[phase].after(before.flights[phase]));
        }
        cost
    }

    /// The part of this cost that belongs to the weights from `start` to `end` out of `total`.
    /// Parts of adjoining ranges add up to the whole, exactly.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn share(&self, start: u64, end: u64, total: u64) -> Result<Self, Overflow> {
        // Each end is rounded by itself, so that what one share loses the next one gains.
        let upto = |n: u64, w: u64| u128::from(n) * u128::from(w) / u128::from(total);
        let share = |n: u64| u64::try_from(upto(n, end) - upto(n, start)).map_err(|_| Overflow);
        let flights = |n: FlightCount| Ok(FlightCount { count: share(n.count)?, ends: None });
        let traffic = |t: &Traffic| {
            Ok(Traffic { bytes: share(t.bytes)?, messages: share(t.messages)?, spread: share(t.spread)? })
        };
        let links = self.links.iter().map(|(link, t)| Ok((link.clone(), traffic(t)?)));
        let counted = self.counted.iter().map(|(k, v)| Ok((*k, share(*v)?)));
        Ok(Self {
            links: links.collect::<Result<_, Overflow>>()?,
            counted: counted.collect::<Result<_, Overflow>>()?,
            rounds: PhaseMap::try_from_fn(|phase| flights(self.rounds[phase]))?,
            flights: PhaseMap::try_from_fn(|phase| flights(self.flights[phase]))?,
        })
    }

    /// Traffic of a phase over all links.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn traffic(&self, phase: Phase) -> Result<Traffic, Overflow> {
        let of_phase = self.links.iter().filter(|(link, _)| link.phase == phase);
        of_phase.map(|(_, t)| *t).try_fold(Traffic::default(), Traffic::plus)
    }

    /// Whether this costs nothing at all.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        let silent = |n: &FlightCount| n.count == 0;
        self.links.is_empty()
            && self.counted.is_empty()
            && Phase::ALL.iter().all(|p| silent(&self.rounds[*p]) && silent(&self.flights[*p]))
    }

    fn add_sums(&mut self, other: &Self) -> Result<(), Overflow> {
        // A sequence begins with nothing.
        if self.links.is_empty() {
            self.links = other.links.clone();
        } else {
            other.links.iter().try_for_each(|(link, traffic)| add(&mut self.links, link, *traffic))?;
        }
        for (counter, amount) in &other.counted {
            let sum = self.counted.get(counter).copied().unwrap_or_default();
            self.counted.insert(*counter, sum.checked_add(*amount).ok_or(Overflow)?);
        }
        Ok(())
    }
}

fn add(links: &mut LiteMap<Link, Traffic>, link: &Link, traffic: Traffic) -> Result<(), Overflow> {
    match links.get_mut(link) {
        Some(sum) => *sum = sum.plus(traffic)?,
        None => drop(links.insert(link.clone(), traffic)),
    }
    Ok(())
}
