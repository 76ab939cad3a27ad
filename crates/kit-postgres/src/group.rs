//! A group of commits as one statement, and what its answer means for each of them.

use baedal_kit::database::Outcome;
use sqlx::Row;
use sqlx::postgres::{PgBindIterExt, PgRow};
use uuid::Uuid;

use crate::connections::Statement;
use crate::reduce::{Event, Piece, Put};

/// The call of `commit_group`; its parameters are named in `migrations/2.sql`.
const COMMIT_GROUP: &str = "SELECT before, conflicts FROM commit_group(
    $1,
    $2, $3, $4,
    $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
    $15, $16, $17, $18, $19, $20, $21, $22,
    $23, $24,
    $25, $26, $27, $28, $29, $30, $31, $32,
    $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47)";

/// All of what the commits need and do, column by column; what is leased is leased to `holder`.
pub(crate) fn statement(pieces: &[&Piece], holder: Uuid) -> Statement<'static> {
    let streams = || numbered(pieces, |piece| &piece.streams);
    let events = || numbered(pieces, |piece| &piece.events);
    let cursors = || numbered(pieces, |piece| &piece.cursors);
    let views = || numbered(pieces, |piece| &piece.cleared_views);
    let documents = || numbered(pieces, |piece| &piece.documents);
    let jobs = || numbered(pieces, |piece| &piece.jobs);
    let put = || jobs().map(|(_, job)| job.then.put());
    let stream_of = |(number, event): (i32, &Event)| {
        let piece = usize::try_from(number - 1).ok().and_then(|index| pieces.get(index));
        piece.and_then(|piece| piece.streams.get(event.stream)).map(|stream| stream.name.as_str())
    };
    sqlx::query(COMMIT_GROUP)
        .bind(i32::try_from(pieces.len()).unwrap_or(i32::MAX))
        .bind(streams().map(|(number, _)| number).bind_iter())
        .bind(streams().map(|(_, stream)| stream.name.as_str()).bind_iter())
        .bind(streams().map(|(_, stream)| stream.expected).bind_iter())
        .bind(events().map(|(number, _)| number).bind_iter())
        .bind(events().map(stream_of).bind_iter())
        .bind(events().map(|(_, event)| event.version).bind_iter())
        .bind(events().map(|(_, event)| event.id).bind_iter())
        .bind(events().map(|(_, event)| event.kind).bind_iter())
        .bind(events().map(|(_, event)| event.at).bind_iter())
        .bind(events().map(|(_, event)| event.correlation).bind_iter())
        .bind(events().map(|(_, event)| event.command).bind_iter())
        .bind(events().map(|(_, event)| &*event.origin).bind_iter())
        .bind(events().map(|(_, event)| event.data.as_str()).bind_iter())
        .bind(cursors().map(|(number, _)| number).bind_iter())
        .bind(cursors().map(|(_, cursor)| cursor.consumer.as_str()).bind_iter())
        .bind(cursors().map(|(_, cursor)| cursor.source.as_str()).bind_iter())
        .bind(cursors().map(|(_, cursor)| cursor.shard).bind_iter())
        .bind(cursors().map(|(_, cursor)| cursor.from).bind_iter())
        .bind(cursors().map(|(_, cursor)| cursor.from_epoch).bind_iter())
        .bind(cursors().map(|(_, cursor)| cursor.to).bind_iter())
        .bind(cursors().map(|(_, cursor)| cursor.to_epoch).bind_iter())
        .bind(views().map(|(number, _)| number).bind_iter())
        .bind(views().map(|(_, view)| view.as_str()).bind_iter())
        .bind(documents().map(|(number, _)| number).bind_iter())
        .bind(documents().map(|(_, document)| document.view.as_str()).bind_iter())
        .bind(documents().map(|(_, document)| document.id.as_str()).bind_iter())
        .bind(documents().map(|(_, document)| document.expected).bind_iter())
        .bind(documents().map(|(_, document)| document.is_anew).bind_iter())
        .bind(documents().map(|(_, document)| document.writes).bind_iter())
        .bind(documents().map(|(_, document)| document.tags.as_str()).bind_iter())
        .bind(documents().map(|(_, document)| document.body.as_deref()).bind_iter())
        .bind(jobs().map(|(number, _)| number).bind_iter())
        .bind(jobs().map(|(_, job)| job.kind.as_str()).bind_iter())
        .bind(jobs().map(|(_, job)| job.key.as_str()).bind_iter())
        .bind(jobs().map(|(_, job)| job.lease).bind_iter())
        .bind(jobs().map(|(_, job)| job.is_dead).bind_iter())
        .bind(jobs().map(|(_, job)| job.then.name()).bind_iter())
        .bind(jobs().map(|(_, job)| job.then.due()).bind_iter())
        .bind(jobs().map(|(_, job)| job.then.run_at()).bind_iter())
        .bind(jobs().map(|(_, job)| job.then.attempt()).bind_iter())
        .bind(jobs().map(|(_, job)| job.then.error()).bind_iter())
        .bind(put().map(|put| put.map(|put| put.payload.as_str())).bind_iter())
        .bind(put().map(|put| put.and_then(|put| put.correlation)).bind_iter())
        .bind(put().map(|put: Option<&Put>| put.and_then(|put| put.origin.as_deref())).bind_iter())
        .bind(put().map(|put| put.and_then(|put| put.lease)).bind_iter())
        .bind(holder)
}

/// What the pieces have of one kind, each with its piece's number, from 1.
fn numbered<'p, T: 'p>(
    pieces: &'p [&'p Piece],
    of: impl Fn(&'p Piece) -> &'p Vec<T>,
) -> impl Iterator<Item = (i32, &'p T)> {
    (1..).zip(pieces).flat_map(move |(number, piece)| of(piece).iter().map(move |one| (number, one)))
}

/// What became of each commit, and the journal's last position then.
pub(crate) fn outcomes(pieces: &[&Piece], rows: &[PgRow]) -> sqlx::Result<(Vec<Outcome>, u64)> {
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let before: i64 = row.try_get(0)?;
    let conflicts: Vec<i32> = row.try_get(1)?;
    let mut fits = vec![true; pieces.len()];
    for number in conflicts {
        if let Some(fits) = usize::try_from(number - 1).ok().and_then(|index| fits.get_mut(index)) {
            *fits = false;
        }
    }
    let mut position = before.cast_unsigned();
    let outcomes = pieces.iter().zip(fits).map(|(piece, fits)| {
        if !fits {
            return Outcome::Conflict;
        }
        position += piece.events.len() as u64;
        Outcome::Committed { position }
    });
    Ok((outcomes.collect(), position))
}
