//! The way of an event when nothing goes wrong, and the relay when something does.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use baedal_kit::bus::Batch;
use baedal_kit::{Bus, Database};
use tower::ServiceExt;

use crate::world::{Event, SHARDS, SOURCE, World, within};

#[tokio::test]
async fn everything_arrives_once_in_order_and_unchanged_without_asking_the_source() {
    let world = World::relayed().await;
    world.archive.go(true);
    let mut listener = world.listener(&[0, 1, 2, 3]);
    world.tell(300).await;
    listener.hears(300).await;
    assert_eq!(listener.positions(), world.said().await);
    for heard in &listener.heard {
        let batch = world.journal.read_all(SOURCE, heard.position - 1, 1).await.expect("a journal");
        let told = batch.envelopes.first().expect("an envelope");
        let json = |envelope| serde_json::to_value(envelope).expect("JSON");
        assert_eq!(json(&**heard), json(&**told));
    }
}

#[tokio::test]
async fn a_reader_gets_past_what_is_nobodys_business() {
    let world = World::relayed().await;
    world.archive.go(true);
    let mut listener = world.listener(&[0, 1, 2, 3]);
    world.tell(1).await;
    let mut last = 0;
    for _ in 0..40 {
        (last, _) = world.happen(Event::Thought).await;
    }
    let mut head = listener.bus.head(SOURCE);
    within("the end of the journal", async {
        while listener.cursors.values().any(|cursor| *cursor < last) {
            head.mark_unchanged();
            if !listener.read().await {
                head.changed().await.expect("a bus");
            }
        }
    })
    .await;
    assert_eq!(listener.heard.len(), 1);
    assert_eq!(*head.borrow(), last);
    listener.bus.look_at_head(SOURCE).await.expect_err("the source is away and cannot say");
}

#[tokio::test]
async fn a_reader_gets_past_it_also_while_there_is_no_end_of_it() {
    let world = Arc::new(World::relayed().await);
    world.archive.go(true);
    let mut listener = world.listener(&[0]);
    let (wished, _) = world.happen(Event::Thought).await;
    let thinking = tokio::spawn({
        let world = Arc::clone(&world);
        async move {
            loop {
                world.happen(Event::Thought).await;
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    });
    within("a word in between", async {
        while listener.cursors[&0] < wished {
            listener.bus.head(SOURCE).changed().await.expect("a bus");
            listener.read().await;
        }
    })
    .await;
    assert!(!thinking.is_finished());
    thinking.abort();
}

#[tokio::test]
async fn a_relay_that_crashes_before_its_mark_tells_nothing_twice() {
    let world = World::new().await;
    let mut listener = world.listener(&[0, 1, 2, 3]);
    world.database.refuses_marks.store(true, Ordering::SeqCst);
    let relay = world.relay();
    world.tell(100).await;
    listener.hears(100).await;
    // Published and acknowledged, again and again, and never marked.
    within("a crash", async {
        while world.database.refused.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    relay.abort();
    assert_eq!(world.database.cursor("relay", SOURCE, 0).await.expect("a database").position, 0);
    world.database.refuses_marks.store(false, Ordering::SeqCst);
    world.relay();
    world.tell(100).await;
    listener.hears(100).await;
    assert_eq!(listener.positions(), world.said().await);
    assert_eq!(world.stream().await.get_info().await.expect("a stream").state.messages, 200);
}

#[tokio::test]
async fn the_relay_goes_on_from_its_mark() {
    let world = World::new().await;
    let relay = world.relay();
    world.tell(50).await;
    let head = *world.database.head().borrow();
    within("the mark", async {
        while world.database.cursor("relay", SOURCE, 0).await.expect("a database").position < head {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    relay.abort();
    // So that the broker forgets their ids, too.
    let jetstream = async_nats::jetstream::new(world.nats_client().await);
    jetstream.delete_stream("BAEDAL_ORDER").await.expect("a stream");
    world.relay();
    world.tell(5).await;
    world.all_relayed().await;
    assert_eq!(
        world.stream().await.get_info().await.expect("a stream").state.messages,
        5,
        "what was marked is not told again"
    );
    // Who was not there before finds the rest at the source.
    let mut listener = world.listener(&[0, 1, 2, 3]);
    listener.hears(55).await;
    assert_eq!(listener.positions(), world.said().await);
}

#[tokio::test]
async fn two_relays_at_once_do_no_harm() {
    let world = World::relayed().await;
    world.relay();
    let mut listener = world.listener(&[0, 1, 2, 3]);
    for _ in 0..10 {
        world.tell(100).await;
        listener.hears(100).await;
    }
    assert_eq!(listener.positions(), world.said().await);
    assert_eq!(world.stream().await.get_info().await.expect("a stream").state.messages, 1000);
}

#[tokio::test]
async fn an_event_larger_than_the_broker_takes_comes_from_its_source() {
    let world = World::relayed().await;
    let mut listener = world.listener(&[0, 1, 2, 3]);
    world.tell(10).await;
    world.happen(Event::Said { text: "길다".repeat(300_000) }).await;
    world.tell(10).await;
    listener.hears(21).await;
    world.all_relayed().await;
    assert_eq!(listener.positions(), world.said().await);
    assert!(world.archive.reads.load(Ordering::SeqCst) > 0);
    assert_eq!(listener.bus.shards(), SHARDS);
}

#[tokio::test]
async fn the_message_of_an_event_too_large_says_where_the_source_has_it() {
    let world = World::relayed().await;
    world.tell(10).await;
    let (position, shard) = world.happen(Event::Said { text: "길다".repeat(300_000) }).await;
    world.all_relayed().await;
    let subject = format!("baedal.events.{SOURCE}.{shard}");
    let message = world.stream().await.get_last_raw_message_by_subject(&subject).await.expect("a message");
    let event: serde_json::Value = serde_json::from_slice(&message.payload).expect("JSON");
    let place = event["dataref"].as_str().expect("a place");

    let source = baedal_kit_http::journal::routes(SOURCE, Arc::clone(&world.journal));
    let asked = Request::get(place).body(Body::empty()).expect("a request");
    let Ok(answer) = source.oneshot(asked).await;
    let body = to_bytes(answer.into_body(), usize::MAX).await.expect("an answer");
    let batch: Batch = serde_json::from_slice(&body).expect("a batch");
    let found: Vec<_> = batch.envelopes.iter().map(|envelope| (envelope.position, envelope.id.to_string())).collect();
    assert_eq!(found, [(position, event["id"].as_str().expect("an id").to_owned())]);
}
