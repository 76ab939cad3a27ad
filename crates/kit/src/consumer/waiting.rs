//! Waiting: for something new to hear, and for what does not answer.

use std::time::Duration;

use futures::future::select_all;

use crate::{Failure, Service};

/// How long a consumer pauses at first when something it needs does not answer; the wait doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// How long it pauses at the most.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

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

    pub(super) async fn after(&mut self, failure: &Failure) {
        let (context, consumer, wait) = (self.context, self.consumer, self.next);
        tracing::warn!(context, consumer, ?wait, error = failure.story(), "a consumer pauses");
        self.next = (wait * 2).min(LONGEST_PAUSE);
        tokio::time::sleep(wait).await;
    }
}

/// The heads of the sources a consumer hears.
pub(super) struct Heads(Vec<tokio::sync::watch::Receiver<u64>>);

impl Heads {
    pub(super) fn new(service: &Service, sources: &[&str]) -> Self {
        Self(sources.iter().map(|source| service.bus().head(source)).collect())
    }

    pub(super) fn mark(&mut self) {
        self.0.iter_mut().for_each(tokio::sync::watch::Receiver::mark_unchanged);
    }

    /// Returns when any of them has moved since they were marked.
    pub(super) async fn changed(&mut self) {
        while !self.0.is_empty() {
            let (moved, ended, _) = select_all(self.0.iter_mut().map(|head| Box::pin(head.changed()))).await;
            if moved.is_ok() {
                return;
            }
            // That source has ended with whatever told it; the others may still tell.
            self.0.swap_remove(ended);
        }
        std::future::pending::<()>().await;
    }
}
