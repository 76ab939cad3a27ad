//! The runtime under every context: deciding, journal, cursors, views, jobs, and the way in over HTTP.
//!
//! It knows no database and no broker, and of the business only who asks: an account and its role, by their
//! names in the published language (`baedal-contracts`). Read it in this order:
//!
//! - [`aggregate`]: a decision is a plain function from state and command to events;
//! - [`database`]: the port; what must commit together is one [`database::Commit`];
//! - [`work`]: one unit of work: load, decide, write, and hand all of it over as one commit;
//! - [`epochs`]: what tells a journal from another one with the same positions, after a restore;
//! - [`bus`]: published events, read in order from their source;
//! - [`consumer`]: policies and projections, which hear events and move a cursor with what they did;
//! - [`replicas`]: several processes of one context, sharing what there is to hear;
//! - [`jobs`]: durable work for later: deadlines and calls to the outside;
//! - [`http`]: bodies, problems, callers, pages, live streams;
//! - [`service`]: what a running context holds in its hand.

pub mod aggregate;
pub mod breaker;
pub mod bus;
mod catching_up;
pub mod consumer;
pub mod database;
pub mod epochs;
pub mod failure;
pub mod feeds;
pub mod http;
pub mod ids;
pub mod jobs;
pub mod lifecycle;
pub mod message;
pub mod module;
pub mod progress;
pub mod replicas;
#[cfg(feature = "testing")]
pub mod scenario;
pub mod secret;
pub mod service;
mod serving;
pub mod time;
pub mod trace;
pub mod upstream;
pub mod work;

pub use aggregate::Aggregate;
pub use bus::Bus;
pub use consumer::{Consumer, Projection};
pub use database::Database;
pub use failure::Failure;
pub use jobs::{Job, JobHandler, Retry};
pub use message::{Cause, CauseKind, Envelope, Origin, Recorded};
pub use module::Module;
pub use service::Service;
pub use work::Work;
