//! A circuit breaker as an operator sees it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::settings::BreakerSettings;

/// What a circuit breaker does with calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// Lets all through.
    Closed,
    /// Lets none through until its time is over.
    Open,
    /// Lets a few through, to see.
    HalfOpen,
}

/// One change of state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Transition {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// From which state.
    pub from: State,
    /// To which.
    pub to: State,
    /// Why, in numbers.
    pub why: String,
}

/// A circuit breaker at one time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// What it stands in front of.
    pub name: String,
    /// What it does now. It half-opens when somebody calls, so one that nobody calls stays open.
    pub state: State,
    /// When it lets calls through again, where it is open.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub open_until: Option<Timestamp>,
    /// Its settings.
    pub settings: BreakerSettings,
    /// Calls in the window: the one that broke it, while it is open; the trials, while it is half open.
    pub calls: u32,
    /// How many of them failed.
    pub failures: u32,
    /// How many of them were slow.
    pub slow: u32,
    /// The share of them that failed, 0 to 1.
    pub failure_rate: f64,
    /// The share of them that was slow, 0 to 1.
    pub slow_rate: f64,
    /// Calls not let through since the start.
    pub not_permitted: u64,
    /// The last changes of state, oldest first, 20 at the most.
    pub transitions: Vec<Transition>,
}
