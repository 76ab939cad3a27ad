//! Two replicas of a context on one database.

use std::sync::Arc;

use baedal_kit::database::{Database, JobChange, Outcome};
use baedal_kit::feeds::{document_key, tag_key};
use baedal_kit_postgres::PostgresDatabase;
use jiff::SignedDuration;
use sqlx::{PgConnection, Row};

use crate::world::{NOON, appending, comes, committed, connect, open, put, run, scheduling, two, until};

/// A commit of another, as it is in the middle: it holds the lock, and has written event 2.
const HALF_A_COMMIT: &str = "BEGIN;
    SELECT pg_advisory_xact_lock(1113679204, 1);
    INSERT INTO baedal.journal (position, version, at, id, stream, kind, command, origin, data)
    SELECT 2, 1, at, gen_random_uuid(), 'order/late', kind, command, origin, data FROM baedal.journal";

async fn waits_for_the_lock(raw: &mut PgConnection) -> bool {
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    sqlx::query(waiting).fetch_one(raw).await.unwrap().get::<i64, _>(0) > 0
}

async fn positions(database: &PostgresDatabase) -> Vec<(u64, String)> {
    let events = database.published(0, 100).await.unwrap();
    events.into_iter().map(|event| (event.position, event.stream)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reader_skips_what_commits_late() {
    for (end, seen) in [
        ("COMMIT", vec![(1, "order/a"), (2, "order/late"), (3, "order/b")]),
        ("ROLLBACK", vec![(1, "order/a"), (2, "order/b")]),
    ] {
        let (url, one, other) = two().await;
        committed(&*one, appending("order/a", 0)).await;
        let mut late = connect(&url).await;
        run(&mut late, HALF_A_COMMIT).await;
        let quick = tokio::spawn({
            let one = Arc::clone(&one);
            async move { committed(&*one, appending("order/b", 0)).await }
        });
        let mut raw = connect(&url).await;
        until(async || waits_for_the_lock(&mut raw).await).await;
        for database in [&one, &other] {
            assert_eq!(positions(database).await.len(), 1);
        }
        assert!(!quick.is_finished());
        sqlx::raw_sql(end).execute(&mut late).await.unwrap();
        let last = seen.last().unwrap().0;
        assert_eq!(comes(quick).await.unwrap(), last);
        for database in [&one, &other] {
            comes(database.head().wait_for(|head| *head == last)).await.unwrap();
            let positions = positions(database).await;
            let positions: Vec<_> = positions.iter().map(|(position, stream)| (*position, stream.as_str())).collect();
            assert_eq!(positions, seen);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_every_replica_see_every_position_in_order() {
    const EVENTS: u64 = 2 * 8 * 25;
    let (_, one, other) = two().await;
    let mut tasks = tokio::task::JoinSet::new();
    for (replica, database) in [one, other].into_iter().enumerate() {
        for reader in 0..2 {
            let database = Arc::clone(&database);
            tasks.spawn(async move {
                let mut head = database.head();
                let mut seen = 0;
                while seen < EVENTS {
                    head.mark_unchanged();
                    let announced = *head.borrow();
                    let news = database.published(seen, 7 + reader).await.unwrap();
                    for event in &news {
                        assert_eq!(event.position, seen + 1);
                        seen = event.position;
                    }
                    assert!(!news.is_empty() || announced <= seen, "{announced} was announced and cannot be read");
                    if news.is_empty() {
                        comes(head.changed()).await.unwrap();
                    }
                }
            });
        }
        for writer in 0..8 {
            let database = Arc::clone(&database);
            tasks.spawn(async move {
                for version in 0..25 {
                    let stream = format!("order/{replica}/{writer}");
                    committed(&*database, appending(&stream, version)).await;
                    assert_eq!(database.commit(appending(&stream, version)).await.unwrap(), Outcome::Conflict);
                }
            });
        }
    }
    tasks.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_one_of_two_that_do_the_same_gets_through() {
    let (_, one, other) = two().await;
    for version in 0..20 {
        let (one, other) =
            tokio::join!(one.commit(appending("order/a", version)), other.commit(appending("order/a", version)));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!([one, other].iter().filter(|outcome| **outcome == Outcome::Conflict).count(), 1);
    }
    assert_eq!(other.load("order/a", 0).await.unwrap().len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_job_is_leased_by_one_of_them() {
    let (_, one, other) = two().await;
    committed(&*one, scheduling((0..200).map(|number| format!("{number:03}")))).await;
    let until = NOON + SignedDuration::from_secs(60);
    let mut tasks = tokio::task::JoinSet::new();
    for database in [&one, &other, &one, &other] {
        let database = Arc::clone(database);
        tasks.spawn(async move {
            let mut mine = Vec::new();
            // While jobs are taken and ended, others are.
            while database.next_due().await.unwrap().is_some_and(|due| due <= NOON) {
                for leased in database.lease(NOON, until, 7).await.unwrap() {
                    let mut commit = put(&leased.job.key, &[]);
                    commit.jobs.push(JobChange::Finish(leased.lease));
                    committed(&*database, commit).await;
                    mine.push(leased.job.key);
                }
            }
            mine
        });
    }
    let mut all = tasks.join_all().await.concat();
    all.sort_unstable();
    assert_eq!(all, (0..200).map(|number| format!("{number:03}")).collect::<Vec<_>>());
    assert_eq!(one.next_due().await.unwrap(), None);
}

#[tokio::test]
async fn who_waits_at_one_is_woken_by_the_other() {
    let (_, one, other) = two().await;
    let mut head = other.head();
    let mut jobs = other.jobs_changed();
    let mut document = other.feeds().subscribe(document_key("orders", "a"));
    let mut tag = other.feeds().subscribe(tag_key("orders", "red"));
    let mut said = other.replicas_say().unwrap();
    let mut own = one.replicas_say().unwrap();
    committed(&*one, appending("order/a", 0)).await;
    comes(head.wait_for(|head| *head == 1)).await.unwrap();
    jobs.mark_unchanged();
    committed(&*one, scheduling(["a".to_owned()])).await;
    comes(jobs.changed()).await.unwrap();
    for round in 0..3 {
        committed(&*one, put("a", &["red", &format!("round:{round}")])).await;
        comes(document.changed()).await;
        comes(tag.changed()).await;
    }
    let long = "말\0\"".repeat(5000);
    for text in ["short", &long, "short", ""] {
        one.tell_replicas(text.to_owned());
        assert_eq!(&*comes(said.recv()).await.unwrap(), text);
    }
    other.tell_replicas("back".to_owned());
    assert_eq!(&*comes(own.recv()).await.unwrap(), "back", "nobody hears himself");
}

#[tokio::test]
async fn who_was_not_told_sees_for_itself() {
    let (url, one, other) = two().await;
    let mut raw = connect(&url).await;
    committed(&*one, appending("order/a", 0)).await;
    comes(one.head().wait_for(|head| *head == 1)).await.unwrap();
    let (mut head, mut jobs) = (other.head(), other.jobs_changed());
    // As a replica would whose word is lost.
    let commit = "BEGIN;
        SELECT pg_advisory_xact_lock(1113679204, 1);
        INSERT INTO baedal.journal (position, version, at, id, stream, kind, command, origin, data)
        SELECT 2, 2, at, gen_random_uuid(), stream, kind, command, origin, data FROM baedal.journal;
        INSERT INTO baedal.jobs (due, run_at, attempt, kind, key, payload) VALUES (7, 7, 0, 'wait', 'a', 'null');
        COMMIT";
    jobs.mark_unchanged();
    run(&mut raw, commit).await;
    comes(head.wait_for(|head| *head == 2)).await.unwrap();
    comes(jobs.changed()).await.unwrap();
}

#[tokio::test]
async fn what_a_replica_had_leased_is_given_up_when_it_has_ended() {
    let (url, one, other) = two().await;
    committed(&*one, scheduling(["a".to_owned()])).await;
    let until = NOON + SignedDuration::from_hours(1);
    let lost = one.lease(NOON, until, 10).await.unwrap().remove(0);
    assert_eq!(other.lease(NOON, until, 10).await.unwrap().len(), 0);
    let mut changed = other.jobs_changed();
    drop(one);
    let taken = comes(async {
        loop {
            changed.mark_unchanged();
            if let Some(taken) = other.lease(NOON, until, 10).await.unwrap().pop() {
                return taken;
            }
            changed.changed().await.unwrap();
        }
    });
    let taken = taken.await;
    assert_eq!((taken.job.key.as_str(), taken.job.attempt), ("a", 2));
    // Whoever lives is left alone, also by one who comes later.
    let later = open(&url).await;
    let finish = |lease| baedal_kit::database::Commit { jobs: vec![JobChange::Finish(lease)], ..Default::default() };
    assert_eq!(later.commit(finish(lost.lease)).await.unwrap(), Outcome::Conflict);
    committed(&*other, finish(taken.lease)).await;
}
