//! Messages that nobody can read, put into the stream by hand.

use std::sync::atomic::Ordering;

use async_nats::jetstream::message::PublishMessage;
use baedal_kit::{Bus, Database};
use bytes::Bytes;
use serde_json::Value;

use crate::world::{Event, SOURCE, World};

const ALL: [u16; 4] = [0, 1, 2, 3];

/// Publishes this in a shard's subject.
async fn poison(world: &World, shard: u16, id: &str, body: impl Into<Bytes>) {
    let jetstream = async_nats::jetstream::new(world.nats_client().await);
    let message = PublishMessage::build().payload(body.into()).message_id(id);
    let sent = jetstream.send_publish(format!("baedal.events.order.{shard}"), message).await;
    sent.expect("a broker").await.expect("an acknowledgement");
}

#[tokio::test]
async fn what_cannot_be_read_at_all_is_passed_over() {
    let world = World::relayed().await;
    let mut listener = world.listener(&ALL);
    world.tell(20).await;
    listener.hears(20).await;
    for shard in ALL {
        poison(&world, shard, &format!("poison-{shard}"), &b"\xff\xfe"[..]).await;
    }
    world.tell(20).await;
    listener.hears(20).await;
    assert_eq!(listener.positions(), world.said().await);
    // Whoever reads the stream from its beginning passes it, too.
    let mut late = world.listener(&ALL);
    late.hears(40).await;
    assert_eq!(late.positions(), world.said().await);
}

#[tokio::test]
async fn an_event_whose_message_is_poisoned_comes_from_its_source() {
    let world = World::relayed().await;
    let mut listener = world.listener(&ALL);
    world.tell(20).await;
    listener.hears(20).await;
    let reads = world.archive.reads.load(Ordering::SeqCst);
    // The broker takes our messages for those of the next events and drops the relay's as duplicates.
    let next = world.said().await.last().expect("an event") + 1;
    for position in next..next + 4 {
        let body = format!(r#"{{"specversion":"1.0","position":"{position}","prev":"{}","data":7}}"#, position - 1);
        let epoch = world.database.epochs().borrow().at(position);
        poison(&world, 0, &format!("order-{position}-{}", epoch.0.simple()), body).await;
    }
    for _ in 0..4 {
        world.happen(Event::Said { text: "들려요?".to_owned() }).await;
    }
    listener.hears(4).await;
    assert!(world.archive.reads.load(Ordering::SeqCst) > reads);
    world.tell(20).await;
    listener.hears(20).await;
    assert_eq!(listener.positions(), world.said().await);
}

#[tokio::test]
async fn a_message_of_another_source_or_shard_is_not_believed() {
    let world = World::relayed().await;
    let mut listener = world.listener(&ALL);
    world.tell(20).await;
    listener.hears(20).await;
    world.all_relayed().await;
    let told = world.stream().await.direct_get(1).await.expect("a message");
    let mut odd: Value = serde_json::from_slice(&told.payload).expect("JSON");
    // They would come next, and connect.
    let last = *world.database.head().borrow();
    (odd["position"], odd["prev"]) = ((last + 1).to_string().into(), last.to_string().into());
    for shard in ALL.into_iter().filter(|shard| !told.subject.ends_with(&shard.to_string())) {
        poison(&world, shard, &format!("another-shard-{shard}"), odd.to_string()).await;
    }
    (odd["source"], odd["type"]) = ("urn:baedal:payment".into(), "baedal.payment.Said".into());
    for shard in ALL {
        poison(&world, shard, &format!("another-source-{shard}"), odd.to_string()).await;
    }
    world.tell(20).await;
    listener.hears(20).await;
    assert_eq!(listener.positions(), world.said().await);
    let mut late = world.listener(&ALL);
    late.hears(40).await;
    assert_eq!(late.positions(), world.said().await);
}

#[tokio::test]
async fn an_event_is_had_from_its_source_again_or_not_at_all() {
    let world = World::relayed().await;
    let mut listener = world.listener(&ALL);
    let (position, shard) = world.happen(Event::Said { text: "다시".to_owned() }).await;
    let (private, elsewhere) = world.happen(Event::Thought).await;
    listener.hears(1).await;
    let reads = world.archive.reads.load(Ordering::SeqCst);
    let again = listener.bus.read_again(SOURCE, shard, position).await.expect("a source");
    assert_eq!(again.expect("an event").position, position);
    assert!(world.archive.reads.load(Ordering::SeqCst) > reads, "it may publish it otherwise by now");
    assert!(listener.bus.read_again(SOURCE, elsewhere, private).await.expect("a source").is_none());
    // What cannot be read now is not taken for private.
    assert!(listener.bus.read_again(SOURCE, elsewhere, private + 1).await.is_err());
    world.archive.go(true);
    assert!(listener.bus.read_again(SOURCE, shard, position).await.is_err());
}
