//! A server that comes back with an earlier state of its data: the journal is another one, and is found to be one.

use std::sync::Arc;

use baedal_kit::database::Database;
use baedal_kit::epochs::{Cursor, Epochs};
use baedal_kit_postgres::PostgresDatabase;
use baedal_servers::{Postgres, testing};

use crate::world::{appending, comes, committed, connect, open, run, until};

fn epochs(database: &PostgresDatabase) -> Arc<Epochs> {
    Arc::clone(&database.epochs().borrow())
}

/// Where somebody is who has heard all of it.
async fn end(database: &PostgresDatabase) -> Cursor {
    let head = database.look_at_head().await.unwrap();
    epochs(database).cursor(head)
}

async fn happen(database: &PostgresDatabase, name: &str, times: u64) {
    for number in 0..times {
        committed(database, appending(&format!("order/{name}-{number}"), 0)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_earlier_state_is_another_journal_for_whoever_stayed_and_whoever_comes() {
    let mut server = Postgres::start(testing::programs(), &std::env::temp_dir()).unwrap();
    server.create_database("order").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let stayed = open(&server.url("order")).await;
    happen(&stayed, "kept", 3).await;
    server.stop().unwrap();
    server.keep_copy(&copy).unwrap();
    server.start_again().unwrap();
    until(async || stayed.ping().await.is_ok()).await;
    let kept = Cursor { position: 3, epoch: epochs(&stayed).at(3) };
    happen(&stayed, "lost", 5).await;
    let lost = end(&stayed).await;
    assert_eq!(lost.position, 8);
    assert_ne!(kept.epoch, lost.epoch, "a server that was started may have been restored");
    let before = epochs(&stayed);

    server.stop().unwrap();
    server.restore_copy(&copy).unwrap();
    server.start_again().unwrap();
    let mut changes = stayed.epochs();
    comes(changes.wait_for(|now| before.common(now) == 3)).await.unwrap();
    until(async || stayed.ping().await.is_ok()).await;
    assert_eq!(*stayed.head().borrow(), 3, "what is no more is not announced");
    assert!(stayed.load("order/lost-0", 0).await.unwrap().is_empty());
    happen(&stayed, "new", 9).await;
    let came = open(&server.url("order")).await;
    for database in [&stayed, &came] {
        let (now, end) = (epochs(database), end(database).await);
        assert_eq!(end.position, 12);
        assert!(now.hold(kept, 12) && now.hold(end, 12) && !now.hold(lost, 12));
        assert_eq!(now.parted(lost, 12, Some(&before)), Some(3));
        assert_eq!(*now, *epochs(&stayed), "all of them know the same");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_only_starts_again_goes_on_for_everybody() {
    let mut server = Postgres::start(testing::programs(), &std::env::temp_dir()).unwrap();
    server.create_database("order").unwrap();
    let (one, other) = (open(&server.url("order")).await, open(&server.url("order")).await);
    happen(&one, "before", 3).await;
    let heard = end(&one).await;
    for _ in 0..3 {
        server.kill().unwrap();
        server.start_again().unwrap();
        until(async || one.ping().await.is_ok() && other.ping().await.is_ok()).await;
    }
    happen(&other, "after", 2).await;
    comes(one.epochs().wait_for(|now| **now == *epochs(&other))).await.unwrap();
    let now = epochs(&one);
    assert!(now.hold(heard, 5) && now.hold(end(&one).await, 5));
    let begun = serde_json::to_value(&*now).unwrap();
    assert_eq!(begun.as_array().unwrap().len(), 2, "with nothing in them epochs are replaced: {begun}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_that_is_loaded_over_a_database_in_use_is_noticed_without_a_new_session() {
    let url = testing::fresh_database("restored");
    let database = open(&url).await;
    happen(&database, "lost", 5).await;
    let lost = end(&database).await;
    let mut raw = connect(&url).await;
    // As pg_restore --clean does it.
    run(
        &mut raw,
        "CREATE TABLE baedal.dump AS SELECT * FROM baedal.journal WHERE position <= 2;
         TRUNCATE baedal.journal; INSERT INTO baedal.journal SELECT * FROM baedal.dump",
    )
    .await;
    comes(database.epochs().wait_for(|now| !now.hold(lost, 5))).await.unwrap();
    assert_eq!(*database.head().borrow(), 2);
    assert_eq!(committed(&*database, appending("order/new", 0)).await, 3);
}
