//! Reading: events, cursors and documents from their rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use baedal_kit::database::{Direction, Document, KeptCursor, Query, Select, TagRange};
use baedal_kit::epochs::{Cursor, Epoch};
use baedal_kit::{Origin, Recorded};
use jiff::Timestamp;
use rusqlite::types::{FromSqlError, Type, Value};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// An instant as it is kept. What lies outside of 1677 to 2262 is kept as the nearest that does not.
pub(crate) fn nanoseconds(at: Timestamp) -> i64 {
    at.as_nanosecond().clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// An instant as it was.
pub(crate) fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_nanosecond(i128::from(row.get::<_, i64>(column)?))
        .map_err(|error| unreadable(column, Type::Integer, error))
}

/// An id of 16 bytes.
pub(crate) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Uuid>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(Uuid::from_bytes))
}

/// JSON text.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    parse(row.get_ref(column)?.as_str().map_err(|error| unreadable(column, Type::Text, error))?, column)
}

fn parse<T: DeserializeOwned>(text: &str, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| unreadable(column, Type::Text, error))
}

fn unreadable(column: usize, kind: Type, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
}

pub(crate) fn ping(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("SELECT 1 FROM meta LIMIT 1")?.query_row([], |_| Ok(()))
}

pub(crate) fn load(connection: &Connection, stream: &str, after: u64) -> rusqlite::Result<Vec<Recorded>> {
    let mut statement = connection.prepare_cached(
        "SELECT position, id, stream, version, kind, at, correlation, command, origin, data
         FROM journal WHERE stream = ?1 AND version > ?2 ORDER BY version",
    )?;
    recorded(statement.query(params![stream, signed(after)])?)
}

pub(crate) fn published(connection: &Connection, after: u64, limit: usize) -> rusqlite::Result<Vec<Recorded>> {
    let mut statement = connection.prepare_cached(
        "SELECT position, id, stream, version, kind, at, correlation, command, origin, data
         FROM journal WHERE position > ?1 ORDER BY position LIMIT ?2",
    )?;
    recorded(statement.query(params![signed(after), signed(limit as u64)])?)
}

/// A number for a comparison; there is nothing beyond the greatest.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn recorded(mut rows: rusqlite::Rows<'_>) -> rusqlite::Result<Vec<Recorded>> {
    let mut events = Vec::new();
    // The events of one commit have the same origin.
    let mut last: Option<(String, Arc<Origin>)> = None;
    while let Some(row) = rows.next()? {
        let text = row.get_ref(8)?.as_str().map_err(|error: FromSqlError| unreadable(8, Type::Text, error))?;
        let origin = match last {
            Some((ref known, ref origin)) if known == text => Arc::clone(origin),
            _ => {
                let origin = Arc::new(parse(text, 8)?);
                last = Some((text.to_owned(), Arc::clone(&origin)));
                origin
            }
        };
        events.push(Recorded {
            position: row.get::<_, i64>(0)?.cast_unsigned(),
            id: Uuid::from_bytes(row.get(1)?),
            stream: row.get(2)?,
            version: row.get::<_, i64>(3)?.cast_unsigned(),
            kind: row.get(4)?,
            at: instant(row, 5)?,
            correlation: uuid(row, 6)?,
            command: row.get(7)?,
            origin,
            data: row.get(9)?,
        });
    }
    Ok(events)
}

pub(crate) fn cursor(connection: &Connection, consumer: &str, source: &str, shard: u16) -> rusqlite::Result<Cursor> {
    let mut statement = connection
        .prepare_cached("SELECT position, epoch FROM cursors WHERE consumer = ?1 AND source = ?2 AND shard = ?3")?;
    let found = statement.query_row(params![consumer, source, shard], |row| place(row, 0)).optional()?;
    Ok(found.unwrap_or_default())
}

pub(crate) fn cursors(connection: &Connection) -> rusqlite::Result<Vec<KeptCursor>> {
    let mut statement = connection.prepare_cached("SELECT position, epoch, consumer, source, shard FROM cursors")?;
    let kept = statement.query_map([], |row| {
        Ok(KeptCursor { at: place(row, 0)?, consumer: row.get(2)?, source: row.get(3)?, shard: row.get(4)? })
    })?;
    kept.collect()
}

fn place(row: &Row<'_>, column: usize) -> rusqlite::Result<Cursor> {
    let position = row.get::<_, i64>(column)?.cast_unsigned();
    Ok(Cursor { position, epoch: Epoch(uuid(row, column + 1)?.unwrap_or_default()) })
}

pub(crate) fn get(connection: &Connection, view: &str, id: &str) -> rusqlite::Result<Option<Document>> {
    let mut statement =
        connection.prepare_cached("SELECT id, version, tags, body FROM documents WHERE view = ?1 AND id = ?2")?;
    statement.query_row([view, id], document).optional()
}

fn document(row: &Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document {
        id: row.get(0)?,
        version: row.get::<_, i64>(1)?.cast_unsigned(),
        tags: json(row, 2)?,
        body: row.get(3)?,
    })
}

pub(crate) fn list(connection: &Connection, view: &str, query: &Query) -> rusqlite::Result<Vec<Document>> {
    match &query.select {
        Select::Tag(tag) => with_tag(connection, view, tag, query),
        Select::AnyTag(tags) => with_any_tag(connection, view, tags, query),
        Select::Prefix(prefix) => with_prefix(connection, view, prefix, query),
    }
}

fn with_tag(connection: &Connection, view: &str, tag: &str, query: &Query) -> rusqlite::Result<Vec<Document>> {
    let (from, to) = bounds("", query);
    let mut statement = connection.prepare_cached(match query.direction {
        Direction::Ascending => BY_TAG_ASCENDING,
        Direction::Descending => BY_TAG_DESCENDING,
    })?;
    statement.query_map(params![view, from, to, signed(query.limit as u64), tag], document)?.collect()
}

/// The first of each tag's documents, together, each once.
fn with_any_tag(
    connection: &Connection,
    view: &str,
    tags: &[String],
    query: &Query,
) -> rusqlite::Result<Vec<Document>> {
    let mut found = BTreeMap::new();
    for tag in tags {
        let documents = with_tag(connection, view, tag, query)?;
        found.extend(documents.into_iter().map(|document| (document.id.clone(), document)));
    }
    let documents = found.into_values();
    Ok(match query.direction {
        Direction::Ascending => documents.take(query.limit).collect(),
        Direction::Descending => documents.rev().take(query.limit).collect(),
    })
}

fn with_prefix(connection: &Connection, view: &str, prefix: &str, query: &Query) -> rusqlite::Result<Vec<Document>> {
    let (from, to) = bounds(prefix, query);
    let mut statement = connection.prepare_cached(match query.direction {
        Direction::Ascending => BY_ID_ASCENDING,
        Direction::Descending => BY_ID_DESCENDING,
    })?;
    statement.query_map(params![view, from, to, signed(query.limit as u64)], document)?.collect()
}

/// A part of a view in the order of its tags.
pub(crate) fn list_by_tag(
    connection: &Connection,
    view: &str,
    range: &TagRange,
    limit: usize,
) -> rusqlite::Result<Vec<(String, Document)>> {
    let mut statement = connection.prepare_cached(
        "SELECT d.id, d.version, d.tags, d.body, t.tag FROM tags t CROSS JOIN documents d ON d.number = t.document
         WHERE t.view = ?1 AND (t.tag, t.id) >= (?2, ?3) AND t.tag < ?4 ORDER BY t.tag, t.id LIMIT ?5",
    )?;
    // The next text behind another is that with one zero more.
    let after = range.after.as_ref().map_or_else(String::new, |after| format!("{after}\0"));
    let bounds = params![view, range.from, after, range.before, signed(limit as u64)];
    statement.query_map(bounds, |row| Ok((row.get(4)?, document(row)?)))?.collect()
}

const BY_TAG_ASCENDING: &str = "SELECT d.id, d.version, d.tags, d.body FROM tags t
     CROSS JOIN documents d ON d.number = t.document
     WHERE t.view = ?1 AND t.tag = ?5 AND t.id >= ?2 AND t.id < ?3 ORDER BY t.id LIMIT ?4";
const BY_TAG_DESCENDING: &str = "SELECT d.id, d.version, d.tags, d.body FROM tags t
     CROSS JOIN documents d ON d.number = t.document
     WHERE t.view = ?1 AND t.tag = ?5 AND t.id >= ?2 AND t.id < ?3 ORDER BY t.id DESC LIMIT ?4";
const BY_ID_ASCENDING: &str = "SELECT id, version, tags, body FROM documents
     WHERE view = ?1 AND id >= ?2 AND id < ?3 ORDER BY id LIMIT ?4";
const BY_ID_DESCENDING: &str = "SELECT id, version, tags, body FROM documents
     WHERE view = ?1 AND id >= ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4";

/// From which id, and up to but without which, where ids begin with a prefix. SQLite compares text byte by
/// byte, as we do.
fn bounds(prefix: &str, query: &Query) -> (String, Value) {
    let (mut from, mut to) = (prefix.to_owned(), behind(prefix));
    match (&query.after, query.direction) {
        // The next text behind another is that with one zero more.
        (Some(after), Direction::Ascending) => from = from.max(format!("{after}\0")),
        (Some(after), Direction::Descending) => {
            to = Some(to.map_or_else(|| after.clone(), |to| to.min(after.clone())));
        }
        (None, _) => {}
    }
    // To SQLite every blob is greater than every text.
    (from, to.map_or(Value::Blob(Vec::new()), Value::Text))
}

/// The first text behind all those that begin with a prefix; none where there is nothing behind them.
fn behind(prefix: &str) -> Option<String> {
    let mut behind = prefix.to_owned();
    while let Some(last) = behind.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            behind.push(next);
            return Some(behind);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_prefix_comes_the_next_text_that_does_not_begin_with_it() {
        assert_eq!(behind(""), None);
        assert_eq!(behind("a"), Some("b".to_owned()));
        assert_eq!(behind("a\u{10ffff}"), Some("b".to_owned()));
        assert_eq!(behind("\u{10ffff}\u{10ffff}"), None);
        assert_eq!(behind("\u{d7ff}"), Some("\u{e000}".to_owned()));
        assert_eq!(behind("김"), Some("깁".to_owned()));
    }

    #[test]
    fn instants_are_kept_to_the_nanosecond_and_never_wrap() {
        let at = Timestamp::new(1_795_230_000, 123_456_789).unwrap();
        assert_eq!(i128::from(nanoseconds(at)), at.as_nanosecond());
        assert_eq!((nanoseconds(Timestamp::MAX), nanoseconds(Timestamp::MIN)), (i64::MAX, i64::MIN));
    }
}
