//! The one program: command line, settings, and the composition of all contexts.
//!
//! Only this crate chooses: SQLite or PostgreSQL as the database, the journal itself or NATS as the bus, a
//! router or an address as another context's interface. A context sees ports.
//!
//! - [`cli`]: what may be typed;
//! - [`settings`]: defaults, then a file, then the environment, then the command line;
//! - [`folder`]: the data folder, and that it is ours alone;
//! - [`roles`]: what a process runs: everything, some contexts, the gateway;
//! - [`platform`]: the process, started and stopped in order;
//! - `house`: the contexts of this process; `peers`: those that run elsewhere; `callers`: who may ask
//!   what of whom;
//! - `doorway`: what answers before the process is open;
//! - [`server`]: the socket;
//! - [`serve`]: the platform, until it is told to stop;
//! - [`telemetry`]: logs and metrics;
//! - [`demo`]: the platform with a simulated town on it;
//! - [`operator`]: the first operator, and the key that replicas sign with;
//! - [`consumers`]: how far contexts have heard each other, and setting that after a restore.

mod callers;
pub mod cli;
pub mod consumers;
pub mod demo;
mod doorway;
pub mod folder;
mod house;
pub mod operator;
mod peers;
pub mod platform;
pub mod roles;
pub mod serve;
pub mod server;
pub mod settings;
pub mod telemetry;
