//! A context's database on PostgreSQL, shared by all replicas of the context.
//!
//! ```text
//!   commit ─▶ queue ─▶ the writer: up to 512 commits ─▶ commit_group(…), one round trip ─▶ the answers
//!                      that touch different things       │ one lock for all replicas: positions in order
//!                                                        │ all are checked, those that fit are applied
//!                                                        ▼
//!   the ear of every replica ◀─ NOTIFY ◀─ head, feeds, sayings (never inside the commit)
//!   get, list, load … ─▶ a connection, one statement
//! ```
//!
//! - [`settings`], [`open`], `locks`: where it is, whether it is ours, its migrations, and whom they wait for;
//! - `server`: the server that takes writes, of the several there may be;
//! - `epochs`: whether the database is the one that it was, or a copy that was put in its place;
//! - `connections`, `trouble`: a connection for each statement, time limits, and what went wrong;
//! - `reduce`: a commit as what must be before it and what is after it;
//! - `writer`, `group`: groups of commits, as one call of the function in `migrations/2.sql`;
//! - `rows`, `jobs`, `text`: what is read, and how it is kept;
//! - `told`, `words`, `ear`: who is woken, here and in the other replicas.
//!
//! It is never right to write to these tables past `commit_group`: what holds for the journal holds because every
//! commit waits for the lock that the function takes.

use std::sync::Arc;

use async_trait::async_trait;
use baedal_kit::database::{
    BehindLetter, Commit, Database, DeadLetter, Document, KeptCursor, LeasedJob, Outcome, Query, TagRange,
};
use baedal_kit::epochs::{Cursor, Epochs};
use baedal_kit::feeds::Feeds;
use baedal_kit::{Failure, Recorded};
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use tokio::sync::{broadcast, watch};
use tokio::task::AbortHandle;
use uuid::Uuid;

mod connections;
mod ear;
mod epochs;
mod group;
mod jobs;
mod locks;
pub mod open;
mod reduce;
mod rows;
mod server;
pub mod settings;
mod text;
mod told;
mod trouble;
mod words;
mod writer;

pub use open::OpenError;
pub use settings::{Address, Settings, Tls};

use connections::{Connections, Statement};
use ear::Ear;
use server::Servers;
use settings::Target;
use told::Told;
use trouble::Trouble;
use writer::Writer;

/// A context's database. Dropping it ends what it does in the background, once what is on its way is written.
pub struct PostgresDatabase {
    context: &'static str,
    /// This process, as the other replicas know it.
    id: Uuid,
    readers: Connections,
    writer: Writer,
    told: Arc<Told>,
    ear: AbortHandle,
}

impl PostgresDatabase {
    /// Opens a context's database, and makes its schema where there is none.
    ///
    /// # Errors
    /// Where it cannot be reached ([`OpenError::is_transient`]), or is not this context's, or newer than this
    /// program. It is then left as it was.
    pub async fn open(context: &'static str, settings: &Settings) -> Result<Self, OpenError> {
        let target = Arc::new(Target::new(context, settings).map_err(OpenError::Settings)?);
        let told = Arc::new(Told::new());
        let servers = Arc::new(Servers::new(Arc::clone(&target), Arc::clone(&told)));
        open::open(&servers, &told).await?;
        let id = Uuid::now_v7();
        let ear = Ear::new(Arc::clone(&servers), Arc::clone(&told), id);
        let line = ear.connect().await.map_err(|none| OpenError::unreachable(&target, &none))?;
        Ok(Self {
            context,
            id,
            readers: Connections::new(Arc::clone(&servers), target.readers),
            writer: Writer::start(&servers, Arc::clone(&told), id),
            told,
            ear: tokio::spawn(ear.listen(line)).abort_handle(),
        })
    }

    async fn read<T>(
        &self,
        statement: Statement<'_>,
        read: impl FnOnce(&[PgRow]) -> sqlx::Result<T>,
    ) -> Result<T, Failure> {
        let rows = self.readers.fetch(statement).await;
        rows.and_then(|rows| read(&rows).map_err(Trouble::from)).map_err(|trouble| trouble.of(self.context))
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        self.ear.abort();
    }
}

#[async_trait]
impl Database for PostgresDatabase {
    async fn commit(&self, commit: Commit) -> Result<Outcome, Failure> {
        self.writer.commit(commit).await
    }

    async fn load(&self, stream: &str, after_version: u64) -> Result<Vec<Recorded>, Failure> {
        self.read(rows::load(stream, after_version), rows::recorded).await
    }

    async fn published(&self, after: u64, limit: usize) -> Result<Vec<Recorded>, Failure> {
        self.read(rows::published(after, limit), rows::recorded).await
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.told.head.subscribe()
    }

    async fn look_at_head(&self) -> Result<u64, Failure> {
        let last = sqlx::query("SELECT coalesce(max(position), 0) FROM journal");
        let position = self.read(last, rows::position).await?;
        self.told.wake_head(position);
        Ok(position)
    }

    fn epochs(&self) -> watch::Receiver<Arc<Epochs>> {
        self.told.epochs.subscribe()
    }

    async fn cursor(&self, consumer: &str, source: &str, shard: u16) -> Result<Cursor, Failure> {
        self.read(rows::cursor(consumer, source, shard), rows::place).await
    }

    async fn cursors(&self) -> Result<Vec<KeptCursor>, Failure> {
        self.read(rows::cursors(), rows::kept_cursors).await
    }

    async fn get(&self, view: &str, id: &str) -> Result<Option<Document>, Failure> {
        self.read(rows::get(view, id), rows::documents).await.map(|mut found| found.pop())
    }

    async fn list(&self, view: &str, query: Query) -> Result<Vec<Document>, Failure> {
        self.read(rows::list(view, &query), rows::documents).await
    }

    async fn list_by_tag(&self, view: &str, range: TagRange, limit: usize) -> Result<Vec<(String, Document)>, Failure> {
        self.read(rows::list_by_tag(view, &range, limit), rows::tagged_documents).await
    }

    async fn lease(&self, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<LeasedJob>, Failure> {
        // Mostly nothing is due; then nothing need be written.
        let next = self.read(jobs::next_due(), jobs::due).await?;
        if limit == 0 || next.is_none_or(|next| next > now) {
            return Ok(Vec::new());
        }
        self.read(jobs::lease(now, until, limit, self.id), jobs::leased).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Failure> {
        self.told.look_at_jobs();
        let due = self.read(jobs::next_due(), jobs::due).await?;
        self.told.know_job(due);
        Ok(due)
    }

    fn jobs_changed(&self) -> watch::Receiver<u64> {
        self.told.jobs_changed.subscribe()
    }

    async fn dead_letters(&self, after: Option<BehindLetter>, limit: usize) -> Result<Vec<DeadLetter>, Failure> {
        self.read(jobs::dead_letters(after, limit), jobs::letters).await
    }

    fn feeds(&self) -> &Feeds {
        &self.told.feeds
    }

    fn tell_replicas(&self, said: String) {
        self.told.say(said);
    }

    fn replicas_say(&self) -> Option<broadcast::Receiver<Arc<str>>> {
        Some(self.told.heard.subscribe())
    }

    async fn ping(&self) -> Result<(), Failure> {
        self.writer.ping().await?;
        self.read(sqlx::query("SELECT FROM meta LIMIT 1"), |_| Ok(())).await
    }
}
