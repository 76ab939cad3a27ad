//! The connections to a database: lent for one statement each, and not for longer than it may take.
//!
//! Nobody waits long for a database that is away: not for a connection, not for its answer. Before a connection is
//! lent, its server is asked whether it is there and takes writes, unless it was asked a moment ago; a connection that
//! is old or suspect is closed, and so is one whose statement did not come to its end. So whatever ended, began again,
//! moved or became a standby behind our back, the next statement goes to the server that takes writes.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::server::{Refusal, Servers, Session};
use crate::trouble::Trouble;

/// A connection whose server was not asked for this long may be gone, or not be at the right server any more.
const DOUBTFUL: Duration = Duration::from_secs(1);
/// How much longer than the server we wait for a statement: it knows better what became of it.
pub(crate) const GRACE: Duration = Duration::from_millis(500);

/// A statement.
pub(crate) type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// So many connections at the most; opened when they are needed.
pub(crate) struct Connections {
    servers: Arc<Servers>,
    idle: Mutex<Vec<Session>>,
    free: Semaphore,
}

impl Connections {
    pub(crate) fn new(servers: Arc<Servers>, most: usize) -> Self {
        Self { servers, idle: Mutex::default(), free: Semaphore::new(most) }
    }

    /// The statement's rows.
    pub(crate) async fn fetch(&self, statement: Statement<'_>) -> Result<Vec<PgRow>, Trouble> {
        let target = &self.servers.target;
        let limit = target.connect_limit;
        let got = timeout(limit, async {
            let place = self.free.acquire().await;
            (place, self.ready().await)
        });
        let (_place, ready) = got.await.map_err(|_| Trouble::Unconnected(format!("no connection within {limit:?}")))?;
        // Where this future is dropped now, so is the connection.
        let mut session = ready?;
        match timeout(target.statement_limit + GRACE, statement.fetch_all(&mut session.connection)).await {
            Ok(Ok(rows)) => {
                self.give_back(session);
                Ok(rows)
            }
            Ok(Err(error)) => {
                let trouble = Trouble::from(error);
                self.servers.heed(session.trust, &trouble);
                if trouble.leaves_the_connection() {
                    self.give_back(session);
                }
                Err(trouble)
            }
            Err(_) => Err(Trouble::Unanswered(target.statement_limit)),
        }
    }

    async fn ready(&self) -> Result<Session, Trouble> {
        while let Some(mut session) = self.take() {
            if !self.servers.trusts(&session) {
                session.part();
                continue;
            }
            if session.unasked_for() < DOUBTFUL {
                return Ok(session);
            }
            match timeout(DOUBTFUL, session.ask()).await {
                Ok(Ok(())) => return Ok(session),
                Ok(Err(Refusal::Said(error))) => self.servers.heed(session.trust, &Trouble::Said(error)),
                Ok(Err(Refusal::TakesNoWrites | Refusal::Late(_))) => {
                    self.servers.heed(session.trust, &Trouble::TakesNoWrites);
                }
                // It would be the same with the others.
                Err(_) => self.idle.lock().clear(),
            }
        }
        self.servers.connect().await.map_err(|none| Trouble::Unconnected(none.to_string()))
    }

    /// The one used last, so that those there are too many of stay unused.
    fn take(&self) -> Option<Session> {
        self.idle.lock().pop()
    }

    fn give_back(&self, session: Session) {
        self.idle.lock().push(session);
    }
}
