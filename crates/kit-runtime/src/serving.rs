//! Since when, without a break, a context has been there to be asked.
//!
//! A deadline that waits for a person counts only time in which that person could act: while no process of a context
//! runs, or none reaches the database, nobody can. When the first is back, all that wait get a little more time.
//!
//! One process looks at itself: a second that took much longer was not one in which anybody was served. Replicas look
//! at one another as well ([`crate::replicas`]): what one was away for, another may have been there for.

use std::time::Duration;

use baedal_kit::Failure;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use crate::Service;

/// How often we look whether we are here.
const LOOK: Duration = Duration::from_secs(1);
/// Who has not looked for so long was not here.
pub(crate) const GAP: Duration = Duration::from_secs(3);
/// How long is waited for an answer, at the most: longer than it takes to see that nobody else was here.
const PATIENCE: Duration = Duration::from_secs(6);

/// What is known of it.
pub(crate) struct Serving {
    since: watch::Sender<Option<Since>>,
}

#[derive(Clone, Copy)]
struct Since {
    at: Timestamp,
    /// When it was looked at last; `None` where nobody looks, because nothing was started.
    looked: Option<Instant>,
}

impl Since {
    fn is_current(&self) -> bool {
        self.looked.is_none_or(|looked| looked.elapsed() < GAP)
    }
}

impl Serving {
    /// Since then, or nobody knows yet.
    pub(crate) fn new(since: Option<Timestamp>) -> Self {
        Self { since: watch::Sender::new(since.map(|at| Since { at, looked: None })) }
    }

    /// It is so now.
    pub(crate) fn is_since(&self, at: Timestamp) {
        self.since.send_replace(Some(Since { at, looked: Some(Instant::now()) }));
    }

    /// Nobody is served now, as far as we know.
    pub(crate) fn is_not(&self) {
        self.since.send_replace(None);
    }

    fn known(&self) -> Option<Timestamp> {
        self.since.borrow().filter(Since::is_current).map(|since| since.at)
    }
}

impl Service {
    /// Since when, without a break, some process of this context has been there to be asked, and its database with it.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where that cannot be said now.
    pub async fn serving_since(&self) -> Result<Timestamp, Failure> {
        let mut since = self.serving().since.subscribe();
        let known = since.wait_for(|since| since.as_ref().is_some_and(Since::is_current));
        match tokio::time::timeout(PATIENCE, known).await {
            Ok(Ok(known)) => known.map(|since| since.at).ok_or_else(unknown),
            Ok(Err(_)) | Err(_) => Err(unknown()),
        }
    }
}

fn unknown() -> Failure {
    Failure::unavailable("since when we have been here", "nobody could tell in time")
}

/// Looks at ourselves for as long as the process lives, where there is but one.
pub(crate) async fn watch(service: Service) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Instant::now();
    loop {
        looks.tick().await;
        let known = service.serving().known().filter(|_| last.elapsed() < GAP);
        last = Instant::now();
        match known {
            Some(at) => service.serving().is_since(at),
            None if service.database().ping().await.is_ok() => service.serving().is_since(service.clock().now()),
            None => {}
        }
    }
}
