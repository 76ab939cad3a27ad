//! Which files are opened, which are refused and left as they are, and what is still there when one is
//! opened again.
#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use baedal_kit::database::{
    Append, Commit, CursorMove, Database, Direction, JobChange, NewEvent, Outcome, Query, Select, Write,
};
use baedal_kit::{Cause, CauseKind, Job, Origin};
use baedal_kit_sqlite::{OpenError, SqliteDatabase};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use uuid::Uuid;

const NOON: Timestamp = Timestamp::constant(1_795_230_000, 123_456_789);

fn event(number: u64) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(u128::from(number)),
        kind: "Placed",
        data: format!(r#"{{"number":{number},"note":"{}"}}"#, "김밥".repeat(20)).into_bytes(),
        at: NOON,
        correlation: Some(Uuid::from_u128(7)),
        command: "Place",
        origin: Arc::new(Origin {
            cause: Cause { kind: CauseKind::Request, id: Uuid::from_u128(8), name: "POST /api/orders".to_owned() },
            actor: None,
            traceparent: None,
        }),
    }
}

fn order(number: u64) -> Commit {
    Commit {
        appends: vec![Append { stream: format!("order/{number}"), expected_version: 0, events: vec![event(number)] }],
        cursors: vec![CursorMove {
            consumer: "policy".to_owned(),
            source: "store".to_owned(),
            shard: 0,
            from: (number - 1).into(),
            to: number.into(),
        }],
        writes: vec![Write {
            view: "orders".to_owned(),
            id: format!("{number:04}"),
            expected_version: Some(0),
            body: Some(format!(r#"{{"number":{number}}}"#).into_bytes()),
            tags: vec!["all".to_owned()],
            left_tags: Vec::new(),
        }],
        cleared_views: Vec::new(),
        jobs: vec![JobChange::Schedule(Job::new("wait", number, NOON))],
    }
}

async fn committed(database: &SqliteDatabase, commit: Commit) {
    assert!(matches!(database.commit(commit).await, Ok(Outcome::Committed { .. })));
}

/// A file with some hundred orders in it.
async fn filled(path: &Path) {
    let database = SqliteDatabase::open(path, "order").unwrap();
    for number in 1..=300 {
        committed(&database, order(number)).await;
    }
}

/// Every file of a folder, byte for byte.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(Result::unwrap);
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

/// Opens what must be refused, and checks that nothing was touched.
fn refused(path: &Path, context: &'static str) -> OpenError {
    let before = contents(path.parent().unwrap());
    let Err(error) = SqliteDatabase::open(path, context) else { panic!("it was opened") };
    assert!(before == contents(path.parent().unwrap()), "something was touched");
    let said = error.to_string();
    assert!(said.contains(path.to_str().unwrap()) && !said.contains('\n'), "{said}");
    error
}

#[tokio::test]
async fn everything_is_still_there_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.db");
    filled(&path).await;
    assert_eq!(contents(folder.path()).len(), 1, "a closed database is one file");

    let database = SqliteDatabase::open(&path, "order").unwrap();
    assert_eq!(*database.head().borrow(), 300);
    let events = database.published(0, 1000).await.unwrap();
    assert_eq!(events.len(), 300);
    assert_eq!((events[41].id, &events[41].data), (event(42).id, &event(42).data));
    assert_eq!((&events[41].origin, events[41].at), (&event(42).origin, NOON));
    assert_eq!(database.cursor("policy", "store", 0).await.unwrap(), 300.into());
    let select = Select::Tag("all".to_owned());
    let query = Query { select, direction: Direction::Descending, after: None, limit: 1000 };
    assert_eq!(database.list("orders", query).await.unwrap().len(), 300);

    // A lease ends with the process that held it; a dead letter stays one.
    let mut leased = database.lease(NOON, NOON + SignedDuration::from_secs(60), 1000).await.unwrap();
    assert_eq!(leased.len(), 300);
    let buried = leased.remove(0).lease;
    let bury = JobChange::Bury { lease: buried.clone(), error: "no".to_owned() };
    committed(&database, Commit { jobs: vec![bury], ..Commit::default() }).await;
    drop(database);
    let database = SqliteDatabase::open(&path, "order").unwrap();
    assert_eq!(database.next_due().await.unwrap(), Some(NOON));
    let finish = JobChange::Finish(leased.remove(0).lease);
    let lost = database.commit(Commit { jobs: vec![finish], ..Commit::default() }).await.unwrap();
    assert_eq!(lost, Outcome::Conflict);
    assert_eq!(database.dead_letters(None, 10).await.unwrap()[0].job.key, buried.key);
    let again = database.lease(NOON, NOON + SignedDuration::from_secs(60), 1000).await.unwrap();
    assert_eq!(again.len(), 299);
    assert!(again.iter().all(|leased| leased.job.attempt == 2));
    committed(&database, order(301)).await;
    assert_eq!(*database.head().borrow(), 301);
}

#[tokio::test]
async fn what_was_answered_survives_the_end_of_the_process() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let database = SqliteDatabase::open(&folder.path().join("order.db"), "order").unwrap();
    for number in 1..=50 {
        committed(&database, order(number)).await;
    }
    // What is on the disk at this moment is all that a killed process leaves behind.
    for (name, bytes) in contents(folder.path()) {
        if !name.ends_with("-shm") {
            fs::write(other.path().join(name), bytes).unwrap();
        }
    }
    let copy = SqliteDatabase::open(&other.path().join("order.db"), "order").unwrap();
    assert_eq!(*copy.head().borrow(), 50);
    assert_eq!(copy.published(0, 100).await.unwrap(), database.published(0, 100).await.unwrap());
    committed(&copy, order(51)).await;
}

#[tokio::test]
async fn what_is_on_its_way_is_written_before_the_file_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.db");
    let database = SqliteDatabase::open(&path, "order").unwrap();
    tokio::select! {
        biased;
        _ = database.commit(order(1)) => {}
        // It has been sent, and nobody waits for it any more.
        () = std::future::ready(()) => {}
    }
    drop(database);
    assert_eq!(*SqliteDatabase::open(&path, "order").unwrap().head().borrow(), 1);
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.db");
    filled(&path).await;
    let whole = fs::read(&path).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 20);

    let mut damaged = vec![
        (b"It was a dark and stormy night; the rain fell in torrents.".to_vec(), "shorter than a header"),
        ("김밥".repeat(2000).into_bytes(), "text"),
        (whole[..whole.len() - 4096].to_vec(), "its last page is missing"),
        (whole[..4096].to_vec(), "only its first page"),
        (whole[..1000].to_vec(), "a part of its first page"),
    ];
    for page in [1, pages / 2, pages - 1] {
        let mut bytes = whole.clone();
        bytes[page * 4096..][..4096].fill(0xA5);
        damaged.push((bytes, "a page was overwritten"));
    }
    let mut bytes = whole.clone();
    bytes[..16].fill(0);
    damaged.push((bytes, "it does not begin as it should"));
    let mut bytes = whole.clone();
    bytes[100..4096].fill(0);
    damaged.push((bytes, "the list of tables is gone"));

    for (bytes, what) in damaged {
        fs::write(&path, bytes).unwrap();
        let error = refused(&path, "order");
        assert!(matches!(error, OpenError::Damaged { .. }), "{what}: {error:?}");
    }
    fs::write(&path, whole).unwrap();
    assert_eq!(*SqliteDatabase::open(&path, "order").unwrap().head().borrow(), 300);
}

#[tokio::test]
async fn a_file_of_another_context_or_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.db");
    filled(&path).await;
    let error = refused(&path, "payment");
    assert!(error.to_string().ends_with("holds the data of `order`, not of `payment`"), "{error}");

    for journal in ["delete", "wal"] {
        let path = folder.path().join(format!("{journal}.db"));
        let foreign = Connection::open(&path).unwrap();
        foreign.pragma_update(None, "journal_mode", journal).unwrap();
        foreign.execute_batch("CREATE TABLE journal (position INTEGER); PRAGMA user_version = 1;").unwrap();
        foreign.close().unwrap();
        assert!(matches!(refused(&path, "order"), OpenError::Foreign { .. }));
    }
}

#[tokio::test]
async fn a_newer_file_is_refused_and_both_versions_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.db");
    filled(&path).await;
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 41).unwrap();
    newer.close().unwrap();
    let error = refused(&path, "order");
    assert!(matches!(error, OpenError::Newer { found: 41, known: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("41") && error.to_string().contains('1'));
}

#[tokio::test]
async fn a_newer_file_that_was_not_closed_is_refused_by_what_its_log_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.db");
    filled(&path).await;
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 41).unwrap();
    let Err(error) = SqliteDatabase::open(&path, "order") else { panic!("it was opened") };
    assert!(matches!(error, OpenError::Newer { found: 41, .. }), "{error:?}");
}

#[tokio::test]
async fn what_an_interrupted_beginning_left_behind_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.db");
    fs::write(folder.path().join("order.db.new"), b"half of a").unwrap();
    fs::write(&path, b"").unwrap();
    filled(&path).await;
    assert_eq!(*SqliteDatabase::open(&path, "order").unwrap().head().borrow(), 300);
}

#[tokio::test]
async fn a_place_that_cannot_be_reached_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nowhere").join("order.db");
    let Err(error) = SqliteDatabase::open(&path, "order") else { panic!("it was opened") };
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
    let Err(error) = SqliteDatabase::open(folder.path(), "order") else { panic!("it was opened") };
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
}
