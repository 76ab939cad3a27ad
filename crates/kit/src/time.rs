//! The clocks, passed in, so that tests can move them.
//!
//! There are two, and which one a rule goes by is part of the rule (`docs/time.md`):
//!
//! - **the wall clock** ([`Clock::now`]) is for what people see and for what outlives a process or is read by
//!   another one: deadlines that are kept, expiry of tokens, times in events. It may be set, in either direction,
//!   and two machines' may differ by minutes;
//! - **the monotonic clock** ([`Clock::monotonic`]) is for durations inside a process: time limits, pauses, rates.
//!   It only goes forward, at one pace, whatever is done to the wall clock, and means nothing to another process.

use std::ops::Add;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// A reading of a process's monotonic clock. There is no way to write it down: it means nothing to others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Instant(SignedDuration);

impl Instant {
    /// How long it has been since `earlier`; zero where that is not earlier.
    #[must_use]
    pub fn duration_since(self, earlier: Self) -> SignedDuration {
        self.0.saturating_sub(earlier.0).max(SignedDuration::ZERO)
    }

    /// The second that it lies in, counted from where the clock began.
    #[must_use]
    pub fn second(self) -> i64 {
        self.0.as_secs()
    }
}

impl Add<SignedDuration> for Instant {
    type Output = Self;

    /// So much later; the last instant there is, where it would lie beyond that.
    fn add(self, by: SignedDuration) -> Self {
        Self(self.0.saturating_add(by))
    }
}

/// Tells the time and waits for it.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Now, by the wall clock. Earlier readings may be later than this one.
    fn now(&self) -> Timestamp;

    /// Returns once the wall clock shows `at` or later, however it comes to show that.
    async fn sleep_until(&self, at: Timestamp);

    /// Now, by the monotonic clock. Earlier readings are never later.
    fn monotonic(&self) -> Instant;

    /// Returns once the monotonic clock shows `at` or later.
    async fn sleep_until_instant(&self, at: Instant);
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// Where the monotonic clock begins.
static BEGINNING: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port that everybody else asks")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.duration_since(self.now());
            if left <= SignedDuration::ZERO {
                return;
            }
            // The wall clock may be set while we sleep, so no sleep is longer than a minute.
            tokio::time::sleep(left.unsigned_abs().min(Duration::from_secs(60))).await;
        }
    }

    fn monotonic(&self) -> Instant {
        Instant(SignedDuration::try_from(BEGINNING.elapsed()).unwrap_or(SignedDuration::MAX))
    }

    async fn sleep_until_instant(&self, at: Instant) {
        loop {
            let left = at.duration_since(self.monotonic());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.unsigned_abs()).await;
        }
    }
}

/// Clocks that stand still until they are moved. Sleepers wake when theirs passes their time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    shown: Arc<watch::Sender<Shown>>,
    /// How far this wall clock is ahead of the one that is shared.
    ahead: SignedDuration,
}

#[derive(Clone, Copy, Debug)]
struct Shown {
    wall: Timestamp,
    monotonic: Instant,
}

impl ManualClock {
    /// A wall clock that stands at `now`, and a monotonic one that has just begun.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        let shown = Shown { wall: now, monotonic: Instant::default() };
        Self { shown: Arc::new(watch::Sender::new(shown)), ahead: SignedDuration::ZERO }
    }

    /// The clocks of another machine: they move together with these, but its wall clock is ahead by so much, or
    /// behind where that is negative.
    #[must_use]
    pub fn ahead_by(&self, by: SignedDuration) -> Self {
        Self { shown: Arc::clone(&self.shown), ahead: self.ahead + by }
    }

    /// Lets time pass.
    ///
    /// # Panics
    /// Where it should run backwards; see [`ManualClock::step`].
    pub fn advance(&self, by: SignedDuration) {
        assert!(!by.is_negative(), "time passes in one direction");
        self.shown.send_modify(|shown| {
            shown.wall += by;
            shown.monotonic = shown.monotonic + by;
        });
    }

    /// Sets the wall clock forward, or back where `by` is negative. No time passes.
    pub fn step(&self, by: SignedDuration) {
        self.shown.send_modify(|shown| shown.wall += by);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.shown.borrow().wall + self.ahead
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut shown = self.shown.subscribe();
        // The sender lives in `self`, so the wait can only end by the time having come.
        let _ = shown.wait_for(|shown| shown.wall + self.ahead >= at).await;
    }

    fn monotonic(&self) -> Instant {
        self.shown.borrow().monotonic
    }

    async fn sleep_until_instant(&self, at: Instant) {
        let mut shown = self.shown.subscribe();
        let _ = shown.wait_for(|shown| shown.monotonic >= at).await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::scenario::NOON;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);
    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    #[test]
    fn a_step_moves_the_wall_clock_alone_and_those_who_sleep_by_it() {
        let clock = ManualClock::at(NOON);
        let then = clock.monotonic() + MINUTE;
        clock.step(-HOUR);
        assert_eq!((clock.now(), clock.monotonic()), (NOON - HOUR, Instant::default()));
        clock.advance(MINUTE);
        assert!(clock.sleep_until_instant(then).now_or_never().is_some(), "a minute has passed");
        assert!(clock.sleep_until(NOON + MINUTE).now_or_never().is_none(), "the wall clock shows eleven");
        clock.step(HOUR);
        assert!(clock.sleep_until(NOON + MINUTE).now_or_never().is_some());
        clock.step(HOUR);
        assert_eq!(clock.monotonic().duration_since(Instant::default()), MINUTE);
    }

    #[tokio::test]
    async fn who_sleeps_by_the_wall_clock_wakes_when_it_is_set_beyond_its_time_not_when_it_is_set_back() {
        let clock = ManualClock::at(NOON);
        let sleeper = clock.clone();
        let mut asleep = tokio::spawn(async move { sleeper.sleep_until(NOON + MINUTE).await });
        clock.step(-HOUR);
        clock.advance(MINUTE);
        tokio::task::yield_now().await;
        assert!((&mut asleep).now_or_never().is_none());
        clock.step(2 * HOUR);
        asleep.await.unwrap();
    }

    #[test]
    fn clocks_of_two_machines_go_at_one_pace_and_differ_by_what_was_set() {
        let one = ManualClock::at(NOON);
        let other = one.ahead_by(-5 * MINUTE);
        one.advance(MINUTE);
        assert_eq!((one.now(), other.now()), (NOON + MINUTE, NOON - 4 * MINUTE));
        assert_eq!(one.monotonic(), other.monotonic());
        assert!(other.sleep_until(NOON).now_or_never().is_none());
        assert!(one.sleep_until(NOON).now_or_never().is_some());
    }

    #[test]
    fn instants_saturate_instead_of_wrapping() {
        let (beginning, end) = (Instant::default(), Instant::default() + SignedDuration::MAX);
        assert_eq!(end + HOUR, end);
        assert_eq!(beginning.duration_since(end), SignedDuration::ZERO);
    }

    #[tokio::test]
    async fn the_machines_monotonic_clock_goes_forward() {
        let clock = SystemClock;
        let later = clock.monotonic() + SignedDuration::from_millis(1);
        clock.sleep_until_instant(later).await;
        assert!(clock.monotonic() >= later);
    }
}
