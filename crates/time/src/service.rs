//! A service: requests that arrive at random at parties that answer one after the other, and make preprocessing while
//! they wait for the next.

/// Requests that are simulated.
const REQUESTS: u32 = 100_000;
/// The seed of the arrivals: the same service has the same report.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a request takes, and what is kept for later ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Service {
    /// Seconds of an answer, once its preprocessing is there.
    pub online: f64,
    /// Seconds of the preprocessing of a request; zero if there is none.
    pub offline: f64,
    /// For how many requests preprocessing is kept; any number if not given.
    pub kept: Option<u64>,
}

/// What requests meet with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Met {
    /// Mean seconds from arrival to answer.
    pub latency: f64,
    /// Seconds within which 95 of 100 requests are answered.
    pub latency_95: f64,
    /// The part of the requests that had to wait for their own preprocessing.
    pub unprepared: f64,
}

impl Service {
    /// Requests a second that are answered in the long run: preprocessing takes the same processors and links. `None` if
    /// they take no time.
    #[must_use]
    pub fn most(&self) -> Option<f64> {
        let seconds = self.online + self.offline;
        (seconds > 0.0).then(|| 1.0 / seconds)
    }

    /// What requests meet with that arrive independently of one another (Poisson), so many a second on average, from
    /// full stores on; `None` if they are more than can be answered.
    #[must_use]
    pub fn meets(&self, rate: f64) -> Option<Met> {
        if self.most().is_some_and(|most| rate >= most) {
            return None;
        }
        let most = self.kept.map_or(REQUESTS, |kept| u32::try_from(kept).unwrap_or(REQUESTS));
        let mut random = Random(SEED);
        let (mut arrival, mut free, mut stock, mut unprepared) = (0.0_f64, 0.0_f64, most, 0_u32);
        let mut latencies = Vec::with_capacity(REQUESTS as usize);
        for _ in 0..REQUESTS {
            arrival += random.exponential() / rate;
            // What is begun is finished, though a request arrives meanwhile.
            while free < arrival && stock < most && self.offline > 0.0 {
                free += self.offline;
                stock += 1;
            }
            let mut start = arrival.max(free);
            if self.offline > 0.0 {
                if stock == 0 {
                    start += self.offline;
                    unprepared += 1;
                } else {
                    stock -= 1;
                }
            }
            free = start + self.online;
            latencies.push(free - arrival);
        }
        let latency = latencies.iter().sum::<f64>() / f64::from(REQUESTS);
        latencies.sort_by(f64::total_cmp);
        let latency_95 = latencies[latencies.len() * 95 / 100];
        Some(Met { latency, latency_95, unprepared: f64::from(unprepared) / f64::from(REQUESTS) })
    }
}

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a few lines whose numbers never change.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number with the exponential distribution of mean one.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    fn exponential(&mut self) -> f64 {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        -(1.0 - uniform).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_preprocessing_it_is_the_queue_of_pollaczek_and_khinchine() {
        for load in [0.2, 0.5, 0.8] {
            let service = Service { online: 2.0, offline: 0.0, kept: None };
            let met = service.meets(load / 2.0).expect("it is not too much");
            let mean = 2.0 + 2.0 * load / (2.0 * (1.0 - load));
            assert!((met.latency / mean - 1.0).abs() < 0.03, "{load}: {}, not {mean}", met.latency);
            assert!(met.latency_95 > met.latency && met.unprepared == 0.0);
        }
    }

    #[test]
    fn what_is_kept_hides_preprocessing_until_there_is_no_time_for_it() {
        let service = |kept| Service { online: 1.0, offline: 3.0, kept: Some(kept) };
        let alone = service(0).meets(0.01).expect("it is not too much");
        assert!(alone.latency >= 4.0 && alone.unprepared == 1.0);
        let prepared = service(10).meets(0.01).expect("it is not too much");
        assert!(prepared.latency < 1.2 && prepared.unprepared < 0.001, "{prepared:?}");
        assert!(service(10).meets(0.24).expect("it is just not too much").latency > 4.0);
        assert_eq!(service(1_000_000).meets(0.26), None);
    }
}
