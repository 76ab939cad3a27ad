//! The connections to a database: lent for one statement each, and not for longer than it may take.
//!
//! Nobody waits long for a database that is away: not for a connection, not for its answer. A connection that was
//! not used for a while is asked whether it is still there before it is trusted with anything, and one whose
//! statement did not come to its end is closed; so whatever ended, began again or moved behind our back, the next
//! statement goes through.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{Connection, Postgres};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::settings::Target;
use crate::trouble::Trouble;

/// A connection that was not used for this long may be gone.
const DOUBTFUL: Duration = Duration::from_secs(1);
/// How much longer than the server we wait for a statement: it knows better what became of it.
pub(crate) const GRACE: Duration = Duration::from_millis(500);

/// A statement.
pub(crate) type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// So many connections at the most; opened when they are needed.
pub(crate) struct Connections {
    target: Arc<Target>,
    idle: Mutex<Vec<Idle>>,
    free: Semaphore,
}

struct Idle {
    connection: PgConnection,
    since: Instant,
}

impl Connections {
    pub(crate) fn new(target: Arc<Target>, most: usize) -> Self {
        Self { target, idle: Mutex::default(), free: Semaphore::new(most) }
    }

    /// The statement's rows.
    pub(crate) async fn fetch(&self, statement: Statement<'_>) -> Result<Vec<PgRow>, Trouble> {
        let limit = self.target.connect_limit;
        let got = timeout(limit, async {
            let place = self.free.acquire().await;
            (place, self.ready().await)
        });
        let (_place, ready) = got.await.map_err(|_| Trouble::Unconnected(format!("no connection within {limit:?}")))?;
        // Where this future is dropped now, so is the connection.
        let mut connection = ready?;
        match timeout(self.target.statement_limit + GRACE, statement.fetch_all(&mut connection)).await {
            Ok(Ok(rows)) => {
                self.give_back(connection);
                Ok(rows)
            }
            Ok(Err(error)) => {
                let trouble = Trouble::from(error);
                if trouble.leaves_the_connection() {
                    self.give_back(connection);
                }
                Err(trouble)
            }
            Err(_) => Err(Trouble::Unanswered(self.target.statement_limit)),
        }
    }

    async fn ready(&self) -> Result<PgConnection, Trouble> {
        while let Some(mut idle) = self.take() {
            if idle.since.elapsed() < DOUBTFUL {
                return Ok(idle.connection);
            }
            match timeout(DOUBTFUL, idle.connection.ping()).await {
                Ok(Ok(())) => return Ok(idle.connection),
                Ok(Err(_)) => {}
                // It would be the same with the others.
                Err(_) => self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear(),
            }
        }
        PgConnection::connect_with(&self.target.options).await.map_err(|error| Trouble::unconnected(&error))
    }

    /// The one used last, so that those there are too many of stay unused.
    fn take(&self) -> Option<Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, connection: PgConnection) {
        let idle = Idle { connection, since: Instant::now() };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
    }
}
