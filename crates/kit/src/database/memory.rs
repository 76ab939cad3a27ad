//! A database that forgets: for tests, and for simulation.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

use super::{
    Append, BehindLetter, Commit, CursorMove, Database, DeadLetter, Direction, Document, JobChange, KeptCursor, Lease,
    LeasedJob, Outcome, Query, Select, TagRange, Write,
};
use crate::Failure;
use crate::epochs::{Cursor, Epoch, Epochs};
use crate::feeds::Feeds;
use crate::job::Job;
use crate::message::Recorded;

/// A database in memory.
#[derive(Debug)]
pub struct MemoryDatabase {
    tables: Mutex<Tables>,
    head: watch::Sender<u64>,
    epochs: watch::Sender<Arc<Epochs>>,
    jobs_changed: watch::Sender<u64>,
    feeds: Feeds,
    /// What replicas tell one another, where there may be several.
    grapevine: Option<broadcast::Sender<Arc<str>>>,
}

type CursorKey = (String, String, u16);
type DocumentKey = (String, String);
type JobKey = (String, String);

#[derive(Debug, Default)]
struct Tables {
    journal: Vec<Recorded>,
    /// Each stream's places in the journal.
    streams: HashMap<String, Vec<usize>>,
    cursors: HashMap<CursorKey, Cursor>,
    documents: BTreeMap<DocumentKey, Document>,
    jobs: BTreeMap<JobKey, Kept>,
    /// What the commit under way has changed, as it was before.
    undo: Vec<Undo>,
}

#[derive(Clone, Debug)]
struct Kept {
    job: Job,
    token: Uuid,
    leased_until: Option<Timestamp>,
    error: Option<String>,
    dead: bool,
}

impl Kept {
    /// When somebody may take it.
    fn due(&self) -> Timestamp {
        self.leased_until.unwrap_or(self.job.run_at)
    }
}

/// How something was before it was changed.
#[derive(Debug)]
enum Undo {
    Event,
    Cursor(CursorKey, Option<Cursor>),
    Document(DocumentKey, Option<Document>),
    Job(JobKey, Option<Box<Kept>>),
}

/// The commit does not fit what is there.
struct Conflict;

impl Default for MemoryDatabase {
    fn default() -> Self {
        Self {
            tables: Mutex::default(),
            head: watch::Sender::new(0),
            epochs: watch::Sender::new(Arc::new(Epochs::default().with_new(Epoch::new(), 0))),
            jobs_changed: watch::Sender::new(0),
            feeds: Feeds::default(),
            grapevine: None,
        }
    }
}

impl MemoryDatabase {
    /// One that several replicas share.
    #[must_use]
    pub fn shared() -> Self {
        Self { grapevine: Some(broadcast::Sender::new(1024)), ..Self::default() }
    }

    /// Goes back to an earlier state of itself, as a database that is restored: whatever happened behind this position
    /// of the journal never did, and a new epoch begins. Of cursors, documents and jobs nothing is taken back.
    pub fn restore(&self, position: u64) {
        let mut tables = self.tables();
        let kept = usize::try_from(position).unwrap_or(usize::MAX);
        tables.journal.truncate(kept);
        tables.streams.values_mut().for_each(|places| places.retain(|place| *place < kept));
        drop(tables);
        self.epochs.send_modify(|epochs| *epochs = Arc::new(epochs.with_new(Epoch::new(), position)));
        self.head.send_replace(position);
        self.feeds.wake_all();
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock()
    }
}

impl Tables {
    /// All of it, or nothing.
    fn commit(&mut self, commit: Commit) -> Result<u64, Conflict> {
        self.undo.clear();
        let applied = self.apply(commit);
        if applied.is_err() {
            self.take_back();
        }
        applied.map(|()| self.journal.len() as u64)
    }

    fn apply(&mut self, commit: Commit) -> Result<(), Conflict> {
        commit.appends.into_iter().try_for_each(|append| self.append(append))?;
        commit.cursors.into_iter().try_for_each(|cursor| self.move_cursor(cursor))?;
        for view in commit.cleared_views {
            let of_view = self.documents.keys().filter(|(of, _)| *of == view);
            for key in of_view.cloned().collect::<Vec<_>>() {
                self.set_document(key, None);
            }
        }
        commit.writes.into_iter().try_for_each(|write| self.write(write))?;
        commit.jobs.into_iter().try_for_each(|change| self.change_job(change))
    }

    fn take_back(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Event => {
                    if let Some(event) = self.journal.pop()
                        && let Some(places) = self.streams.get_mut(&event.stream)
                    {
                        places.pop();
                    }
                }
                Undo::Cursor(key, was) => restore(&mut self.cursors, key, was),
                Undo::Document(key, Some(was)) => drop(self.documents.insert(key, was)),
                Undo::Document(key, None) => drop(self.documents.remove(&key)),
                Undo::Job(key, Some(was)) => drop(self.jobs.insert(key, *was)),
                Undo::Job(key, None) => drop(self.jobs.remove(&key)),
            }
        }
    }

    fn append(&mut self, append: Append) -> Result<(), Conflict> {
        let places = self.streams.entry(append.stream.clone()).or_default();
        if places.len() as u64 != append.expected_version {
            return Err(Conflict);
        }
        for event in append.events {
            places.push(self.journal.len());
            self.journal.push(Recorded {
                position: self.journal.len() as u64 + 1,
                id: event.id,
                stream: append.stream.clone(),
                version: places.len() as u64,
                kind: event.kind.to_owned(),
                data: event.data,
                at: event.at,
                correlation: event.correlation,
                command: event.command.to_owned(),
                origin: event.origin,
            });
            self.undo.push(Undo::Event);
        }
        Ok(())
    }

    fn move_cursor(&mut self, cursor: CursorMove) -> Result<(), Conflict> {
        let key = (cursor.consumer, cursor.source, cursor.shard);
        let was = self.cursors.get(&key).copied();
        if was.unwrap_or_default() != cursor.from {
            return Err(Conflict);
        }
        self.cursors.insert(key.clone(), cursor.to);
        self.undo.push(Undo::Cursor(key, was));
        Ok(())
    }

    fn write(&mut self, write: Write) -> Result<(), Conflict> {
        let key = (write.view, write.id);
        let version = self.documents.get(&key).map_or(0, |document| document.version);
        if write.expected_version.is_some_and(|expected| expected != version) {
            return Err(Conflict);
        }
        let id = key.1.clone();
        let document = write.body.map(|body| Document { id, version: version + 1, body, tags: write.tags });
        self.set_document(key, document);
        Ok(())
    }

    fn set_document(&mut self, key: DocumentKey, document: Option<Document>) {
        let was = match document {
            Some(document) => self.documents.insert(key.clone(), document),
            None => self.documents.remove(&key),
        };
        self.undo.push(Undo::Document(key, was));
    }

    fn change_job(&mut self, change: JobChange) -> Result<(), Conflict> {
        match change {
            JobChange::Schedule(job) => {
                let key = (job.kind.clone(), job.key.clone());
                let kept = Kept { job, token: Uuid::now_v7(), leased_until: None, error: None, dead: false };
                self.set_job(key, Some(kept));
            }
            JobChange::Take { leased: LeasedJob { job, lease }, until } => {
                let kept = Kept { job, token: lease.token, leased_until: Some(until), error: None, dead: false };
                self.set_job((lease.kind, lease.key), Some(kept));
            }
            JobChange::Unschedule { kind, key } => self.set_job((kind, key), None),
            JobChange::Finish(lease) => {
                self.leased(&lease)?;
                self.set_job((lease.kind, lease.key), None);
            }
            JobChange::Retry { lease, run_at, error } => {
                let mut kept = self.leased(&lease)?;
                kept.job.run_at = run_at;
                (kept.leased_until, kept.error) = (None, Some(error));
                self.set_job((lease.kind, lease.key), Some(kept));
            }
            JobChange::Bury { lease, error } => {
                let mut kept = self.leased(&lease)?;
                (kept.leased_until, kept.error, kept.dead) = (None, Some(error), true);
                self.set_job((lease.kind, lease.key), Some(kept));
            }
            JobChange::Redrive { kind, key, run_at } => {
                let key = (kind, key);
                let mut kept = self.jobs.get(&key).filter(|kept| kept.dead).cloned().ok_or(Conflict)?;
                (kept.dead, kept.job.attempt, kept.job.run_at) = (false, 0, run_at);
                self.set_job(key, Some(kept));
            }
        }
        Ok(())
    }

    fn leased(&self, lease: &Lease) -> Result<Kept, Conflict> {
        self.jobs
            .get(&(lease.kind.clone(), lease.key.clone()))
            .filter(|kept| kept.token == lease.token && kept.leased_until.is_some())
            .cloned()
            .ok_or(Conflict)
    }

    fn set_job(&mut self, key: JobKey, job: Option<Kept>) {
        let was = match job {
            Some(job) => self.jobs.insert(key.clone(), job),
            None => self.jobs.remove(&key),
        };
        self.undo.push(Undo::Job(key, was.map(Box::new)));
    }
}

fn restore<K: Eq + Hash, V>(map: &mut HashMap<K, V>, key: K, was: Option<V>) {
    match was {
        Some(was) => map.insert(key, was),
        None => map.remove(&key),
    };
}

#[async_trait]
impl Database for MemoryDatabase {
    async fn commit(&self, commit: Commit) -> Result<Outcome, Failure> {
        let changed = commit.changed_keys();
        let schedules = commit.schedules_jobs();
        let position = match self.tables().commit(commit) {
            Ok(position) => position,
            Err(Conflict) => return Ok(Outcome::Conflict),
        };
        self.head.send_if_modified(|head| std::mem::replace(head, (*head).max(position)) < position);
        if schedules {
            self.jobs_changed.send_modify(|count| *count += 1);
        }
        self.feeds.wake(changed.iter().map(String::as_str));
        Ok(Outcome::Committed { position })
    }

    async fn load(&self, stream: &str, after_version: u64) -> Result<Vec<Recorded>, Failure> {
        let tables = self.tables();
        let places = tables.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let after = usize::try_from(after_version).unwrap_or(usize::MAX);
        Ok(places.iter().skip(after).map(|place| tables.journal[*place].clone()).collect())
    }

    async fn published(&self, after: u64, limit: usize) -> Result<Vec<Recorded>, Failure> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(self.tables().journal.iter().skip(after).take(limit).cloned().collect())
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    fn epochs(&self) -> watch::Receiver<Arc<Epochs>> {
        self.epochs.subscribe()
    }

    async fn cursor(&self, consumer: &str, source: &str, shard: u16) -> Result<Cursor, Failure> {
        let key = (consumer.to_owned(), source.to_owned(), shard);
        Ok(self.tables().cursors.get(&key).copied().unwrap_or_default())
    }

    async fn cursors(&self) -> Result<Vec<KeptCursor>, Failure> {
        let tables = self.tables();
        let kept = tables.cursors.iter().map(|((consumer, source, shard), at)| KeptCursor {
            consumer: consumer.clone(),
            source: source.clone(),
            shard: *shard,
            at: *at,
        });
        Ok(kept.collect())
    }

    async fn get(&self, view: &str, id: &str) -> Result<Option<Document>, Failure> {
        Ok(self.tables().documents.get(&(view.to_owned(), id.to_owned())).cloned())
    }

    async fn list(&self, view: &str, query: Query) -> Result<Vec<Document>, Failure> {
        let tables = self.tables();
        let of_view = tables.documents.range((view.to_owned(), String::new())..);
        let of_view = of_view.take_while(|((of, _), _)| of == view).map(|(_, document)| document);
        let after = query.after.as_deref();
        let selected = of_view.filter(|document| {
            let is_selected = match &query.select {
                Select::Tag(tag) => document.tags.contains(tag),
                Select::AnyTag(tags) => tags.iter().any(|tag| document.tags.contains(tag)),
                Select::Prefix(prefix) => document.id.starts_with(prefix),
            };
            let is_behind = match query.direction {
                Direction::Ascending => after.is_none_or(|after| document.id.as_str() > after),
                Direction::Descending => after.is_none_or(|after| document.id.as_str() < after),
            };
            is_selected && is_behind
        });
        Ok(match query.direction {
            Direction::Ascending => selected.take(query.limit).cloned().collect(),
            Direction::Descending => {
                let selected: Vec<_> = selected.collect();
                selected.into_iter().rev().take(query.limit).cloned().collect()
            }
        })
    }

    async fn list_by_tag(&self, view: &str, range: TagRange, limit: usize) -> Result<Vec<(String, Document)>, Failure> {
        let tables = self.tables();
        let of_view = tables.documents.range((view.to_owned(), String::new())..);
        let of_view = of_view.take_while(|((of, _), _)| of == view).map(|(_, document)| document);
        let mut found: Vec<_> = of_view
            .flat_map(|document| {
                let tags: BTreeSet<&String> = document.tags.iter().collect();
                tags.into_iter().map(move |tag| (tag.clone(), document.clone()))
            })
            .filter(|(tag, document)| {
                let is_behind =
                    *tag > range.from || range.after.as_deref().is_none_or(|after| document.id.as_str() > after);
                *tag >= range.from && *tag < range.before && is_behind
            })
            .collect();
        found.sort_by(|(tag, document), (other, later)| (tag, &document.id).cmp(&(other, &later.id)));
        found.truncate(limit);
        Ok(found)
    }

    async fn lease(&self, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<LeasedJob>, Failure> {
        let mut tables = self.tables();
        let mut due: Vec<_> = tables.jobs.values_mut().filter(|kept| !kept.dead && kept.due() <= now).collect();
        due.sort_by_key(|kept| kept.due());
        Ok(due
            .into_iter()
            .take(limit)
            .map(|kept| {
                kept.leased_until = Some(until);
                kept.token = Uuid::now_v7();
                kept.job.attempt += 1;
                let lease = Lease { kind: kept.job.kind.clone(), key: kept.job.key.clone(), token: kept.token };
                LeasedJob { job: kept.job.clone(), lease }
            })
            .collect())
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Failure> {
        Ok(self.tables().jobs.values().filter(|kept| !kept.dead).map(Kept::due).min())
    }

    fn jobs_changed(&self) -> watch::Receiver<u64> {
        self.jobs_changed.subscribe()
    }

    async fn dead_letters(&self, after: Option<BehindLetter>, limit: usize) -> Result<Vec<DeadLetter>, Failure> {
        let tables = self.tables();
        let is_behind = |key: &(String, String), failed_at: Timestamp| {
            after.as_ref().is_none_or(|after| {
                failed_at < after.failed_at
                    || (failed_at == after.failed_at && after.letter.as_ref().is_some_and(|letter| key > letter))
            })
        };
        let dead = tables.jobs.iter().filter(|(key, kept)| kept.dead && is_behind(key, kept.job.run_at));
        let mut dead: Vec<_> = dead.collect();
        dead.sort_by_key(|(key, kept)| (Reverse(kept.job.run_at), *key));
        Ok(dead
            .into_iter()
            .take(limit)
            .map(|(_, kept)| DeadLetter { job: kept.job.clone(), error: kept.error.clone().unwrap_or_default() })
            .collect())
    }

    fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    fn tell_replicas(&self, said: String) {
        if let Some(grapevine) = &self.grapevine {
            // Where nobody listens it need not be said.
            let _ = grapevine.send(said.into());
        }
    }

    fn replicas_say(&self) -> Option<broadcast::Receiver<Arc<str>>> {
        self.grapevine.as_ref().map(broadcast::Sender::subscribe)
    }

    async fn ping(&self) -> Result<(), Failure> {
        Ok(())
    }
}
