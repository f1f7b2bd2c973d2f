//! Counting maximal runs of messages in one direction.

use crate::{Overflow, Party};

/// Direction of a step, as far as counting flights is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From one party to one other: joins with a neighbour in the same direction.
    OneWay(Party, Party),
    /// Several parties at once: joins with nothing.
    Exchange,
}

impl Direction {
    fn joins(self, next: Self) -> bool {
        matches!(self, Self::OneWay(..)) && self == next
    }
}

/// A number of flights (or rounds) that knows its ends, so that a run of messages in one direction
/// that crosses the seam of two sequences counts once.
///
/// Sequences form a monoid: [`FlightCount::then`] is associative, [`FlightCount::default`] its identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlightCount {
    /// The count if nothing comes before or after.
    pub count: u64,
    /// Directions of the first and the last step; `None` if there is no step.
    pub ends: Option<(Direction, Direction)>,
}

impl FlightCount {
    /// `count` steps that begin and end with that direction.
    #[must_use]
    pub fn new(count: u64, direction: Direction) -> Self {
        Self { count, ends: Some((direction, direction)) }
    }

    /// This sequence, then `next`.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn then(self, next: Self) -> Result<Self, Overflow> {
        let ends = match (self.ends, next.ends) {
            (Some((first, _)), Some((_, last))) => Some((first, last)),
            (ends, None) | (None, ends) => ends,
        };
        // Two runs that meet in one direction are one.
        let sum = self.count.checked_add(next.count).ok_or(Overflow)?;
        Ok(Self { count: sum - self.seam(next), ends })
    }

    /// Side by side with `other`: the longer one counts, and nothing joins with it, unless one of
    /// them is silent.
    #[must_use]
    pub fn beside(self, other: Self) -> Self {
        // Which of the two sends last is not known, so nothing can be said to go on in its direction.
        let silent = Self::default();
        match (self.ends, other.ends) {
            _ if other == silent => self,
            _ if self == silent => other,
            // Counts without ends were stated by the framework: no flights that a direction could join.
            (None, None) => Self { count: self.count.max(other.count), ends: None },
            _ => Self::new(self.count.max(other.count), Direction::Exchange),
        }
    }

    /// This sequence `n` times.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn times(self, n: u64) -> Result<Self, Overflow> {
        if n == 0 {
            return Ok(Self::default());
        }
        // A sequence that ends as it begins joins itself at each of the n - 1 seams.
        let seams = self.seam(self) * (n - 1);
        Ok(Self { count: self.count.checked_mul(n).ok_or(Overflow)? - seams, ends: self.ends })
    }

    /// What this sequence adds when it follows `before`.
    #[must_use]
    pub fn after(self, before: Self) -> u64 {
        self.count - before.seam(self)
    }

    /// What a sequence that follows this one and `next` needs to know of them: how they end.
    #[must_use]
    pub fn end_with(self, next: Self) -> Self {
        // A count of one is enough for what follows to join; more would tell endings apart that are the same.
        let ends = next.ends.or(self.ends).map(|(_, last)| (last, last));
        Self { count: self.count.max(next.count).min(1), ends }
    }

    /// 1 if the last step here and the first of `next` are one flight.
    fn seam(self, next: Self) -> u64 {
        match (self.ends, next.ends) {
            (Some((_, last)), Some((first, _))) if last.joins(first) && self.count > 0 && next.count > 0 => 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_side_leaves_the_other_as_it_is() -> Result<(), Overflow> {
        let there = FlightCount::new(1, Direction::OneWay(Party(0), Party(1)));
        assert_eq!(there.beside(FlightCount::default()), there);
        assert_eq!(FlightCount::default().beside(there), there);
        assert_eq!(there.then(there.beside(FlightCount::default()))?.count, 1, "the direction goes on");
        assert_eq!(there.then(there.beside(there))?.count, 2, "two at once are an exchange");
        Ok(())
    }
}
