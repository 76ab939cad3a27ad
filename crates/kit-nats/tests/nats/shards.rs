//! Two replicas that share the shards.

use baedal_kit::Bus;

use crate::world::World;

#[tokio::test]
async fn two_share_the_shards_and_hear_each_event_once_between_them() {
    let world = World::relayed().await;
    world.archive.go(true);
    let (mut one, mut other) = (world.listener(&[0, 2]), world.listener(&[1, 3]));
    world.tell(200).await;
    let in_one = in_shards(&world, &[0, 2]).await;
    one.hears(in_one).await;
    other.hears(200 - in_one).await;
    let mut both = [one.positions(), other.positions()].concat();
    both.sort_unstable();
    assert_eq!(both, world.said().await);
}

#[tokio::test]
async fn a_shard_that_is_handed_over_goes_on_where_it_was() {
    let world = World::relayed().await;
    let (mut one, mut other) = (world.listener(&[0, 2]), world.listener(&[1, 3]));
    world.tell(100).await;
    let in_one = in_shards(&world, &[0, 2]).await;
    one.hears(in_one).await;
    other.hears(100 - in_one).await;

    // The other one leaves; while it is away, more is said.
    other.bus.hear_shards(&[]);
    world.tell(50).await;
    world.all_relayed().await;
    world.archive.go(true);
    one.bus.hear_shards(&[0, 1, 2, 3]);
    one.cursors.append(&mut other.cursors);
    one.hears(50).await;
    world.tell(50).await;
    one.hears(50).await;
    let mut both = [one.positions(), other.positions()].concat();
    both.sort_unstable();
    assert_eq!(both, world.said().await);
}

#[tokio::test]
async fn a_shard_that_is_not_heard_can_be_read_all_the_same() {
    let world = World::relayed().await;
    let mut listener = world.listener(&[]);
    world.tell(50).await;
    listener.cursors = (0..4).map(|shard| (shard, 0)).collect();
    listener.hears(50).await;
    assert_eq!(listener.positions(), world.said().await);
}

async fn in_shards(world: &World, shards: &[u16]) -> usize {
    let mut count = 0;
    for shard in shards {
        let batch = Bus::read(&*world.journal, "order", *shard, 0, 100_000).await.expect("a journal");
        count += batch.envelopes.len();
    }
    count
}
