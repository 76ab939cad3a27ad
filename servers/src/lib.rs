//! Real PostgreSQL and NATS servers for tests, benchmarks and `cargo xtask up`.
//!
//! [`Programs`] finds the programs (or installs them), [`Postgres`] and [`Nats`] run them on 127.0.0.1,
//! [`Composition`] runs all of Baedal on them, a process for each replica of each service, and [`testing`] hands
//! suites what they need. A server lives no longer than the process that started it, however that process ends: see
//! `watchdog`.
//!
//! Nothing here is faked for speed: a PostgreSQL started here syncs what it commits.

mod authority;
mod clock;
mod composition;
mod folder;
mod install;
mod nats;
mod port;
mod postgres;
mod process;
mod programs;
mod server;
pub mod testing;
mod user;
mod watchdog;

pub use authority::{Authority, Certificate};
pub use clock::{Clocks, FAKETIME};
pub use composition::{CONTEXTS, Composition, GATEWAY, Plan, Replica, Running};
pub use nats::{Nats, NatsOptions};
pub use postgres::Postgres;
pub use programs::{Missing, NATS_SERVER, POSTGRES_BIN, Programs};
pub use watchdog::Watchdog;
