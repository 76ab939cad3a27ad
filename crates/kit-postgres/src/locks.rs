//! Says for whom a statement waits that has no time limit, so that a person can do something about it.

use std::convert::Infallible;
use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use tokio::time::{Instant, sleep, timeout};

use crate::connections::GRACE;
use crate::server::{Servers, Session};

/// How long something may wait before it is told for the first time; then it is told less and less often,
const FIRST: Duration = Duration::from_secs(1);
/// down to this.
const CALM: Duration = Duration::from_secs(60);
/// How much of a statement is told.
const SHOWN: i32 = 200;

/// Tells for ever whom this session waits for, or that its work is under way.
pub(crate) async fn tell_of(servers: &Servers, session: i32) -> Infallible {
    let (begun, mut wait) = (Instant::now(), FIRST);
    let mut looking: Option<PgConnection> = None;
    loop {
        sleep(wait).await;
        wait = (wait * 2).min(CALM);
        let (context, waited) = (servers.target.context, begun.elapsed());
        match look(servers, &mut looking, session).await {
            Ok(holders) if holders.is_empty() => {
                tracing::info!(context, ?waited, "the schema of the database is still being brought up to date");
            }
            Ok(holders) => {
                for Holder { session, application, user, state, since_seconds, statement } in holders {
                    tracing::warn!(
                        context,
                        ?waited,
                        session,
                        application,
                        user,
                        state,
                        since_seconds,
                        statement,
                        "bringing the schema of the database up to date waits for a lock that another session holds; \
                         it can be ended with pg_terminate_backend"
                    );
                }
            }
            Err(error) => {
                looking = None;
                tracing::info!(context, ?waited, error, "whom bringing the schema up to date waits for is not known");
            }
        }
    }
}

/// A session that holds what another waits for.
struct Holder {
    session: i32,
    application: String,
    user: String,
    state: String,
    since_seconds: i64,
    statement: String,
}

async fn look(servers: &Servers, looking: &mut Option<PgConnection>, session: i32) -> Result<Vec<Holder>, String> {
    let connection = match looking {
        Some(connection) => connection,
        None => {
            let Session { connection, .. } = servers.connect_unknown().await.map_err(|none| none.to_string())?;
            looking.insert(connection)
        }
    };
    let holders = sqlx::query(
        "SELECT h.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''), coalesce(a.state, ''),
             coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::bigint,
             coalesce(left(a.query, $2), '')
         FROM unnest(pg_blocking_pids($1)) AS h (pid) LEFT JOIN pg_stat_activity a ON a.pid = h.pid",
    );
    let holders = holders.bind(session).bind(SHOWN).fetch_all(connection);
    let found = timeout(servers.target.statement_limit + GRACE, holders).await;
    let found = found.map_err(|late| late.to_string())?.map_err(|error| error.to_string())?;
    found.iter().map(holder).collect::<sqlx::Result<_>>().map_err(|error| error.to_string())
}

fn holder(row: &PgRow) -> sqlx::Result<Holder> {
    Ok(Holder {
        session: row.try_get(0)?,
        application: row.try_get(1)?,
        user: row.try_get(2)?,
        state: row.try_get(3)?,
        since_seconds: row.try_get(4)?,
        statement: row.try_get(5)?,
    })
}
