//! The vocabulary that all of the platform is written in, and the ports behind which databases and brokers are.
//!
//! It knows no database, no broker and no HTTP, and starts nothing. Read it in this order:
//!
//! - [`aggregate`]: a decision is a plain function from state and command to events;
//! - [`message`]: an event as it is recorded, and as it travels;
//! - [`database`]: the port; what must commit together is one [`database::Commit`];
//! - [`epochs`]: what tells a journal from another one with the same positions, after a restore;
//! - [`bus`]: the port to published events, read in order from their source;
//! - [`job`]: durable work for later;
//! - [`feeds`]: who is woken by which change;
//! - [`failure`]: what goes wrong, as opposed to what is refused;
//! - [`time`], [`ids`]: the ports to the clock and to chance;
//! - `scenario`: tests of decisions.
//!
//! What runs on it is `baedal-kit-runtime`; the way in over HTTP is `baedal-kit-http`.

pub mod aggregate;
pub mod authority;
pub mod bus;
pub mod database;
pub mod epochs;
pub mod failure;
pub mod feeds;
pub mod generation;
pub mod ids;
pub mod job;
pub mod message;
#[cfg(feature = "testing")]
pub mod scenario;
pub mod secret;
pub mod time;

pub use aggregate::{Aggregate, Named};
pub use bus::Bus;
pub use database::Database;
pub use failure::Failure;
pub use job::Job;
pub use message::{Cause, CauseKind, Envelope, Origin, Recorded};
