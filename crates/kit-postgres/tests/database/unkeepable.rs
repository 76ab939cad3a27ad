//! What a database cannot hold fails alone, and is told as such.

use std::sync::Arc;

use baedal_kit::database::{Database, Outcome};
use baedal_servers::testing;
use uuid::Uuid;

use crate::world::{appending, open, put};

/// Longer than an index can hold, and without anything in it that could be told shorter.
fn too_long() -> String {
    (0..400).map(|_| Uuid::now_v7().simple().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_cannot_be_kept_fails_alone() {
    let database = open(&testing::fresh_database("unkeepable")).await;
    let mut crowd = tokio::task::JoinSet::new();
    for number in 0..60 {
        let database = Arc::clone(&database);
        crowd.spawn(async move {
            let is_good = number % 20 != 7;
            let stream = if is_good { format!("order/{number}") } else { too_long() };
            let mut commit = appending(&stream, 0);
            commit.writes = put(&number.to_string(), &[]).writes;
            match database.commit(commit).await {
                Ok(Outcome::Committed { .. }) => assert!(is_good),
                Ok(Outcome::Conflict) => panic!("a conflict"),
                Err(failure) => assert!(!is_good && !failure.is_transient(), "{}", failure.report()),
            }
            let is_there = database.get("orders", &number.to_string()).await.unwrap().is_some();
            assert_eq!(is_there, is_good);
        });
    }
    crowd.join_all().await;
    let positions: Vec<_> = database.published(0, 100).await.unwrap().iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=57).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_no_text_is_no_json() {
    let database = open(&testing::fresh_database("unkeepable")).await;
    for wrong in [b"\"\xff\"".to_vec(), b"\"\0\"".to_vec()] {
        let mut commit = put("a", &[]);
        commit.writes[0].body = Some(wrong);
        let failure = database.commit(commit).await.unwrap_err();
        assert!(!failure.is_transient() && failure.report().contains("is not JSON"), "{}", failure.report());
    }
    assert_eq!(database.get("orders", "a").await.unwrap(), None);
}
