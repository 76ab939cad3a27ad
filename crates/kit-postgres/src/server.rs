//! The server that takes writes: found among those that may be it, and trusted for as long as nothing speaks against.
//!
//! A standby answers reads, too, and what it does not know yet a reader would take for not having happened. So no
//! session is used whose server is in recovery or takes no writes, for whatever purpose: it is asked when the session
//! is opened, and again and again while it is used. One server that says that it takes no writes any more, or that it
//! ends, makes all sessions suspect: they are given up.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use rand::RngExt;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, PgExecutor, Row};
use tokio::time::{Instant, timeout};

use crate::epochs;
use crate::settings::{Server, Target};
use crate::told::Told;
use crate::trouble::Trouble;

/// Whether the server takes no writes: a standby, or one that was told so.
const TAKES_NO_WRITES: &str = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean";

/// The servers that may be the one.
pub(crate) struct Servers {
    pub(crate) target: Arc<Target>,
    told: Arc<Told>,
    /// The one that let us in last.
    last: AtomicUsize,
    /// Grows whenever sessions that were opened before are not to be trusted any more.
    trust: AtomicU64,
}

impl Servers {
    pub(crate) fn new(target: Arc<Target>, told: Arc<Told>) -> Self {
        Self { target, told, last: AtomicUsize::new(0), trust: AtomicU64::new(0) }
    }

    /// A session at the server that takes writes, opened within the time that there is for it, to a database that we
    /// know.
    pub(crate) async fn connect(&self) -> Result<Session, NoServer> {
        self.find(true).await
    }

    /// The same, to a database that may not have our tables yet.
    pub(crate) async fn connect_unknown(&self) -> Result<Session, NoServer> {
        self.find(false).await
    }

    async fn find(&self, is_known: bool) -> Result<Session, NoServer> {
        let mut refused = NoServer::default();
        for (number, server) in self.in_turn() {
            // What is known before it is opened may be suspect after.
            let trust = self.trust();
            match timeout(self.share_of_time(), self.open(&server.options, is_known)).await {
                Ok(Ok(connection)) => {
                    self.let_in_by(number);
                    return Ok(Session::new(connection, trust, self.lifetime()));
                }
                Ok(Err(refusal)) => refused.add(server, refusal),
                Err(_) => refused.add(server, Refusal::Late(self.share_of_time())),
            }
        }
        Err(refused)
    }

    async fn open(&self, options: &PgConnectOptions, is_known: bool) -> Result<PgConnection, Refusal> {
        let mut connection = PgConnection::connect_with(options).await?;
        must_take_writes(&mut connection).await?;
        if is_known {
            epochs::recognise(&mut connection, &self.told).await?;
        }
        Ok(connection)
    }

    /// The servers, the one that let us in last first.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = (usize, &Server)> {
        let servers = &self.target.servers;
        let first = self.last.load(Ordering::Relaxed);
        (0..servers.len()).filter_map(move |step| {
            let number = (first + step) % servers.len();
            Some((number, servers.get(number)?))
        })
    }

    pub(crate) fn let_in_by(&self, number: usize) {
        self.last.store(number, Ordering::Relaxed);
    }

    /// How long each of the servers may take to let us in.
    pub(crate) fn share_of_time(&self) -> Duration {
        let servers = u32::try_from(self.target.servers.len()).unwrap_or(u32::MAX).max(1);
        self.target.connect_limit / servers
    }

    /// For how long a session that is opened now is used.
    pub(crate) fn lifetime(&self) -> Duration {
        self.target.lifetime.mul_f64(rand::rng().random_range(0.75..=1.0))
    }

    /// What a session that is opened now begins with.
    pub(crate) fn trust(&self) -> u64 {
        self.trust.load(Ordering::Acquire)
    }

    /// What a session met may mean that its server is not the one any more: none that was opened while that one was
    /// trusted is used again.
    pub(crate) fn heed(&self, trust: u64, trouble: &Trouble) {
        // The first says it for all.
        let is_first = || self.trust.compare_exchange(trust, trust + 1, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if trouble.is_about_the_server() && is_first() {
            tracing::warn!(
                context = self.target.context, error = %trouble,
                "the server takes no writes any more or ends; every connection to it is given up"
            );
        }
    }

    /// Whether a session may still be used: it is neither too old nor suspect.
    pub(crate) fn trusts(&self, session: &Session) -> bool {
        session.trust == self.trust() && Instant::now() < session.ends
    }
}

/// A session at a server that took writes when it was last asked.
pub(crate) struct Session {
    pub(crate) connection: PgConnection,
    pub(crate) trust: u64,
    ends: Instant,
    /// When the server was last asked.
    asked: Instant,
}

impl Session {
    fn new(connection: PgConnection, trust: u64, lifetime: Duration) -> Self {
        let now = Instant::now();
        Self { connection, trust, ends: now + lifetime, asked: now }
    }

    /// How long ago the server was last asked.
    pub(crate) fn unasked_for(&self) -> Duration {
        self.asked.elapsed()
    }

    /// Asks the server whether it is there, and still takes writes.
    pub(crate) async fn ask(&mut self) -> Result<(), Refusal> {
        must_take_writes(&mut self.connection).await?;
        self.asked = Instant::now();
        Ok(())
    }

    /// Ends it, saying goodbye, while others go on.
    pub(crate) fn part(self) {
        tokio::spawn(timeout(PARTING, self.connection.close()));
    }
}

/// How long saying goodbye may take.
const PARTING: Duration = Duration::from_secs(1);

/// Refuses a server that takes no writes.
pub(crate) async fn must_take_writes(session: impl PgExecutor<'_>) -> Result<(), Refusal> {
    let row = sqlx::query(TAKES_NO_WRITES).fetch_one(session).await?;
    if row.try_get::<bool, _>(0)? { Err(Refusal::TakesNoWrites) } else { Ok(()) }
}

/// Why there is no session at a server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// It does not know all, or not yet.
    #[error("it is a standby, which takes no writes")]
    TakesNoWrites,
    /// It did not answer.
    #[error("no connection within {0:?}")]
    Late(Duration),
    /// It said so, or could not be reached.
    #[error(transparent)]
    Said(#[from] sqlx::Error),
}

/// Why there is no session at any server.
#[derive(Debug, Default)]
pub(crate) struct NoServer(Vec<(String, Refusal)>);

impl NoServer {
    pub(crate) fn add(&mut self, server: &Server, refusal: Refusal) {
        self.0.push((server.name.clone(), refusal));
    }

    pub(crate) fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.0.iter().map(|(_, refusal)| refusal)
    }
}

impl fmt::Display for NoServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [(_, refusal)] = &self.0[..] {
            return write!(out, "{refusal}");
        }
        for (number, (server, refusal)) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { "; " };
            write!(out, "{comma}{server}: {refusal}")?;
        }
        Ok(())
    }
}
