//! The one task that listens to the other replicas of a context, and tells them what happened here.
//!
//! ```text
//!   a commit here ─▶ told (coalesced, 5 ms) ─▶ NOTIFY ─▶ the ears of the others ─▶ head, feeds, sayings
//!   every second:  "I am here" ─▶ NOTIFY;  and a look at the journal, for what got lost, and at the jobs
//! ```
//!
//! Never inside a commit: NOTIFY takes a lock of the whole server until its transaction is on the disk. Here it
//! is on a connection that does not wait for the disk. Whoever says nothing for a while has ended: then nobody
//! need be told anything, and what was leased to it is given up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use baedal_kit::epochs::Epoch;
use sqlx::Row;
use sqlx::postgres::{PgConnectOptions, PgListener, PgNotification, PgPoolOptions, PgRow};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};
use uuid::Uuid;

use crate::connections::{GRACE, Statement};
use crate::jobs;
use crate::server::{NoServer, Refusal, Servers, must_take_writes};
use crate::told::{News, Told};
use crate::trouble::Trouble;
use crate::words::{Concerned, Listener, Speaker, Word};

/// Where the replicas speak. Each database has its own.
const CHANNEL: &str = "baedal";
/// How often we look for ourselves, and say that we are here.
const BEAT: Duration = Duration::from_secs(1);
/// What happens within this time is told together.
const TOGETHER: Duration = Duration::from_millis(5);
/// Whoever was not heard for this long is not spoken to,
const QUIET: Duration = Duration::from_secs(5);
/// and after this long its leases are given up.
const ENDED: Duration = Duration::from_secs(10);
/// How long to wait before a connection is tried again.
const PAUSE: Duration = Duration::from_millis(250);

pub(crate) struct Ear {
    servers: Arc<Servers>,
    told: Arc<Told>,
    id: Uuid,
    speaker: Speaker,
    listener: Listener,
    /// When each of the others was last heard.
    heard: HashMap<Uuid, Instant>,
    /// When the next job was due when we last looked.
    due: Option<i64>,
}

impl Ear {
    /// Of the process `id`.
    pub(crate) fn new(servers: Arc<Servers>, told: Arc<Told>, id: Uuid) -> Self {
        let (speaker, listener) = (Speaker::new(id), Listener::default());
        Self { servers, told, id, speaker, listener, heard: HashMap::new(), due: None }
    }

    /// Listens for ever, at first on this line.
    pub(crate) async fn listen(mut self, mut line: Line) {
        loop {
            let trust = line.trust;
            line = match self.session(line).await {
                Ok(next) => next,
                Err(trouble) => {
                    self.servers.heed(trust, &trouble);
                    tracing::warn!(context = self.context(), error = %trouble, "the database is away");
                    let line = self.connect_again().await;
                    tracing::info!(context = self.context(), "the database is back");
                    line
                }
            };
            // Nobody has told us what happened meanwhile.
            self.told.feeds.wake_all();
            self.told.wake_jobs();
        }
    }

    fn context(&self) -> &'static str {
        self.servers.target.context
    }

    async fn connect_again(&self) -> Line {
        loop {
            sleep(PAUSE).await;
            match self.connect().await {
                Ok(line) => return line,
                Err(trouble) => tracing::debug!(context = self.context(), error = %trouble, "it is still away"),
            }
        }
    }

    /// Listens for as long as the line lasts; the next one, where it was only old.
    async fn session(&mut self, mut line: Line) -> Result<Line, Trouble> {
        let begun = Instant::now();
        self.heard.clear();
        self.listener = Listener::default();
        self.told.set_others(true);
        // Nor have we told anybody.
        self.say(&mut line, News { moved: true, jobs: true, feeds: Concerned::Everybody, said: Vec::new() }).await?;
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut beats, mut next_word) = (0_u64, Instant::now());
        loop {
            let told = Arc::clone(&self.told);
            let news = async {
                told.any_news().await;
                sleep_until(next_word).await;
            };
            tokio::select! {
                word = line.listener.try_recv() => match word? {
                    Some(word) => self.hear(&word),
                    None => return Err(Trouble::Unconnected("the connection ended".to_owned())),
                },
                () = news => {
                    let news = self.told.take_news();
                    self.say(&mut line, news).await?;
                    next_word = Instant::now() + TOGETHER;
                }
                _ = beat.tick() => {
                    beats += 1;
                    self.look(&mut line, begun).await?;
                    let news = self.told.take_news();
                    self.say(&mut line, news).await?;
                    if Instant::now() >= line.ends {
                        match self.connect().await {
                            Ok(next) => return Ok(next),
                            Err(none) => tracing::debug!(context = self.context(), error = %none, "no other line yet"),
                        }
                    }
                    if beats == 2 && !self.heard.is_empty() {
                        // Whoever thought to be alone has heard us by now; what it did not say before is lost.
                        self.told.feeds.wake_all();
                    }
                }
            }
        }
    }

    /// A line to listen on, to the server that takes writes.
    pub(crate) async fn connect(&self) -> Result<Line, NoServer> {
        let mut refused = NoServer::default();
        for (number, server) in self.servers.in_turn() {
            let (limit, trust) = (self.servers.share_of_time(), self.servers.trust());
            match timeout(limit, listener(&server.options, limit)).await {
                Ok(Ok(listener)) => {
                    self.servers.let_in_by(number);
                    let ends = Instant::now() + self.servers.lifetime();
                    return Ok(Line { listener, limit: self.servers.target.statement_limit, ends, trust });
                }
                Ok(Err(refusal)) => refused.add(server, refusal),
                Err(_) => refused.add(server, Refusal::Late(limit)),
            }
        }
        Err(refused)
    }

    async fn say(&mut self, line: &mut Line, news: News) -> Result<(), Trouble> {
        let head = *self.told.head.borrow();
        let words = self.speaker.words(head, news.jobs, &news.feeds, &news.said);
        let say = sqlx::query("SELECT pg_notify($1, word) FROM unnest($2::text[]) AS w (word)");
        line.fetch(say.bind(CHANNEL).bind(words)).await.map(drop)
    }

    fn hear(&mut self, notification: &PgNotification) {
        let word: Word = match serde_json::from_str(notification.payload()) {
            Ok(word) => word,
            Err(error) => {
                tracing::warn!(context = self.context(), %error, "another replica cannot be understood");
                return;
            }
        };
        if word.from == self.id {
            return;
        }
        self.heard.insert(word.from, Instant::now());
        self.told.set_others(true);
        self.told.wake_head(word.head);
        if word.jobs {
            self.told.wake_jobs();
        }
        if word.all_feeds {
            self.told.feeds.wake_all();
        } else {
            self.told.feeds.wake_hashed(word.feeds());
        }
        if let Some(said) = self.listener.hear(&word) {
            // Where nobody listens, nobody need hear it.
            let _ = self.told.heard.send(said);
        }
    }

    /// Looks for what we were not told, and at who is not there any more.
    async fn look(&mut self, line: &mut Line, begun: Instant) -> Result<(), Trouble> {
        let look = sqlx::query(
            "SELECT (SELECT coalesce(max(position), 0) FROM journal),
                 (SELECT due FROM jobs WHERE due IS NOT NULL ORDER BY due LIMIT 1),
                 ARRAY(SELECT DISTINCT holder FROM jobs WHERE holder IS NOT NULL),
                 pg_is_in_recovery(), l.id, l.is_same
             FROM (SELECT) AS one LEFT JOIN (
                 SELECT e.id, e.identity = server_identity() AS is_same FROM epochs e ORDER BY e.number DESC LIMIT 1
             ) AS l ON true",
        );
        let rows = line.fetch(look).await?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        if row.try_get(3)? {
            return Err(Trouble::TakesNoWrites);
        }
        let (epoch, is_same): (Option<Uuid>, Option<bool>) = (row.try_get(4)?, row.try_get(5)?);
        if epoch.map(Epoch) != Some(self.told.epochs.borrow().last()) || is_same != Some(true) {
            // Whoever opens a session recognises what is there.
            let session = self.servers.connect().await.map_err(|none| Trouble::Unconnected(none.to_string()))?;
            session.part();
            return Ok(());
        }
        self.told.wake_head(row.try_get::<i64, _>(0)?.cast_unsigned());
        let due = row.try_get(1)?;
        // Of our own doing we know.
        if self.due != due && !self.heard.is_empty() {
            self.told.wake_jobs();
        }
        self.due = due;
        self.heard.retain(|_, at| at.elapsed() < ENDED);
        // At first we have heard nobody yet.
        self.told.set_others(begun.elapsed() < QUIET || self.heard.values().any(|at| at.elapsed() < QUIET));
        let mut ended: Vec<Uuid> = row.try_get(2)?;
        ended.retain(|holder| *holder != self.id && !self.heard.contains_key(holder));
        if !ended.is_empty() && begun.elapsed() > ENDED {
            tracing::info!(context = self.context(), ?ended, "what ended processes had leased is given up");
            line.fetch(jobs::give_up(&ended)).await?;
            self.told.wake_jobs();
        }
        Ok(())
    }
}

async fn listener(options: &PgConnectOptions, limit: Duration) -> Result<PgListener, Refusal> {
    // The listener wants a pool; it is never asked for a second connection.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(limit)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options.clone().options([("synchronous_commit", "off")]));
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    must_take_writes(&mut listener).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// The connection that listens and speaks.
pub(crate) struct Line {
    listener: PgListener,
    /// How long a statement may take.
    limit: Duration,
    /// When it is old.
    ends: Instant,
    /// What was trusted when it was opened.
    trust: u64,
}

impl Line {
    async fn fetch(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, Trouble> {
        match timeout(self.limit + GRACE, statement.fetch_all(&mut self.listener)).await {
            Ok(rows) => Ok(rows?),
            Err(_) => Err(Trouble::Unanswered(self.limit)),
        }
    }
}
