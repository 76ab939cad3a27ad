//! Which databases are opened, which are refused and left as they are.

use std::sync::{Arc, Mutex};

use baedal_kit::database::Database;
use baedal_kit_postgres::{OpenError, PostgresDatabase, Settings};
use baedal_servers::testing;
use jiff::SignedDuration;
use sqlx::{AssertSqlSafe, Row};

use crate::world::{appending, committed, connect, open, put, run, scheduling, settings, until};

/// Opens what must be refused.
async fn refused(context: &'static str, url: &str) -> OpenError {
    let Err(error) = PostgresDatabase::open(context, &settings(url)).await else { panic!("it was opened") };
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

#[tokio::test]
async fn everything_is_still_there_when_it_is_opened_again() {
    let url = testing::fresh_database("opening");
    let database = open(&url).await;
    committed(&*database, appending("order/a", 0)).await;
    committed(&*database, put("a\0b", &["red"])).await;
    committed(&*database, scheduling(["a".to_owned()])).await;
    let events = database.published(0, 10).await.unwrap();
    drop(database);
    let database = open(&url).await;
    assert_eq!(*database.head().borrow(), 1);
    assert_eq!(database.published(0, 10).await.unwrap(), events);
    assert_eq!(database.get("orders", "a\0b").await.unwrap().unwrap().tags, ["red"]);
    assert!(database.next_due().await.unwrap().is_some());
    assert_eq!(committed(&*database, appending("order/a", 1)).await, 2);
}

#[tokio::test]
async fn what_is_on_its_way_is_written_although_it_is_dropped() {
    let url = testing::fresh_database("opening");
    let database = open(&url).await;
    tokio::select! {
        biased;
        _ = database.commit(appending("order/a", 0)) => {}
        // It has been sent, and nobody waits for it any more.
        () = std::future::ready(()) => {}
    }
    drop(database);
    let database = open(&url).await;
    crate::world::until(async || database.published(0, 1).await.unwrap().len() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_open_a_new_one_at_the_same_time() {
    let url = testing::fresh_database("opening");
    let mut opening = tokio::task::JoinSet::new();
    for number in 0..6 {
        let url = url.clone();
        opening.spawn(async move {
            let database = open(&url).await;
            committed(&*database, appending(&format!("order/{number}"), 0)).await
        });
    }
    let mut positions = opening.join_all().await;
    positions.sort_unstable();
    assert_eq!(positions, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn one_of_another_context_is_refused() {
    let url = testing::fresh_database("opening");
    open(&url).await;
    let error = refused("payment", &url).await;
    assert!(error.to_string().ends_with("holds the data of `order`, not of `payment`"), "{error}");
    assert!(!error.is_transient());
    open(&url).await;
}

#[tokio::test]
async fn a_newer_one_is_refused_and_both_versions_named() {
    let url = testing::fresh_database("opening");
    open(&url).await;
    let mut raw = connect(&url).await;
    run(&mut raw, "UPDATE baedal.meta SET value = '41' WHERE key = 'schema'").await;
    let error = refused("order", &url).await;
    assert!(matches!(error, OpenError::Newer { found: 41, known: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("41") && !error.is_transient());
    let row = sqlx::query("SELECT value FROM baedal.meta WHERE key = 'schema'").fetch_one(&mut raw).await.unwrap();
    assert_eq!(row.get::<&str, _>(0), "41");
    run(&mut raw, "DELETE FROM baedal.meta WHERE key = 'schema'").await;
    assert!(matches!(refused("order", &url).await, OpenError::Damaged { .. }));
}

#[tokio::test]
async fn one_that_is_not_in_utf_8_is_refused() {
    let shared = testing::shared_postgres_url();
    let name = testing::database_name("latin");
    let create = format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connect(shared).await).await.unwrap();
    let (server, _) = shared.rsplit_once('/').unwrap();
    let error = refused("order", &format!("{server}/{name}")).await;
    assert!(matches!(&error, OpenError::Encoding { found, .. } if found == "LATIN1"), "{error:?}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn what_is_out_of_reach_may_come_and_what_is_wrong_does_not() {
    let shared = testing::shared_postgres_url();
    let (server, _) = shared.rsplit_once('/').unwrap();
    let missing = refused("order", &format!("{server}/{}", testing::database_name("missing"))).await;
    assert!(missing.is_transient() && missing.to_string().contains("missing_"), "{missing}");
    let closed = refused("order", "postgres://baedal:s3cret@127.0.0.1:1/baedal_{context}").await;
    assert!(closed.is_transient() && closed.to_string().contains("baedal_order at 127.0.0.1:1"), "{closed}");
    assert!(!format!("{closed} {closed:?}").contains("s3cret"));
    let (_, place) = shared.rsplit_once('@').unwrap();
    let stranger = refused("order", &format!("postgres://nobody_{}@{place}", std::process::id())).await;
    assert!(matches!(stranger, OpenError::Refused { .. }) && !stranger.is_transient(), "{stranger:?}");
    let wrong = refused("order", "mysql://127.0.0.1/orders").await;
    assert!(matches!(wrong, OpenError::Settings(_)) && !wrong.is_transient(), "{wrong:?}");
}

/// What is logged in this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn says(&self, word: &str) -> bool {
        self.0.lock().unwrap().iter().any(|line| line.contains(word))
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("baedal")
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = String::new();
        event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            line.push_str(&format!("{field}={value:?} "));
        });
        self.0.lock().unwrap().push(line);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_migration_waits_for_a_lock_as_long_as_it_takes_and_says_who_holds_it() {
    let url = testing::fresh_database("opening");
    let mut holder = connect(&format!("{url}?application_name=a-long-report")).await;
    run(&mut holder, "BEGIN; SELECT pg_advisory_xact_lock(1113679204, 2)").await;
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.clone());
    let limit = SignedDuration::from_millis(100);
    let impatient = Settings { statement_time_limit: limit, ..settings(url.clone()) };
    let mut opening = Box::pin(PostgresDatabase::open("order", &impatient));
    let mut raw = connect(&url).await;
    // Ten times as long as a statement may take while we serve.
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                     AND clock_timestamp() - query_start > interval '1 second'";
    let waiting = until(async || {
        let row = sqlx::query(waits).fetch_one(&mut raw).await.unwrap();
        row.get::<i64, _>(0) == 1 && log.says("a-long-report")
    });
    tokio::select! {
        opened = &mut opening => panic!("it did not wait: {:?}", opened.err()),
        () = waiting => {}
    }
    assert!(log.says("waits for a lock"), "{log:?}", log = log.0);
    run(&mut holder, "ROLLBACK").await;
    let database = opening.await.unwrap();
    assert_eq!(committed(&database, appending("order/a", 0)).await, 1);
}
