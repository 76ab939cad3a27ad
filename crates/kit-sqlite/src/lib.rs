//! A context's database in one SQLite file.
//!
//! ```text
//!   commit ─▶ queue ─▶ the writer's thread: up to 512 commits ─▶ one transaction, one fsync ─▶ the answers
//!                      (a savepoint for each, so that a conflict takes back only its own)
//!   get, list, load … ─▶ a read connection, at once; readers and the writer never wait for each other (WAL)
//! ```
//!
//! - [`open`]: the checks before a file is touched, and its migrations;
//! - `writer`: groups commits, answers when they are on the disk, and keeps the log short;
//! - `apply`: what one commit does to the tables;
//! - `readers`: the read connections, and where reads run;
//! - `jobs`, `rows`: jobs, and everything else, as rows.
//!
//! That no other process has the file open is the composition's to see to: it locks the data folder.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use baedal_kit::database::{
    BehindLetter, Commit, Database, DeadLetter, Document, KeptCursor, LeasedJob, Outcome, Query, TagRange,
};
use baedal_kit::epochs::{Cursor, Epochs};
use baedal_kit::feeds::Feeds;
use baedal_kit::{Failure, Recorded};
use jiff::Timestamp;
use tokio::sync::watch;

mod apply;
mod jobs;
pub mod open;
mod readers;
mod rows;
mod writer;

pub use open::OpenError;

use readers::Readers;
use writer::Writer;

/// A list of more than this many documents is read on a thread of its own, so that it holds up nobody.
const LONG_LIST: usize = 128;
/// As many events are read at once; more are read on a thread of their own.
const FEW_EVENTS: u64 = 32;

/// A database in one file. Dropping it writes what is on its way and closes the file.
pub struct SqliteDatabase {
    readers: Arc<Readers>,
    writer: Writer,
    told: Arc<Told>,
}

/// Who is told what after a commit.
struct Told {
    head: watch::Sender<u64>,
    /// They change only while nobody has it open.
    epochs: watch::Sender<Arc<Epochs>>,
    jobs_changed: watch::Sender<u64>,
    feeds: Feeds,
}

impl SqliteDatabase {
    /// Opens a context's file, and makes it where there is none. Leases that a process before this one
    /// held are over.
    ///
    /// # Errors
    /// Where the file is damaged, not this context's, or newer than this program. It is then left as it was.
    pub fn open(path: &Path, context: &'static str) -> Result<Self, OpenError> {
        Self::assemble(open::open(path, context)?, context)
            .map_err(|source| OpenError::Thread { path: path.to_owned(), source })
    }

    fn assemble(opened: open::Opened, context: &'static str) -> std::io::Result<Self> {
        let told = Arc::new(Told {
            head: watch::Sender::new(opened.position),
            epochs: watch::Sender::new(Arc::new(opened.epochs)),
            jobs_changed: watch::Sender::new(0),
            feeds: Feeds::default(),
        });
        let readers = Arc::new(Readers::new(context, opened.readers));
        let writer = Writer::start(context, opened.writer, opened.position, Arc::clone(&told), Arc::clone(&readers))?;
        Ok(Self { readers, writer, told })
    }
}

#[async_trait]
impl Database for SqliteDatabase {
    async fn commit(&self, commit: Commit) -> Result<Outcome, Failure> {
        self.writer.commit(commit).await
    }

    async fn load(&self, stream: &str, after_version: u64) -> Result<Vec<Recorded>, Failure> {
        self.readers.read(|connection| rows::load(connection, stream, after_version)).await
    }

    async fn published(&self, after: u64, limit: usize) -> Result<Vec<Recorded>, Failure> {
        // Whoever is woken by the head finds a few; whoever comes from far behind reads many.
        let found = self.told.head.borrow().saturating_sub(after).min(limit as u64);
        if found <= FEW_EVENTS {
            return self.readers.read(|connection| rows::published(connection, after, limit)).await;
        }
        self.readers.read_aside(move |connection| rows::published(connection, after, limit)).await
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.told.head.subscribe()
    }

    fn epochs(&self) -> watch::Receiver<Arc<Epochs>> {
        self.told.epochs.subscribe()
    }

    async fn cursor(&self, consumer: &str, source: &str, shard: u16) -> Result<Cursor, Failure> {
        self.readers.read(|connection| rows::cursor(connection, consumer, source, shard)).await
    }

    async fn cursors(&self) -> Result<Vec<KeptCursor>, Failure> {
        self.readers.read_aside(rows::cursors).await
    }

    async fn get(&self, view: &str, id: &str) -> Result<Option<Document>, Failure> {
        self.readers.read(|connection| rows::get(connection, view, id)).await
    }

    async fn list(&self, view: &str, query: Query) -> Result<Vec<Document>, Failure> {
        if query.limit <= LONG_LIST {
            return self.readers.read(|connection| rows::list(connection, view, &query)).await;
        }
        let view = view.to_owned();
        self.readers.read_aside(move |connection| rows::list(connection, &view, &query)).await
    }

    async fn list_by_tag(&self, view: &str, range: TagRange, limit: usize) -> Result<Vec<(String, Document)>, Failure> {
        self.readers.read(|connection| rows::list_by_tag(connection, view, &range, limit)).await
    }

    async fn lease(&self, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<LeasedJob>, Failure> {
        // Mostly nothing is due; then the writer need not be asked.
        let next = self.next_due().await?;
        if limit == 0 || next.is_none_or(|next| next > now) {
            return Ok(Vec::new());
        }
        self.writer.lease(now, until, limit).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Failure> {
        self.readers.read(jobs::next_due).await
    }

    fn jobs_changed(&self) -> watch::Receiver<u64> {
        self.told.jobs_changed.subscribe()
    }

    async fn dead_letters(&self, after: Option<BehindLetter>, limit: usize) -> Result<Vec<DeadLetter>, Failure> {
        self.readers.read_aside(move |connection| jobs::dead_letters(connection, after, limit)).await
    }

    fn feeds(&self) -> &Feeds {
        &self.told.feeds
    }

    async fn ping(&self) -> Result<(), Failure> {
        self.writer.ping().await?;
        self.readers.read(rows::ping).await
    }
}
