//! Reading, beside the writer: in WAL mode a reader sees the last commit and waits for nobody.
//!
//! A query here takes some microseconds, less than handing it to another thread and back would, so it runs on
//! the thread that asks.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use baedal_kit::Recorded;
use baedal_kit::database::{DeadLetter, Direction, Document, Query, Select};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use crate::open;
use crate::rows::{from_json, job, signed, timestamp, unsigned};

/// How many connections read. Each costs memory for its cache.
const READERS: usize = 3;

/// The connections that read.
pub(crate) struct Readers {
    connections: Vec<Mutex<Connection>>,
}

impl Readers {
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connections = (0..READERS).map(|_| open::readable(path).map(Mutex::new));
        Ok(Self { connections: connections.collect::<Result<_, _>>()? })
    }

    /// Queries on a connection that is free, or on the first that becomes so.
    pub(crate) fn with<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let free = self.connections.iter().find_map(|connection| match connection.try_lock() {
            Ok(free) => Some(free),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        let connection: MutexGuard<'_, Connection> = match (free, self.connections.first()) {
            (Some(free), _) => free,
            (None, Some(first)) => first.lock().unwrap_or_else(PoisonError::into_inner),
            (None, None) => return Err(rusqlite::Error::InvalidQuery),
        };
        query(&connection)
    }
}

const RECORDED: &str = "position, id, stream, version, kind, at, correlation, command, origin, data";

fn recorded(row: &Row<'_>) -> rusqlite::Result<Recorded> {
    Ok(Recorded {
        position: unsigned(row.get(0)?)?,
        id: Uuid::from_bytes(row.get(1)?),
        stream: row.get(2)?,
        version: unsigned(row.get(3)?)?,
        kind: row.get(4)?,
        at: timestamp(row.get(5)?)?,
        correlation: row.get::<_, Option<[u8; 16]>>(6)?.map(Uuid::from_bytes),
        command: row.get(7)?,
        origin: from_json(row.get_ref(8)?.as_blob()?)?,
        data: row.get(9)?,
    })
}

pub(crate) fn load(connection: &Connection, stream: &str, after: u64) -> rusqlite::Result<Vec<Recorded>> {
    connection
        .prepare_cached(&format!("SELECT {RECORDED} FROM journal WHERE stream = ?1 AND version > ?2 ORDER BY version"))?
        .query_map(params![stream, signed(after)], recorded)?
        .collect()
}

pub(crate) fn published(connection: &Connection, after: u64, limit: usize) -> rusqlite::Result<Vec<Recorded>> {
    connection
        .prepare_cached(&format!("SELECT {RECORDED} FROM journal WHERE position > ?1 ORDER BY position LIMIT ?2"))?
        .query_map(params![signed(after), signed(limit as u64)], recorded)?
        .collect()
}

pub(crate) fn cursor(connection: &Connection, consumer: &str, source: &str, shard: u16) -> rusqlite::Result<u64> {
    let position: Option<i64> = connection
        .prepare_cached("SELECT position FROM cursors WHERE consumer = ?1 AND source = ?2 AND shard = ?3")?
        .query_row(params![consumer, source, shard], |row| row.get(0))
        .optional()?;
    unsigned(position.unwrap_or(0))
}

fn document(row: &Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document {
        id: row.get(0)?,
        version: unsigned(row.get(1)?)?,
        tags: from_json(row.get_ref(2)?.as_bytes()?)?,
        body: row.get(3)?,
    })
}

pub(crate) fn get(connection: &Connection, view: &str, id: &str) -> rusqlite::Result<Option<Document>> {
    connection
        .prepare_cached("SELECT id, version, tags, body FROM documents WHERE view = ?1 AND id = ?2")?
        .query_row([view, id], document)
        .optional()
}

pub(crate) fn list(connection: &Connection, view: &str, query: &Query) -> rusqlite::Result<Vec<Document>> {
    let (behind, order) = match query.direction {
        Direction::Ascending => (">", "ASC"),
        Direction::Descending => ("<", "DESC"),
    };
    let after = query.after.as_deref();
    let limit = signed(query.limit as u64);
    match &query.select {
        Select::Tag(tag) => connection
            .prepare_cached(&format!(
                "SELECT d.id, d.version, d.tags, d.body FROM tags t JOIN documents d ON d.view = t.view AND d.id = t.id \
                 WHERE t.view = ?1 AND t.tag = ?2 AND (?3 IS NULL OR t.id {behind} ?3) ORDER BY t.id {order} LIMIT ?4"
            ))?
            .query_map(params![view, tag, after, limit], document)?
            .collect(),
        // Everything from the prefix up to the first text that does not begin with it.
        Select::Prefix(prefix) => connection
            .prepare_cached(&format!(
                "SELECT id, version, tags, body FROM documents WHERE view = ?1 AND id >= ?2 AND (?3 IS NULL OR id < ?3) \
                 AND (?4 IS NULL OR id {behind} ?4) ORDER BY id {order} LIMIT ?5"
            ))?
            .query_map(params![view, prefix, first_behind(prefix), after, limit], document)?
            .collect(),
    }
}

/// The least text greater than every text with this prefix; nothing where there is none. SQLite compares
/// texts by their UTF-8 bytes, which is the order of their code points.
fn first_behind(prefix: &str) -> Option<String> {
    let mut letters: Vec<char> = prefix.chars().collect();
    while let Some(last) = letters.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            letters.push(next);
            return Some(letters.into_iter().collect());
        }
    }
    None
}

pub(crate) fn next_due(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let due: Option<i64> = connection
        .prepare_cached("SELECT due FROM jobs WHERE dead = 0 ORDER BY due LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    due.map(timestamp).transpose()
}

pub(crate) fn dead_letters(
    connection: &Connection,
    after: Option<(String, String)>,
    limit: usize,
) -> rusqlite::Result<Vec<DeadLetter>> {
    let (kind, key) = after.unwrap_or_default();
    connection
        .prepare_cached(
            "SELECT job, run_at, attempt, error FROM jobs WHERE dead = 1 AND (kind, key) > (?1, ?2) \
             ORDER BY kind, key LIMIT ?3",
        )?
        .query_map(params![kind, key, signed(limit as u64)], |row| {
            Ok(DeadLetter { job: job(row)?, error: row.get::<_, Option<String>>(3)?.unwrap_or_default() })
        })?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::first_behind;

    #[test]
    fn the_first_text_behind_a_prefix() {
        assert_eq!(first_behind("ab").as_deref(), Some("ac"));
        assert_eq!(first_behind("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(first_behind("\u{d7ff}").as_deref(), Some("\u{e000}"), "surrogates are no letters");
        assert_eq!(first_behind(""), None);
    }
}
