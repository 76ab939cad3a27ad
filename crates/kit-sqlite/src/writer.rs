//! The one thread that writes a file: many commits, one transaction, one fsync.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use baedal_kit::Failure;
use baedal_kit::Job;
use baedal_kit::database::{Commit, JobChange, Lease, LeasedJob, Outcome, Write};
use baedal_kit::feeds::Feeds;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use crate::failure;
use crate::rows::{from_json, job, nanoseconds, signed, to_json};

/// How many commits share a transaction at the most.
const GROUP: usize = 512;
/// How many may wait; more make their senders wait.
const WAITING: usize = 4_096;

/// The way to the thread.
pub(crate) struct Writer {
    context: &'static str,
    // Dropped first, which ends the thread.
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    signals: Signals,
}

/// Whom the thread tells.
#[derive(Clone)]
struct Signals {
    head: watch::Sender<u64>,
    jobs_changed: watch::Sender<u64>,
    feeds: Feeds,
}

enum Request {
    Commit(Box<Commit>, oneshot::Sender<Result<Outcome, Failure>>),
    Lease { now: Timestamp, until: Timestamp, limit: usize, reply: oneshot::Sender<Result<Vec<LeasedJob>, Failure>> },
}

/// What was done for a request, to be told once it is durable.
enum Done {
    Commit { outcome: Result<Outcome, Failure>, keys: Vec<String>, jobs: bool, reply: oneshot::Sender<Result<Outcome, Failure>> },
    Lease { leased: Result<Vec<LeasedJob>, Failure>, reply: oneshot::Sender<Result<Vec<LeasedJob>, Failure>> },
}

/// Why a commit did not go through.
enum Stopped {
    Conflict,
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

impl Writer {
    pub(crate) fn start(connection: Connection, context: &'static str) -> rusqlite::Result<Self> {
        let head: i64 =
            connection.query_row("SELECT coalesce(max(position), 0) FROM journal", [], |row| row.get(0))?;
        let signals = Signals {
            head: watch::Sender::new(head.unsigned_abs()),
            jobs_changed: watch::Sender::new(0),
            feeds: Feeds::default(),
        };
        let (requests, waiting) = mpsc::channel(WAITING);
        let pen = Pen { connection, context, head, signals: signals.clone() };
        let thread = std::thread::Builder::new()
            .name(format!("write-{context}"))
            .spawn(move || pen.run(waiting))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        Ok(Self { context, requests: Some(requests), thread: Some(thread), signals })
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Result<Outcome, Failure> {
        self.ask(|reply| Request::Commit(Box::new(commit), reply)).await
    }

    pub(crate) async fn lease(&self, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<LeasedJob>, Failure> {
        self.ask(|reply| Request::Lease { now, until, limit, reply }).await
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<Result<T, Failure>>) -> Request) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        let gone = || failure(self.context, "its writer has ended");
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        requests.send(request(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    pub(crate) fn head(&self) -> watch::Receiver<u64> {
        self.signals.head.subscribe()
    }

    pub(crate) fn jobs_changed(&self) -> watch::Receiver<u64> {
        self.signals.jobs_changed.subscribe()
    }

    pub(crate) fn feeds(&self) -> &Feeds {
        &self.signals.feeds
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it has been told already, by the answers that did not come.
            let _ = thread.join();
        }
    }
}

/// The thread's own.
struct Pen {
    connection: Connection,
    context: &'static str,
    /// The journal's last position, what is not durable yet included.
    head: i64,
    signals: Signals,
}

impl Pen {
    fn run(mut self, mut waiting: mpsc::Receiver<Request>) {
        let mut group = Vec::new();
        while waiting.blocking_recv_many(&mut group, GROUP) > 0 {
            let durable = self.head;
            let mut done = Vec::with_capacity(group.len());
            let written = self.write(group.drain(..), &mut done);
            if let Err(error) = &written {
                tracing::error!(context = self.context, %error, commits = done.len(), "a group of commits failed");
                // Where even this fails there is no transaction to undo.
                let _ = self.connection.execute_batch("ROLLBACK");
                self.head = durable;
            }
            self.tell(done, written.err());
        }
        // Closing the last connection folds the WAL into the file.
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(context = self.context, %error, "the database did not close well");
        }
    }

    /// All of a group in one transaction.
    fn write(&mut self, group: impl Iterator<Item = Request>, done: &mut Vec<Done>) -> rusqlite::Result<()> {
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE");
        for request in group {
            done.push(match request {
                Request::Commit(commit, reply) => {
                    let keys = commit.changed_keys();
                    let jobs = !commit.jobs.is_empty();
                    let outcome = if begun.is_ok() { self.attempt(*commit)? } else { Ok(Outcome::Conflict) };
                    Done::Commit { outcome, keys, jobs, reply }
                }
                Request::Lease { now, until, limit, reply } => {
                    let leased = if begun.is_ok() { lease(&self.connection, now, until, limit) } else { Ok(Vec::new()) };
                    Done::Lease { leased: leased.map_err(|error| failure(self.context, error)), reply }
                }
            });
        }
        begun?;
        self.connection.execute_batch("COMMIT")
    }

    /// One commit in a savepoint of its own. An error is one of the whole group.
    fn attempt(&mut self, commit: Commit) -> rusqlite::Result<Result<Outcome, Failure>> {
        let before = self.head;
        self.connection.prepare_cached("SAVEPOINT one")?.execute([])?;
        let applied = catch_unwind(AssertUnwindSafe(|| apply(&self.connection, commit, &mut self.head)));
        let outcome = match applied {
            Ok(Ok(())) => Ok(Outcome::Committed { position: self.head.unsigned_abs() }),
            Ok(Err(Stopped::Conflict)) => Ok(Outcome::Conflict),
            Ok(Err(Stopped::Failed(error))) => Err(failure(self.context, error)),
            Err(_) => Err(Failure::broken(format!("a commit made the writer of {} panic", self.context))),
        };
        if !matches!(outcome, Ok(Outcome::Committed { .. })) {
            self.head = before;
            self.connection.prepare_cached("ROLLBACK TO one")?.execute([])?;
        }
        self.connection.prepare_cached("RELEASE one")?.execute([])?;
        Ok(outcome)
    }

    /// Answers, and wakes whom it concerns. Where the group failed, nothing of it happened.
    fn tell(&self, done: Vec<Done>, failed: Option<rusqlite::Error>) {
        let story = failed.map(|error| error.to_string());
        let mut any_jobs = false;
        if story.is_none() {
            let position = self.head.unsigned_abs();
            self.signals.head.send_if_modified(|head| std::mem::replace(head, position) != position);
        }
        for one in done {
            // Who asked may have gone away; what was done stays done.
            match one {
                Done::Commit { outcome, keys, jobs, reply } => {
                    let outcome = story.as_ref().map_or(outcome, |story| Err(failure(self.context, story.as_str())));
                    if matches!(outcome, Ok(Outcome::Committed { .. })) {
                        any_jobs |= jobs;
                        self.signals.feeds.wake(keys.iter().map(String::as_str));
                    }
                    let _ = reply.send(outcome);
                }
                Done::Lease { leased, reply } => {
                    let _ = reply.send(story.as_ref().map_or(leased, |story| Err(failure(self.context, story.as_str()))));
                }
            }
        }
        if any_jobs {
            self.signals.jobs_changed.send_modify(|count| *count += 1);
        }
    }
}

fn apply(connection: &Connection, commit: Commit, head: &mut i64) -> Result<(), Stopped> {
    for append in commit.appends {
        let version: i64 = connection
            .prepare_cached("SELECT coalesce(max(version), 0) FROM journal WHERE stream = ?1")?
            .query_row([&append.stream], |row| row.get(0))?;
        if version != signed(append.expected_version) {
            return Err(Stopped::Conflict);
        }
        let mut insert = connection.prepare_cached(
            "INSERT INTO journal (position, id, stream, version, kind, at, correlation, command, origin, data) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        for (event, version) in append.events.into_iter().zip(version + 1..) {
            *head += 1;
            insert.execute(params![
                *head,
                event.id.as_bytes(),
                append.stream,
                version,
                event.kind,
                nanoseconds(event.at),
                event.correlation.as_ref().map(Uuid::as_bytes),
                event.command,
                to_json(&event.origin)?,
                event.data,
            ])?;
        }
    }
    for cursor in &commit.cursors {
        let key = params![cursor.consumer, cursor.source, cursor.shard, signed(cursor.from), signed(cursor.to)];
        let moved = if cursor.from == 0 {
            connection.prepare_cached(
                "INSERT INTO cursors (consumer, source, shard, position) SELECT ?1, ?2, ?3, ?5 WHERE ?4 = 0 \
                 ON CONFLICT DO UPDATE SET position = excluded.position WHERE position = 0",
            )?
        } else {
            connection.prepare_cached(
                "UPDATE cursors SET position = ?5 WHERE consumer = ?1 AND source = ?2 AND shard = ?3 AND position = ?4",
            )?
        }
        .execute(key)?;
        if moved == 0 {
            return Err(Stopped::Conflict);
        }
    }
    for view in &commit.cleared_views {
        connection.prepare_cached("DELETE FROM documents WHERE view = ?1")?.execute([view])?;
        connection.prepare_cached("DELETE FROM tags WHERE view = ?1")?.execute([view])?;
    }
    for write in commit.writes {
        put(connection, write)?;
    }
    for change in commit.jobs {
        change_job(connection, change)?;
    }
    Ok(())
}

fn put(connection: &Connection, write: Write) -> Result<(), Stopped> {
    let Write { view, id, expected_version, body, mut tags, left_tags: _ } = write;
    let known: Option<(i64, i64, Vec<String>)> = connection
        .prepare_cached("SELECT number, version, tags FROM documents WHERE view = ?1 AND id = ?2")?
        .query_row([&view, &id], |row| Ok((row.get(0)?, row.get(1)?, from_json(row.get_ref(2)?.as_bytes()?)?)))
        .optional()?;
    let version = known.as_ref().map_or(0, |(_, version, _)| *version);
    if expected_version.is_some_and(|expected| signed(expected) != version) {
        return Err(Stopped::Conflict);
    }
    tags.sort_unstable();
    tags.dedup();
    if body.is_none() {
        tags.clear();
    }
    let had = known.as_ref().map_or(&[][..], |(_, _, tags)| tags.as_slice());
    for tag in had.iter().filter(|tag| !tags.contains(tag)) {
        connection.prepare_cached("DELETE FROM tags WHERE view = ?1 AND tag = ?2 AND id = ?3")?.execute([&view, tag, &id])?;
    }
    for tag in tags.iter().filter(|tag| !had.contains(tag)) {
        connection.prepare_cached("INSERT INTO tags (view, tag, id) VALUES (?1, ?2, ?3)")?.execute([&view, tag, &id])?;
    }
    let as_text = |tags: &[String]| serde_json::to_string(tags).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)));
    match (&known, body) {
        (Some((number, _, had)), Some(body)) if *had == tags => {
            connection
                .prepare_cached("UPDATE documents SET version = ?2, body = ?3 WHERE number = ?1")?
                .execute(params![number, version + 1, body])?;
        }
        (Some((number, ..)), Some(body)) => {
            connection
                .prepare_cached("UPDATE documents SET version = ?2, tags = ?3, body = ?4 WHERE number = ?1")?
                .execute(params![number, version + 1, as_text(&tags)?, body])?;
        }
        (None, Some(body)) => {
            connection
                .prepare_cached("INSERT INTO documents (view, id, version, tags, body) VALUES (?1, ?2, 1, ?3, ?4)")?
                .execute(params![view, id, as_text(&tags)?, body])?;
        }
        (Some((number, ..)), None) => {
            connection.prepare_cached("DELETE FROM documents WHERE number = ?1")?.execute([number])?;
        }
        (None, None) => {}
    }
    Ok(())
}

fn change_job(connection: &Connection, change: JobChange) -> Result<(), Stopped> {
    let must_change = |changed: usize| if changed == 0 { Err(Stopped::Conflict) } else { Ok(()) };
    match change {
        JobChange::Schedule(job) => {
            let (run_at, token) = (nanoseconds(job.run_at), Uuid::now_v7());
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO jobs (kind, key, run_at, due, attempt, token, leased, dead, error, job) \
                     VALUES (?1, ?2, ?3, ?3, ?4, ?5, 0, 0, NULL, ?6)",
                )?
                .execute(params![job.kind, job.key, run_at, job.attempt, token.as_bytes(), to_json(&job)?])?;
            Ok(())
        }
        JobChange::Unschedule { kind, key } => {
            connection.prepare_cached("DELETE FROM jobs WHERE kind = ?1 AND key = ?2")?.execute([kind, key])?;
            Ok(())
        }
        JobChange::Finish(Lease { kind, key, token }) => must_change(
            connection
                .prepare_cached("DELETE FROM jobs WHERE kind = ?1 AND key = ?2 AND token = ?3 AND leased = 1")?
                .execute(params![kind, key, token.as_bytes()])?,
        ),
        JobChange::Retry { lease: Lease { kind, key, token }, run_at, error } => must_change(
            connection
                .prepare_cached(
                    "UPDATE jobs SET run_at = ?4, due = ?4, leased = 0, error = ?5 \
                     WHERE kind = ?1 AND key = ?2 AND token = ?3 AND leased = 1",
                )?
                .execute(params![kind, key, token.as_bytes(), nanoseconds(run_at), error])?,
        ),
        JobChange::Bury { lease: Lease { kind, key, token }, error } => must_change(
            connection
                .prepare_cached(
                    "UPDATE jobs SET dead = 1, leased = 0, error = ?4 \
                     WHERE kind = ?1 AND key = ?2 AND token = ?3 AND leased = 1",
                )?
                .execute(params![kind, key, token.as_bytes(), error])?,
        ),
        JobChange::Redrive { kind, key, run_at } => must_change(
            connection
                .prepare_cached(
                    "UPDATE jobs SET dead = 0, attempt = 0, run_at = ?3, due = ?3 WHERE kind = ?1 AND key = ?2 AND dead = 1",
                )?
                .execute(params![kind, key, nanoseconds(run_at)])?,
        ),
    }
}

fn lease(connection: &Connection, now: Timestamp, until: Timestamp, limit: usize) -> rusqlite::Result<Vec<LeasedJob>> {
    let due: Vec<Job> = connection
        .prepare_cached("SELECT job, run_at, attempt FROM jobs WHERE dead = 0 AND due <= ?1 ORDER BY due LIMIT ?2")?
        .query_map(params![nanoseconds(now), signed(limit as u64)], |row| job(row))?
        .collect::<Result<_, _>>()?;
    let mut update = connection.prepare_cached(
        "UPDATE jobs SET due = ?3, attempt = ?4, token = ?5, leased = 1 WHERE kind = ?1 AND key = ?2",
    )?;
    let mut leased = Vec::with_capacity(due.len());
    for mut job in due {
        job.attempt += 1;
        let token = Uuid::now_v7();
        update.execute(params![job.kind, job.key, nanoseconds(until), job.attempt, token.as_bytes()])?;
        let lease = Lease { kind: job.kind.clone(), key: job.key.clone(), token };
        leased.push(LeasedJob { job, lease });
    }
    Ok(leased)
}
