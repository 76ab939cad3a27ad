//! A source that is restored to an earlier state while the broker keeps what it told before.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_nats::jetstream::stream::RawMessageErrorKind;
use baedal_kit::bus::Archive;
use baedal_kit::epochs::Cursor;
use baedal_kit::{Bus, Database, Envelope};
use baedal_kit_nats::NatsBus;

use crate::world::{SHARDS, SOURCE, World, within};

const ALL: [u16; 4] = [0, 1, 2, 3];

/// Hears as a consumer does: what is not what comes next it does not take.
struct Careful {
    bus: Arc<NatsBus>,
    cursors: BTreeMap<u16, Cursor>,
    heard: Vec<Arc<Envelope>>,
}

impl Careful {
    fn new(world: &World) -> Self {
        let archive = Arc::clone(&world.archive) as Arc<dyn Archive>;
        let bus = Arc::new(NatsBus::new(&world.nats, &[SOURCE], SHARDS, archive, &world.lifecycle));
        bus.hear_shards(&ALL);
        Self { bus, cursors: ALL.map(|shard| (shard, Cursor::default())).into(), heard: Vec::new() }
    }

    /// Reads each shard once; those in which what comes is not what comes next.
    async fn read(&mut self) -> Vec<u16> {
        let mut diverged = Vec::new();
        for (shard, cursor) in &mut self.cursors {
            match self.bus.read(SOURCE, *shard, cursor.position, 64).await {
                Ok(batch) if !batch.continues(*cursor) => diverged.push(*shard),
                Ok(batch) => {
                    *cursor = batch.end();
                    self.heard.extend(batch.envelopes);
                }
                Err(failure) => assert!(failure.is_transient(), "{}", failure.report()),
            }
        }
        diverged
    }

    /// Reads until it is as wished.
    async fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self, &[u16]) -> bool) {
        let reading = async {
            loop {
                let diverged = self.read().await;
                if is_so(self, &diverged) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        within(what, reading).await;
    }

    async fn hears(&mut self, count: usize) {
        self.until("all that was told", |it, diverged| {
            assert!(diverged.is_empty(), "it has heard nothing that is no more");
            it.heard.len() >= count
        })
        .await;
    }

    fn ids(&self) -> Vec<String> {
        let mut heard: Vec<_> = self.heard.iter().map(|one| (one.position, one.id.to_string())).collect();
        heard.sort();
        heard.into_iter().map(|(_, id)| id).collect()
    }
}

/// The ids of all that is told in the journal as it is.
async fn told(world: &World) -> Vec<String> {
    let all = world.database.published(0, 1_000_000).await.expect("a database");
    all.iter().filter(|event| event.kind == "Said").map(|event| event.id.to_string()).collect()
}

/// The ids of what is in the stream.
async fn in_the_stream(world: &World) -> Vec<String> {
    let stream = world.stream().await;
    let state = stream.get_info().await.expect("a stream").state;
    let mut found = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        let message = match stream.get_raw_message(sequence).await {
            Ok(message) => message,
            // The relay has emptied the stream since we asked how far it goes.
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => continue,
            Err(error) => panic!("{error}"),
        };
        let event: serde_json::Value = serde_json::from_slice(&message.payload).expect("JSON");
        found.push((
            event["position"].as_str().map(str::len),
            event["position"].clone().to_string(),
            event["id"].clone(),
        ));
    }
    found.sort_by_key(|(length, position, _)| (*length, position.clone()));
    found.into_iter().map(|(_, _, id)| id.as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn who_has_heard_what_is_no_more_is_not_told_what_took_its_place() {
    let world = World::relayed().await;
    let mut careful = Careful::new(&world);
    world.tell(120).await;
    careful.hears(120).await;
    let before = careful.bus.epochs(SOURCE);
    world.database.restore(40);
    // Far beyond what was heard.
    world.tell(300).await;
    careful.until("every shard", |_, diverged| diverged == ALL).await;
    assert_eq!(careful.heard.len(), 120, "nothing of it was heard");
    assert!(careful.cursors.values().all(|cursor| before.hold(*cursor, 160)), "{:?}", careful.cursors);

    // A person says from where on.
    let epochs = careful.bus.epochs(SOURCE);
    careful.cursors.values_mut().for_each(|cursor| *cursor = epochs.cursor(40));
    careful.heard.retain(|one| one.position <= 40);
    let all = told(&world).await;
    careful.hears(all.len()).await;
    assert_eq!(careful.ids(), all);
}

#[tokio::test]
async fn who_has_heard_less_goes_on_and_is_told_nothing_that_is_no_more() {
    let world = World::relayed().await;
    world.tell(30).await;
    let mut careful = Careful::new(&world);
    careful.hears(30).await;
    let head = *world.database.head().borrow();
    // It stops; what is told now, only the broker hears.
    let stopped = (careful.cursors, careful.heard);
    world.tell(100).await;
    world.all_relayed().await;
    world.database.restore(head);
    let mut careful = Careful::new(&world);
    (careful.cursors, careful.heard) = stopped;
    world.tell(50).await;
    careful.hears(80).await;
    assert_eq!(careful.ids(), told(&world).await);
}

#[tokio::test]
async fn a_stream_that_holds_what_is_no_more_is_emptied_and_filled_with_what_there_is() {
    let world = World::new().await;
    let relay = world.relay();
    world.tell(200).await;
    world.all_relayed().await;
    // Its process stops, its database is restored, and it starts again.
    relay.abort();
    world.database.restore(60);
    world.tell(20).await;
    world.relay();
    world.all_relayed().await;
    // From its mark on; what was before it is to be had from the source.
    let (all, kept) = (told(&world).await, in_the_stream(&world).await);
    assert!(kept.len() >= 20 && all.ends_with(&kept), "{kept:?} of {all:?}");
    let mut late = Careful::new(&world);
    late.hears(all.len()).await;
    assert_eq!(late.ids(), all);
}

#[tokio::test]
async fn positions_that_are_given_again_at_once_are_not_taken_for_the_same() {
    let world = World::relayed().await;
    world.tell(50).await;
    world.all_relayed().await;
    // Within the time in which the broker drops what it takes for told twice, and with the relay at work.
    world.database.restore(10);
    world.tell(60).await;
    let all = told(&world).await;
    within("the stream", async {
        loop {
            let kept = in_the_stream(&world).await;
            if kept.len() >= 60 && all.ends_with(&kept) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn which_journal_it_is_can_be_told_while_its_source_is_away() {
    let world = World::relayed().await;
    world.tell(40).await;
    world.all_relayed().await;
    world.archive.go(true);
    let mut late = Careful::new(&world);
    late.hears(40).await;
    assert_eq!(late.ids(), told(&world).await);
    assert_eq!(*late.bus.epochs(SOURCE), **world.database.epochs().borrow());
}
