//! The port to a context's database: one value in, all of it or nothing.
//!
//! ```text
//!                    ┌ appends    events at the end of streams, if nobody was faster
//!   Commit ──────────┼ cursors    how far a consumer has got in another context's journal
//!   (one transaction)├ writes     documents of views, and the tags they are found by
//!                    └ jobs       work for later
//!
//!   journal:   1  2  3  4  5 …            positions, in commit order, never skipped by a reader
//!              │     │  └ order/b v1
//!              │     └ order/a v2         versions, in each stream, from 1
//!              └ order/a v1
//! ```
//!
//! The journal is the outbox: what is published is read from it, in commit order, by [`Database::published`].
//! Every backend passes the one suite in `database/suite.rs`.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

use crate::Failure;
use crate::epochs::{Cursor, Epochs};
use crate::feeds::Feeds;
use crate::job::Job;
use crate::message::{Origin, Recorded};

#[cfg(feature = "testing")]
pub mod memory;
#[cfg(feature = "testing")]
pub mod suite;
pub mod writing;

/// Everything that happens together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Events, each at the end of its stream.
    pub appends: Vec<Append>,
    /// Cursors, each moved from where it is believed to be.
    pub cursors: Vec<CursorMove>,
    /// Documents, in order.
    pub writes: Vec<Write>,
    /// Views of which every document goes, before `writes` are made.
    pub cleared_views: Vec<String>,
    /// Changes to jobs, in order.
    pub jobs: Vec<JobChange>,
}

impl Commit {
    /// Whether it would change nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.appends.is_empty()
            && self.cursors.is_empty()
            && self.writes.is_empty()
            && self.cleared_views.is_empty()
            && self.jobs.is_empty()
    }

    /// Whether a job may be due earlier than before, so that [`Database::jobs_changed`] is to change.
    #[must_use]
    pub fn schedules_jobs(&self) -> bool {
        self.earliest_job().is_some()
    }

    /// When the first of the jobs is due that it schedules, or that are to be tried again.
    #[must_use]
    pub fn earliest_job(&self) -> Option<Timestamp> {
        let due = |change: &JobChange| match change {
            JobChange::Schedule(job) => Some(job.run_at),
            JobChange::Retry { run_at, .. } | JobChange::Redrive { run_at, .. } => Some(*run_at),
            // Whoever takes a job knows of it.
            JobChange::Take { .. } => None,
            JobChange::Unschedule { .. } | JobChange::Finish(_) | JobChange::Bury { .. } => None,
        };
        self.jobs.iter().filter_map(due).min()
    }

    /// The keys that [`Feeds::wake`] is to be called with once it is committed.
    #[must_use]
    pub fn changed_keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        for write in &self.writes {
            keys.push(crate::feeds::document_key(&write.view, &write.id));
            keys.extend(write.tags.iter().chain(&write.left_tags).map(|tag| crate::feeds::tag_key(&write.view, tag)));
        }
        keys
    }
}

/// Events for the end of one stream.
#[derive(Clone, Debug)]
pub struct Append {
    /// The stream, as `order/0198…`.
    pub stream: String,
    /// The version the stream must have now; 0 where it must not exist.
    pub expected_version: u64,
    /// What happened, in order.
    pub events: Vec<NewEvent>,
}

/// An event before it has a place.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its own id.
    pub id: Uuid,
    /// What it is called.
    pub kind: &'static str,
    /// The event itself, JSON.
    pub data: Vec<u8>,
    /// When it happened.
    pub at: Timestamp,
    /// The order it belongs to.
    pub correlation: Option<Uuid>,
    /// The command that was decided.
    pub command: &'static str,
    /// Where it comes from.
    pub origin: Arc<Origin>,
}

/// How far a consumer has got in a source's journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorMove {
    /// Who.
    pub consumer: String,
    /// In whose journal.
    pub source: String,
    /// In which shard of it.
    pub shard: u16,
    /// Where it must be now: 0 where it has not begun. Two that do the same work cannot both move it.
    pub from: Cursor,
    /// Where it is then.
    pub to: Cursor,
}

/// A cursor as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCursor {
    /// Whose.
    pub consumer: String,
    /// In whose journal.
    pub source: String,
    /// In which shard of it.
    pub shard: u16,
    /// Where it is.
    pub at: Cursor,
}

/// A document that comes, changes or goes.
#[derive(Clone, Debug)]
pub struct Write {
    /// The view it is in.
    pub view: String,
    /// Its id there; views are listed in the order of their documents' ids.
    pub id: String,
    /// The version it must have now (0: it must not exist), or `None` where that does not matter.
    pub expected_version: Option<u64>,
    /// What it is then, JSON; `None`: it goes.
    pub body: Option<Vec<u8>>,
    /// All the tags it is found by then.
    pub tags: Vec<String>,
    /// Tags it was found by and is no more, so that those who look at them are woken.
    pub left_tags: Vec<String>,
}

/// A change to the jobs.
#[derive(Clone, Debug)]
pub enum JobChange {
    /// There is this job; one with the same kind and key is replaced.
    Schedule(Job),
    /// The same, and it is leased already to whoever commits it, until then.
    Take {
        /// The job and the right to it.
        leased: LeasedJob,
        /// When the lease ends, if not with the process.
        until: Timestamp,
    },
    /// There is no such job any more. Nothing happens where there was none.
    Unschedule {
        /// Its kind.
        kind: String,
        /// Its key.
        key: String,
    },
    /// The leased job is done. A conflict where the lease was lost.
    Finish(Lease),
    /// The leased job failed and is tried again. A conflict where the lease was lost.
    Retry {
        /// Which.
        lease: Lease,
        /// When.
        run_at: Timestamp,
        /// What went wrong.
        error: String,
    },
    /// The leased job is a dead letter now. A conflict where the lease was lost.
    Bury {
        /// Which.
        lease: Lease,
        /// What went wrong.
        error: String,
    },
    /// A dead letter is tried again. A conflict where there is no such dead letter.
    Redrive {
        /// Its kind.
        kind: String,
        /// Its key.
        key: String,
        /// When.
        run_at: Timestamp,
    },
}

/// The right to work on a job, until it runs out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The job's kind.
    pub kind: String,
    /// The job's key.
    pub key: String,
    /// Which lease: a new one each time the job is leased or scheduled anew.
    pub token: Uuid,
}

/// A job to work on.
#[derive(Clone, Debug)]
pub struct LeasedJob {
    /// The job. `attempt` counts this one, from 1.
    pub job: Job,
    /// The right to it.
    pub lease: Lease,
}

/// A job that failed too often.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The job.
    pub job: Job,
    /// What went wrong the last time.
    pub error: String,
}

/// Where a page of dead letters begins, whether or not what stood there is still there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BehindLetter {
    /// Behind a letter that failed then, which is: earlier than that.
    pub failed_at: Timestamp,
    /// And, of those that failed at the same instant, behind this kind and key; all of them are before it where
    /// nothing is said.
    pub letter: Option<(String, String)>,
}

/// A document as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    /// Its id in the view.
    pub id: String,
    /// How often it was written, from 1.
    pub version: u64,
    /// What it is, JSON.
    pub body: Vec<u8>,
    /// The tags it is found by.
    pub tags: Vec<String>,
}

/// Which documents of a view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Select {
    /// Those that carry this tag.
    Tag(String),
    /// Those that carry any of these tags, each once.
    AnyTag(Vec<String>),
    /// Those whose id begins with this.
    Prefix(String),
}

/// In which order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Smallest id first: oldest first, where ids are UUIDv7.
    Ascending,
    /// Greatest id first: newest first.
    Descending,
}

/// A page of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    /// Which documents.
    pub select: Select,
    /// In which order of their ids.
    pub direction: Direction,
    /// Begin behind this id.
    pub after: Option<String>,
    /// At the most this many.
    pub limit: usize,
}

/// A part of a view in the order of its tags. Tags that begin with a kind and go on with a number of fixed width are
/// an index of that number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagRange {
    /// The first tag.
    pub from: String,
    /// Of the documents with the first tag, begin behind this id.
    pub after: Option<String>,
    /// The tag before which it ends.
    pub before: String,
}

/// What became of a commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is durable. The journal's last position is now this, or was when nothing was appended.
    Committed {
        /// The position of the commit's last event.
        position: u64,
    },
    /// Somebody was faster: a version, a cursor or a lease is not what was expected. Nothing happened.
    Conflict,
}

/// A context's database.
///
/// Every method fails only with [`Failure::Unavailable`], when the database is out of reach, or
/// [`Failure::Broken`], when what it holds cannot be read.
#[async_trait]
pub trait Database: Send + Sync + 'static {
    /// Makes all of it happen, durably, or nothing.
    async fn commit(&self, commit: Commit) -> Result<Outcome, Failure>;

    /// A stream's events behind a version, in order.
    async fn load(&self, stream: &str, after_version: u64) -> Result<Vec<Recorded>, Failure>;

    /// The journal behind a position, in order, at the most `limit` events.
    async fn published(&self, after: u64, limit: usize) -> Result<Vec<Recorded>, Failure>;

    /// The journal's last position, and every later one. Wakes readers of the journal.
    fn head(&self) -> watch::Receiver<u64>;

    /// The journal's last position as the database has it now, also where another replica has just written it.
    async fn look_at_head(&self) -> Result<u64, Failure> {
        Ok(*self.head().borrow())
    }

    /// The epochs of the journal, and whatever becomes of them. A new one has begun whenever the journal may be another
    /// than it was before: then what is remembered of it may never have happened. They are none where the journal is
    /// never but one.
    fn epochs(&self) -> watch::Receiver<Arc<Epochs>> {
        watch::Sender::default().subscribe()
    }

    /// Where a cursor is; 0 where it has not begun.
    async fn cursor(&self, consumer: &str, source: &str, shard: u16) -> Result<Cursor, Failure>;

    /// Where every cursor is, in no particular order.
    async fn cursors(&self) -> Result<Vec<KeptCursor>, Failure>;

    /// One document of a view.
    async fn get(&self, view: &str, id: &str) -> Result<Option<Document>, Failure>;

    /// A page of a view's documents.
    async fn list(&self, view: &str, query: Query) -> Result<Vec<Document>, Failure>;

    /// The first documents of a part of a view, in the order of their tags and then of their ids, each with the tag it
    /// was found by; one that carries several of these tags comes several times.
    async fn list_by_tag(&self, view: &str, range: TagRange, limit: usize) -> Result<Vec<(String, Document)>, Failure>;

    /// Takes jobs that are due and not leased (or whose lease ran out), those that were due earliest first.
    /// A lease ends at `until`, and with the process that took it.
    async fn lease(&self, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<LeasedJob>, Failure>;

    /// When the next job is due or the next lease runs out; dead letters aside.
    async fn next_due(&self) -> Result<Option<Timestamp>, Failure>;

    /// Changes whenever jobs were scheduled, or are to be tried again, so that something may be due earlier than
    /// [`Database::next_due`] said the last time.
    fn jobs_changed(&self) -> watch::Receiver<u64>;

    /// A page of the dead letters: those first that were tried last (`run_at`), then by kind and key.
    async fn dead_letters(&self, after: Option<BehindLetter>, limit: usize) -> Result<Vec<DeadLetter>, Failure>;

    /// Who looks at which documents; the database wakes them after a commit.
    fn feeds(&self) -> &Feeds;

    /// Says something to the other replicas of this context. It may get lost.
    fn tell_replicas(&self, _said: String) {}

    /// What other replicas of this context say from now on; nothing where there is never but one process.
    fn replicas_say(&self) -> Option<broadcast::Receiver<Arc<str>>> {
        None
    }

    /// Whether it answers, and takes what is to be kept ([`writing`]).
    async fn ping(&self) -> Result<(), Failure>;
}
