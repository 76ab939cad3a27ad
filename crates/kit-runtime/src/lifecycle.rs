//! Starting and stopping: what runs is tracked, and stops in order when told.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The life of this process. Cloning shares it.
///
/// Stopping has two steps: first [`Lifecycle::drain`], when readiness goes down and live streams end
/// while requests in flight finish; then [`Lifecycle::stop`], when the background work ends.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    draining: CancellationToken,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// Runs background work until it ends or is told to stop.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Runs work that must come to its own end, such as a call that may have taken money.
    pub fn spawn_to_its_end(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    /// Counts as background work for as long as it is kept.
    pub(crate) fn token(&self) -> TaskTrackerToken {
        self.tasks.token()
    }

    /// Takes no new work: readiness goes down, live streams end.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Whether new work is no longer taken.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Returns when new work is no longer taken.
    pub async fn draining(&self) {
        self.draining.cancelled().await;
    }

    /// Returns when the background work is to end.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Ends the background work and waits for it, for `limit` at the most.
    pub async fn stop(&self, limit: Duration) {
        self.draining.cancel();
        self.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "background work did not end in time and is cut off");
        }
    }
}
