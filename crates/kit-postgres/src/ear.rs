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
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions, PgRow};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};
use uuid::Uuid;

use crate::connections::{GRACE, Statement};
use crate::jobs;
use crate::settings::Target;
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
    target: Arc<Target>,
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
    pub(crate) fn new(target: Arc<Target>, told: Arc<Told>, id: Uuid) -> Self {
        let (speaker, listener) = (Speaker::new(id), Listener::default());
        Self { target, told, id, speaker, listener, heard: HashMap::new(), due: None }
    }

    /// Listens for ever, at first on this line.
    pub(crate) async fn listen(mut self, mut line: Line) {
        loop {
            let Err(trouble) = self.session(line).await;
            tracing::warn!(context = self.target.context, error = %trouble, "the database is away");
            line = self.connect_again().await;
            tracing::info!(context = self.target.context, "the database is back");
            // Nobody has told us what happened meanwhile.
            self.told.feeds.wake_all();
            self.told.wake_jobs();
        }
    }

    async fn connect_again(&self) -> Line {
        loop {
            sleep(PAUSE).await;
            match self.connect().await {
                Ok(line) => return line,
                Err(trouble) => tracing::debug!(context = self.target.context, error = %trouble, "it is still away"),
            }
        }
    }

    /// Listens for as long as the line lasts.
    async fn session(&mut self, mut line: Line) -> Result<Infallible, Trouble> {
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
                    if beats == 2 && !self.heard.is_empty() {
                        // Whoever thought to be alone has heard us by now; what it did not say before is lost.
                        self.told.feeds.wake_all();
                    }
                }
            }
        }
    }

    /// A line to listen on.
    pub(crate) async fn connect(&self) -> Result<Line, Trouble> {
        let limit = self.target.connect_limit;
        // The listener wants a pool; it is never asked for a second connection.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(limit)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(self.target.options.clone().options([("synchronous_commit", "off")]));
        let connect = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.eager_reconnect(false);
            listener.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        let listener = timeout(limit, connect).await;
        let listener = listener.map_err(|_| Trouble::Unconnected(format!("no connection within {limit:?}")))?;
        let listener = listener.map_err(|error| Trouble::unconnected(&error))?;
        Ok(Line { listener, limit: self.target.statement_limit })
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
                tracing::warn!(context = self.target.context, %error, "another replica cannot be understood");
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
                 ARRAY(SELECT DISTINCT holder FROM jobs WHERE holder IS NOT NULL)",
        );
        let rows = line.fetch(look).await?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
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
            tracing::info!(context = self.target.context, ?ended, "what ended processes had leased is given up");
            line.fetch(jobs::give_up(&ended)).await?;
            self.told.wake_jobs();
        }
        Ok(())
    }
}

/// The connection that listens and speaks.
pub(crate) struct Line {
    listener: PgListener,
    limit: Duration,
}

impl Line {
    async fn fetch(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, Trouble> {
        match timeout(self.limit + GRACE, statement.fetch_all(&mut self.listener)).await {
            Ok(rows) => Ok(rows?),
            Err(_) => Err(Trouble::Unanswered(self.limit)),
        }
    }
}
