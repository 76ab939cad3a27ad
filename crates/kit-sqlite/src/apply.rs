//! What one commit does to the tables.

use std::sync::Arc;

use baedal_kit::Origin;
use baedal_kit::database::{Append, Commit, CursorMove, Write};
use baedal_kit::epochs::{Cursor, Epoch};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::jobs;
use crate::rows::{json, nanoseconds, signed};

/// Why a commit went no further; what it had done is to be taken back.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Somebody was faster.
    Conflict,
    /// SQLite said so.
    Sql(rusqlite::Error),
    /// It cannot be written as JSON.
    Json(serde_json::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<serde_json::Error> for Stop {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

/// Does all of it, within the transaction that is open; `position` is the journal's last one.
pub(crate) fn apply(connection: &Connection, commit: &Commit, position: &mut i64) -> Result<(), Stop> {
    for append in &commit.appends {
        append_events(connection, append, position)?;
    }
    for cursor in &commit.cursors {
        move_cursor(connection, cursor)?;
    }
    for view in &commit.cleared_views {
        connection.prepare_cached("DELETE FROM documents WHERE view = ?1")?.execute([view])?;
        connection.prepare_cached("DELETE FROM tags WHERE view = ?1")?.execute([view])?;
    }
    for write in &commit.writes {
        write_document(connection, write)?;
    }
    commit.jobs.iter().try_for_each(|change| jobs::change(connection, change))
}

fn append_events(connection: &Connection, append: &Append, position: &mut i64) -> Result<(), Stop> {
    let mut version: i64 = connection
        .prepare_cached("SELECT version FROM journal WHERE stream = ?1 ORDER BY version DESC LIMIT 1")?
        .query_row([&append.stream], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    if version.cast_unsigned() != append.expected_version {
        return Err(Stop::Conflict);
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO journal (position, id, stream, version, kind, at, correlation, command, origin, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    // What happens together comes from the same place.
    let mut origin: Option<(&Arc<Origin>, String)> = None;
    for event in &append.events {
        if origin.as_ref().is_none_or(|(known, _)| !Arc::ptr_eq(known, &event.origin)) {
            origin = Some((&event.origin, serde_json::to_string(&*event.origin)?));
        }
        *position += 1;
        version += 1;
        insert.execute(params![
            *position,
            event.id.as_bytes(),
            append.stream,
            version,
            event.kind,
            nanoseconds(event.at),
            event.correlation.as_ref().map(Uuid::as_bytes),
            event.command,
            origin.as_ref().map(|(_, text)| text),
            event.data,
        ])?;
    }
    Ok(())
}

fn move_cursor(connection: &Connection, cursor: &CursorMove) -> Result<(), Stop> {
    let CursorMove { consumer, source, shard, from, to } = cursor;
    let epoch = |cursor: &Cursor| (cursor.epoch != Epoch::NONE).then_some(*cursor.epoch.0.as_bytes());
    let moved = connection
        .prepare_cached(
            "UPDATE cursors SET position = ?6, epoch = ?7
             WHERE consumer = ?1 AND source = ?2 AND shard = ?3 AND position = ?4 AND epoch IS ?5",
        )?
        .execute(params![
            consumer,
            source,
            shard,
            signed(from.position),
            epoch(from),
            signed(to.position),
            epoch(to)
        ])?;
    if moved == 0 {
        if from.position != 0 {
            return Err(Stop::Conflict);
        }
        let begun = connection
            .prepare_cached(
                "INSERT INTO cursors (consumer, source, shard, position, epoch) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![consumer, source, shard, signed(to.position), epoch(to)])?;
        if begun == 0 {
            return Err(Stop::Conflict);
        }
    }
    Ok(())
}

fn write_document(connection: &Connection, write: &Write) -> Result<(), Stop> {
    let Write { view, id, expected_version, body, tags, left_tags: _ } = write;
    let held: Option<(i64, i64, Vec<String>)> = connection
        .prepare_cached("SELECT number, version, tags FROM documents WHERE view = ?1 AND id = ?2")?
        .query_row([view, id], |row| Ok((row.get(0)?, row.get(1)?, json(row, 2)?)))
        .optional()?;
    let version = held.as_ref().map_or(0, |(_, version, _)| *version);
    if expected_version.is_some_and(|expected| expected != version.cast_unsigned()) {
        return Err(Stop::Conflict);
    }
    match (held, body) {
        (None, None) => Ok(()),
        (None, Some(body)) => {
            connection
                .prepare_cached("INSERT INTO documents (view, id, version, tags, body) VALUES (?1, ?2, 1, ?3, ?4)")?
                .execute(params![view, id, serde_json::to_string(tags)?, body])?;
            replace_tags(connection, write, connection.last_insert_rowid(), &[])
        }
        (Some((number, _, had)), None) => {
            connection.prepare_cached("DELETE FROM documents WHERE number = ?1")?.execute([number])?;
            remove_tags(connection, write, had.iter())
        }
        (Some((number, _, had)), Some(body)) if had == *tags => {
            drop(had);
            connection
                .prepare_cached("UPDATE documents SET version = version + 1, body = ?2 WHERE number = ?1")?
                .execute(params![number, body])?;
            Ok(())
        }
        (Some((number, _, had)), Some(body)) => {
            connection
                .prepare_cached("UPDATE documents SET version = version + 1, tags = ?2, body = ?3 WHERE number = ?1")?
                .execute(params![number, serde_json::to_string(tags)?, body])?;
            replace_tags(connection, write, number, &had)
        }
    }
}

/// Writes only what is different: most writes leave most tags as they are.
fn replace_tags(connection: &Connection, write: &Write, number: i64, had: &[String]) -> Result<(), Stop> {
    remove_tags(connection, write, had.iter().filter(|tag| !write.tags.contains(tag)))?;
    let mut insert = connection
        .prepare_cached("INSERT INTO tags (view, tag, id, document) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")?;
    for tag in write.tags.iter().filter(|tag| !had.contains(tag)) {
        insert.execute(params![write.view, tag, write.id, number])?;
    }
    Ok(())
}

fn remove_tags<'t>(connection: &Connection, write: &Write, tags: impl Iterator<Item = &'t String>) -> Result<(), Stop> {
    let mut delete = connection.prepare_cached("DELETE FROM tags WHERE view = ?1 AND tag = ?2 AND id = ?3")?;
    for tag in tags {
        delete.execute([&write.view, tag, &write.id])?;
    }
    Ok(())
}
