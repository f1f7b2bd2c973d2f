//! The laws of the cost algebra.

use hawkeye_cost::{Before, Cost, Direction, FlightCount, Message, Party, Phase, PhaseMap, RoundRule, Step};
use proptest::prelude::*;

fn step() -> impl Strategy<Value = Step> {
    let message = (0u16..3, 1u16..3, 0u64..1 << 20, 0u64..4).prop_map(|(from, hop, bytes, count)| Message {
        from: Party(from),
        to: Party((from + hop) % 3),
        bytes,
        count,
        spread: bytes / 7,
    });
    (prop::collection::vec(message, 1..3), 0usize..3, 0u64..4, 1u64..4).prop_map(
        |(messages, phase, rounds, flights)| {
            // Messages in one direction are one flight by definition.
            let flights = if messages.len() == 1 { 1 } else { flights };
            Step { phase: Phase::ALL[phase], channel: "io".into(), messages, rounds, flights, tensors: 1 }
        },
    )
}

fn cost() -> impl Strategy<Value = Cost> {
    prop::collection::vec(step(), 0..6).prop_map(|steps| sequence(&steps, &RoundRule::Flights))
}

fn sequence(steps: &[Step], rule: &RoundRule) -> Cost {
    steps.iter().fold(Cost::default(), |cost, step| {
        cost.then(&Cost::of_step(step, rule).expect("it is small")).expect("it is small")
    })
}

fn then(a: &Cost, b: &Cost) -> Cost {
    a.clone().then(b).expect("it is small")
}

fn beside(a: &Cost, b: &Cost) -> Cost {
    a.clone().beside(b).expect("it is small")
}

/// Flights counted by walking along the messages of one phase.
fn walk(steps: &[Step], phase: Phase) -> u64 {
    let mut last = None;
    let mut flights = 0;
    for step in steps.iter().filter(|step| step.phase == phase) {
        let direction = step.direction();
        let goes_on = last == Some(direction) && matches!(direction, Direction::OneWay(..));
        flights += step.flights - u64::from(goes_on);
        last = Some(direction);
    }
    flights
}

proptest! {
    #[test]
    fn sequence_is_a_monoid(a in cost(), b in cost(), c in cost()) {
        prop_assert_eq!(then(&then(&a, &b), &c), then(&a, &then(&b, &c)));
        prop_assert_eq!(&then(&a, &Cost::default()), &a);
        prop_assert_eq!(&then(&Cost::default(), &a), &a);
    }

    #[test]
    fn repetition_is_repeated_sequence(a in cost(), n in 0u64..6) {
        let unrolled = (0..n).fold(Cost::default(), |sum, _| then(&sum, &a));
        prop_assert_eq!(a.times(n).expect("it is small"), unrolled);
    }

    #[test]
    fn side_by_side_is_commutative_and_associative(a in cost(), b in cost(), c in cost()) {
        prop_assert_eq!(beside(&a, &b), beside(&b, &a));
        prop_assert_eq!(beside(&beside(&a, &b), &c), beside(&a, &beside(&b, &c)));
    }

    #[test]
    fn flights_are_maximal_runs(steps in prop::collection::vec(step(), 0..12)) {
        let cost = sequence(&steps, &RoundRule::Stated);
        for phase in Phase::ALL {
            prop_assert_eq!(cost.flights[phase].count, walk(&steps, phase));
        }
    }

    #[test]
    fn costs_in_context_add_up(parts in prop::collection::vec(cost(), 0..6)) {
        let mut before = Before::default();
        let mut whole = Cost::default();
        let mut sum = PhaseMap::<u64>::default();
        for part in &parts {
            for phase in Phase::ALL {
                sum[phase] += part.after(&before).flights[phase].count;
            }
            before = before.then(part);
            whole = then(&whole, part);
        }
        for phase in Phase::ALL {
            prop_assert_eq!(sum[phase], whole.flights[phase].count);
        }
    }

    #[test]
    fn shares_add_up_to_the_whole(a in cost(), weights in prop::collection::vec(0u64..50, 1..8)) {
        let total: u64 = weights.iter().sum();
        prop_assume!(total > 0);
        let (mut start, mut sum) = (0, Cost::default());
        for weight in weights {
            sum = then(&sum, &a.share(start, start + weight, total).expect("it is small"));
            start += weight;
        }
        for phase in Phase::ALL {
            prop_assert_eq!(sum.traffic(phase), a.traffic(phase));
            prop_assert_eq!(sum.flights[phase].count, a.flights[phase].count);
        }
    }
}

#[test]
fn sums_beyond_64_bits_are_errors() {
    let message = Message { from: Party(0), to: Party(1), bytes: u64::MAX, count: 1, spread: 0 };
    let step = Step {
        phase: Phase::Online,
        channel: "".into(),
        messages: vec![message],
        rounds: 1,
        flights: 1,
        tensors: 1,
    };
    let cost = Cost::of_step(&step, &RoundRule::Stated).expect("one message fits");
    assert!(cost.clone().then(&cost).is_err());
    assert!(cost.times(2).is_err());
    assert!(FlightCount::new(u64::MAX, Direction::Exchange).times(2).is_err());
}

#[test]
fn direction_changes_count_from_the_last_message_before() {
    let send = |from, to, channel: &str| Step {
        phase: Phase::Online,
        channel: channel.into(),
        messages: vec![Message { from: Party(from), to: Party(to), bytes: 1, count: 1, spread: 0 }],
        rounds: 1,
        flights: 1,
        tensors: 1,
    };
    let rule = RoundRule::DirectionChanges { channel: "io".into(), last: (Party(1), Party(0)) };
    let steps = [send(1, 0, "io"), send(0, 1, "other"), send(1, 0, "io"), send(0, 1, "io")];
    let cost = sequence(&steps, &rule).after(&Before::program(&rule));
    assert_eq!(cost.rounds[Phase::Online].count, 1);
}
