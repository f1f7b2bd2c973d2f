//! Networks with a memory: what a message takes depends on those before it, so the program is walked
//! message by message.

use std::collections::HashMap;

use hawkeye_cost::{CallId, Calls, Fold, Item, PhaseMap, Share, Step};

use crate::network::bits;
use crate::{Clock, Network, Spent};

/// Steps that a walk may take.
const MOST_STEPS: u64 = 20_000_000;
/// Payload of a full segment, in bytes; a connection begins with ten of them (RFC 6928).
const SEGMENT: f64 = 1448.0;

/// A program has more steps than a walk takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Seconds of transfer of each operation, all phases together, on a network with a memory.
///
/// # Errors
/// [`TooLong`] if the program has too many steps.
pub fn transfers(
    calls: &Calls<Share>,
    operations: &[Option<CallId>],
    clock: &Fold<Clock>,
) -> Result<Vec<f64>, TooLong> {
    let network = clock.algebra().network();
    let mut walk = Walk {
        calls,
        fold: clock,
        clock: clock.algebra(),
        bucket: Bucket { burst: 8.0 * network.burst, tokens: 8.0 * network.burst, refilled: 0.0 },
        // Within a millisecond the window has grown before it matters.
        window: (network.slow_start && network.rtt > 1e-3).then(|| CongestionWindow::new(network)),
        silent: HashMap::new(),
        now: 0.0,
        transfer: 0.0,
        steps: 0,
    };
    let mut transfers = Vec::with_capacity(operations.len());
    for operation in operations {
        let before = walk.transfer;
        if let Some(call) = operation {
            walk.now += walk.clock.operator();
            walk.call(*call)?;
        }
        transfers.push(walk.transfer - before);
    }
    Ok(transfers)
}

struct Walk<'a> {
    calls: &'a Calls<Share>,
    fold: &'a Fold<Clock>,
    clock: &'a Clock,
    bucket: Bucket,
    window: Option<CongestionWindow>,
    /// Calls that send nothing, and their seconds.
    silent: HashMap<CallId, f64>,
    now: f64,
    transfer: f64,
    steps: u64,
}

/// The token bucket of a link (`tc tbf`): it holds `burst` bits at most, which pass at once.
struct Bucket {
    burst: f64,
    tokens: f64,
    refilled: f64,
}

impl Walk<'_> {
    #[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
    fn call(&mut self, call: CallId) -> Result<(), TooLong> {
        if let Some(seconds) = self.silent.get(&call) {
            self.now += seconds;
            return Ok(());
        }
        let (before, steps) = (self.now, self.steps);
        let calls = self.calls;
        for item in &calls.call(call).items {
            match item {
                Item::Step(step) => self.step(step)?,
                Item::Work { kind, amount, .. } => self.now += self.clock.of_work(*kind, *amount),
                Item::Count { .. } => {}
                Item::Call { call, times } => {
                    let mut left = *times;
                    while left > 0 {
                        self.call(*call)?;
                        left -= 1;
                        if let Some(seconds) = self.silent.get(call) {
                            self.now += seconds * left as f64;
                            left = 0;
                        }
                    }
                }
                Item::Parallel(sides) => {
                    for side in sides {
                        self.call(*side)?;
                    }
                }
                // A share is a part of messages, which has no place among the others.
                Item::Own(_) => {
                    let value = self.fold.item(item);
                    let value: PhaseMap<Spent> = value.unwrap_or_else(|never| match never {});
                    for phase in hawkeye_cost::Phase::ALL {
                        self.now += value[phase].seconds();
                        self.transfer += value[phase].transfer;
                    }
                }
            }
        }
        if self.steps == steps {
            self.silent.insert(call, self.now - before);
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
    fn step(&mut self, step: &Step) -> Result<(), TooLong> {
        let flights = step.flights.max(1);
        // Each flight is a turn of the loops below.
        self.steps = self.steps.saturating_add(flights);
        if self.steps > MOST_STEPS {
            return Err(TooLong);
        }
        let network = self.clock.network();
        let Some(rate) = network.bandwidth else { return Ok(()) };
        let spent = self.clock.of_step(step);
        let each = self.clock.sent(step) / flights as f64;
        let mut transfer = 0.0;
        for _ in 0..flights {
            let Bucket { burst, tokens, refilled } = &mut self.bucket;
            *tokens = burst.min(*tokens + (self.now + transfer - *refilled) * rate);
            transfer += (bits(each) - *tokens).max(0.0) / rate;
            *tokens = (*tokens - bits(each)).max(0.0);
            // The next flight leaves that much later, and the bucket fills meanwhile.
            *refilled = self.now + transfer - self.clock.transport().flight_rtt * network.rtt;
        }
        let mut cold = 0.0;
        if let Some(window) = &mut self.window {
            for _ in 0..flights {
                cold += window.extra(each, self.now);
            }
        }
        self.transfer += transfer + cold;
        self.now += spent.latency + spent.work + self.clock.flights(step) + spent.wait + transfer + cold;
        Ok(())
    }
}

/// TCP's congestion window of one direction: slow start, and decay while little is sent (Linux halves
/// it towards what was used once per retransmission time-out, which is a round trip and 0.2 s).
struct CongestionWindow {
    rate: f64,
    rtt: f64,
    size: f64,
    used: f64,
    stamp: f64,
}

impl CongestionWindow {
    fn new(network: &Network) -> Self {
        let rate = network.bandwidth.unwrap_or(f64::INFINITY);
        Self { rate, rtt: network.rtt, size: 10.0 * SEGMENT, used: 0.0, stamp: 0.0 }
    }

    /// Seconds beyond serialisation that so many bytes take because the window is too small.
    fn extra(&mut self, bytes: f64, now: f64) -> f64 {
        let (timeout, least) = (self.rtt + 0.2, 10.0 * SEGMENT);
        while now - self.stamp > timeout && self.used < self.size {
            self.size = f64::midpoint(self.size, self.used).max(least);
            self.stamp += timeout;
            if self.size <= least {
                self.stamp = now;
            }
        }
        if bytes <= self.size {
            self.used = bytes.max(self.used / 2.0);
            return 0.0;
        }
        let (mut seconds, mut left) = (0.0, bytes);
        while left > self.size && self.size < self.rate * self.rtt / 8.0 {
            seconds += (self.rtt - self.size * 8.0 / self.rate).max(0.0);
            left -= self.size;
            self.size *= 2.0;
        }
        self.used = self.size;
        self.stamp = now;
        seconds
    }
}
