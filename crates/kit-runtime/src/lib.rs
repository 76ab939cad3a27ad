//! What runs a context on the ports of `baedal-kit`: commands decided and committed, events handled, jobs done,
//! replicas that share the work.
//!
//! - [`unit_of_work`]: one unit of work: load, decide, write, and hand all of it over as one commit;
//! - [`service`]: what a running context holds, and how it decides a command;
//! - [`consumer`]: policies and projections, which handle events and move a cursor with what they did;
//! - [`jobs`]: deadlines and calls to the outside, done when they are due;
//! - [`replicas`]: several processes of one context, sharing what there is to do;
//! - [`progress`]: how far each consumer has got: what readers of their own writes wait for;
//! - [`JournalBus`]: the bus of one process;
//! - [`lifecycle`]: starting and stopping;
//! - [`start()`]: all of it, for one context.

mod catching_up;
pub mod consumer;
pub mod jobs;
mod journal_bus;
pub mod lifecycle;
pub mod progress;
pub mod replicas;
pub mod service;
mod serving;
mod start;
pub mod unit_of_work;

pub use consumer::{Consumer, Projection};
pub use jobs::{JobHandler, Retry};
pub use journal_bus::JournalBus;
pub use service::Service;
pub use start::start;
pub use unit_of_work::{CommitHook, UnitOfWork};
