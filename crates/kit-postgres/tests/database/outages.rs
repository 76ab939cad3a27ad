//! A server that stops, crashes, hangs, and comes back: no false answer, and nothing that was answered is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use baedal_kit::Failure;
use baedal_kit::database::{Database, Direction, Outcome, Query, Select};
use baedal_kit::feeds::document_key;
use baedal_kit_postgres::{PostgresDatabase, Settings};
use baedal_servers::{Postgres, testing};
use jiff::SignedDuration;

use crate::world::{NOON, appending, comes, committed, put, settings, until};

/// Short limits, so that a test does not take long.
fn impatient(server: &Postgres) -> Settings {
    let second = SignedDuration::from_secs(1);
    Settings { connect_time_limit: second, statement_time_limit: second, ..settings(server.url("order")) }
}

fn start() -> Postgres {
    let server = Postgres::start(testing::programs(), &std::env::temp_dir()).unwrap();
    server.create_database("order").unwrap();
    server
}

async fn open(server: &Postgres) -> Arc<PostgresDatabase> {
    Arc::new(PostgresDatabase::open("order", &impatient(server)).await.unwrap())
}

fn unavailable<T: std::fmt::Debug>(answer: Result<T, Failure>) {
    let failure = answer.unwrap_err();
    assert!(failure.is_transient(), "{}", failure.report());
}

/// Every method.
async fn everything_is_unavailable(database: &PostgresDatabase) {
    let query =
        Query { select: Select::Prefix(String::new()), direction: Direction::Ascending, after: None, limit: 10 };
    comes(async {
        unavailable(database.commit(appending("order/away", 0)).await);
        unavailable(database.load("order/a", 0).await);
        unavailable(database.published(0, 10).await);
        unavailable(database.cursor("policy", "order", 0).await);
        unavailable(database.get("orders", "a").await);
        unavailable(database.list("orders", query).await);
        unavailable(database.lease(NOON, NOON, 10).await);
        unavailable(database.next_due().await);
        unavailable(database.dead_letters(None, 10).await);
        unavailable(database.ping().await);
    })
    .await;
}

/// Everything goes on, also between replicas.
async fn everything_works(one: &PostgresDatabase, other: &PostgresDatabase) {
    until(async || one.ping().await.is_ok() && other.ping().await.is_ok()).await;
    until(async || one.commit(put("back", &[])).await.is_ok()).await;
    let mut document = other.feeds().subscribe(document_key("orders", "a"));
    until(async || {
        committed(one, put("a", &[])).await;
        tokio::time::timeout(std::time::Duration::from_millis(100), document.changed()).await.is_ok()
    })
    .await;
    let stream = format!("order/{}", one.published(0, 1000).await.unwrap().len());
    let position = committed(one, appending(&stream, 0)).await;
    comes(other.head().wait_for(|head| *head >= position)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_is_unavailable_until_it_is_back() {
    let mut server = start();
    let (one, other) = (open(&server).await, open(&server).await);
    committed(&*one, appending("order/a", 0)).await;
    everything_works(&one, &other).await;

    server.stop().unwrap();
    everything_is_unavailable(&one).await;
    server.start_again().unwrap();
    everything_works(&one, &other).await;

    server.kill().unwrap();
    everything_is_unavailable(&one).await;
    server.start_again().unwrap();
    everything_works(&one, &other).await;

    server.pause().unwrap();
    everything_is_unavailable(&one).await;
    server.resume().unwrap();
    everything_works(&one, &other).await;
    assert_eq!(one.load("order/a", 0).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_nobody_gives_back_is_not_waited_for() {
    let server = start();
    let database = open(&server).await;
    let mut raw = crate::world::connect(&server.url("order")).await;
    crate::world::run(&mut raw, "BEGIN; SELECT pg_advisory_xact_lock(1113679204, 1)").await;
    unavailable(comes(database.commit(appending("order/a", 0))).await);
    unavailable(comes(database.ping()).await);
    assert!(database.load("order/a", 0).await.unwrap().is_empty(), "it can be read");
    crate::world::run(&mut raw, "ROLLBACK").await;
    until(async || database.ping().await.is_ok()).await;
    // It was told that it did not happen, and it did not.
    assert_eq!(committed(&*database, appending("order/a", 0)).await, 1);
}

/// What one writer knows of its stream.
#[derive(Default)]
struct Known {
    /// Versions that were answered as committed.
    answered: u64,
    /// Versions of which nobody knows, until the stream is read again.
    unknown: u64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_the_server_no_answer_is_false() {
    const WRITERS: u64 = 12;
    let mut server = start();
    let replicas = [open(&server).await, open(&server).await];
    let is_over = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicU64::new(0));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let database = Arc::clone(&replicas[(writer % 2) as usize]);
        let (is_over, count) = (Arc::clone(&is_over), Arc::clone(&count));
        writers.spawn(async move {
            let stream = format!("order/{writer}");
            let mut known = Known::default();
            while !is_over.load(Ordering::Relaxed) {
                if known.unknown > 0 {
                    let Ok(events) = database.load(&stream, 0).await else { continue };
                    let version = events.len() as u64;
                    assert!((known.answered..=known.answered + known.unknown).contains(&version));
                    // What was on its way may still arrive; but not once we have gone on.
                    known.answered = version;
                }
                let mut commit = appending(&stream, known.answered);
                commit.writes = put(&format!("{writer}"), &["all"]).writes;
                match database.commit(commit).await {
                    Ok(Outcome::Committed { .. }) => {
                        known = Known { answered: known.answered + 1, unknown: 0 };
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    // Nobody else writes here: only what we did not know of can have come before it.
                    Ok(Outcome::Conflict) => assert!(known.unknown > 0, "a false conflict"),
                    Err(failure) => {
                        assert!(failure.is_transient(), "{}", failure.report());
                        known.unknown = 1;
                    }
                }
            }
            (stream, known)
        });
    }
    let goes_on = async || {
        let enough = count.load(Ordering::Relaxed) + 100;
        until(async || count.load(Ordering::Relaxed) >= enough).await;
    };
    goes_on().await;
    for _ in 0..2 {
        server.kill().unwrap();
        server.start_again().unwrap();
        goes_on().await;
        server.pause().unwrap();
        unavailable(comes(replicas[0].get("orders", "0")).await);
        server.resume().unwrap();
        goes_on().await;
        server.stop().unwrap();
        server.start_again().unwrap();
        goes_on().await;
    }
    is_over.store(true, Ordering::Relaxed);
    let known = writers.join_all().await;
    // What is on the disk at this moment is all that a crash leaves behind.
    server.kill().unwrap();
    server.start_again().unwrap();
    let database = &replicas[0];
    until(async || database.ping().await.is_ok()).await;
    let events = database.published(0, 1_000_000).await.unwrap();
    assert!(events.iter().zip(1..).all(|(event, position)| event.position == position));
    let mut streams: BTreeMap<&str, u64> = BTreeMap::new();
    for event in &events {
        let version = streams.entry(&event.stream).or_default();
        *version += 1;
        assert_eq!(event.version, *version);
    }
    for (stream, Known { answered, unknown }) in known {
        let there = streams[stream.as_str()];
        assert!((answered..=answered + unknown).contains(&there), "{there} of {answered} and {unknown}");
    }
}
