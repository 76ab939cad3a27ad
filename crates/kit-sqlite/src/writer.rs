//! The one thread that writes a file: groups what waits into one transaction and answers when it is durable.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use baedal_kit::Failure;
use baedal_kit::database::writing::{Probed, Writing};
use baedal_kit::database::{Commit, LeasedJob, Outcome};
use jiff::Timestamp;
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::apply::{Stop, apply};
use crate::open::BUSY;
use crate::readers::Readers;
use crate::{Told, jobs};

/// The most that become durable together.
const GROUP: usize = 512;
/// The most that may wait; whoever comes then waits outside, and not for long.
const QUEUE: usize = 4 * GROUP;
/// How long somebody waits outside before being told to come back later.
const PATIENCE: Duration = Duration::from_secs(5);
/// After this long without work, what can be tidied is.
const IDLE: Duration = Duration::from_secs(1);
/// With so many pages in the log that are not in the file yet (4 MiB), they are copied when nobody waits,
const CHECKPOINT_WHEN_QUIET: i64 = 1024;
/// with so many (16 MiB) even if somebody does,
const CHECKPOINT_NOW: i64 = 4 * CHECKPOINT_WHEN_QUIET;
/// and with a log so long (64 MiB), because there was always a reader when it could have begun anew, readers
/// are waited for.
const RESTART: i64 = 16 * CHECKPOINT_WHEN_QUIET;
/// How long they are waited for.
const RESTART_WAIT: Duration = Duration::from_millis(100);

/// The way to the thread. Dropping it waits until what is queued is written.
pub(crate) struct Writer {
    context: &'static str,
    room: Arc<Semaphore>,
    requests: Option<Mutex<Sender<Request>>>,
    writing: Writing,
    thread: Option<JoinHandle<()>>,
}

/// Something to be written, and where its answer goes.
struct Request {
    asked: Asked,
    _room: OwnedSemaphorePermit,
}

enum Asked {
    Commit(Box<Commit>, oneshot::Sender<Result<Outcome, Failure>>),
    Lease {
        now: Timestamp,
        until: Timestamp,
        limit: usize,
        answer: oneshot::Sender<Result<Vec<LeasedJob>, Failure>>,
    },
    #[cfg(test)]
    Panic(oneshot::Sender<Result<Outcome, Failure>>),
}

/// What became of a request, once its group is durable.
enum Answer {
    Outcome(Outcome),
    Leased(Vec<LeasedJob>),
    Failed(Failure),
}

impl Writer {
    pub(crate) fn start(
        context: &'static str,
        connection: Connection,
        position: u64,
        told: Arc<Told>,
        readers: Arc<Readers>,
    ) -> std::io::Result<Self> {
        let (requests, waiting) = channel();
        let position = position.cast_signed();
        let room = Arc::new(Semaphore::new(QUEUE));
        let writing = Writing::default();
        let known = writing.clone();
        let mut desk =
            Desk { context, connection, waiting, room: Arc::clone(&room), position, told, readers, writing: known };
        let thread = std::thread::Builder::new().name(format!("write-{context}")).spawn(move || desk.work())?;
        Ok(Self { context, room, requests: Some(Mutex::new(requests)), writing, thread: Some(thread) })
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Result<Outcome, Failure> {
        self.ask(|answer| Asked::Commit(Box::new(commit), answer)).await
    }

    pub(crate) async fn lease(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<LeasedJob>, Failure> {
        self.ask(|answer| Asked::Lease { now, until, limit, answer }).await
    }

    async fn ask<T>(&self, asked: impl FnOnce(oneshot::Sender<Result<T, Failure>>) -> Asked) -> Result<T, Failure> {
        let room = tokio::time::timeout(PATIENCE, Arc::clone(&self.room).acquire_owned()).await;
        let room = room.map_err(|_| self.unavailable("too much waits to be written"))?;
        let room = room.map_err(|closed| self.unavailable(closed))?;
        let (answer, answered) = oneshot::channel();
        if !self.send(asked(answer), room) {
            return Err(self.unavailable("its writer has ended"));
        }
        answered.await.map_err(|_| self.unavailable("its writer gave no answer"))?
    }

    /// Whether it could be handed over.
    fn send(&self, asked: Asked, room: OwnedSemaphorePermit) -> bool {
        self.requests.as_ref().is_some_and(|requests| {
            let requests = requests.lock();
            requests.send(Request { asked, _room: room }).is_ok()
        })
    }

    /// Whether the thread lives, and can write.
    pub(crate) async fn ping(&self) -> Result<(), Failure> {
        match &self.thread {
            Some(thread) if !thread.is_finished() => {
                self.writing.look(|commit| self.probe(commit)).await.map_err(|why| self.unavailable(why))
            }
            _ => Err(self.unavailable("its writer has ended")),
        }
    }

    /// Begins a commit whose answer can be waited for when this writer is gone. Nothing where many wait already.
    fn probe(&self, commit: Commit) -> Option<Probed> {
        let room = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let (answer, answered) = oneshot::channel();
        let gone = self.unavailable("its writer gave no answer");
        self.send(Asked::Commit(Box::new(commit), answer), room)
            .then(|| -> Probed { Box::pin(async move { answered.await.unwrap_or(Err(gone)) }) })
    }

    fn unavailable(&self, source: impl Into<baedal_kit::failure::BoxError>) -> Failure {
        Failure::unavailable(format!("the database of {}", self.context), source)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // It catches its panics; if it has ended by one all the same, there is nothing to do about it here.
            let _ = thread.join();
        }
    }
}

/// Where the thread works.
struct Desk {
    context: &'static str,
    connection: Connection,
    waiting: Receiver<Request>,
    room: Arc<Semaphore>,
    /// The journal's last position.
    position: i64,
    told: Arc<Told>,
    readers: Arc<Readers>,
    writing: Writing,
}

impl Desk {
    fn work(&mut self) {
        while let Some(first) = self.next() {
            let mut group = vec![first];
            group.extend(self.waiting.try_iter().take(GROUP - 1));
            // A panic drops the group: those who wait are told that there is no answer.
            if catch_unwind(AssertUnwindSafe(|| self.write(group))).is_err() {
                tracing::error!(context = self.context, "writing panicked; the next group begins anew");
            }
            self.shorten_log();
        }
    }

    /// The next request; nothing when there will be none any more.
    fn next(&mut self) -> Option<Request> {
        match self.waiting.recv_timeout(IDLE) {
            Ok(request) => Some(request),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)");
                let _ = self.connection.release_memory();
                self.readers.release_memory();
                self.waiting.recv().ok()
            }
        }
    }

    fn write(&mut self, group: Vec<Request>) {
        let before = self.position;
        let answers = match self.transact(&group) {
            Ok(answers) => {
                if answers.iter().any(|answer| matches!(answer, Answer::Outcome(Outcome::Committed { .. }))) {
                    self.writing.went_well();
                }
                answers
            }
            Err(error) => {
                self.position = before;
                self.writing.failed(error.to_string());
                tracing::error!(context = self.context, commits = group.len(), %error, "nothing of a group was written");
                self.roll_back();
                let failed = || Answer::Failed(self.failure(&error));
                std::iter::repeat_with(failed).take(group.len()).collect()
            }
        };
        self.tell(&group, &answers);
        for (request, answer) in group.into_iter().zip(answers) {
            // Whoever does not wait for the answer any more does not need it.
            match (request.asked, answer) {
                (Asked::Commit(_, to), Answer::Outcome(outcome)) => drop(to.send(Ok(outcome))),
                (Asked::Commit(_, to), Answer::Failed(failure)) => drop(to.send(Err(failure))),
                (Asked::Lease { answer: to, .. }, Answer::Leased(jobs)) => drop(to.send(Ok(jobs))),
                (Asked::Lease { answer: to, .. }, Answer::Failed(failure)) => drop(to.send(Err(failure))),
                #[cfg(test)]
                (Asked::Panic(to), Answer::Failed(failure)) => drop(to.send(Err(failure))),
                // No answer of another kind comes of these.
                _ => {}
            }
        }
    }

    /// The whole group in one transaction. An error means that nothing of it was written.
    fn transact(&mut self, group: &[Request]) -> rusqlite::Result<Vec<Answer>> {
        if !self.connection.is_autocommit() {
            self.roll_back();
        }
        self.run("BEGIN IMMEDIATE")?;
        let answers = group.iter().map(|request| self.attempt(&request.asked)).collect::<Result<Vec<_>, _>>()?;
        self.run("COMMIT")?;
        Ok(answers)
    }

    /// One request, within a savepoint. An error means that the group cannot go on.
    fn attempt(&mut self, asked: &Asked) -> rusqlite::Result<Answer> {
        let before = self.position;
        self.run("SAVEPOINT one")?;
        let attempted = catch_unwind(AssertUnwindSafe(|| self.apply(asked)));
        let answer = match attempted {
            Ok(Ok(answer)) => {
                self.run("RELEASE one")?;
                return Ok(answer);
            }
            Ok(Err(Stop::Conflict)) => Answer::Outcome(Outcome::Conflict),
            Ok(Err(Stop::Sql(error))) if concerns_all(&error) || self.connection.is_autocommit() => return Err(error),
            Ok(Err(Stop::Sql(error))) => Answer::Failed(Failure::broken_by(self.refused(), error)),
            Ok(Err(Stop::Json(error))) => Answer::Failed(Failure::broken_by(self.refused(), error)),
            Err(_) => Answer::Failed(Failure::broken_by(self.refused(), "writing it panicked")),
        };
        self.position = before;
        self.run("ROLLBACK TO one")?;
        self.run("RELEASE one")?;
        Ok(answer)
    }

    fn apply(&mut self, asked: &Asked) -> Result<Answer, Stop> {
        match asked {
            Asked::Commit(commit, _) => {
                apply(&self.connection, commit, &mut self.position)?;
                Ok(Answer::Outcome(Outcome::Committed { position: self.position.cast_unsigned() }))
            }
            Asked::Lease { now, until, limit, .. } => {
                Ok(Answer::Leased(jobs::lease(&self.connection, *now, *until, *limit)?))
            }
            #[cfg(test)]
            Asked::Panic(_) => {
                self.position += 1;
                self.run("DELETE FROM meta")?;
                panic!("on purpose")
            }
        }
    }

    fn refused(&self) -> String {
        format!("the database of {} cannot hold this", self.context)
    }

    fn failure(&self, error: &rusqlite::Error) -> Failure {
        let what = format!("the database of {}", self.context);
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Failure::broken_by(format!("{what} is damaged"), error.to_string())
            }
            _ => Failure::unavailable(what, error.to_string()),
        }
    }

    fn run(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn roll_back(&self) {
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.run("ROLLBACK") {
            tracing::error!(context = self.context, %error, "a transaction could not be rolled back");
        }
    }

    /// Wakes those whom the group concerns, before it is answered.
    fn tell(&self, group: &[Request], answers: &[Answer]) {
        let position = self.position.cast_unsigned();
        self.told.head.send_if_modified(|head| std::mem::replace(head, position) != position);
        let committed = || {
            group.iter().zip(answers).filter_map(|pair| match pair {
                (Request { asked: Asked::Commit(commit, _), .. }, Answer::Outcome(Outcome::Committed { .. })) => {
                    Some(commit)
                }
                _ => None,
            })
        };
        if committed().any(|commit| commit.schedules_jobs()) {
            self.told.jobs_changed.send_modify(|count| *count += 1);
        }
        // Whoever begins to look only now sees the commit anyway.
        if self.told.feeds.watched() > 0 {
            let keys: Vec<_> = committed().flat_map(|commit| commit.changed_keys()).collect();
            self.told.feeds.wake(keys.iter().map(String::as_str));
        }
    }

    /// Copies the log into the file before it grows too long, at a quiet moment if there is one.
    fn shorten_log(&self) {
        let Some((length, copied)) = self.checkpoint("PRAGMA wal_checkpoint(NOOP)") else { return };
        let left = length - copied;
        let is_quiet = self.room.available_permits() == QUEUE;
        if left >= CHECKPOINT_NOW || (is_quiet && left >= CHECKPOINT_WHEN_QUIET) {
            self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)");
        }
        if length >= RESTART {
            let _ = self.connection.busy_timeout(RESTART_WAIT);
            self.checkpoint("PRAGMA wal_checkpoint(RESTART)");
            let _ = self.connection.busy_timeout(BUSY);
        }
    }

    /// The pages in the log, and how many of them are in the file.
    fn checkpoint(&self, sql: &'static str) -> Option<(i64, i64)> {
        let mut statement = self.connection.prepare_cached(sql).ok()?;
        match statement.query_row([], |row| Ok((row.get(1)?, row.get(2)?))) {
            Ok(pages) => Some(pages),
            Err(error) => {
                tracing::warn!(context = self.context, %error, "the log could not be copied into the file");
                None
            }
        }
    }
}

/// Whether an error has to do with the disk or the file, and not with one commit.
fn concerns_all(error: &rusqlite::Error) -> bool {
    let own = [ErrorCode::ConstraintViolation, ErrorCode::TooBig, ErrorCode::TypeMismatch, ErrorCode::Unknown];
    error.sqlite_error_code().is_some_and(|code| !own.contains(&code))
}

#[cfg(test)]
mod tests {
    use baedal_kit::database::{Database, Query, Select, Write};
    use baedal_kit::database::{Direction, Document};

    use super::*;
    use crate::{SqliteDatabase, open};

    fn put(id: usize, bytes: usize) -> Commit {
        let write = Write {
            view: "orders".to_owned(),
            id: id.to_string(),
            expected_version: None,
            body: Some(vec![b'x'; bytes]),
            tags: Vec::new(),
            left_tags: Vec::new(),
        };
        Commit { writes: vec![write], ..Commit::default() }
    }

    async fn all(database: &SqliteDatabase) -> Vec<Document> {
        let select = Select::Prefix(String::new());
        let query = Query { select, direction: Direction::Ascending, after: None, limit: 10_000 };
        database.list("orders", query).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_full_disk_fails_its_group_and_the_writer_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("order.db");
        let opened = open::open(&path, "order").unwrap();
        // To SQLite a file that may not grow and a disk that is full are the same.
        opened.writer.pragma_update(None, "max_page_count", 60).unwrap();
        let database = Arc::new(SqliteDatabase::assemble(opened, "order").unwrap());
        database.ping().await.unwrap();
        let mut written = 0;
        let refused = loop {
            match database.commit(put(written, 10_000)).await {
                Ok(_) => written += 1,
                Err(failure) => break failure,
            }
        };
        assert!(refused.is_transient(), "{}", refused.report());
        assert!(written > 5);
        assert_eq!(all(&database).await.len(), written);
        let mut crowd = tokio::task::JoinSet::new();
        for id in 0..20 {
            let database = Arc::clone(&database);
            crowd.spawn(async move { database.commit(put(1000 + id, 10_000)).await });
        }
        assert!(crowd.join_all().await.into_iter().all(|outcome| outcome.is_err_and(|failure| failure.is_transient())));
        assert!(database.ping().await.unwrap_err().report().contains("full"));
        // Somebody makes room.
        let clear = Commit { cleared_views: vec!["orders".to_owned()], ..Commit::default() };
        database.commit(clear).await.unwrap();
        assert_eq!(database.commit(put(7, 10_000)).await.unwrap(), Outcome::Committed { position: 0 });
        assert_eq!(all(&database).await.len(), 1);
        // It is tried again within a moment.
        while database.ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_disk_that_is_full_when_nobody_writes_is_known_to_whoever_asks() {
        let folder = tempfile::tempdir().unwrap();
        let opened = open::open(&folder.path().join("order.db"), "order").unwrap();
        let pages: i64 = opened.writer.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        opened.writer.pragma_update(None, "max_page_count", pages).unwrap();
        let database = SqliteDatabase::assemble(opened, "order").unwrap();
        let refused = database.ping().await.unwrap_err();
        assert!(refused.is_transient() && refused.report().contains("full"), "{}", refused.report());
        assert_eq!(database.get("orders", "1").await.unwrap(), None, "it answers all the same");
    }

    #[tokio::test]
    async fn a_panic_takes_back_its_own_commit_and_the_writer_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let database = SqliteDatabase::open(&folder.path().join("order.db"), "order").unwrap();
        let panicked = database.writer.ask(Asked::Panic);
        let (panicked, beside) = tokio::join!(panicked, database.commit(put(1, 10)));
        assert!(!panicked.unwrap_err().is_transient());
        assert_eq!(beside.unwrap(), Outcome::Committed { position: 0 });
        assert_eq!(all(&database).await.len(), 1);
        database.ping().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_log_does_not_grow_without_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("order.db");
        let database = Arc::new(SqliteDatabase::open(&path, "order").unwrap());
        let mut crowd = tokio::task::JoinSet::new();
        for writer in 0..16 {
            let (database, log) = (Arc::clone(&database), folder.path().join("order.db-wal"));
            crowd.spawn(async move {
                let mut longest = 0;
                for round in 0..150 {
                    database.commit(put(writer * 10 + round % 10, 30_000)).await.unwrap();
                    database.get("orders", &round.to_string()).await.unwrap();
                    longest = longest.max(std::fs::metadata(&log).unwrap().len());
                }
                longest
            });
        }
        // 72 MB were written to it.
        let longest = crowd.join_all().await.into_iter().max().unwrap();
        assert!(longest < 40 << 20, "{longest}");
    }
}
