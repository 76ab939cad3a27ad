//! The broker killed, paused, robbed of its data, or never there.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use baedal_kit::bus::Archive;
use baedal_kit_nats::connect;

use crate::world::{Listener, World, settings};

const ALL: [u16; 4] = [0, 1, 2, 3];

/// Some more is said and heard; then as much without the source, so that it must come by the broker.
async fn all_is_well(world: &World, listener: &mut Listener) {
    world.tell(40).await;
    listener.hears(40).await;
    world.all_relayed().await;
    world.archive.go(true);
    world.tell(40).await;
    listener.hears(40).await;
    world.archive.go(false);
    assert_eq!(listener.positions(), world.said().await);
}

/// The relay published all of it, also what it did not get an acknowledgement for at first.
async fn nothing_was_left_out(world: &World) {
    world.all_relayed().await;
    let state = world.stream().await.get_info().await.expect("a stream").state;
    assert_eq!(state.messages, world.said().await.len() as u64);
}

#[tokio::test]
async fn a_broker_that_is_killed_is_done_without_until_it_is_back() {
    let mut world = World::relayed().await;
    let mut listener = world.listener(&ALL);
    all_is_well(&world, &mut listener).await;
    world.broker.kill().expect("a broker");
    world.tell(40).await;
    listener.hears(40).await;
    world.tell(40).await;
    listener.hears(40).await;
    world.broker.start_again().expect("a broker");
    all_is_well(&world, &mut listener).await;
    nothing_was_left_out(&world).await;
}

#[tokio::test]
async fn a_broker_that_is_paused_is_done_without_until_it_goes_on() {
    let world = World::relayed().await;
    let mut listener = world.listener(&ALL);
    all_is_well(&world, &mut listener).await;
    world.broker.pause().expect("a broker");
    world.tell(40).await;
    listener.hears(40).await;
    world.tell(40).await;
    listener.hears(40).await;
    world.broker.resume().expect("a broker");
    all_is_well(&world, &mut listener).await;
    nothing_was_left_out(&world).await;
}

#[tokio::test]
async fn a_broker_that_lost_its_data_loses_nothing() {
    let mut world = World::relayed().await;
    let mut listener = world.listener(&ALL);
    all_is_well(&world, &mut listener).await;
    // Published, and perhaps not heard yet.
    world.tell(200).await;
    world.all_relayed().await;
    world.broker.kill().expect("a broker");
    world.broker.delete_data().expect("a folder");
    world.tell(40).await;
    world.broker.start_again().expect("a broker");
    listener.hears(240).await;
    all_is_well(&world, &mut listener).await;
    let mut late = world.listener(&ALL);
    late.hears(world.said().await.len()).await;
    assert_eq!(late.positions(), world.said().await);
}

#[tokio::test]
async fn a_stream_that_is_deleted_comes_again() {
    let world = World::relayed().await;
    let mut listener = world.listener(&ALL);
    all_is_well(&world, &mut listener).await;
    let jetstream = async_nats::jetstream::new(world.nats_client().await);
    jetstream.delete_stream("BAEDAL_ORDER").await.expect("a stream");
    all_is_well(&world, &mut listener).await;
}

#[tokio::test]
async fn without_a_broker_all_comes_from_the_source() {
    let mut world = World::new().await;
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    world.nats = connect(settings(&format!("nats://{nobody}"))).await.expect("settings");
    world.relay();
    let mut listener = world.listener(&ALL);
    for _ in 0..3 {
        world.tell(40).await;
        listener.hears(40).await;
    }
    assert_eq!(listener.positions(), world.said().await);

    // What one of several consumers has fetched, the others need not.
    let reads = world.archive.reads.load(Ordering::SeqCst);
    let cursors = ALL.iter().map(|shard| (*shard, 0)).collect();
    let mut other = Listener { bus: Arc::clone(&listener.bus), cursors, heard: Vec::new() };
    other.hears(120).await;
    assert_eq!(world.archive.reads.load(Ordering::SeqCst), reads);
}

#[tokio::test]
async fn a_broker_that_comes_late_is_found() {
    let mut world = World::new().await;
    world.broker.stop().expect("a broker");
    world.nats = connect(settings(&world.broker.url())).await.expect("settings");
    world.relay();
    let archive = Arc::clone(&world.archive) as Arc<dyn Archive>;
    let mut listener = Listener::new(&world.nats, archive, &ALL, &world.lifecycle);
    world.tell(40).await;
    listener.hears(40).await;
    world.broker.start_again().expect("a broker");
    all_is_well(&world, &mut listener).await;
}
