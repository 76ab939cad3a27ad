//! The calls that are judged together: a ring with running totals, so that recording costs the same
//! however many calls it holds.

use std::collections::VecDeque;

use baedal_kit::time::Instant;

use super::settings::Window;

/// How one call went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Call {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

/// Calls, counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Counts {
    pub(super) calls: u32,
    pub(super) failures: u32,
    pub(super) slow: u32,
}

impl Counts {
    fn add(&mut self, call: Call) {
        self.calls += 1;
        self.failures += u32::from(call.failed);
        self.slow += u32::from(call.slow);
    }

    fn take(&mut self, other: Self) {
        self.calls -= other.calls;
        self.failures -= other.failures;
        self.slow -= other.slow;
    }

    fn one(call: Call) -> Self {
        let mut counts = Self::default();
        counts.add(call);
        counts
    }

    /// The share of the calls that failed.
    pub(super) fn failure_rate(&self) -> f64 {
        f64::from(self.failures) / f64::from(self.calls.max(1))
    }

    /// The share of the calls that was slow.
    pub(super) fn slow_rate(&self) -> f64 {
        f64::from(self.slow) / f64::from(self.calls.max(1))
    }
}

/// The calls in a window that slides.
#[derive(Debug)]
pub(super) struct Calls {
    total: Counts,
    ring: Ring,
}

#[derive(Debug)]
enum Ring {
    /// One place for each call.
    Count { size: usize, calls: VecDeque<Call> },
    /// One place for each second in which there was a call, with that second.
    Time { seconds: i64, buckets: VecDeque<(i64, Counts)> },
}

impl Calls {
    /// An empty window.
    pub(super) fn new(window: Window) -> Self {
        let ring = match window {
            Window::Count(calls) => Ring::Count { size: calls as usize, calls: VecDeque::new() },
            Window::Time(seconds) => Ring::Time { seconds: i64::from(seconds), buckets: VecDeque::new() },
        };
        Self { total: Counts::default(), ring }
    }

    /// Counts a call that ended now.
    pub(super) fn record(&mut self, call: Call, now: Instant) {
        self.slide(now);
        self.total.add(call);
        match &mut self.ring {
            Ring::Count { size, calls } => {
                if calls.len() == *size
                    && let Some(oldest) = calls.pop_front()
                {
                    self.total.take(Counts::one(oldest));
                }
                calls.push_back(call);
            }
            Ring::Time { buckets, .. } => {
                let second = now.second();
                match buckets.back_mut() {
                    Some((newest, counts)) if *newest == second => counts.add(call),
                    _ => buckets.push_back((second, Counts::one(call))),
                }
            }
        }
    }

    /// What is in the window now.
    pub(super) fn counts(&mut self, now: Instant) -> Counts {
        self.slide(now);
        self.total
    }

    /// Lets go of the seconds that are over.
    fn slide(&mut self, now: Instant) {
        let Ring::Time { seconds, buckets } = &mut self.ring else { return };
        let first = now.second() - *seconds + 1;
        while let Some((_, counts)) = buckets.pop_front_if(|(second, _)| *second < first) {
            self.total.take(counts);
        }
    }
}
