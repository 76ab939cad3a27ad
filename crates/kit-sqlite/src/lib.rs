//! The database port on SQLite: one file per context, one thread that writes it.
//!
//! ```text
//!   commits of many requests ──▶ channel ──▶ writer thread ──▶ BEGIN IMMEDIATE
//!                                              takes what is      SAVEPOINT  commit 1   (a conflict undoes
//!                                              waiting, up to     SAVEPOINT  commit 2    its own savepoint)
//!                                              GROUP of them      …
//!                                                                 COMMIT     one fsync for all
//!                     answers ◀──────────────────────────────────┘
//! ```
//!
//! - [`open`]: what is checked before a file is used, and how its tables come to be;
//! - [`writer`]: the thread that writes;
//! - [`reader`]: the connections that read, beside it (WAL).

mod open;
mod reader;
mod rows;
mod writer;

use std::path::Path;

use async_trait::async_trait;
use baedal_kit::database::{Commit, Database, DeadLetter, Document, LeasedJob, Outcome, Query};
use baedal_kit::feeds::Feeds;
use baedal_kit::{Failure, Recorded};
use jiff::Timestamp;
use tokio::sync::watch;

pub use crate::open::OpenError;
use crate::reader::Readers;
use crate::writer::Writer;

/// A context's database in one SQLite file.
pub struct SqliteDatabase {
    context: &'static str,
    readers: Readers,
    writer: Writer,
}

impl SqliteDatabase {
    /// Opens a context's file, making it where there is none.
    ///
    /// # Errors
    /// [`OpenError`] where the file is damaged, foreign or newer, which leaves it untouched, or cannot be read
    /// or written.
    pub fn open(path: &Path, context: &'static str) -> Result<Self, OpenError> {
        let connection = open::writable(path, context)?;
        let failed = |source| OpenError::Unusable { path: path.to_owned(), source };
        let readers = Readers::open(path).map_err(failed)?;
        let writer = Writer::start(connection, context).map_err(failed)?;
        Ok(Self { context, readers, writer })
    }

    fn read<T>(&self, query: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> Result<T, Failure> {
        self.readers.with(query).map_err(|error| failure(self.context, error))
    }
}

/// What the kit calls an error of SQLite: the database is out of reach for now.
fn failure(context: &str, error: impl Into<baedal_kit::failure::BoxError>) -> Failure {
    Failure::unavailable(format!("the database of {context}"), error)
}

#[async_trait]
impl Database for SqliteDatabase {
    async fn commit(&self, commit: Commit) -> Result<Outcome, Failure> {
        self.writer.commit(commit).await
    }

    async fn load(&self, stream: &str, after_version: u64) -> Result<Vec<Recorded>, Failure> {
        self.read(|connection| reader::load(connection, stream, after_version))
    }

    async fn published(&self, after: u64, limit: usize) -> Result<Vec<Recorded>, Failure> {
        self.read(|connection| reader::published(connection, after, limit))
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.writer.head()
    }

    async fn cursor(&self, consumer: &str, source: &str, shard: u16) -> Result<u64, Failure> {
        self.read(|connection| reader::cursor(connection, consumer, source, shard))
    }

    async fn get(&self, view: &str, id: &str) -> Result<Option<Document>, Failure> {
        self.read(|connection| reader::get(connection, view, id))
    }

    async fn list(&self, view: &str, query: Query) -> Result<Vec<Document>, Failure> {
        self.read(|connection| reader::list(connection, view, &query))
    }

    async fn lease(&self, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<LeasedJob>, Failure> {
        // Mostly nothing is due, and to see that takes no write.
        if self.next_due().await?.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        self.writer.lease(now, until, limit).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Failure> {
        self.read(reader::next_due)
    }

    fn jobs_changed(&self) -> watch::Receiver<u64> {
        self.writer.jobs_changed()
    }

    async fn dead_letters(&self, after: Option<(String, String)>, limit: usize) -> Result<Vec<DeadLetter>, Failure> {
        self.read(|connection| reader::dead_letters(connection, after, limit))
    }

    fn feeds(&self) -> &Feeds {
        self.writer.feeds()
    }

    async fn ping(&self) -> Result<(), Failure> {
        self.read(|connection| connection.query_row("SELECT 1", [], |_| Ok(())))
    }
}
