//! When a circuit breaker opens, and for how long.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which calls are judged together. Both slide: with every call, or every second, the oldest go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// The last so many calls.
    Count(u32),
    /// The calls of the last so many seconds, the running one included.
    Time(u32),
}

/// A circuit breaker's settings.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerSettings {
    /// Which calls are judged together.
    pub window: Window,
    /// How many calls must be in the window before they are judged; never more than it can hold.
    pub minimum_calls: u32,
    /// It opens when this share of the calls failed, 0 to 1.
    pub failure_rate: f64,
    /// A call that takes longer is slow, however it ends.
    #[schema(value_type = String, example = "PT1S")]
    pub slow_call: SignedDuration,
    /// It opens when this share of the calls was slow, 0 to 1.
    pub slow_rate: f64,
    /// How long it stays open the first time; twice as long after each round of trials that failed.
    #[schema(value_type = String, example = "PT5S")]
    pub open_for: SignedDuration,
    /// How long it stays open at the most.
    #[schema(value_type = String, example = "PT1M")]
    pub open_for_most: SignedDuration,
    /// How many trials are let through when it is half open; all of them together decide.
    pub half_open_calls: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            window: Window::Count(20),
            minimum_calls: 10,
            failure_rate: 0.5,
            slow_call: SignedDuration::from_secs(1),
            slow_rate: 0.8,
            open_for: SignedDuration::from_secs(5),
            open_for_most: SignedDuration::from_secs(60),
            half_open_calls: 3,
        }
    }
}

impl BreakerSettings {
    /// The same, with what must not be zero at least one.
    pub(super) fn sound(mut self) -> Self {
        self.window = match self.window {
            Window::Count(calls) => Window::Count(calls.max(1)),
            Window::Time(seconds) => Window::Time(seconds.max(1)),
        };
        if let Window::Count(calls) = self.window {
            self.minimum_calls = self.minimum_calls.min(calls);
        }
        self.minimum_calls = self.minimum_calls.max(1);
        self.half_open_calls = self.half_open_calls.max(1);
        self.open_for = self.open_for.max(SignedDuration::ZERO);
        self.open_for_most = self.open_for_most.max(self.open_for);
        self
    }

    /// How long it stays open after this many rounds of trials have failed in a row.
    pub(super) fn open_after(&self, failed_rounds: u32) -> SignedDuration {
        let doubled = self.open_for.checked_mul(1 << failed_rounds.min(20)).unwrap_or(self.open_for_most);
        doubled.min(self.open_for_most)
    }
}
