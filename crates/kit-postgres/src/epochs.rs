//! Whether the database is the one that it was: if it may be another, a new epoch of its journal begins.
//!
//! Nobody commits anything before it is so: each session is asked when it is opened, and a server cannot be another
//! while a session to it lasts. (It would take a dump that is loaded over tables that are in use; for that, and for
//! what other replicas have noticed, whoever listens looks every second.)

use std::sync::Arc;

use baedal_kit::epochs::{Begun, Epoch, Epochs};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Acquire, PgExecutor, Row};
use uuid::Uuid;

use crate::told::Told;

/// The epoch of now, and whether it began with the database being what it is.
pub(crate) const LAST: &str =
    "SELECT e.id, e.identity = server_identity() FROM epochs e ORDER BY e.number DESC LIMIT 1";

/// Looks whether it is the database that we know; begins an epoch where it may be another, and learns of one that
/// somebody else has begun.
pub(crate) async fn recognise(connection: &mut PgConnection, told: &Told) -> sqlx::Result<()> {
    let last = sqlx::query(LAST).fetch_optional(&mut *connection).await?;
    learn(connection, told, last.as_ref()).await
}

/// The same, when [`LAST`] was asked already.
pub(crate) async fn learn(connection: &mut PgConnection, told: &Told, last: Option<&PgRow>) -> sqlx::Result<()> {
    let (epoch, is_same) = match last {
        Some(row) => (Epoch(row.try_get(0)?), row.try_get(1)?),
        None => (Epoch::NONE, false),
    };
    if !is_same {
        begin(connection).await?;
    } else if told.epochs.borrow().last() == epoch {
        return Ok(());
    }
    let (epochs, head) = read(connection).await?;
    told.know_epochs(epochs, head);
    Ok(())
}

/// Begins an epoch behind the last position, unless another session has just done so.
async fn begin(connection: &mut PgConnection) -> sqlx::Result<()> {
    let mut transaction = connection.begin().await?;
    // `Baed`, and the first of its locks: nobody commits meanwhile.
    sqlx::query("SELECT pg_advisory_xact_lock(1113679204, 1)").execute(&mut *transaction).await?;
    let last = sqlx::query(LAST).fetch_optional(&mut *transaction).await?;
    let is_same = last.map(|row| row.try_get::<bool, _>(1)).transpose()?.unwrap_or(false);
    if !is_same {
        // The last one goes where nothing happened in it: something may have happened in the database that this one
        // is a copy of.
        sqlx::query("DELETE FROM epochs WHERE after >= (SELECT coalesce(max(position), 0) FROM journal)")
            .execute(&mut *transaction)
            .await?;
        let begin = "INSERT INTO epochs (number, id, after, identity)
                     SELECT (SELECT coalesce(max(number), 0) + 1 FROM epochs), $1,
                         (SELECT coalesce(max(position), 0) FROM journal), server_identity()";
        sqlx::query(begin).bind(Epoch::new().0).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// All epochs, and the journal's last position.
async fn read(session: impl PgExecutor<'_>) -> sqlx::Result<(Arc<Epochs>, u64)> {
    let epochs =
        "SELECT e.id, e.after, (SELECT coalesce(max(position), 0) FROM journal) FROM epochs e ORDER BY e.number";
    let rows = sqlx::query(epochs).fetch_all(session).await?;
    let begun = |row: &PgRow| {
        let epoch = Epoch(row.try_get::<Uuid, _>(0)?);
        Ok(Begun { epoch, after: row.try_get::<i64, _>(1)?.cast_unsigned() })
    };
    let epochs = rows.iter().map(begun).collect::<sqlx::Result<_>>()?;
    let head = rows.first().map(|row| row.try_get::<i64, _>(2)).transpose()?.unwrap_or(0);
    Ok((Arc::new(Epochs::of(epochs)), head.cast_unsigned()))
}
