//! Projections: views that follow, are waited for, and are built anew while they are read.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use baedal_kit::database::{Commit, Direction, Document, JobChange, Query, Select};
use baedal_kit::feeds::{document_key, tag_key};
use baedal_kit_runtime::{Projection, Service, consumer};
use jiff::SignedDuration;
use uuid::Uuid;

use crate::world::{Jars, POISON, Shown, World, dead_letters, fill, heard_all, shown, start, until};

async fn run(service: &Service, jars: &Arc<Jars>) -> Vec<Arc<dyn Projection>> {
    let projections = vec![Arc::clone(jars) as Arc<dyn Projection>];
    start(service, vec![], projections.clone(), vec![]).await;
    projections
}

async fn listed(service: &Service, view: &str) -> Vec<Document> {
    let select = Select::Tag("all".to_owned());
    let query = Query { select, direction: Direction::Ascending, after: None, limit: 10_000 };
    service.database().list(view, query).await.unwrap()
}

fn bodies(documents: Vec<Document>) -> Vec<(String, Vec<u8>)> {
    documents.into_iter().map(|document| (document.id, document.body)).collect()
}

#[tokio::test]
async fn a_view_is_waited_for() {
    let world = World::default();
    let (kitchen, pantry) = world.wake();
    let jar = Uuid::now_v7();
    let position = fill(&kitchen, jar, 5).await.position;
    run(&pantry, &Arc::default()).await;
    // Also by who comes before the projection has had its first turn.
    let reached = |position| {
        let pantry = pantry.clone();
        async move {
            let wished = HashMap::from([("kitchen".to_owned(), position)]);
            pantry.reached("jars", &wished, Duration::from_millis(if position > 1 { 1 } else { 20_000 })).await
        }
    };
    assert!(reached(position).await);
    assert_eq!(shown(&pantry, jar).await, Some(Shown { cookies: 5, events: 1 }));
    assert!(!reached(position + 1).await);
    let unknown = HashMap::from([("nobody".to_owned(), 7)]);
    assert!(pantry.reached("jars", &unknown, Duration::from_secs(20)).await, "it is not followed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_is_built_anew_while_it_is_read_and_written() {
    let world = World::default();
    let (kitchen, pantry) = world.wake();
    let jars: Vec<_> = (0..40).map(|_| Uuid::now_v7()).collect();
    for round in 0..20 {
        for jar in &jars {
            fill(&kitchen, *jar, round).await;
        }
    }
    let projections = run(&pantry, &Arc::default()).await;
    heard_all(&pantry, "jars").await;
    let before = bodies(listed(&pantry, "jars").await);
    assert_eq!(before.len(), 40);

    // Somebody reads all the time, and never finds nothing, nor anything old.
    let is_over = Arc::new(AtomicBool::new(false));
    let reader = {
        let (pantry, jar, is_over) = (pantry.clone(), jars[7], Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut seen = Shown::default();
            while !is_over.load(Ordering::SeqCst) {
                let now = shown(&pantry, jar).await.unwrap();
                assert!(now.events >= seen.events, "{now:?} after {seen:?}");
                seen = now;
                tokio::task::yield_now().await;
            }
        })
    };
    let mut looking =
        pantry.database().feeds().subscribe(document_key(&pantry.view_name("jars"), &jars[0].to_string()));
    assert!(consumer::request_rebuild(&pantry, &projections, "jars").await.unwrap());
    assert!(!consumer::request_rebuild(&pantry, &projections, "other").await.unwrap());
    // Events keep coming.
    for jar in &jars {
        fill(&kitchen, *jar, 1000).await;
    }
    until(async || pantry.view_name("jars") == "jars@1").await;
    heard_all(&pantry, "jars").await;
    let after = bodies(listed(&pantry, "jars@1").await);
    assert_eq!(after.len(), 40);
    for ((id, body), (old_id, old)) in after.iter().zip(&before) {
        let (new, old): (Shown, Shown) = (serde_json::from_slice(body).unwrap(), serde_json::from_slice(old).unwrap());
        assert_eq!((id, new), (old_id, Shown { cookies: old.cookies + 1000, events: old.events + 1 }));
    }
    until(async || listed(&pantry, "jars").await.is_empty()).await;
    is_over.store(true, Ordering::SeqCst);
    reader.await.unwrap();

    // Who looked at a document before still looks at it.
    tokio::time::timeout(Duration::from_secs(20), looking.changed()).await.unwrap();
    let mut tagged = pantry.database().feeds().subscribe(tag_key("jars", "all"));
    fill(&kitchen, jars[0], 1).await;
    tokio::time::timeout(Duration::from_secs(20), looking.changed()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), tagged.changed()).await.unwrap();
    assert_eq!(shown(&pantry, jars[0]).await.unwrap().events, 22);
}

#[tokio::test]
async fn a_view_stays_the_one_that_was_built_last() {
    let world = World::default();
    let jar = Uuid::now_v7();
    for generation in 1..=3 {
        let (kitchen, pantry) = world.wake();
        fill(&kitchen, jar, 1).await;
        let projections = run(&pantry, &Arc::default()).await;
        consumer::request_rebuild(&pantry, &projections, "jars").await.unwrap();
        let name = format!("jars@{generation}");
        until(async || pantry.view_name("jars") == name).await;
        heard_all(&pantry, "jars").await;
        assert_eq!(shown(&pantry, jar).await.unwrap().events, generation);
        pantry.lifecycle().stop(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn what_an_old_view_set_aside_is_not_told_twice_to_a_new_one() {
    let world = World::default();
    let (kitchen, pantry) = world.wake();
    let jar = Uuid::now_v7();
    let jars = Arc::new(Jars::default());
    fill(&kitchen, jar, POISON).await;
    fill(&kitchen, jar, 1).await;
    let projections = run(&pantry, &jars).await;
    until(async || {
        world.clock.advance(SignedDuration::from_mins(1));
        dead_letters(&pantry).await.len() == 1
    })
    .await;
    assert_eq!(shown(&pantry, jar).await, Some(Shown { cookies: 1, events: 1 }));
    jars.is_healed.store(true, Ordering::SeqCst);
    consumer::request_rebuild(&pantry, &projections, "jars").await.unwrap();
    until(async || pantry.view_name("jars") == "jars@1").await;
    assert_eq!(shown(&pantry, jar).await, Some(Shown { cookies: POISON + 1, events: 2 }));
    let letter = dead_letters(&pantry).await.remove(0).job;
    let redrive = JobChange::Redrive { kind: letter.kind, key: letter.key, run_at: letter.run_at };
    world.pantry.commit(Commit { jobs: vec![redrive], ..Commit::default() }).await.unwrap();
    until(async || world.pantry.next_due().await.unwrap().is_none()).await;
    assert_eq!(dead_letters(&pantry).await.len(), 0);
    assert_eq!(shown(&pantry, jar).await, Some(Shown { cookies: POISON + 1, events: 2 }));
}
