//! Readers far behind: more than the shelf holds, more than the stream keeps.

use std::sync::atomic::Ordering;

use crate::world::World;

const ALL: [u16; 4] = [0, 1, 2, 3];
/// More than the shelves of all shards hold.
const MANY: usize = 4000;

#[tokio::test]
async fn a_late_joiner_reads_what_the_stream_keeps() {
    let world = World::relayed().await;
    world.tell(MANY).await;
    world.all_relayed().await;
    world.archive.go(true);
    let mut listener = world.listener(&ALL);
    listener.hears(MANY).await;
    assert_eq!(listener.positions(), world.said().await);
}

#[tokio::test]
async fn what_the_stream_no_longer_keeps_comes_from_the_source() {
    let world = World::relayed().await;
    world.tell(MANY).await;
    world.all_relayed().await;
    let middle = MANY as u64 / 2;
    world.stream().await.purge().sequence(middle).await.expect("a purge");
    let mut listener = world.listener(&ALL);
    listener.hears(MANY).await;
    assert_eq!(listener.positions(), world.said().await);
    let said = world.said().await;
    let kept_from = said[MANY / 2 + 512];
    let asked = world.archive.asked.lock().expect("a lock").clone();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|after| *after < kept_from), "the newer half is the stream's to give: {asked:?}");
}

#[tokio::test]
async fn what_the_stream_lost_in_between_comes_from_the_source() {
    let world = World::relayed().await;
    world.tell(MANY).await;
    world.all_relayed().await;
    let stream = world.stream().await;
    for lost in [3, 4, 500, 501, 502, 1999, MANY as u64 - 1, MANY as u64] {
        stream.delete_message(lost).await.expect("a message");
    }
    let mut listener = world.listener(&ALL);
    listener.hears(MANY).await;
    assert_eq!(listener.positions(), world.said().await);
}

#[tokio::test]
async fn what_was_told_again_long_after_is_heard_once() {
    let world = World::relayed().await;
    world.archive.go(true);
    let mut listener = world.listener(&ALL);
    world.tell(300).await;
    listener.hears(300).await;

    // The broker has forgotten their ids: the same messages once more, as a relay far behind would tell them.
    tell_again(&world, 1, 200).await;
    world.tell(300).await;
    listener.hears(300).await;
    tell_again(&world, 100, 400).await;
    world.tell(30).await;
    listener.hears(30).await;
    assert_eq!(listener.positions(), world.said().await);

    let mut late = world.listener(&ALL);
    late.hears(630).await;
    assert_eq!(late.positions(), world.said().await);
    assert_eq!(world.archive.reads.load(Ordering::SeqCst), 0);
}

/// Publishes messages of the stream once more, under other ids.
async fn tell_again(world: &World, from: u64, to: u64) {
    let stream = world.stream().await;
    let jetstream = async_nats::jetstream::new(world.nats_client().await);
    for sequence in from..to {
        let message = stream.direct_get(sequence).await.expect("a message");
        let sent = jetstream.publish(message.subject, message.payload).await;
        sent.expect("a broker").await.expect("an acknowledgement");
    }
}
