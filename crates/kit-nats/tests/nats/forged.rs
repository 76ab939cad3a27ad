//! Somebody who may publish for a source says that something happened where its journal does not go.

use async_nats::jetstream::message::PublishMessage;
use baedal_kit::{Bus, Database};
use serde_json::{Value, json};

use crate::world::{SOURCE, World};

const ALL: [u16; 4] = [0, 1, 2, 3];
/// As far away as a position can be told.
const IMPOSSIBLE: u64 = 1 << 60;

/// An event of the source, moved to another position behind another one, in the shard that it is of.
async fn forge(world: &World, shard: u16, prev: u64, position: u64) {
    let stream = world.stream().await;
    let told = stream.get_last_raw_message_by_subject(&format!("baedal.events.{SOURCE}.{shard}")).await;
    let told = told.expect("an event of the shard");
    let mut event: Value = serde_json::from_slice(&told.payload).expect("JSON");
    (event["position"], event["prev"]) = (position.to_string().into(), prev.to_string().into());
    let jetstream = async_nats::jetstream::new(world.nats_client().await);
    let message = PublishMessage::build().payload(event.to_string().into()).message_id(format!("{shard}-{position}"));
    let sent = jetstream.send_publish(told.subject.to_string(), message).await;
    sent.expect("a broker").await.expect("an acknowledgement");
}

#[tokio::test]
async fn an_event_at_an_impossible_position_deafens_nobody() {
    let world = World::relayed().await;
    let mut listener = world.listener(&ALL);
    world.tell(40).await;
    listener.hears(40).await;
    world.all_relayed().await;
    let head = *world.database.head().borrow();
    for shard in ALL {
        // They connect to what was heard last; the nearest is only just impossible.
        forge(&world, shard, head, head + 1).await;
        forge(&world, shard, head, IMPOSSIBLE).await;
        forge(&world, shard, IMPOSSIBLE - 1, IMPOSSIBLE + 1).await;
    }
    world.tell(40).await;
    listener.hears(40).await;
    assert_eq!(listener.positions(), world.said().await);
    // Whoever comes later meets the forged ones as the last of their shards.
    let mut late = world.listener(&ALL);
    late.hears(80).await;
    assert_eq!(late.positions(), world.said().await);
    world.all_relayed().await;
    let head = *world.database.head().borrow();
    for bus in [&listener.bus, &late.bus] {
        assert_eq!(bus.look_at_head(SOURCE).await.expect("a head"), head);
    }
}

#[tokio::test]
async fn a_relay_that_is_said_to_be_impossibly_far_deafens_nobody() {
    let world = World::relayed().await;
    let mut listener = world.listener(&ALL);
    world.tell(40).await;
    listener.hears(40).await;
    world.all_relayed().await;
    let epoch = world.database.epochs().borrow().last();
    let client = world.nats_client().await;
    // Nothing new in any shard, up to far away: whoever believes that passes over all that is still to come.
    let said = json!({ "upto": IMPOSSIBLE, "shards": [0, 0, 0, 0], "epoch": epoch });
    client.publish(format!("baedal.heads.{SOURCE}"), said.to_string().into()).await.expect("a broker");
    client.flush().await.expect("a broker");
    world.tell(40).await;
    listener.hears(40).await;
    assert_eq!(listener.positions(), world.said().await);
    assert!(listener.cursors.values().all(|cursor| *cursor <= *world.database.head().borrow()));
}

#[tokio::test]
async fn what_a_source_told_before_it_went_away_is_heard_without_it_and_nothing_that_is_far_away() {
    let world = World::relayed().await;
    let mut listener = world.listener(&ALL);
    world.tell(40).await;
    listener.hears(40).await;
    world.archive.go(true);
    world.tell(40).await;
    listener.hears(40).await;
    for shard in ALL {
        forge(&world, shard, *world.database.head().borrow(), IMPOSSIBLE).await;
    }
    world.tell(40).await;
    listener.hears(40).await;
    assert_eq!(listener.positions(), world.said().await);
    world.archive.go(false);
    world.tell(40).await;
    listener.hears(40).await;
    assert_eq!(listener.positions(), world.said().await);
}
