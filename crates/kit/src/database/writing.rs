//! Whether a database can be written, for backends to answer [`Database::ping`](super::Database::ping) with.
//!
//! A database may answer every question and take nothing: its disk is full, or it has become read-only. So a backend
//! notes here what became of its commits. Where nothing was committed of late, and until it can be written again, a
//! small write of our own tells, one at a time and never one for each who asks.
//!
//! ```text
//!              a commit failed, or the probe
//!   unknown ────────────────────────────────▶ failed ◀─┐ another probe after `AGAIN`
//!      │ the probe went well                    │  └────┘
//!      ▼                                        │ the probe went well
//!    well ◀─────────────────────────────────────┘   (a commit that goes well may only have been smaller)
//!      └─▶ unknown, when nothing was committed for `QUIET`
//! ```

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::future::{BoxFuture, Either, Shared, select};
use jiff::SignedDuration;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use super::{Commit, Outcome, Write};
use crate::Failure;
use crate::time::{Clock, Instant, SystemClock};

/// After this long without a commit, what is known is not worth much.
const QUIET: SignedDuration = SignedDuration::from_secs(5);
/// How soon after a failure it is tried again.
const AGAIN: SignedDuration = SignedDuration::from_secs(1);
/// How much the probe writes, in bytes: several pages of any database, so that it needs room as commits do.
const PROBE_BYTES: usize = 32 * 1024;
/// The view that the probe writes.
const PROBES: &str = "write_probes";

/// What is known of a database's writes. Cloning shares it.
#[derive(Clone)]
pub struct Writing {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Arc<dyn Clock>,
    known: watch::Sender<Known>,
    /// The probe under way. Those who ask for it drive it.
    probing: Mutex<Option<Probing>>,
    /// Which of the two documents the next probe writes.
    turn: AtomicBool,
}

#[derive(Clone, Debug)]
enum Known {
    Unknown,
    Well { since: Instant },
    Failed { since: Instant, why: String },
}

/// What became of a probe.
pub type Probed = BoxFuture<'static, Result<Outcome, Failure>>;

/// A probe under way, and what is wrong, where something is.
type Probing = Shared<BoxFuture<'static, Result<(), String>>>;

impl Default for Writing {
    fn default() -> Self {
        Self::by(Arc::new(SystemClock))
    }
}

impl Writing {
    fn by(clock: Arc<dyn Clock>) -> Self {
        let inner = Inner {
            clock,
            known: watch::Sender::new(Known::Unknown),
            probing: Mutex::default(),
            turn: AtomicBool::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Something was committed.
    pub fn went_well(&self) {
        // One that failed before is only believed to be well after a probe.
        self.inner.known.send_if_modified(|known| {
            let was_failed = matches!(known, Known::Failed { .. });
            if !was_failed {
                *known = Known::Well { since: self.now() };
            }
            !was_failed
        });
    }

    /// Something could not be committed, and that was not the fault of what was to be kept.
    pub fn failed(&self, why: impl Into<String>) {
        self.inner.known.send_replace(Known::Failed { since: self.now(), why: why.into() });
    }

    /// Whether it can be written; `probe` commits something. It does not wait for that, and a probe that it
    /// cannot begin now (`None`) leaves things as they are.
    ///
    /// # Errors
    /// Why not.
    pub async fn look(&self, probe: impl Fn(Commit) -> Option<Probed>) -> Result<(), String> {
        let mut known = self.inner.known.subscribe();
        loop {
            if let Some(found) = known.borrow_and_update().at(self.now()) {
                return found;
            }
            let Some(probing) = self.probe(&probe) else { return known.borrow().last() };
            if let Either::Left((outcome, _)) = select(probing.clone(), pin!(known.changed())).await {
                self.judge(&probing, outcome);
            }
        }
    }

    /// The probe under way, or a new one; nothing where none can be begun.
    fn probe(&self, probe: impl Fn(Commit) -> Option<Probed>) -> Option<Probing> {
        let mut probing = self.probing();
        if probing.is_none() {
            let probed = probe(self.next_probe());
            let told = |outcome: Result<Outcome, Failure>| outcome.map(drop).map_err(|failure| failure.report());
            *probing = probed.map(|probed| probed.map(told).boxed().shared());
        }
        probing.clone()
    }

    /// Notes what a probe came to; the first who sees its end does.
    fn judge(&self, probing: &Probing, outcome: Result<(), String>) {
        let mut current = self.probing();
        if !current.as_ref().is_some_and(|current| current.ptr_eq(probing)) {
            return;
        }
        *current = None;
        match outcome {
            Ok(()) => drop(self.inner.known.send_replace(Known::Well { since: self.now() })),
            Err(why) => self.failed(why),
        }
    }

    fn probing(&self) -> MutexGuard<'_, Option<Probing>> {
        self.inner.probing.lock()
    }

    fn now(&self) -> Instant {
        self.inner.clock.monotonic()
    }

    /// Writes a new document before the one of the last time goes, so that room is needed even where there is a
    /// document of ours already.
    fn next_probe(&self) -> Commit {
        let turn = self.inner.turn.fetch_xor(true, Ordering::Relaxed);
        let write = |id: &str, body: Option<Vec<u8>>| Write {
            view: PROBES.to_owned(),
            id: id.to_owned(),
            expected_version: None,
            body,
            tags: Vec::new(),
            left_tags: Vec::new(),
        };
        let (new, old) = if turn { ("1", "2") } else { ("2", "1") };
        Commit { writes: vec![write(new, Some(body())), write(old, None)], ..Commit::default() }
    }
}

/// A JSON text that does not get smaller by compression.
fn body() -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letter = || LETTERS[usize::from(rand::random::<u8>() % 64)];
    let text = std::iter::repeat_with(letter).take(PROBE_BYTES);
    std::iter::once(b'"').chain(text).chain(std::iter::once(b'"')).collect()
}

impl Known {
    /// What is known now; nothing where it has to be found out.
    fn at(&self, now: Instant) -> Option<Result<(), String>> {
        match self {
            Self::Well { since } if now.duration_since(*since) < QUIET => Some(Ok(())),
            Self::Failed { since, why } if now.duration_since(*since) < AGAIN => Some(Err(why.clone())),
            Self::Unknown | Self::Well { .. } | Self::Failed { .. } => None,
        }
    }

    /// What was known last.
    fn last(&self) -> Result<(), String> {
        match self {
            Self::Unknown | Self::Well { .. } => Ok(()),
            Self::Failed { why, .. } => Err(why.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use futures::FutureExt;

    use super::*;
    use crate::scenario::NOON;
    use crate::time::ManualClock;

    /// A database that counts probes and does with them as it is told.
    #[derive(Clone, Default)]
    struct Disk {
        probes: Arc<AtomicU32>,
        is_full: Arc<AtomicBool>,
    }

    impl Disk {
        fn probe(&self) -> impl Fn(Commit) -> Option<Probed> {
            let disk = self.clone();
            move |_| {
                disk.probes.fetch_add(1, Ordering::Relaxed);
                let is_full = disk.is_full.load(Ordering::Relaxed);
                Some(Box::pin(async move {
                    tokio::task::yield_now().await;
                    if is_full { Err(full()) } else { Ok(Outcome::Committed { position: 0 }) }
                }))
            }
        }

        fn probes(&self) -> u32 {
            self.probes.load(Ordering::Relaxed)
        }
    }

    fn start() -> (Writing, Disk, ManualClock) {
        let clock = ManualClock::at(NOON);
        (Writing::by(Arc::new(clock.clone())), Disk::default(), clock)
    }

    fn full() -> Failure {
        Failure::unavailable("the database", "the disk is full")
    }

    #[tokio::test]
    async fn while_commits_go_well_nothing_is_probed() {
        let (writing, disk, clock) = start();
        for _ in 0..10 {
            writing.went_well();
            assert_eq!(writing.look(disk.probe()).await, Ok(()));
            clock.advance(QUIET - SignedDuration::from_millis(1));
        }
        assert_eq!(disk.probes(), 0);
    }

    #[tokio::test]
    async fn in_quiet_times_one_probe_tells_everybody_who_asks() {
        let (writing, disk, clock) = start();
        for round in 1..=3 {
            let asked = futures::future::join_all((0..50).map(|_| writing.look(disk.probe()))).await;
            assert!(asked.into_iter().all(|found| found.is_ok()));
            assert_eq!(disk.probes(), round);
            clock.advance(QUIET);
        }
        disk.is_full.store(true, Ordering::Relaxed);
        let asked = futures::future::join_all((0..50).map(|_| writing.look(disk.probe()))).await;
        assert!(asked.into_iter().all(|found| found == Err(full().report())));
        assert_eq!(disk.probes(), 4);
    }

    #[tokio::test]
    async fn a_commit_that_failed_is_known_at_once_and_only_a_probe_that_goes_well_makes_up_for_it() {
        let (writing, disk, clock) = start();
        writing.went_well();
        writing.failed("the disk is full");
        writing.went_well();
        assert_eq!(writing.look(disk.probe()).await, Err("the disk is full".to_owned()));
        assert_eq!(disk.probes(), 0);
        disk.is_full.store(true, Ordering::Relaxed);
        clock.advance(AGAIN);
        assert_eq!(writing.look(disk.probe()).await, Err(full().report()));
        disk.is_full.store(false, Ordering::Relaxed);
        assert_eq!(writing.look(disk.probe()).await, Err(full().report()), "not one for each who asks");
        clock.advance(AGAIN);
        assert_eq!(writing.look(disk.probe()).await, Ok(()));
        assert_eq!(disk.probes(), 2);
    }

    #[tokio::test]
    async fn who_asks_and_goes_away_leaves_a_probe_that_goes_on() {
        let (writing, disk, clock) = start();
        let stuck = |_| Some(Box::pin(std::future::pending()) as Probed);
        for _ in 0..3 {
            assert!(writing.look(stuck).now_or_never().is_none());
            assert!(writing.look(disk.probe()).now_or_never().is_none());
            clock.advance(QUIET);
        }
        assert_eq!(disk.probes(), 0, "the first is still under way");
        writing.failed("it hangs");
        assert_eq!(writing.look(disk.probe()).await, Err("it hangs".to_owned()));
    }

    #[test]
    fn a_probe_writes_one_document_and_takes_the_other_away() {
        let writing = Writing::default();
        let (first, second) = (writing.next_probe(), writing.next_probe());
        assert_eq!((&first.writes[0].id, &first.writes[1].id), (&second.writes[1].id, &second.writes[0].id));
        assert!(serde_json::from_slice::<String>(first.writes[0].body.as_ref().unwrap()).is_ok());
        assert!(first.writes[1].body.is_none());
    }
}
