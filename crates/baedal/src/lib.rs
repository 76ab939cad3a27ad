//! The one program: command line, settings, and the composition of all contexts.
//!
//! Only this crate chooses: SQLite as the database, the journal itself as the bus, the built-in providers.
//! A context sees ports.
//!
//! - [`cli`]: what may be typed;
//! - [`settings`]: defaults, then a file, then the environment, then the command line;
//! - [`folder`]: the data folder, and that it is ours alone;
//! - [`platform`]: all contexts in one process, started and stopped in order;
//! - [`server`]: the socket;
//! - [`serve`]: the platform, until it is told to stop;
//! - [`telemetry`]: logs and metrics;
//! - [`demo`]: the platform with a simulated town on it;
//! - [`operator`]: the first operator.

pub mod cli;
pub mod demo;
pub mod folder;
pub mod operator;
pub mod platform;
pub mod serve;
pub mod server;
pub mod settings;
pub mod telemetry;
