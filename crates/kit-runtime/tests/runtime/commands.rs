//! Commands: races, memories that are behind, snapshots, and documents within a unit of work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use baedal_kit::database::{Commit, Write};
use baedal_kit::{Failure, Origin};
use serde_json::json;
use uuid::Uuid;

use crate::world::{Jar, JarCommand, JarEvent, JarRefusal, World, command, fill};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_lost_a_race_is_decided_anew() {
    let world = World::default();
    let (one, other) = (world.wake().0, world.wake().0);
    let jar = Uuid::now_v7();
    let mut crowd = tokio::task::JoinSet::new();
    for index in 0..16 {
        let service = if index % 2 == 0 { one.clone() } else { other.clone() };
        crowd.spawn(async move {
            for _ in 0..5 {
                fill(&service, jar, 1).await;
            }
        });
    }
    crowd.join_all().await;
    assert_eq!(one.look::<Jar>(&jar).await.unwrap().cookies, 80);
    assert_eq!(world.kitchen.load(&format!("jar/{jar}"), 0).await.unwrap().len(), 80);
}

#[tokio::test]
async fn what_was_taken_for_new_and_is_not_is_decided_anew() {
    let world = World::default();
    let (one, other) = (world.wake().0, world.wake().0);
    let (jar, new) = (Uuid::now_v7(), Uuid::now_v7());
    fill(&other, jar, 5).await;
    for (jar, cookies) in [(jar, 6), (jar, 7), (new, 1)] {
        let origin = Origin::none();
        let filled = one.execute(&origin, |work| {
            Box::pin(async move {
                work.load_new::<Jar>(&jar).await?;
                work.command::<Jar>(&jar, JarCommand::Fill(1)).await?;
                Ok::<_, Failure>(work.load::<Jar>(&jar).await?.cookies)
            })
        });
        assert_eq!(filled.await.unwrap().0, cookies);
    }
    assert_eq!(world.kitchen.load(&format!("jar/{jar}"), 0).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_refusal_out_of_an_old_memory_is_judged_on_a_fresh_look() {
    let world = World::default();
    let (one, other) = (world.wake().0, world.wake().0);
    let jar = Uuid::now_v7();
    fill(&one, jar, 1).await;
    command(&one, jar, JarCommand::Take(1)).await.unwrap();
    fill(&other, jar, 5).await;
    // It remembers an empty jar.
    let done = command(&one, jar, JarCommand::Take(3)).await.unwrap();
    assert_eq!((done.state.cookies, done.position), (2, 4));
    assert_eq!(command(&other, jar, JarCommand::Take(3)).await.unwrap_err(), JarRefusal::Empty);
}

#[tokio::test]
async fn nothing_to_do_out_of_an_old_memory_is_judged_on_a_fresh_look() {
    let world = World::default();
    let (one, other) = (world.wake().0, world.wake().0);
    let jar = Uuid::now_v7();
    command(&one, jar, JarCommand::Close).await.unwrap();
    let again = command(&one, jar, JarCommand::Close).await.unwrap();
    assert_eq!((again.events, again.position), (vec![], 1));
    command(&other, jar, JarCommand::Open).await.unwrap();
    // It remembers a closed jar.
    let done = command(&one, jar, JarCommand::Close).await.unwrap();
    assert_eq!((done.events, done.position), (vec![JarEvent::Closed], 3));
}

#[tokio::test]
async fn a_snapshot_is_written_now_and_then_and_begun_from() {
    let world = World::default();
    let jar = Uuid::now_v7();
    let service = world.wake().0;
    for _ in 0..25 {
        fill(&service, jar, 1).await;
    }
    let name = format!("jar/{jar}");
    let snapshot = world.kitchen.get("snapshots", &name).await.unwrap().unwrap();
    assert_eq!(snapshot.version, 2, "it was written at 10 and at 20");
    let looked = async || world.wake().0.look::<Jar>(&jar).await.unwrap().cookies;
    assert_eq!(looked().await, 25);
    // That it is begun from shows only where it says something else.
    let write = |body: serde_json::Value| Write {
        view: "snapshots".to_owned(),
        id: name.clone(),
        expected_version: None,
        body: Some(serde_json::to_vec(&body).unwrap()),
        tags: Vec::new(),
        left_tags: Vec::new(),
    };
    let state = Jar { cookies: 1000, ..Jar::default() };
    let other = write(json!({ "version": 20, "state": state }));
    world.kitchen.commit(Commit { writes: vec![other], ..Commit::default() }).await.unwrap();
    assert_eq!(looked().await, 1005);
    // One of another shape is of no use, and does no harm.
    let old = write(json!({ "version": 20, "state": { "biscuits": 20 } }));
    world.kitchen.commit(Commit { writes: vec![old], ..Commit::default() }).await.unwrap();
    assert_eq!(looked().await, 25);
}

#[tokio::test]
async fn a_unit_of_work_sees_the_documents_it_wrote() {
    let world = World::default();
    let service = world.wake().0;
    service
        .execute(&Origin::none(), |work| {
            Box::pin(async move {
                // Without having read it, which must not make the next write a conflict.
                work.put("notes", "a", &1, ["red".to_owned()])?;
                let note: Option<u32> = work.document("notes", "a").await?;
                work.put("notes", "a", &(note.unwrap_or(0) + 1), ["blue".to_owned()])?;
                work.put("notes", "b", &1, [])?;
                work.delete("notes", "b");
                assert_eq!(work.document::<u32>("notes", "b").await?, None);
                Ok::<_, Failure>(())
            })
        })
        .await
        .unwrap();
    let note = world.kitchen.get("notes", "a").await.unwrap().unwrap();
    assert_eq!((note.version, note.body, note.tags), (1, b"2".to_vec(), vec!["blue".to_owned()]));
    assert_eq!(world.kitchen.get("notes", "b").await.unwrap(), None);
}

#[tokio::test]
async fn a_document_that_changed_meanwhile_is_read_again() {
    let world = World::default();
    let service = world.wake().0;
    let tries = Arc::new(AtomicU32::new(0));
    service
        .execute(&Origin::none(), |work| {
            let (tries, rival) = (Arc::clone(&tries), Arc::clone(&world.kitchen));
            Box::pin(async move {
                let count: u32 = work.document("notes", "a").await?.unwrap_or(0);
                if tries.fetch_add(1, Ordering::SeqCst) == 0 {
                    let write = Write {
                        view: "notes".to_owned(),
                        id: "a".to_owned(),
                        expected_version: None,
                        body: Some(b"41".to_vec()),
                        tags: Vec::new(),
                        left_tags: Vec::new(),
                    };
                    rival.commit(Commit { writes: vec![write], ..Commit::default() }).await?;
                }
                work.put("notes", "a", &(count + 1), [])
            })
        })
        .await
        .unwrap();
    assert_eq!(tries.load(Ordering::SeqCst), 2);
    assert_eq!(world.kitchen.get("notes", "a").await.unwrap().unwrap().body, b"42");
}
