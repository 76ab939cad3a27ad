//! What befalls the processes of a day, and when.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use baedal_servers::{CONTEXTS, GATEWAY};

use super::chance::Chance;

/// One of the processes of a service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Who {
    pub(super) role: &'static str,
    /// 0 or 1.
    pub(super) number: usize,
}

/// What befalls them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mishap {
    /// A process is killed, and started again later.
    Killed(Who),
    /// A process stands still where it is, and goes on later as if nothing had been.
    Paused(Who),
    /// A process is told to end, and started again later.
    Stopped(Who),
    /// No process of a context runs.
    Out(&'static str),
    /// A process's clock is set so many seconds ahead of the machine's, or behind it.
    ClockSet(Who, i64),
    /// The broker stands still.
    BrokerPaused,
    /// The broker is killed, and started again later.
    BrokerKilled,
    /// The broker is killed, loses all it had, and is started again later.
    BrokerEmptied,
    /// The databases are killed, and started again at once.
    DatabasesKilled,
}

/// A mishap of a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Planned {
    /// When, after the day's beginning.
    pub(super) at: Duration,
    /// How long until it is made good.
    pub(super) lasts: Duration,
    pub(super) mishap: Mishap,
}

/// How far the clocks are apart.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Clocks {
    /// How many seconds each process is ahead of the machine, or behind it, from the beginning on.
    pub(super) ahead: BTreeMap<Who, i64>,
    /// Whether somebody sets clocks during the day.
    pub(super) step: bool,
}

impl Clocks {
    /// Every process that has a clock.
    pub(super) fn everybody() -> impl Iterator<Item = Who> {
        let roles = CONTEXTS.into_iter().chain([GATEWAY]);
        roles.flat_map(|role| (0..2).map(move |number| Who { role, number }))
    }

    /// How far the clocks are apart on the day of a seed: not at all, by seconds, or by minutes.
    ///
    /// A deadline counts in seconds here, and whichever process's clock says first that it has come is believed. So
    /// that orders live at all, the two processes of a context are never minutes apart where it keeps deadlines.
    pub(super) fn of_a_day(seed: u64) -> Self {
        let mut chance = Chance::of(seed, "clocks");
        let mut ahead = BTreeMap::new();
        let kind = seed % 4;
        if kind == 0 {
            return Self::default();
        }
        for role in CONTEXTS.into_iter().chain([GATEWAY]) {
            let apart = if kind == 3 { minutes(&mut chance) } else { 0 };
            for number in 0..2 {
                let more = i64::try_from(chance.below(7)).unwrap_or_default() - 3;
                let minutes = if kind == 2 && role == "payment" && number == 1 { 75 } else { 0 };
                ahead.insert(Who { role, number }, apart + more + minutes);
            }
        }
        Self { ahead, step: kind != 3 }
    }
}

fn minutes(chance: &mut Chance) -> i64 {
    chance.among(&[(2, 0), (1, 60), (1, 150), (1, -60), (1, -150)])
}

/// What befalls the processes on a day that lasts so long, in the order of times.
pub(super) fn of_a_day(seed: u64, lasts: Duration, clocks: &Clocks) -> Vec<Planned> {
    let mut chance = Chance::of(seed, "mishaps");
    let most = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
    let count = usize::try_from(lasts.as_secs()).unwrap_or(1).max(3);
    let mut times: Vec<Duration> = (0..count).map(|_| chance.between(500, most)).collect();
    times.sort();
    let mut planned: Vec<Planned> = Vec::new();
    for at in times {
        let mishap = mishap(&mut chance, clocks);
        let lasts = mishap.lasts(&mut chance);
        let new = Planned { at, lasts, mishap };
        if planned.iter().all(|before| !before.is_in_the_way_of(&new)) {
            planned.push(new);
        }
    }
    planned
}

fn mishap(chance: &mut Chance, clocks: &Clocks) -> Mishap {
    // Where the money and the decisions are, it hurts the most.
    let role = chance.among(&[
        (6, "payment"),
        (6, "order"),
        (4, "store"),
        (3, "delivery"),
        (2, "notification"),
        (2, "tracking"),
        (1, "identity"),
        (2, GATEWAY),
    ]);
    let who = Who { role, number: chance.below(2) };
    let out = chance.among(&[(3, "payment"), (3, "order"), (3, "store"), (2, "delivery"), (1, "tracking")]);
    let by = [1, -1, 2, -2, 5, -5][chance.below(6)];
    let now = clocks.ahead.get(&who).copied().unwrap_or_default();
    let kind = chance.below(100);
    match kind {
        0..24 => Mishap::Killed(who),
        24..46 => Mishap::Paused(who),
        46..58 => Mishap::Stopped(who),
        58..70 => Mishap::Out(out),
        70..84 if clocks.step => Mishap::ClockSet(who, now + by),
        70..84 => Mishap::Paused(who),
        84..88 => Mishap::BrokerPaused,
        88..92 => Mishap::BrokerKilled,
        92..96 => Mishap::BrokerEmptied,
        _ => Mishap::DatabasesKilled,
    }
}

impl Mishap {
    fn lasts(self, chance: &mut Chance) -> Duration {
        match self {
            Self::Killed(_) | Self::Stopped(_) | Self::BrokerKilled | Self::BrokerEmptied => chance.between(0, 3_000),
            // Some outlast what a call may take; some what others take for dead; some what they leave to the dead.
            Self::Paused(_) => match chance.below(10) {
                0..5 => chance.between(500, 4_000),
                5..9 => chance.between(4_000, 9_000),
                _ => chance.between(10_500, 15_000),
            },
            Self::Out(_) => chance.between(1_000, 6_000),
            Self::BrokerPaused => chance.between(500, 5_000),
            Self::ClockSet(..) | Self::DatabasesKilled => Duration::ZERO,
        }
    }
}

impl Planned {
    /// When it is made good.
    pub(super) fn ends(&self) -> Duration {
        self.at + self.lasts
    }

    /// Whether both would be done to the same process at a time.
    fn is_in_the_way_of(&self, later: &Self) -> bool {
        // Some time to start again in.
        let over = self.ends() + Duration::from_millis(2_500);
        later.at < over && self.mishap.meets(later.mishap)
    }
}

impl Mishap {
    /// Whether it is done to a clock.
    pub(super) fn sets_a_clock(self) -> bool {
        matches!(self, Self::ClockSet(..))
    }

    fn meets(self, other: Self) -> bool {
        match (self.what(), other.what()) {
            // A process does not start without its database.
            (What::Databases, _) | (_, What::Databases) => true,
            (What::Clock | What::Process(_) | What::Context(_), What::Clock) | (What::Clock, _) => false,
            (What::Process(a), What::Process(b)) => a == b,
            (What::Process(a), What::Context(b)) | (What::Context(b), What::Process(a)) => a.role == b,
            (What::Context(a), What::Context(b)) => a == b,
            (What::Broker, What::Broker) => true,
            (What::Broker, _) | (_, What::Broker) => false,
        }
    }

    fn what(self) -> What {
        match self {
            Self::Killed(who) | Self::Paused(who) | Self::Stopped(who) => What::Process(who),
            Self::Out(context) => What::Context(context),
            Self::ClockSet(..) => What::Clock,
            Self::BrokerPaused | Self::BrokerKilled | Self::BrokerEmptied => What::Broker,
            Self::DatabasesKilled => What::Databases,
        }
    }
}

/// What a mishap is done to.
enum What {
    Process(Who),
    Context(&'static str),
    Clock,
    Broker,
    Databases,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.role, self.number + 1)
    }
}

impl fmt::Display for Mishap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(who) => write!(f, "{who} is killed"),
            Self::Paused(who) => write!(f, "{who} stands still"),
            Self::Stopped(who) => write!(f, "{who} is stopped"),
            Self::Out(context) => write!(f, "all of {context} is killed"),
            Self::ClockSet(who, ahead) => write!(f, "the clock of {who} is set to {ahead:+} s"),
            Self::BrokerPaused => f.write_str("the broker stands still"),
            Self::BrokerKilled => f.write_str("the broker is killed"),
            Self::BrokerEmptied => f.write_str("the broker is killed and loses all it had"),
            Self::DatabasesKilled => f.write_str("the databases are killed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(12);

    #[test]
    fn the_same_seed_is_the_same_day() {
        for seed in 0..50 {
            let clocks = Clocks::of_a_day(seed);
            assert_eq!(of_a_day(seed, DAY, &clocks), of_a_day(seed, DAY, &Clocks::of_a_day(seed)));
        }
        assert_ne!(of_a_day(1, DAY, &Clocks::default()), of_a_day(2, DAY, &Clocks::default()));
    }

    #[test]
    fn no_process_is_killed_while_it_stands_still() {
        for seed in 0..200 {
            let planned = of_a_day(seed, DAY, &Clocks::of_a_day(seed));
            for (number, first) in planned.iter().enumerate() {
                for later in &planned[number + 1..] {
                    assert!(!(first.mishap.meets(later.mishap) && later.at < first.ends()), "{seed}: {planned:?}");
                }
            }
        }
    }
}
