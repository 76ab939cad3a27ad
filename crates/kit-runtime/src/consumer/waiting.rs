//! Waiting: for something new to hear, and for what does not answer.

use std::sync::Arc;
use std::time::Duration;

use baedal_kit::Failure;
use baedal_kit::epochs::Epochs;
use futures::future::select_all;
use tokio::sync::watch;

use crate::Service;
use crate::replicas::ShardAssignment;

/// How long a consumer pauses at first when something it needs does not answer; the wait doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// How long it pauses at the most.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The waits of a consumer while something it needs does not answer: longer each time, and each told.
pub(super) struct Pause {
    context: &'static str,
    consumer: &'static str,
    next: Duration,
}

impl Pause {
    pub(super) fn new(service: &Service, consumer: &'static str) -> Self {
        Self { context: service.name(), consumer, next: FIRST_PAUSE }
    }

    pub(super) fn over(&mut self) {
        self.next = FIRST_PAUSE;
    }

    /// Waits, or until there is something new to hear.
    pub(super) async fn after(&mut self, failure: &Failure, heads: &mut Heads) {
        let (context, consumer, wait) = (self.context, self.consumer, self.next);
        // What only a person can end was said when it began, and is said where somebody asks whether we are ready.
        if matches!(failure, Failure::Diverged { .. }) {
            tracing::debug!(context, consumer, ?wait, error = failure.report(), "a consumer pauses");
        } else {
            tracing::warn!(context, consumer, ?wait, error = failure.report(), "a consumer pauses");
        }
        self.next = (wait * 2).min(LONGEST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = heads.changed() => tokio::time::sleep(FIRST_PAUSE.min(wait)).await,
        }
    }
}

/// The heads of the sources a consumer hears, and the share of them that is its to hear.
pub(super) struct Heads {
    heads: Vec<watch::Receiver<u64>>,
    share: watch::Receiver<ShardAssignment>,
    /// Of our own database.
    epochs: watch::Receiver<Arc<Epochs>>,
}

impl Heads {
    pub(super) fn new(service: &Service, sources: &[&str]) -> Self {
        let heads = sources.iter().map(|source| service.bus().head(source)).collect();
        Self { heads, share: service.share(), epochs: service.database().epochs() }
    }

    pub(super) fn mark(&mut self) {
        self.heads.iter_mut().for_each(watch::Receiver::mark_unchanged);
        self.share.mark_unchanged();
        self.epochs.mark_unchanged();
    }

    /// Returns when any of them has moved since they were marked.
    pub(super) async fn changed(&mut self) {
        let Self { heads, share, epochs } = self;
        let moved = async {
            while !heads.is_empty() {
                let (moved, ended, _) = select_all(heads.iter_mut().map(|head| Box::pin(head.changed()))).await;
                if moved.is_ok() {
                    return;
                }
                // That source has ended with whatever told it; the others may still tell.
                heads.swap_remove(ended);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = moved => {}
            Ok(()) = share.changed() => {}
            Ok(()) = epochs.changed() => {}
        }
    }
}
