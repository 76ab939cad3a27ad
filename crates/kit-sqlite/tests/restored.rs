//! A file that is put back to an earlier state of itself is another journal, and is found to be one.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use baedal_kit::database::{Append, Commit, Database, NewEvent, Outcome};
use baedal_kit::epochs::Epochs;
use baedal_kit::{Cause, CauseKind, Origin};
use baedal_kit_sqlite::SqliteDatabase;
use jiff::Timestamp;
use uuid::Uuid;

fn open(path: &Path) -> SqliteDatabase {
    SqliteDatabase::open(path, "order").unwrap()
}

async fn happen(database: &SqliteDatabase, times: u64) -> u64 {
    let mut last = 0;
    for _ in 0..times {
        let event = NewEvent {
            id: Uuid::now_v7(),
            kind: "Happened",
            data: b"{}".to_vec(),
            at: Timestamp::UNIX_EPOCH,
            correlation: None,
            command: "Do",
            origin: Arc::new(Origin {
                cause: Cause { kind: CauseKind::Request, id: Uuid::now_v7(), name: "POST /api/orders".to_owned() },
                actor: None,
                traceparent: None,
            }),
        };
        let append = Append { stream: format!("order/{}", Uuid::now_v7()), expected_version: 0, events: vec![event] };
        let outcome = database.commit(Commit { appends: vec![append], ..Commit::default() }).await.unwrap();
        let Outcome::Committed { position } = outcome else { panic!("a conflict") };
        last = position;
    }
    last
}

fn epochs(database: &SqliteDatabase) -> Arc<Epochs> {
    Arc::clone(&database.epochs().borrow())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_is_told_from_the_file_that_it_was_copied_from() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("order.db"), folder.path().join("copy.db"));
    let database = open(&path);
    happen(&database, 3).await;
    drop(database);
    fs::copy(&path, &copy).unwrap();

    let database = open(&path);
    happen(&database, 4).await;
    let lost = epochs(&database).cursor(7);
    let (kept, before) = (epochs(&database).cursor(3), epochs(&database));
    drop(database);
    fs::copy(&copy, &path).unwrap();

    let database = open(&path);
    let now = epochs(&database);
    assert_eq!(before.common(&now), 3);
    assert!(now.hold(kept, 3), "what it still holds was heard of it");
    assert!(!now.hold(lost, 3));
    happen(&database, 9).await;
    assert!(!now.hold(lost, 12), "another event has its position");
    assert!(now.hold(now.cursor(12), 12));
    assert_eq!(now.parted(lost, 12, Some(&before)), Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_only_opened_again_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.db");
    let mut cursors = Vec::new();
    for round in 1..=3 {
        let database = open(&path);
        let last = happen(&database, 2).await;
        assert_eq!(last, round * 2);
        cursors.push(epochs(&database).cursor(last));
        let held = |cursor: &_| epochs(&database).hold(*cursor, last);
        assert!(cursors.iter().all(held), "round {round}");
    }
    // However often nothing happens, there is one more epoch and not many.
    for _ in 0..5 {
        open(&path);
    }
    let database = open(&path);
    let begun = serde_json::to_value(&*epochs(&database)).unwrap();
    assert_eq!(begun.as_array().unwrap().len(), 4, "{begun}");
}

/// The same epoch must not go on in a copy and in what it was copied from.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_made_before_anything_happened_is_another_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("order.db"), folder.path().join("copy.db"));
    drop(open(&path));
    fs::copy(&path, &copy).unwrap();
    let (database, other) = (open(&path), open(&copy));
    let (one, another) = (happen(&database, 1).await, happen(&other, 1).await);
    assert_eq!(one, another);
    assert!(!epochs(&other).hold(epochs(&database).cursor(1), 1));
}
