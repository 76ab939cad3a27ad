//! How values stand in columns.

use baedal_kit::Job;
use jiff::Timestamp;
use rusqlite::Error;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A time, in nanoseconds since 1970. Those beyond the year 2262 become the last that fits.
pub(crate) fn nanoseconds(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(if at.as_nanosecond() < 0 { i64::MIN } else { i64::MAX })
}

/// A time from nanoseconds since 1970.
pub(crate) fn timestamp(nanoseconds: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).map_err(|error| unreadable(Type::Integer, error))
}

/// A position, a version, or a count.
pub(crate) fn unsigned(number: i64) -> rusqlite::Result<u64> {
    u64::try_from(number).map_err(|error| unreadable(Type::Integer, error))
}

/// A position, a version, or a count, for SQLite.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A value kept as JSON.
pub(crate) fn from_json<T: DeserializeOwned>(json: &[u8]) -> rusqlite::Result<T> {
    serde_json::from_slice(json).map_err(|error| unreadable(Type::Blob, error))
}

/// A value to be kept as JSON.
pub(crate) fn to_json(value: &impl Serialize) -> rusqlite::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

/// A job, with what changes about it from its own columns.
pub(crate) fn job(row: &rusqlite::Row<'_>) -> rusqlite::Result<Job> {
    let mut job: Job = from_json(row.get_ref("job")?.as_blob()?)?;
    job.run_at = timestamp(row.get("run_at")?)?;
    job.attempt = row.get("attempt")?;
    Ok(job)
}

fn unreadable(kind: Type, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::FromSqlConversionFailure(0, kind, Box::new(error))
}
