//! Decides who is let through: the states and what moves them. Time comes in as a value.

use std::collections::VecDeque;

use baedal_kit::time::Instant;
use jiff::{SignedDuration, Timestamp};

use super::settings::{BreakerSettings, Window};
use super::snapshot::{Snapshot, State, Transition};
use super::window::{Call, Calls, Counts};

/// How many changes of state are remembered.
const REMEMBERED: usize = 20;
/// How soon to come back when all the trials are under way: nobody knows when they end.
const TRIALS_UNDER_WAY: SignedDuration = SignedDuration::from_secs(1);

/// What the clocks show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// The monotonic clock, by which everything is decided.
    pub(super) instant: Instant,
    /// The wall clock, for people to see.
    pub(super) shown: Timestamp,
}

/// Names the stretch between two changes of state in which a call was let through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pass(u64);

/// A breaker's states, without clock and lock.
#[derive(Debug)]
pub(super) struct Rules {
    settings: BreakerSettings,
    phase: Phase,
    /// Counts changes of state.
    moves: u64,
    /// The calls of this stretch; those that broke it, while it is open.
    calls: Calls,
    /// Rounds of trials that failed, one after the other.
    failed_rounds: u32,
    not_permitted: u64,
    transitions: VecDeque<Transition>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed,
    Open {
        since: Instant,
        until: Instant,
    },
    /// `granted` trials were let through and not given back.
    HalfOpen {
        granted: u32,
    },
}

impl Phase {
    fn state(self) -> State {
        match self {
            Self::Closed => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
        }
    }
}

impl Rules {
    pub(super) fn new(settings: BreakerSettings) -> Self {
        let settings = settings.sound();
        Self {
            calls: Calls::new(settings.window),
            settings,
            phase: Phase::Closed,
            moves: 0,
            failed_rounds: 0,
            not_permitted: 0,
            transitions: VecDeque::new(),
        }
    }

    pub(super) fn settings(&self) -> &BreakerSettings {
        &self.settings
    }

    /// Asks to be let through. `Err` says when to ask again.
    pub(super) fn ask(&mut self, now: Now) -> Result<Pass, SignedDuration> {
        if let Phase::Open { until, .. } = self.phase
            && until <= now.instant
        {
            self.calls = Calls::new(Window::Count(self.settings.half_open_calls));
            self.go(Phase::HalfOpen { granted: 0 }, now, "its time is over: trying".to_owned());
        }
        match &mut self.phase {
            Phase::Closed => return Ok(Pass(self.moves)),
            Phase::HalfOpen { granted } if *granted < self.settings.half_open_calls => {
                *granted += 1;
                return Ok(Pass(self.moves));
            }
            Phase::HalfOpen { .. } | Phase::Open { .. } => {}
        }
        self.not_permitted += 1;
        Err(match self.phase {
            Phase::Open { until, .. } => until.duration_since(now.instant),
            Phase::Closed | Phase::HalfOpen { .. } => TRIALS_UNDER_WAY,
        })
    }

    /// Whether it is not open, or has been for long enough.
    pub(super) fn lets_through(&self, now: Now) -> bool {
        match self.phase {
            Phase::Open { until, .. } => until <= now.instant,
            Phase::Closed | Phase::HalfOpen { .. } => true,
        }
    }

    /// A call was not made after all.
    pub(super) fn give_back(&mut self, pass: Pass) {
        if pass.0 == self.moves
            && let Phase::HalfOpen { granted } = &mut self.phase
        {
            *granted -= 1;
        }
    }

    /// A call has ended.
    pub(super) fn end(&mut self, pass: Pass, call: Call, now: Now) {
        if pass.0 != self.moves {
            return;
        }
        self.calls.record(call, now.instant);
        let counts = self.calls.counts(now.instant);
        match self.phase {
            Phase::Closed if counts.calls >= self.settings.minimum_calls => {
                if let Some(why) = self.too_bad(counts) {
                    self.open(now, why);
                }
            }
            Phase::HalfOpen { .. } if counts.calls >= self.settings.half_open_calls => match self.too_bad(counts) {
                Some(why) => {
                    self.failed_rounds = self.failed_rounds.saturating_add(1);
                    self.open(now, why);
                }
                None => {
                    self.failed_rounds = 0;
                    self.calls = Calls::new(self.settings.window);
                    let why = format!("{} of {} trials failed", counts.failures, counts.calls);
                    self.go(Phase::Closed, now, why);
                }
            },
            Phase::Closed | Phase::HalfOpen { .. } | Phase::Open { .. } => {}
        }
    }

    fn too_bad(&self, counts: Counts) -> Option<String> {
        if counts.failure_rate() >= self.settings.failure_rate {
            return Some(format!("{} of {} calls failed", counts.failures, counts.calls));
        }
        if counts.slow_rate() >= self.settings.slow_rate {
            return Some(format!("{} of {} calls were slow", counts.slow, counts.calls));
        }
        None
    }

    fn open(&mut self, now: Now, why: String) {
        let (since, until) = (now.instant, now.instant + self.settings.open_after(self.failed_rounds));
        self.go(Phase::Open { since, until }, now, why);
    }

    fn go(&mut self, to: Phase, now: Now, why: String) {
        if self.transitions.len() == REMEMBERED {
            self.transitions.pop_front();
        }
        self.transitions.push_back(Transition { at: now.shown, from: self.phase.state(), to: to.state(), why });
        self.phase = to;
        self.moves += 1;
    }

    /// How often the state has changed.
    pub(super) fn moves(&self) -> u64 {
        self.moves
    }

    /// The last change of state, if there was one since.
    pub(super) fn moved_since(&self, moves: u64) -> Option<Transition> {
        if self.moves == moves { None } else { self.transitions.back().cloned() }
    }

    pub(super) fn snapshot(&mut self, name: &str, now: Now) -> Snapshot {
        // What broke it stays to be seen while it is open.
        let seen_at = match self.phase {
            Phase::Open { since, .. } => since,
            Phase::Closed | Phase::HalfOpen { .. } => now.instant,
        };
        let counts = self.calls.counts(seen_at);
        Snapshot {
            name: name.to_owned(),
            state: self.phase.state(),
            open_until: match self.phase {
                Phase::Open { until, .. } => {
                    Some(now.shown.saturating_add(until.duration_since(now.instant)).unwrap_or(Timestamp::MAX))
                }
                Phase::Closed | Phase::HalfOpen { .. } => None,
            },
            settings: self.settings.clone(),
            calls: counts.calls,
            failures: counts.failures,
            slow: counts.slow,
            failure_rate: counts.failure_rate(),
            slow_rate: counts.slow_rate(),
            not_permitted: self.not_permitted,
            transitions: self.transitions.iter().cloned().collect(),
        }
    }
}
