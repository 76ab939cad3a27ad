//! Reading: events, cursors and documents from their rows.

use std::sync::Arc;

use baedal_kit::database::{Direction, Document, KeptCursor, Query, Select, TagRange};
use baedal_kit::epochs::{Cursor, Epoch};
use baedal_kit::{Origin, Recorded};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::connections::Statement;
use crate::reduce::signed;
use crate::text::{given, kept};

/// An instant as it is kept. What lies outside of 1677 to 2262 is kept as the nearest that does not.
pub(crate) fn nanoseconds(at: Timestamp) -> i64 {
    at.as_nanosecond().clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// An instant as it was.
pub(crate) fn instant(row: &PgRow, column: usize) -> sqlx::Result<Timestamp> {
    moment(row.try_get(column)?)
}

/// An instant as it was.
pub(crate) fn moment(nanoseconds: i64) -> sqlx::Result<Timestamp> {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Text as it was given.
pub(crate) fn text(row: &PgRow, column: usize) -> sqlx::Result<String> {
    row.try_get(column).map(given)
}

/// What is kept as JSON.
pub(crate) fn json<T: DeserializeOwned>(text: &str) -> sqlx::Result<T> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

pub(crate) fn load(stream: &str, after: u64) -> Statement<'static> {
    sqlx::query(
        "SELECT position, id, stream, version, kind, at, correlation, command, origin, data
         FROM journal WHERE stream = $1 AND version > $2 ORDER BY version",
    )
    .bind(kept(stream))
    .bind(signed(after))
}

pub(crate) fn published(after: u64, limit: usize) -> Statement<'static> {
    sqlx::query(
        "SELECT position, id, stream, version, kind, at, correlation, command, origin, data
         FROM journal WHERE position > $1 ORDER BY position LIMIT $2",
    )
    .bind(signed(after))
    .bind(signed(limit as u64))
}

/// The events of [`load`] and [`published`].
pub(crate) fn recorded(rows: &[PgRow]) -> sqlx::Result<Vec<Recorded>> {
    // The events of one commit have the same origin.
    let mut last: Option<(&str, Arc<Origin>)> = None;
    let event = |row| {
        let said: &str = PgRow::try_get(row, 8)?;
        let origin = match &last {
            Some((known, origin)) if *known == said => Arc::clone(origin),
            _ => Arc::clone(&last.insert((said, Arc::new(json(said)?))).1),
        };
        Ok(Recorded {
            position: row.try_get::<i64, _>(0)?.cast_unsigned(),
            id: row.try_get(1)?,
            stream: text(row, 2)?,
            version: row.try_get::<i64, _>(3)?.cast_unsigned(),
            kind: text(row, 4)?,
            at: instant(row, 5)?,
            correlation: row.try_get(6)?,
            command: text(row, 7)?,
            origin,
            data: row.try_get::<String, _>(9)?.into_bytes(),
        })
    };
    rows.iter().map(event).collect()
}

pub(crate) fn cursor(consumer: &str, source: &str, shard: u16) -> Statement<'static> {
    sqlx::query("SELECT position, epoch FROM cursors WHERE consumer = $1 AND source = $2 AND shard = $3")
        .bind(kept(consumer))
        .bind(kept(source))
        .bind(i32::from(shard))
}

/// The place of [`cursor`].
pub(crate) fn place(rows: &[PgRow]) -> sqlx::Result<Cursor> {
    rows.first().map(at).transpose().map(Option::unwrap_or_default)
}

pub(crate) fn cursors() -> Statement<'static> {
    sqlx::query("SELECT position, epoch, consumer, source, shard FROM cursors")
}

/// The cursors of [`cursors`].
pub(crate) fn kept_cursors(rows: &[PgRow]) -> sqlx::Result<Vec<KeptCursor>> {
    let kept = |row: &PgRow| {
        let shard = row.try_get::<i32, _>(4)?;
        let shard = u16::try_from(shard).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(KeptCursor { at: at(row)?, consumer: text(row, 2)?, source: text(row, 3)?, shard })
    };
    rows.iter().map(kept).collect()
}

fn at(row: &PgRow) -> sqlx::Result<Cursor> {
    let epoch = row.try_get::<Option<Uuid>, _>(1)?.unwrap_or_default();
    Ok(Cursor { position: row.try_get::<i64, _>(0)?.cast_unsigned(), epoch: Epoch(epoch) })
}

/// The journal's last position.
pub(crate) fn position(rows: &[PgRow]) -> sqlx::Result<u64> {
    let position: Option<i64> = rows.first().map(|row| row.try_get(0)).transpose()?;
    Ok(position.unwrap_or(0).cast_unsigned())
}

pub(crate) fn get(view: &str, id: &str) -> Statement<'static> {
    sqlx::query("SELECT id, version, tags, body FROM documents WHERE view = $1 AND id = $2")
        .bind(kept(view))
        .bind(kept(id))
}

/// The documents of [`get`] and [`list`].
pub(crate) fn documents(rows: &[PgRow]) -> sqlx::Result<Vec<Document>> {
    let document = |row: &PgRow| {
        Ok(Document {
            id: text(row, 0)?,
            version: row.try_get::<i64, _>(1)?.cast_unsigned(),
            tags: row.try_get::<Vec<String>, _>(2)?.iter().map(|tag| given(tag)).collect(),
            body: row.try_get::<String, _>(3)?.into_bytes(),
        })
    };
    rows.iter().map(document).collect()
}

/// A part of a view in the order of its tags.
pub(crate) fn list_by_tag(view: &str, range: &TagRange, limit: usize) -> Statement<'static> {
    // The next text behind another is that with one zero more.
    let after = range.after.as_ref().map_or_else(String::new, |after| format!("{after}\0"));
    sqlx::query(
        "SELECT d.id, d.version, d.tags, d.body, t.tag FROM (
             SELECT tag, id FROM tags WHERE view = $1 AND (tag, id) >= ($2, $3) AND tag < $4
             ORDER BY tag, id LIMIT $5
         ) t CROSS JOIN LATERAL (
             SELECT id, version, tags, body FROM documents WHERE view = $1 AND id = t.id OFFSET 0
         ) d ORDER BY t.tag, t.id",
    )
    .bind(kept(view))
    .bind(kept(&range.from))
    .bind(kept(&after).into_owned())
    .bind(kept(&range.before))
    .bind(signed(limit as u64))
}

/// The documents of [`list_by_tag`].
pub(crate) fn tagged_documents(rows: &[PgRow]) -> sqlx::Result<Vec<(String, Document)>> {
    let tags = rows.iter().map(|row| text(row, 4)).collect::<sqlx::Result<Vec<_>>>()?;
    Ok(tags.into_iter().zip(documents(rows)?).collect())
}

pub(crate) fn list(view: &str, query: &Query) -> Statement<'static> {
    let (prefix, tags) = match &query.select {
        Select::Tag(tag) => ("", Some(std::slice::from_ref(tag))),
        Select::AnyTag(tags) => ("", Some(&tags[..])),
        Select::Prefix(prefix) => (prefix.as_str(), None),
    };
    let (from, to) = bounds(prefix, query);
    let order = match query.direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    let bound = if to.is_some() { "AND id < $4" } else { "AND $4::text IS NULL" };
    let sql = if tags.is_some() {
        // The first of each tag's ids, together, each once.
        format!(
            "SELECT d.id, d.version, d.tags, d.body FROM (
                 SELECT DISTINCT t.id FROM unnest($5::text[]) AS w (tag) CROSS JOIN LATERAL (
                     SELECT id FROM tags WHERE view = $1 AND tag = w.tag AND id >= $3 {bound}
                     ORDER BY id {order} LIMIT $2
                 ) t ORDER BY t.id {order} LIMIT $2
             ) f CROSS JOIN LATERAL (
                 SELECT id, version, tags, body FROM documents WHERE view = $1 AND id = f.id OFFSET 0
             ) d ORDER BY f.id {order}"
        )
    } else {
        format!(
            "SELECT id, version, tags, body FROM documents
             WHERE view = $1 AND id >= $3 {bound} ORDER BY id {order} LIMIT $2"
        )
    };
    // It is made of the parts above.
    let statement =
        sqlx::query(AssertSqlSafe(sql)).bind(kept(view)).bind(signed(query.limit as u64)).bind(from).bind(to);
    match tags {
        Some(tags) => statement.bind(tags.iter().map(|tag| kept(tag)).collect::<Vec<_>>()),
        None => statement,
    }
}

/// From which id, and up to but without which, as they are kept, where ids begin with a prefix. PostgreSQL
/// compares them byte by byte, as we do.
fn bounds(prefix: &str, query: &Query) -> (String, Option<String>) {
    let (mut from, mut to) = (prefix.to_owned(), behind(prefix));
    match (&query.after, query.direction) {
        // The next text behind another is that with one zero more.
        (Some(after), Direction::Ascending) => from = from.max(format!("{after}\0")),
        (Some(after), Direction::Descending) => {
            to = Some(to.map_or_else(|| after.clone(), |to| to.min(after.clone())));
        }
        (None, _) => {}
    }
    (kept(&from).into_owned(), to.map(|to| kept(&to).into_owned()))
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
