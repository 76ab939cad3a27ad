//! The circuit breaker: stops calling what does not answer well, and tries it again by itself.
//!
//! ```text
//!              rate of failures or of slow calls too high
//!     closed ──────────────────────────────────────────────▶ open ◀─┐
//!       ▲                                                     │      │ the trials went badly:
//!       │ the trials went well            `open_for` is over, │      │ twice as long as before,
//!       │                                 and somebody calls  ▼      │ `open_for_most` at the most
//!       └──────────────────────────────────────────────── half open ─┘
//! ```
//!
//! The rules are those of Resilience4j (<https://resilience4j.readme.io/docs/circuitbreaker>): a sliding
//! window of the last calls or the last seconds, judged after every call once it holds `minimum_calls`;
//! rates that reach their threshold open it; it half-opens at the first call after its time, not by a
//! timer; exactly `half_open_calls` trials are let through, and together they decide. Two rules differ:
//!
//! - a call that was let through in one state and ends in another is not counted (there, a call from
//!   before the break is counted as a trial);
//! - each time that the trials fail, it stays open twice as long (there, that is an option).
//!
//! All of it goes by the monotonic clock. The wall clock, which may be set, is only shown.

mod rules;
mod settings;
mod snapshot;
#[cfg(test)]
mod tests;
mod window;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

pub use self::settings::{BreakerSettings, Window};
pub use self::snapshot::{Snapshot, State, Transition};

use self::rules::{Now, Pass, Rules};
use self::window::Call;
use baedal_kit::time::{Clock, Instant};

/// A circuit breaker in front of one thing that is called. Cloning shares it.
#[derive(Clone)]
pub struct Breaker {
    inner: Arc<Inner>,
}

struct Inner {
    name: &'static str,
    clock: Arc<dyn Clock>,
    rules: Mutex<Rules>,
}

/// The breaker lets nobody through now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the circuit breaker is open; try again in {retry_after:?}")]
pub struct Open {
    /// When it is worth trying again.
    pub retry_after: Duration,
}

/// The right to make one call. Say how it went with [`Permit::success`] or [`Permit::failure`]; a permit
/// that is dropped gives its place back, and the call is not counted.
#[must_use = "dropping a permit means that no call was made"]
pub struct Permit {
    breaker: Breaker,
    pass: Pass,
    begun: Instant,
    open: bool,
}

impl Breaker {
    /// A closed breaker. `name` names what is called, in numbers and logs.
    #[must_use]
    pub fn new(name: &'static str, settings: BreakerSettings, clock: Arc<dyn Clock>) -> Self {
        let breaker = Self { inner: Arc::new(Inner { name, clock, rules: Mutex::new(Rules::new(settings)) }) };
        breaker.show(State::Closed);
        breaker
    }

    /// Asks to make a call.
    ///
    /// # Errors
    /// [`Open`], where none is to be made now.
    pub fn try_acquire(&self) -> Result<Permit, Open> {
        let now = self.now();
        let (asked, moved) = {
            let mut rules = self.rules();
            let seen = rules.moves();
            (rules.ask(now), rules.moved_since(seen))
        };
        self.tell(moved);
        match asked {
            Ok(pass) => Ok(Permit { breaker: self.clone(), pass, begun: now.instant, open: true }),
            Err(wait) => {
                self.count("not_permitted");
                Err(Open { retry_after: wait.unsigned_abs() })
            }
        }
    }

    /// Whether somebody who asked now would be let through, as far as that is a matter of time: an open breaker lets
    /// the next one through when its time is over, also where nobody has asked since.
    #[must_use]
    pub fn lets_through(&self) -> bool {
        let now = self.now();
        self.rules().lets_through(now)
    }

    /// How it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let now = self.now();
        self.rules().snapshot(self.inner.name, now)
    }

    fn end(&self, pass: Pass, begun: Instant, failed: bool) {
        let now = self.now();
        let took = now.instant.duration_since(begun);
        let (slow, moved) = {
            let mut rules = self.rules();
            let call = Call { failed, slow: took > rules.settings().slow_call };
            let seen = rules.moves();
            rules.end(pass, call, now);
            (call.slow, rules.moved_since(seen))
        };
        self.tell(moved);
        self.count(if failed { "failure" } else { "success" });
        if slow {
            metrics::counter!("baedal_breaker_slow_calls_total", "breaker" => self.inner.name).increment(1);
        }
    }

    fn now(&self) -> Now {
        Now { instant: self.inner.clock.monotonic(), shown: self.inner.clock.now() }
    }

    /// Tells about a transition, once the lock is released.
    fn tell(&self, moved: Option<Transition>) {
        if let Some(Transition { from, to, why, .. }) = moved {
            tracing::warn!(breaker = self.inner.name, %from, %to, why, "a circuit breaker changed");
            self.show(to);
        }
    }

    /// The state as a number: 0 closed, 1 half open, 2 open.
    fn show(&self, state: State) {
        let number = match state {
            State::Closed => 0.0,
            State::HalfOpen => 1.0,
            State::Open => 2.0,
        };
        metrics::gauge!("baedal_breaker_state", "breaker" => self.inner.name).set(number);
    }

    fn count(&self, outcome: &'static str) {
        metrics::counter!("baedal_breaker_calls_total", "breaker" => self.inner.name, "outcome" => outcome)
            .increment(1);
    }

    /// Held for a few additions only, never across an await.
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.inner.rules.lock()
    }
}

impl Permit {
    /// The call was answered as it should be.
    pub fn success(mut self) {
        self.open = false;
        self.breaker.end(self.pass, self.begun, false);
    }

    /// The call failed, or was not answered in time.
    pub fn failure(mut self) {
        self.open = false;
        self.breaker.end(self.pass, self.begun, true);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.open {
            self.breaker.rules().give_back(self.pass);
        }
    }
}
