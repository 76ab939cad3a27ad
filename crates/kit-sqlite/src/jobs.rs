//! Jobs as rows: scheduled, leased, ended.

use baedal_kit::Job;
use baedal_kit::database::{BehindLetter, DeadLetter, JobChange, Lease, LeasedJob};
use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use crate::apply::Stop;
use crate::rows::{instant, json, nanoseconds, signed, uuid};

/// Makes one change. A conflict where it does not fit.
pub(crate) fn change(connection: &Connection, change: &JobChange) -> Result<(), Stop> {
    match change {
        JobChange::Schedule(job) => put(connection, job, job.run_at, None),
        JobChange::Take { leased, until } => put(connection, &leased.job, *until, Some(leased.lease.token)),
        JobChange::Unschedule { kind, key } => {
            connection.prepare_cached("DELETE FROM jobs WHERE kind = ?1 AND key = ?2")?.execute([kind, key])?;
            Ok(())
        }
        JobChange::Finish(lease) => fitting(
            connection
                .prepare_cached("DELETE FROM jobs WHERE kind = ?1 AND key = ?2 AND lease = ?3")?
                .execute(params![lease.kind, lease.key, lease.token.as_bytes()])?,
        ),
        JobChange::Retry { lease, run_at, error } => fitting(
            connection
                .prepare_cached(
                    "UPDATE jobs SET due = ?4, run_at = ?4, lease = NULL, error = ?5
                     WHERE kind = ?1 AND key = ?2 AND lease = ?3",
                )?
                .execute(params![lease.kind, lease.key, lease.token.as_bytes(), nanoseconds(*run_at), error])?,
        ),
        JobChange::Bury { lease, error } => fitting(
            connection
                .prepare_cached(
                    "UPDATE jobs SET due = NULL, lease = NULL, error = ?4 WHERE kind = ?1 AND key = ?2 AND lease = ?3",
                )?
                .execute(params![lease.kind, lease.key, lease.token.as_bytes(), error])?,
        ),
        JobChange::Redrive { kind, key, run_at } => fitting(
            connection
                .prepare_cached(
                    "UPDATE jobs SET due = ?3, run_at = ?3, attempt = 0 WHERE kind = ?1 AND key = ?2 AND due IS NULL",
                )?
                .execute(params![kind, key, nanoseconds(*run_at)])?,
        ),
    }
}

fn fitting(changed: usize) -> Result<(), Stop> {
    if changed == 1 { Ok(()) } else { Err(Stop::Conflict) }
}

/// There is this job, and it may be taken then.
fn put(connection: &Connection, job: &Job, due: Timestamp, lease: Option<Uuid>) -> Result<(), Stop> {
    let origin = job.origin.as_ref().map(serde_json::to_string).transpose()?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO jobs (kind, key, due, run_at, attempt, payload, correlation, origin, lease)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            job.kind,
            job.key,
            nanoseconds(due),
            nanoseconds(job.run_at),
            job.attempt,
            serde_json::to_string(&job.payload)?,
            job.correlation.as_ref().map(Uuid::as_bytes),
            origin,
            lease.as_ref().map(Uuid::as_bytes),
        ])?;
    Ok(())
}

/// Takes what is due and not leased, those first that were due first.
pub(crate) fn lease(
    connection: &Connection,
    now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<LeasedJob>> {
    let mut due = connection.prepare_cached(
        "SELECT kind, key, run_at, attempt + 1, payload, correlation, origin
         FROM jobs INDEXED BY jobs_due WHERE due <= ?1 ORDER BY due LIMIT ?2",
    )?;
    let jobs = due.query_map([nanoseconds(now), signed(limit as u64)], job)?.collect::<Result<Vec<_>, _>>()?;
    let token = Uuid::now_v7();
    let mut take =
        connection.prepare_cached("UPDATE jobs SET due = ?3, lease = ?4, attempt = ?5 WHERE kind = ?1 AND key = ?2")?;
    jobs.into_iter()
        .map(|job| {
            take.execute(params![job.kind, job.key, nanoseconds(until), token.as_bytes(), job.attempt])?;
            let lease = Lease { kind: job.kind.clone(), key: job.key.clone(), token };
            Ok(LeasedJob { job, lease })
        })
        .collect()
}

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let origin = if row.get_ref(6)? == ValueRef::Null { None } else { Some(json(row, 6)?) };
    Ok(Job {
        kind: row.get(0)?,
        key: row.get(1)?,
        run_at: instant(row, 2)?,
        attempt: row.get(3)?,
        payload: json(row, 4)?,
        correlation: uuid(row, 5)?,
        origin,
    })
}

/// When the first is due, or the first lease runs out.
pub(crate) fn next_due(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let mut statement = connection
        .prepare_cached("SELECT due FROM jobs INDEXED BY jobs_due WHERE due IS NOT NULL ORDER BY due LIMIT 1")?;
    statement.query_map([], |row| instant(row, 0))?.next().transpose()
}

/// A page of the dead letters.
pub(crate) fn dead_letters(
    connection: &Connection,
    after: Option<BehindLetter>,
    limit: usize,
) -> rusqlite::Result<Vec<DeadLetter>> {
    let mut statement = connection.prepare_cached(
        "SELECT kind, key, run_at, attempt, payload, correlation, origin, error
         FROM jobs INDEXED BY jobs_dead
         WHERE due IS NULL AND (?1 IS NULL OR run_at < ?1 OR (run_at = ?1 AND (kind, key) > (?2, ?3)))
         ORDER BY run_at DESC, kind, key LIMIT ?4",
    )?;
    let (failed_at, letter) = after.map(|after| (nanoseconds(after.failed_at), after.letter)).unzip();
    let (kind, key) = letter.flatten().unzip();
    let letters = statement.query_map(params![failed_at, kind, key, signed(limit as u64)], |row| {
        Ok(DeadLetter { job: job(row)?, error: row.get::<_, Option<String>>(7)?.unwrap_or_default() })
    })?;
    letters.collect()
}
