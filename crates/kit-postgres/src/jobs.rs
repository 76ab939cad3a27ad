//! Jobs as rows: leased, given up, looked at. (What a commit does to them is in `job`.)

use baedal_kit::Job;
use baedal_kit::database::{BehindLetter, DeadLetter, Lease, LeasedJob};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::connections::Statement;
use crate::reduce::signed;
use crate::rows::{instant, json, moment, nanoseconds, text};
use crate::text::{given, kept};

/// Takes what is due and not leased, those first that were due first. Nobody waits for anybody: what another
/// is taking at this moment is the other's.
pub(crate) fn lease(now: Timestamp, until: Timestamp, limit: usize, holder: Uuid) -> Statement<'static> {
    sqlx::query(
        "WITH taken AS MATERIALIZED (
             SELECT ctid AS place, kind, key, due FROM jobs
             WHERE due <= $1 ORDER BY due LIMIT $2 FOR UPDATE SKIP LOCKED
         ), leased AS (
             UPDATE jobs SET due = $3, lease = $4, holder = $5, attempt = attempt + 1
             WHERE ctid = ANY (ARRAY(SELECT place FROM taken))
             RETURNING kind, key, run_at, attempt, payload, correlation, origin, lease
         )
         SELECT l.*, (SELECT t.due FROM taken t WHERE t.kind = l.kind AND t.key = l.key) FROM leased l",
    )
    .bind(nanoseconds(now))
    .bind(signed(limit as u64))
    .bind(nanoseconds(until))
    .bind(Uuid::now_v7())
    .bind(holder)
}

/// The jobs of [`lease`].
pub(crate) fn leased(rows: &[PgRow]) -> sqlx::Result<Vec<LeasedJob>> {
    let leased = |row: &PgRow| {
        let (job, token, due) = (job(row)?, row.try_get(7)?, row.try_get::<i64, _>(8)?);
        let lease = Lease { kind: job.kind.clone(), key: job.key.clone(), token };
        Ok((due, LeasedJob { job, lease }))
    };
    let mut jobs = rows.iter().map(leased).collect::<sqlx::Result<Vec<_>>>()?;
    jobs.sort_by_key(|(due, _)| *due);
    Ok(jobs.into_iter().map(|(_, job)| job).collect())
}

fn job(row: &PgRow) -> sqlx::Result<Job> {
    Ok(Job {
        kind: text(row, 0)?,
        key: text(row, 1)?,
        run_at: instant(row, 2)?,
        attempt: row.try_get::<i32, _>(3)?.cast_unsigned(),
        payload: json(row.try_get(4)?)?,
        correlation: row.try_get(5)?,
        origin: row.try_get::<Option<&str>, _>(6)?.map(json).transpose()?,
    })
}

/// Gives up the leases of processes that have ended. What a commit is ending at this moment is left to it.
pub(crate) fn give_up(holders: &[Uuid]) -> Statement<'static> {
    sqlx::query(
        "UPDATE jobs SET due = run_at, lease = NULL, holder = NULL
         WHERE ctid = ANY (ARRAY(SELECT ctid FROM jobs WHERE holder = ANY ($1) FOR UPDATE SKIP LOCKED))",
    )
    .bind(holders.to_vec())
}

/// When the first is due, or the first lease runs out.
pub(crate) fn next_due() -> Statement<'static> {
    sqlx::query("SELECT due FROM jobs WHERE due IS NOT NULL ORDER BY due LIMIT 1")
}

/// The time of [`next_due`].
pub(crate) fn due(rows: &[PgRow]) -> sqlx::Result<Option<Timestamp>> {
    rows.first().map(|row| moment(row.try_get(0)?)).transpose()
}

/// A page of the dead letters.
pub(crate) fn dead_letters(after: Option<BehindLetter>, limit: usize) -> Statement<'static> {
    const FIRST: &str = "SELECT kind, key, run_at, attempt, payload, correlation, origin, error FROM jobs
         WHERE due IS NULL ORDER BY run_at DESC, kind, key LIMIT $1";
    const BEHIND: &str = "SELECT kind, key, run_at, attempt, payload, correlation, origin, error FROM jobs
         WHERE due IS NULL AND (run_at < $2 OR (run_at = $2 AND (kind, key) > ($3, $4)))
         ORDER BY run_at DESC, kind, key LIMIT $1";
    let limit = signed(limit as u64);
    match after {
        None => sqlx::query(FIRST).bind(limit),
        Some(BehindLetter { failed_at, letter }) => {
            let (kind, key) = letter.unzip();
            let bound = |text: Option<String>| text.map(|text| kept(&text).into_owned());
            sqlx::query(BEHIND).bind(limit).bind(nanoseconds(failed_at)).bind(bound(kind)).bind(bound(key))
        }
    }
}

/// The letters of [`dead_letters`].
pub(crate) fn letters(rows: &[PgRow]) -> sqlx::Result<Vec<DeadLetter>> {
    let letter = |row: &PgRow| {
        let error = row.try_get::<Option<&str>, _>(7)?.map(given).unwrap_or_default();
        Ok(DeadLetter { job: job(row)?, error })
    };
    rows.iter().map(letter).collect()
}
