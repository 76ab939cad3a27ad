//! So many calls of a kind at once, and no more.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The lines of a kind.
pub(super) struct Lines {
    free: Arc<Semaphore>,
    /// How soon after one another they become free, at the worst.
    pace: SignedDuration,
    most_wait: SignedDuration,
    /// When the turn comes of whoever was sent away last.
    last_turn: Mutex<Timestamp>,
}

/// None is free.
pub(super) struct Full<'l>(&'l Lines);

impl Lines {
    /// So many, each of which may be taken for so long.
    pub(super) fn new(count: u32, longest_call: SignedDuration, most_wait: SignedDuration) -> Self {
        let count = count.max(1);
        Self {
            free: Arc::new(Semaphore::new(count as usize)),
            pace: longest_call / i32::try_from(count).unwrap_or(i32::MAX),
            most_wait,
            last_turn: Mutex::new(Timestamp::MIN),
        }
    }

    /// One of them, until it is dropped.
    pub(super) fn take(&self) -> Result<OwnedSemaphorePermit, Full<'_>> {
        Arc::clone(&self.free).try_acquire_owned().map_err(|_| Full(self))
    }
}

impl Full<'_> {
    /// When to come again: one after the other, as the lines become free at the worst, so that however many wait,
    /// they do not all ask all the time.
    pub(super) fn turn_comes_at(&self, now: Timestamp) -> Timestamp {
        let Self(lines) = self;
        let mut last = lines.last_turn.lock();
        let latest = now.saturating_add(lines.most_wait).unwrap_or(Timestamp::MAX);
        // A clock that was set back does not make anybody wait for longer.
        let turn = (*last).clamp(now, latest).saturating_add(lines.pace).unwrap_or(latest).min(latest);
        *last = turn;
        turn
    }
}

#[cfg(test)]
mod tests {
    use baedal_kit::scenario::NOON;

    use super::*;

    #[test]
    fn who_finds_no_line_comes_again_one_after_the_other_and_never_too_late() {
        let second = SignedDuration::from_secs(1);
        let lines = Lines::new(2, second * 4, second * 5);
        let (one, other) = (lines.take().ok(), lines.take().ok());
        assert!(one.is_some() && other.is_some());
        let turn = |now| lines.take().err().map(|full| full.turn_comes_at(now));
        assert_eq!(turn(NOON), Some(NOON + second * 2));
        assert_eq!(turn(NOON), Some(NOON + second * 4));
        assert_eq!(turn(NOON), Some(NOON + second * 5), "not later");
        let an_hour_before = NOON - SignedDuration::from_hours(1);
        assert_eq!(turn(an_hour_before), Some(an_hour_before + second * 5), "a clock that was set back");
        drop(one);
        assert!(lines.take().is_ok());
    }
}
