//! A commit, reduced to what must be the case before it and what is the case after it, each thing once.
//!
//! A commit may touch the same thing several times: a stream grows twice, a document is written, found as
//! written, and deleted, a job ends and is scheduled anew. The database is told the sum only. What contradicts
//! itself is a conflict whatever the database holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use baedal_kit::database::{Append, Commit, CursorMove, JobChange};
use baedal_kit::feeds::hash_of;
use baedal_kit::{Origin, epochs};
use jiff::Timestamp;
use uuid::Uuid;

use crate::rows::nanoseconds;
use crate::text::{keep, kept};

mod document;
mod job;

pub(crate) use document::Document;
pub(crate) use job::{Job, Put};

/// Why a commit is not even tried.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It contradicts itself.
    Conflict,
    /// It cannot be kept.
    Unkeepable(String),
}

/// What one commit needs and does.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    /// What it touches.
    pub(crate) keys: Vec<Key>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) events: Vec<Event>,
    pub(crate) cursors: Vec<Cursor>,
    pub(crate) cleared_views: Vec<String>,
    pub(crate) documents: Vec<Document>,
    pub(crate) jobs: Vec<Job>,
    /// Whether a job may be due earlier than before.
    pub(crate) earliest_job: Option<Timestamp>,
    /// The hashes of the feeds that it concerns.
    pub(crate) feeds: Vec<u64>,
    /// How large it is, roughly.
    pub(crate) bytes: usize,
}

/// Something that commits of one group must not both touch, unless both only share it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    /// Two things with one hash only wait for each other without need.
    pub(crate) hash: u64,
    pub(crate) is_shared: bool,
}

/// A stream and the version it must have.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) expected: i64,
    next: i64,
}

/// An event at its place in its stream.
#[derive(Debug)]
pub(crate) struct Event {
    /// Which of the piece's streams.
    pub(crate) stream: usize,
    pub(crate) version: i64,
    pub(crate) id: Uuid,
    pub(crate) kind: &'static str,
    pub(crate) at: i64,
    pub(crate) correlation: Option<Uuid>,
    pub(crate) command: &'static str,
    pub(crate) origin: Arc<str>,
    pub(crate) data: String,
}

/// A cursor, from where it must be to where it is then.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) consumer: String,
    pub(crate) source: String,
    pub(crate) shard: i32,
    pub(crate) from: i64,
    pub(crate) from_epoch: Option<Uuid>,
    pub(crate) to: i64,
    pub(crate) to_epoch: Option<Uuid>,
}

pub(crate) fn reduce(commit: Commit) -> Result<Piece, Stop> {
    let earliest_job = commit.earliest_job();
    let feeds = commit.changed_keys().iter().map(|key| hash_of(key)).collect();
    let mut piece = Piece { earliest_job, feeds, ..Piece::default() };
    append(&mut piece, commit.appends)?;
    piece.cursors = cursors(commit.cursors)?;
    let cleared: BTreeSet<_> = commit.cleared_views.into_iter().map(keep).collect();
    piece.documents = document::reduce(commit.writes, &cleared)?;
    piece.cleared_views = cleared.into_iter().collect();
    piece.jobs = jobs(commit.jobs)?;
    piece.keys = keys(&piece);
    piece.bytes = piece.events.iter().map(|event| event.data.len() + event.origin.len()).sum::<usize>()
        + piece.documents.iter().map(|document| document.body.as_ref().map_or(0, String::len)).sum::<usize>();
    Ok(piece)
}

/// JSON as text, as PostgreSQL can keep it. (In JSON, U+0000 is always an escape.)
pub(crate) fn json(what: &str, bytes: Vec<u8>) -> Result<String, Stop> {
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        Ok(_) => Err(Stop::Unkeepable(format!("{what} is not JSON: it holds U+0000"))),
        Err(error) => Err(Stop::Unkeepable(format!("{what} is not JSON: {error}"))),
    }
}

/// A number as PostgreSQL counts; there is nothing beyond the greatest.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn append(piece: &mut Piece, appends: Vec<Append>) -> Result<(), Stop> {
    let mut known: HashMap<String, usize> = HashMap::new();
    // What happens together comes from the same place.
    let mut origin: Option<(Arc<Origin>, Arc<str>)> = None;
    for Append { stream, expected_version, events } in appends {
        let expected = signed(expected_version);
        let number = *known.entry(keep(stream)).or_insert_with_key(|name| {
            piece.streams.push(Stream { name: name.clone(), expected, next: expected });
            piece.streams.len() - 1
        });
        let stream = &mut piece.streams[number];
        if stream.next != expected {
            return Err(Stop::Conflict);
        }
        for event in events {
            let text = match &origin {
                Some((known, text)) if Arc::ptr_eq(known, &event.origin) => Arc::clone(text),
                _ => {
                    let text = serde_json::to_string(&*event.origin);
                    let text: Arc<str> = text.map_err(|error| Stop::Unkeepable(error.to_string()))?.into();
                    origin = Some((event.origin, Arc::clone(&text)));
                    text
                }
            };
            stream.next += 1;
            piece.events.push(Event {
                stream: number,
                version: stream.next,
                id: event.id,
                kind: event.kind,
                at: nanoseconds(event.at),
                correlation: event.correlation,
                command: event.command,
                origin: text,
                data: json("an event", event.data)?,
            });
        }
    }
    Ok(())
}

fn cursors(moves: Vec<CursorMove>) -> Result<Vec<Cursor>, Stop> {
    let mut reduced: Vec<Cursor> = Vec::with_capacity(moves.len());
    let mut known: HashMap<(String, String, u16), usize> = HashMap::new();
    for CursorMove { consumer, source, shard, from, to } in moves {
        let (consumer, source) = (keep(consumer), keep(source));
        let (from, from_epoch) = (signed(from.position), epoch(from));
        let number = *known.entry((consumer, source, shard)).or_insert_with_key(|(consumer, source, shard)| {
            let (consumer, source, shard) = (consumer.clone(), source.clone(), i32::from(*shard));
            reduced.push(Cursor { consumer, source, shard, from, from_epoch, to: from, to_epoch: from_epoch });
            reduced.len() - 1
        });
        let cursor = &mut reduced[number];
        if (cursor.to, cursor.to_epoch) != (from, from_epoch) {
            return Err(Stop::Conflict);
        }
        (cursor.to, cursor.to_epoch) = (signed(to.position), epoch(to));
    }
    Ok(reduced)
}

/// The epoch of a place, where it has one.
fn epoch(at: epochs::Cursor) -> Option<Uuid> {
    (at.epoch != epochs::Epoch::NONE).then_some(at.epoch.0)
}

fn jobs(changes: Vec<JobChange>) -> Result<Vec<Job>, Stop> {
    let mut reduced: BTreeMap<(String, String), job::Draft> = BTreeMap::new();
    for change in changes {
        let (kind, key) = change.subject();
        let key = (kept(kind).into_owned(), kept(key).into_owned());
        reduced.entry(key).or_default().change(change)?;
    }
    Ok(reduced.into_iter().filter_map(|((kind, key), draft)| draft.finish(kind, key)).collect())
}

/// What a piece touches. Documents share their view: who clears it needs all of it.
fn keys(piece: &Piece) -> Vec<Key> {
    let own = |hash| Key { hash, is_shared: false };
    let mut keys =
        Vec::with_capacity(piece.streams.len() + piece.cursors.len() + 2 * piece.documents.len() + piece.jobs.len());
    keys.extend(piece.streams.iter().map(|stream| own(hash(&("stream", &stream.name)))));
    let cursor = |cursor: &Cursor| own(hash(&("cursor", &cursor.consumer, &cursor.source, cursor.shard)));
    keys.extend(piece.cursors.iter().map(cursor));
    keys.extend(piece.documents.iter().map(|document| own(hash(&("document", &document.view, &document.id)))));
    keys.extend(piece.jobs.iter().map(|job| own(hash(&("job", &job.kind, &job.key)))));
    keys.extend(piece.cleared_views.iter().map(|view| own(hash(&("view", view)))));
    let views: BTreeSet<&str> = piece.documents.iter().map(|document| document.view.as_str()).collect();
    let shared = views.into_iter().filter(|view| !piece.cleared_views.iter().any(|cleared| cleared == view));
    keys.extend(shared.map(|view| Key { hash: hash(&("view", view)), is_shared: true }));
    keys
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
