//! Several processes of one context: they share the shards, hand them over, and know of one another's views.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{Commit, Write};
use baedal_kit::feeds::document_key;
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::replicas::ShardAssignment;
use baedal_kit_runtime::{Projection, Service, consumer};
use uuid::Uuid;

use crate::world::{Jars, Shelver, Shown, World, fill, jar_once, shown, start};

const SHARDS: u16 = 8;

/// The pantry is in a database that several processes share.
fn shared() -> World {
    World::over(Arc::new(MemoryDatabase::default()), Arc::new(MemoryDatabase::shared()))
}

/// One more process of the pantry.
async fn one_more(world: &World) -> (Service, Service, Vec<Arc<dyn Projection>>) {
    let (kitchen, pantry) = world.wake_with(JournalBus::sharded(SHARDS));
    let projections = vec![Arc::new(Jars::default()) as Arc<dyn Projection>];
    start(&pantry, vec![Arc::new(Shelver::default())], projections.clone(), vec![]).await;
    (kitchen, pantry, projections)
}

async fn share_once(service: &Service, wished: impl Fn(&ShardAssignment) -> bool) -> ShardAssignment {
    let mut share = service.share();
    let found = tokio::time::timeout(Duration::from_secs(20), share.wait_for(wished)).await;
    found.unwrap().unwrap().clone()
}

async fn stop(service: &Service) {
    service.lifecycle().drain();
    service.lifecycle().stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_share_the_work_and_every_event_has_its_effect_once() {
    let world = shared();
    let (kitchen, one, _) = one_more(&world).await;
    let jars: Vec<_> = (0..60).map(|_| Uuid::now_v7()).collect();
    for jar in &jars {
        fill(&kitchen, *jar, 1).await;
    }
    // One more comes while there is much to hear.
    let (_, other, _) = one_more(&world).await;
    for round in 2..=5 {
        for jar in &jars {
            fill(&kitchen, *jar, round).await;
        }
    }
    let (mine, its) =
        (share_once(&one, |share| share.others == 1).await, share_once(&other, |share| share.others == 1).await);
    let all: HashSet<u16> = mine.shards.iter().chain(its.shards.iter()).copied().collect();
    assert_eq!((mine.shards.len(), its.shards.len(), all.len()), (4, 4, 8));
    assert!(mine.is_leader != its.is_leader);
    for jar in &jars {
        assert_eq!(jar_once(&other, *jar, |jar| jar.cookies >= 15).await.cookies, 15);
    }
    // Whoever is asked waits for what the other hears.
    let position = fill(&kitchen, jars[0], 100).await.position;
    for replica in [&one, &other] {
        let wished = HashMap::from([("kitchen".to_owned(), position)]);
        assert!(replica.reached("jars", &wished, Duration::from_secs(20)).await);
        assert_eq!(shown(replica, jars[0]).await, Some(Shown { cookies: 115, events: 6 }));
    }
    stop(&one).await;
    stop(&other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_hands_its_shards_over() {
    let world = shared();
    let (kitchen, one, _) = one_more(&world).await;
    let (_, other, _) = one_more(&world).await;
    share_once(&one, |share| share.others == 1).await;
    share_once(&other, |share| share.others == 1).await;
    stop(&one).await;
    assert_eq!(share_once(&other, |share| share.others == 0).await, ShardAssignment::whole(SHARDS));
    let jars: Vec<_> = (0..20).map(|_| Uuid::now_v7()).collect();
    for jar in &jars {
        fill(&kitchen, *jar, 7).await;
        jar_once(&other, *jar, |jar| jar.cookies == 7).await;
    }
    stop(&other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_dies_without_a_word_is_noticed() {
    let world = shared();
    // It said that it is here, and never again.
    let write = Write {
        view: "replicas".to_owned(),
        id: "00000000".to_owned(),
        expected_version: None,
        body: Some(b"{}".to_vec()),
        tags: Vec::new(),
        left_tags: Vec::new(),
    };
    world.pantry.commit(Commit { writes: vec![write], ..Commit::default() }).await.unwrap();
    let (kitchen, pantry, _) = one_more(&world).await;
    assert!(!share_once(&pantry, |share| share.others == 1).await.is_leader);
    let jar = Uuid::now_v7();
    fill(&kitchen, jar, 7).await;
    assert_eq!(share_once(&pantry, |share| share.others == 0).await, ShardAssignment::whole(SHARDS));
    jar_once(&pantry, jar, |jar| jar.cookies == 7).await;
    // It is struck off then; whoever comes does not take it for alive, and leaves it nothing.
    let mut struck_off = world.pantry.feeds().subscribe(document_key("replicas", "00000000"));
    while world.pantry.get("replicas", "00000000").await.unwrap().is_some() {
        struck_off.changed().await;
    }
    let (_, another, _) = one_more(&world).await;
    let share = share_once(&another, |share| !share.shards.is_empty()).await;
    assert_eq!((share.others, share.shards.len()), (1, 4));
    stop(&pantry).await;
    stop(&another).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_that_one_was_asked_to_build_anew_is_built_by_all() {
    let world = shared();
    let (kitchen, one, projections) = one_more(&world).await;
    let (_, other, _) = one_more(&world).await;
    share_once(&one, |share| share.others == 1).await;
    let jars: Vec<_> = (0..20).map(|_| Uuid::now_v7()).collect();
    for jar in &jars {
        fill(&kitchen, *jar, 7).await;
    }
    assert!(consumer::request_rebuild(&one, &projections, "jars").await.unwrap());
    for replica in [&one, &other] {
        let rebuilt = async {
            while replica.view_name("jars") != "jars@1" {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), rebuilt).await.unwrap();
    }
    let position = fill(&kitchen, jars[3], 1).await.position;
    for replica in [&one, &other] {
        let wished = HashMap::from([("kitchen".to_owned(), position)]);
        assert!(replica.reached("jars", &wished, Duration::from_secs(20)).await);
        assert_eq!(shown(replica, jars[3]).await, Some(Shown { cookies: 8, events: 2 }));
        assert_eq!(shown(replica, jars[4]).await, Some(Shown { cookies: 7, events: 1 }));
    }
    stop(&one).await;
    stop(&other).await;
}
