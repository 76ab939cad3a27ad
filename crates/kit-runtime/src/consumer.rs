//! Hearing events: policies and projections, in batches, each event's effect exactly once.
//!
//! A consumer's cursor moves in the same commit as what it did about the events, so an event at or below
//! the cursor has had its effect and one above it has not, or needed none: events that a consumer does
//! nothing about move its cursor only when there is something else to commit, or when there are many. A
//! batch that fails is taken apart: each event then commits alone, and one that still fails becomes a job
//! that tries again and, in the end, a dead letter in the open, while the events behind it go on.
//!
//! - `runner`: one consumer's hearing: read, hear, commit;
//! - `rebuild`: a projection's views, built anew beside the ones in use;
//! - `memory`: what a projection wrote last, so that it need not read it back;
//! - `aside`: events that could not be handled, to be heard again;
//! - `divergence`: consumers that have heard what is no more, since their source was restored;
//! - [`kept`]: the cursors of a context as they are kept, and setting them where a person has said;
//! - `waiting`: for something new, and for what does not answer.

mod divergence;
mod document_cache;
pub mod kept;
mod parked;
mod rebuild;
mod runner;
mod waiting;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use baedal_kit::Failure;
use baedal_kit::message::Envelope;

use crate::{Service, UnitOfWork};

pub(crate) use divergence::Divergences;
pub use divergence::{Divergence, remedy};
pub(crate) use document_cache::DocumentCache;
pub use parked::RetryParked;
pub(crate) use parked::none_parked;
pub(crate) use rebuild::GENERATIONS;
pub use rebuild::{request_rebuild, restore_generations, run_projection};

use runner::ConsumerRunner;
use waiting::{Heads, Pause};

/// Hears other contexts' events and does something about them.
#[async_trait]
pub trait Consumer: Send + Sync + 'static {
    /// Its name, which its cursors are kept under. Changing it makes it hear everything again.
    fn name(&self) -> &'static str;

    /// The contexts it hears.
    fn sources(&self) -> &'static [&'static str];

    /// How long it waits when something new came, so that what comes close together is heard, and committed,
    /// together. Nothing where somebody waits for what it does.
    fn linger(&self) -> Duration {
        Duration::ZERO
    }

    /// Puts what is to be done about an event into `work`. It may be called again for the same event
    /// when its work could not be committed.
    async fn handle(&self, event: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure>;
}

/// A consumer that does nothing but write views, and can therefore be run again from the beginning.
pub trait Projection: Consumer {
    /// The views it writes. Nobody else does.
    fn views(&self) -> &'static [&'static str];

    /// Whether all events that a document is made of are of one shard, so that one replica writes it and may
    /// remember it. Where several write the same document, remembering it would only make them collide.
    fn remembers(&self) -> bool {
        false
    }
}

/// Lets a policy hear for ever.
pub fn run_policy(service: Service, policy: Arc<dyn Consumer>) -> impl Future<Output = ()> + Send {
    service.progress().follows(policy.name(), policy.sources());
    service.catching_up().follows((policy.name(), policy.sources()));
    async move {
        let mut heads = Heads::new(&service, policy.sources());
        let mut pause = Pause::new(&service, policy.name());
        let mut runner = ConsumerRunner::new(&service, policy, 0);
        loop {
            heads.mark();
            match runner.handle_batch().await {
                Ok(true) => {
                    pause.over();
                    runner.linger().await;
                }
                Ok(false) => {
                    pause.over();
                    heads.changed().await;
                    runner.linger().await;
                }
                Err(failure) => pause.after(&failure, &mut heads).await,
            }
        }
    }
}
