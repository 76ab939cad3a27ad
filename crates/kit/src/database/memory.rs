//! A database that forgets: for tests, and for simulation.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

use super::{Commit, Database, DeadLetter, Direction, Document, JobChange, Lease, LeasedJob, Outcome, Query, Select};
use crate::Failure;
use crate::feeds::Feeds;
use crate::jobs::Job;
use crate::message::Recorded;

/// A database in memory.
#[derive(Debug)]
pub struct MemoryDatabase {
    tables: Mutex<Tables>,
    head: watch::Sender<u64>,
    jobs_changed: watch::Sender<u64>,
    feeds: Feeds,
}

#[derive(Clone, Debug, Default)]
struct Tables {
    journal: Vec<Recorded>,
    versions: HashMap<String, u64>,
    cursors: HashMap<(String, String, u16), u64>,
    documents: BTreeMap<(String, String), Document>,
    jobs: BTreeMap<(String, String), Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    job: Job,
    token: Uuid,
    leased_until: Option<Timestamp>,
    error: Option<String>,
    dead: bool,
}

/// The commit does not fit what is there.
struct Conflict;

impl Default for MemoryDatabase {
    fn default() -> Self {
        Self {
            tables: Mutex::default(),
            head: watch::Sender::new(0),
            jobs_changed: watch::Sender::new(0),
            feeds: Feeds::default(),
        }
    }
}

impl MemoryDatabase {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn apply(&mut self, commit: Commit) -> Result<u64, Conflict> {
        for append in commit.appends {
            let version = self.versions.entry(append.stream.clone()).or_default();
            if *version != append.expected_version {
                return Err(Conflict);
            }
            for event in append.events {
                *version += 1;
                self.journal.push(Recorded {
                    position: self.journal.len() as u64 + 1,
                    id: event.id,
                    stream: append.stream.clone(),
                    version: *version,
                    kind: event.kind.to_owned(),
                    data: event.data,
                    at: event.at,
                    correlation: event.correlation,
                    command: event.command.to_owned(),
                    origin: event.origin,
                });
            }
        }
        for cursor in commit.cursors {
            let at = self.cursors.entry((cursor.consumer, cursor.source, cursor.shard)).or_default();
            if *at != cursor.from {
                return Err(Conflict);
            }
            *at = cursor.to;
        }
        for view in commit.cleared_views {
            self.documents.retain(|(of, _), _| *of != view);
        }
        for write in commit.writes {
            let key = (write.view, write.id);
            let version = self.documents.get(&key).map_or(0, |document| document.version);
            if write.expected_version.is_some_and(|expected| expected != version) {
                return Err(Conflict);
            }
            match write.body {
                Some(body) => {
                    let document = Document { id: key.1.clone(), version: version + 1, body, tags: write.tags };
                    self.documents.insert(key, document);
                }
                None => {
                    self.documents.remove(&key);
                }
            }
        }
        commit.jobs.into_iter().try_for_each(|change| self.change_job(change))?;
        Ok(self.journal.len() as u64)
    }

    fn change_job(&mut self, change: JobChange) -> Result<(), Conflict> {
        match change {
            JobChange::Schedule(job) => {
                let kept = Kept { job, token: Uuid::now_v7(), leased_until: None, error: None, dead: false };
                self.jobs.insert((kept.job.kind.clone(), kept.job.key.clone()), kept);
            }
            JobChange::Unschedule { kind, key } => {
                self.jobs.remove(&(kind, key));
            }
            JobChange::Finish(lease) => {
                self.leased(&lease)?;
                self.jobs.remove(&(lease.kind, lease.key));
            }
            JobChange::Retry { lease, run_at, error } => {
                let kept = self.leased(&lease)?;
                kept.job.run_at = run_at;
                (kept.leased_until, kept.error) = (None, Some(error));
            }
            JobChange::Bury { lease, error } => {
                let kept = self.leased(&lease)?;
                (kept.leased_until, kept.error, kept.dead) = (None, Some(error), true);
            }
            JobChange::Redrive { kind, key, run_at } => {
                let kept = self.jobs.get_mut(&(kind, key)).filter(|kept| kept.dead).ok_or(Conflict)?;
                (kept.dead, kept.job.attempt, kept.job.run_at) = (false, 0, run_at);
            }
        }
        Ok(())
    }

    fn leased(&mut self, lease: &Lease) -> Result<&mut Kept, Conflict> {
        self.jobs
            .get_mut(&(lease.kind.clone(), lease.key.clone()))
            .filter(|kept| kept.token == lease.token && kept.leased_until.is_some())
            .ok_or(Conflict)
    }
}

#[async_trait]
impl Database for MemoryDatabase {
    async fn commit(&self, commit: Commit) -> Result<Outcome, Failure> {
        let changed = commit.changed_keys();
        let jobs = !commit.jobs.is_empty();
        let position = {
            let mut tables = self.tables();
            let mut next = tables.clone();
            match next.apply(commit) {
                Ok(position) => {
                    *tables = next;
                    position
                }
                Err(Conflict) => return Ok(Outcome::Conflict),
            }
        };
        self.head.send_if_modified(|head| std::mem::replace(head, (*head).max(position)) < position);
        if jobs {
            self.jobs_changed.send_modify(|count| *count += 1);
        }
        self.feeds.wake(changed.iter().map(String::as_str));
        Ok(Outcome::Committed { position })
    }

    async fn load(&self, stream: &str, after_version: u64) -> Result<Vec<Recorded>, Failure> {
        let tables = self.tables();
        Ok(tables
            .journal
            .iter()
            .filter(|event| event.stream == stream && event.version > after_version)
            .cloned()
            .collect())
    }

    async fn published(&self, after: u64, limit: usize) -> Result<Vec<Recorded>, Failure> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(self.tables().journal.iter().skip(after).take(limit).cloned().collect())
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    async fn cursor(&self, consumer: &str, source: &str, shard: u16) -> Result<u64, Failure> {
        let key = (consumer.to_owned(), source.to_owned(), shard);
        Ok(self.tables().cursors.get(&key).copied().unwrap_or(0))
    }

    async fn get(&self, view: &str, id: &str) -> Result<Option<Document>, Failure> {
        Ok(self.tables().documents.get(&(view.to_owned(), id.to_owned())).cloned())
    }

    async fn list(&self, view: &str, query: Query) -> Result<Vec<Document>, Failure> {
        let tables = self.tables();
        let selected = tables.documents.iter().filter(|((of, id), document)| {
            of == view
                && match &query.select {
                    Select::Tag(tag) => document.tags.contains(tag),
                    Select::Prefix(prefix) => id.starts_with(prefix),
                }
        });
        let documents = selected.map(|(_, document)| document.clone());
        let after = query.after.as_deref();
        Ok(match query.direction {
            Direction::Ascending => documents
                .filter(|document| after.is_none_or(|after| document.id.as_str() > after))
                .take(query.limit)
                .collect(),
            Direction::Descending => documents
                .rev()
                .filter(|document| after.is_none_or(|after| document.id.as_str() < after))
                .take(query.limit)
                .collect(),
        })
    }

    async fn lease(&self, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<LeasedJob>, Failure> {
        let mut tables = self.tables();
        let mut due: Vec<_> = tables
            .jobs
            .values_mut()
            .filter(|kept| !kept.dead && kept.job.run_at <= now && kept.leased_until.is_none_or(|until| until <= now))
            .collect();
        due.sort_by_key(|kept| kept.job.run_at);
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
        let tables = self.tables();
        let waiting = tables.jobs.values().filter(|kept| !kept.dead);
        Ok(waiting.map(|kept| kept.leased_until.map_or(kept.job.run_at, |until| until.max(kept.job.run_at))).min())
    }

    fn jobs_changed(&self) -> watch::Receiver<u64> {
        self.jobs_changed.subscribe()
    }

    async fn dead_letters(&self, after: Option<(String, String)>, limit: usize) -> Result<Vec<DeadLetter>, Failure> {
        let tables = self.tables();
        let dead =
            tables.jobs.iter().filter(|(key, kept)| kept.dead && after.as_ref().is_none_or(|after| *key > after));
        Ok(dead
            .take(limit)
            .map(|(_, kept)| DeadLetter { job: kept.job.clone(), error: kept.error.clone().unwrap_or_default() })
            .collect())
    }

    fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    async fn ping(&self) -> Result<(), Failure> {
        Ok(())
    }
}
