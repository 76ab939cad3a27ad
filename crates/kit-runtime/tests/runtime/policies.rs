//! Policies: an effect once, whatever happens; and what one cannot handle holds up nobody.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use baedal_kit::Origin;
use baedal_kit::database::{Commit, JobChange};
use baedal_kit_runtime::service::CommandError;
use baedal_kit_runtime::{Consumer, Service};
use http::{Request, StatusCode};
use jiff::SignedDuration;
use tower::ServiceExt;
use uuid::Uuid;

use crate::world::{
    Jar, JarCommand, PANIC, POISON, SPEAKABLE, Shelver, UNSPEAKABLE, World, command, dead_letters, fill, heard_all,
    jar_once, routes, start, until,
};

async fn run(service: &Service, policy: &Arc<Shelver>) {
    start(service, vec![Arc::clone(policy) as Arc<dyn Consumer>], vec![], vec![]).await;
}

/// Lets the clock run until so many have become dead letters.
async fn until_dead(world: &World, service: &Service, count: usize) {
    until(async || {
        world.clock.advance(SignedDuration::from_mins(1));
        dead_letters(service).await.len() == count
    })
    .await;
}

#[tokio::test]
async fn what_is_told_is_done_once() {
    let world = World::default();
    let (kitchen, pantry) = world.wake();
    let jar = Uuid::now_v7();
    fill(&kitchen, jar, 3).await;
    run(&pantry, &Arc::default()).await;
    command(&kitchen, jar, JarCommand::Take(1)).await.unwrap();
    command(&kitchen, jar, JarCommand::Close).await.unwrap();
    heard_all(&pantry, "shelver").await;
    assert_eq!(jar_once(&pantry, jar, |_| true).await.cookies, 2);
    assert_eq!(world.pantry.published(0, 100).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_batch_that_collided_is_heard_again_and_done_once() {
    let world = World::default();
    let (kitchen, pantry) = world.wake();
    let jar = Uuid::now_v7();
    for _ in 0..10 {
        fill(&kitchen, jar, 1).await;
    }
    let shelver = Arc::new(Shelver::default());
    *shelver.rival.lock().unwrap() = Some(world.wake().1);
    run(&pantry, &shelver).await;
    heard_all(&pantry, "shelver").await;
    assert!(shelver.rival.lock().unwrap().is_none());
    assert_eq!(jar_once(&pantry, jar, |_| true).await.cookies, 110);
}

#[tokio::test]
async fn another_process_goes_on_where_one_has_stopped() {
    let world = World::default();
    let jar = Uuid::now_v7();
    for round in 1..=3 {
        let (kitchen, pantry) = world.wake();
        fill(&kitchen, jar, 1).await;
        run(&pantry, &Arc::default()).await;
        heard_all(&pantry, "shelver").await;
        assert_eq!(jar_once(&pantry, jar, |_| true).await.cookies, round);
        pantry.lifecycle().stop(std::time::Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn two_that_hear_the_same_do_it_once() {
    let world = World::default();
    let (kitchen, pantry) = world.wake();
    let replica = world.wake().1;
    let jar = Uuid::now_v7();
    run(&pantry, &Arc::default()).await;
    run(&replica, &Arc::default()).await;
    for _ in 0..50 {
        fill(&kitchen, jar, 1).await;
    }
    heard_all(&pantry, "shelver").await;
    heard_all(&replica, "shelver").await;
    assert_eq!(jar_once(&pantry, jar, |_| true).await.cookies, 50);
}

#[tokio::test]
async fn what_cannot_be_handled_is_set_aside_and_the_others_go_on() {
    let world = World::default();
    let (kitchen, pantry) = world.wake();
    let jars = [(); 5].map(|()| Uuid::now_v7());
    for (jar, cookies) in jars.into_iter().zip([1, POISON, 2, PANIC, 3]) {
        fill(&kitchen, jar, cookies).await;
    }
    let shelver = Arc::new(Shelver::default());
    let router = routes(&pantry, vec![Arc::clone(&shelver) as Arc<dyn Consumer>], vec![], vec![]).await;
    heard_all(&pantry, "shelver").await;
    let cookies = async |index: usize| jar_once(&pantry, jars[index], |_| true).await.cookies;
    assert_eq!([cookies(0).await, cookies(2).await, cookies(4).await], [1, 2, 3]);

    until_dead(&world, &pantry, 2).await;
    let letters = dead_letters(&pantry).await;
    assert!(letters.iter().all(|letter| letter.job.attempt == 8 && letter.job.kind == "hear_again"));
    assert!(letters.iter().any(|letter| letter.error.contains("it tastes of nothing")));
    assert!(letters.iter().any(|letter| letter.error.contains("panicked: on purpose")));
    assert!(letters.iter().all(|letter| jars.contains(&letter.job.correlation.unwrap())));

    // Somebody repairs it, and has them tried once more.
    shelver.is_healed.store(true, Ordering::SeqCst);
    for letter in letters {
        let address = format!("/internal/dead-letters/{}/{}/redrive", letter.job.kind, letter.job.key);
        let request = Request::post(address).body(Body::empty()).unwrap();
        assert_eq!(router.clone().oneshot(request).await.unwrap().status(), StatusCode::ACCEPTED);
    }
    jar_once(&pantry, jars[1], |jar| jar.cookies == POISON).await;
    jar_once(&pantry, jars[3], |jar| jar.cookies == PANIC).await;
    assert_eq!(dead_letters(&pantry).await.len(), 0);
}

#[tokio::test]
async fn what_cannot_be_published_is_set_aside_and_the_others_go_on() {
    let world = World::default();
    let (kitchen, pantry) = world.wake();
    let jars = [(); 3].map(|()| Uuid::now_v7());
    for (jar, cookies) in jars.into_iter().zip([1, UNSPEAKABLE, 2]) {
        fill(&kitchen, jar, cookies).await;
    }
    run(&pantry, &Arc::default()).await;
    heard_all(&pantry, "shelver").await;
    assert_eq!(jar_once(&pantry, jars[2], |_| true).await.cookies, 2);
    until_dead(&world, &pantry, 1).await;
    let letter = dead_letters(&pantry).await.remove(0);
    assert!(letter.error.contains("kitchen 2 could not be published"), "{}", letter.error);
    assert!(letter.error.contains("nobody speaks of this"), "{}", letter.error);
    pantry.lifecycle().stop(std::time::Duration::from_secs(5)).await;

    // A version that can publish it comes, and it is tried once more.
    SPEAKABLE.store(true, Ordering::SeqCst);
    let (_, pantry) = world.wake();
    run(&pantry, &Arc::default()).await;
    let (kind, key, run_at) = (letter.job.kind, letter.job.key, letter.job.run_at);
    let redrive = Commit { jobs: vec![JobChange::Redrive { kind, key, run_at }], ..Commit::default() };
    world.pantry.commit(redrive).await.unwrap();
    jar_once(&pantry, jars[1], |jar| jar.cookies == UNSPEAKABLE).await;
    assert_eq!(jar_once(&pantry, jars[0], |_| true).await.cookies, 1);
}

#[tokio::test]
async fn settling_waits_until_all_that_was_told_has_been_heard() {
    let world = World::default();
    let (kitchen, pantry) = world.wake();
    let jar = Uuid::now_v7();
    fill(&kitchen, jar, 5).await;
    run(&pantry, &Arc::default()).await;
    // The policy has not had its turn yet: what is settled is settled by waiting.
    assert!(jar_once(&pantry, jar, |_| true).await.cookies == 0);
    pantry.catch_up().await;
    assert_eq!(jar_once(&pantry, jar, |_| true).await.cookies, 5);
    fill(&kitchen, jar, 2).await;
    let origin = Origin::none();
    let take = || pantry.command::<Jar>(&origin, &jar, JarCommand::Take(7));
    let done = pantry.retry_after_catch_up(|undone| matches!(undone, CommandError::Refused(_)), take).await.unwrap();
    assert_eq!(done.state.cookies, 0);
}
