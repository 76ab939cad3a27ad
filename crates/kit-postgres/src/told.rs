//! Who is told what after a commit: those who wait in this process, and the other replicas.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use baedal_kit::epochs::Epochs;
use baedal_kit::feeds::Feeds;
use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, broadcast, watch};

use crate::words::Concerned;

/// With more feeds than this to tell of, everybody is woken instead.
const MOST_FEEDS: usize = 4096;
/// How many sayings of others may wait to be heard, and of ours to be said.
const MOST_SAID: usize = 1024;

pub(crate) struct Told {
    pub(crate) head: watch::Sender<u64>,
    /// Of our journal.
    pub(crate) epochs: watch::Sender<Arc<Epochs>>,
    pub(crate) jobs_changed: watch::Sender<u64>,
    /// When the next job is due that whoever does them here knows of: what is due later need not be told.
    soonest: Mutex<Timestamp>,
    pub(crate) feeds: Feeds,
    /// What other replicas said.
    pub(crate) heard: broadcast::Sender<Arc<str>>,
    /// Whether there may be other replicas. Where there are none, nothing is told to them.
    others: AtomicBool,
    news: Mutex<News>,
    any: Notify,
}

/// What other replicas are to be told.
#[derive(Default)]
pub(crate) struct News {
    pub(crate) moved: bool,
    pub(crate) jobs: bool,
    pub(crate) feeds: Concerned,
    pub(crate) said: Vec<String>,
}

impl News {
    fn is_empty(&self) -> bool {
        !self.moved && !self.jobs && self.feeds.is_nobody() && self.said.is_empty()
    }
}

impl Told {
    pub(crate) fn new() -> Self {
        Self {
            head: watch::Sender::new(0),
            epochs: watch::Sender::default(),
            jobs_changed: watch::Sender::new(0),
            soonest: Mutex::new(Timestamp::MAX),
            feeds: Feeds::default(),
            heard: broadcast::Sender::new(MOST_SAID),
            others: AtomicBool::new(true),
            news: Mutex::default(),
            any: Notify::new(),
        }
    }

    /// Something was committed here.
    pub(crate) fn committed(
        &self,
        position: u64,
        earliest_job: Option<Timestamp>,
        feeds: impl Iterator<Item = u64> + Clone,
    ) {
        let moved = self.wake_head(position);
        if earliest_job.is_some_and(|due| due < self.soonest()) {
            self.wake_jobs();
        }
        if self.feeds.watched() > 0 {
            self.feeds.wake_hashed(feeds.clone());
        }
        if self.others.load(Ordering::Relaxed) {
            let mut news = self.news();
            news.moved |= moved;
            news.feeds.add(feeds, MOST_FEEDS);
            self.announce(&news);
        }
    }

    /// Something is to be said to the others.
    pub(crate) fn say(&self, said: String) {
        if self.others.load(Ordering::Relaxed) {
            let mut news = self.news();
            // It may get lost, and does where nobody can be reached.
            if news.said.len() < MOST_SAID {
                news.said.push(said);
            }
            self.announce(&news);
        }
    }

    /// The journal has got so far. Whether that is news.
    pub(crate) fn wake_head(&self, position: u64) -> bool {
        self.head.send_if_modified(|head| std::mem::replace(head, position.max(*head)) < position)
    }

    /// The journal has these epochs now, and goes so far. Where it is not the one that we knew, that may be less far.
    pub(crate) fn know_epochs(&self, epochs: Arc<Epochs>, head: u64) {
        let before = self.epochs.send_replace(Arc::clone(&epochs));
        if before.common(&epochs) < *self.head.borrow() {
            self.head.send_replace(head);
        } else {
            self.wake_head(head);
        }
        if !before.is_empty() {
            // What was known of anything else may be wrong as well.
            self.feeds.wake_all();
            self.look_at_jobs();
            self.wake_jobs();
        }
    }

    /// When the next job is due is being looked up: whatever is scheduled meanwhile may be earlier.
    pub(crate) fn look_at_jobs(&self) {
        *self.soonest.lock() = Timestamp::MAX;
    }

    /// Whoever does the jobs knows of this one now, and looks again when it is due.
    pub(crate) fn know_job(&self, due: Option<Timestamp>) {
        *self.soonest.lock() = due.unwrap_or(Timestamp::MAX);
    }

    fn soonest(&self) -> Timestamp {
        *self.soonest.lock()
    }

    /// Something may be due earlier.
    pub(crate) fn wake_jobs(&self) {
        self.jobs_changed.send_modify(|count| *count += 1);
    }

    /// Whether there may be other replicas.
    pub(crate) fn set_others(&self, others: bool) {
        self.others.store(others, Ordering::Relaxed);
    }

    /// Takes what is to be told.
    pub(crate) fn take_news(&self) -> News {
        std::mem::take(&mut *self.news())
    }

    /// Returns once there is something to be told.
    pub(crate) async fn any_news(&self) {
        while self.news().is_empty() {
            self.any.notified().await;
        }
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock()
    }

    fn announce(&self, news: &News) {
        if !news.is_empty() {
            self.any.notify_one();
        }
    }
}

impl Concerned {
    /// Also these; everybody where they get too many.
    fn add(&mut self, feeds: impl Iterator<Item = u64>, most: usize) {
        if let Self::These(known) = self {
            known.extend(feeds);
            if known.len() > most {
                *self = Self::Everybody;
            }
        }
    }

    fn is_nobody(&self) -> bool {
        matches!(self, Self::These(these) if these.is_empty())
    }
}

impl Default for Concerned {
    fn default() -> Self {
        Self::These(HashSet::new())
    }
}
