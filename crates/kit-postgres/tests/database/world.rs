//! What the tests share: databases, commits, and waiting for what must come.

use std::sync::Arc;
use std::time::Duration;

use baedal_kit::database::{Append, Commit, Database, JobChange, NewEvent, Outcome, Write};
use baedal_kit::{Cause, CauseKind, Job, Origin};
use baedal_kit_postgres::{PostgresDatabase, Settings};
use baedal_servers::testing;
use jiff::Timestamp;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

pub(crate) const NOON: Timestamp = Timestamp::constant(1_795_230_000, 123_456_789);
/// Nothing takes this long, unless it never comes.
const NEVER: Duration = Duration::from_secs(60);

pub(crate) fn settings(url: impl Into<String>) -> Settings {
    Settings { url: Some(url.into().into()), ..Settings::default() }
}

pub(crate) async fn open(url: &str) -> Arc<PostgresDatabase> {
    Arc::new(PostgresDatabase::open("order", &settings(url)).await.unwrap())
}

/// Two replicas of one context.
pub(crate) async fn two() -> (String, Arc<PostgresDatabase>, Arc<PostgresDatabase>) {
    let url = testing::fresh_database("replicas");
    let (one, other) = (open(&url).await, open(&url).await);
    (url, one, other)
}

pub(crate) async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

pub(crate) async fn run(connection: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

pub(crate) fn event(kind: &'static str) -> NewEvent {
    NewEvent {
        id: Uuid::now_v7(),
        kind,
        data: br#"{"note":"\u0000"}"#.to_vec(),
        at: NOON,
        correlation: None,
        command: "Do",
        origin: Arc::new(Origin {
            cause: Cause { kind: CauseKind::Request, id: Uuid::now_v7(), name: "POST /api/orders".to_owned() },
            actor: None,
            traceparent: None,
        }),
    }
}

pub(crate) fn appending(stream: &str, expected_version: u64) -> Commit {
    let append = Append { stream: stream.to_owned(), expected_version, events: vec![event("Happened")] };
    Commit { appends: vec![append], ..Commit::default() }
}

pub(crate) fn put(id: &str, tags: &[&str]) -> Commit {
    let write = Write {
        view: "orders".to_owned(),
        id: id.to_owned(),
        expected_version: None,
        body: Some(b"{}".to_vec()),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        left_tags: Vec::new(),
    };
    Commit { writes: vec![write], ..Commit::default() }
}

pub(crate) fn scheduling(keys: impl IntoIterator<Item = String>) -> Commit {
    let jobs = keys.into_iter().map(|key| JobChange::Schedule(Job::new("wait", key, NOON)));
    Commit { jobs: jobs.collect(), ..Commit::default() }
}

/// Commits as soon as the database takes it: a server that has just come back ends the sessions of before.
pub(crate) async fn committed(database: &impl Database, commit: Commit) -> u64 {
    comes(async {
        loop {
            match database.commit(commit.clone()).await {
                Ok(Outcome::Committed { position }) => return position,
                Ok(Outcome::Conflict) => panic!("a conflict"),
                Err(failure) if failure.is_transient() => tokio::time::sleep(Duration::from_millis(10)).await,
                Err(failure) => panic!("{}", failure.report()),
            }
        }
    })
    .await
}

/// What must come, comes.
pub(crate) async fn comes<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(NEVER, what).await.unwrap_or_else(|_| panic!("it never comes"))
}

/// Asks again and again until the answer is yes.
pub(crate) async fn until(mut ask: impl AsyncFnMut() -> bool) {
    comes(async {
        while !ask().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}
