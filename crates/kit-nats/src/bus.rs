//! The bus of one context's consumers: what the broker brings, and what it does not.
//!
//! - `shelf`: what is known of one shard of a source;
//! - `source`: a source's shelves, and who is woken by news;
//! - `follow`: hears the source's stream;
//! - `watch`: hears how far the relay is, and asks the source where it says nothing;
//! - `history`: what the stream still keeps behind the shelf;
//! - `belief`: how far all of that is believed.

mod belief;
mod follow;
mod history;
mod shelf;
mod source;
mod watch;

use std::collections::HashMap;
use std::sync::{Arc, Once};

use async_trait::async_trait;
use baedal_kit::bus::{Archive, Batch, the_one};
use baedal_kit::epochs::{Epoch, Epochs};
use baedal_kit::{Bus, Envelope, Failure};
use baedal_kit_runtime::lifecycle::Lifecycle;

use crate::Nats;
use belief::Belief;
use history::{History, Stretch};
use shelf::Found;
use source::{Shard, Source};
use watch::Watch;

/// The sources that one context's consumers hear.
///
/// It hears no shard until [`Bus::hear_shards`] says which; the others can be read all the same, from their
/// sources.
pub struct NatsBus {
    shards: u16,
    sources: HashMap<&'static str, Followed>,
    heard: tokio::sync::watch::Sender<Arc<[u16]>>,
    history: History,
    archive: Arc<dyn Archive>,
    nats: Nats,
    lifecycle: Lifecycle,
    nobody: tokio::sync::watch::Sender<u64>,
}

/// A source, followed from the moment when somebody first wants to hear it.
struct Followed {
    source: Arc<Source>,
    belief: Arc<Belief>,
    begun: Once,
}

impl NatsBus {
    /// The bus of these sources. Each is followed from the moment when it is first asked for, as long as the process
    /// lives.
    #[must_use]
    pub fn new(
        nats: &Nats,
        sources: &[&'static str],
        shards: u16,
        archive: Arc<dyn Archive>,
        lifecycle: &Lifecycle,
    ) -> Self {
        let heard = tokio::sync::watch::Sender::new(Arc::default());
        let followed = |name| {
            let source = Arc::new(Source::new(name, shards));
            let belief = Arc::new(Belief::new(Arc::clone(&source), Arc::clone(&archive)));
            Followed { source, belief, begun: Once::new() }
        };
        let sources = sources.iter().map(|name| (*name, followed(name))).collect();
        let history = History::new(nats.clone(), shards);
        let (nats, lifecycle, nobody) = (nats.clone(), lifecycle.clone(), tokio::sync::watch::Sender::new(0));
        Self { shards, sources, heard, history, archive, nats, lifecycle, nobody }
    }

    /// A source, which is followed from now on.
    fn source(&self, name: &str) -> Option<&Arc<Source>> {
        let Followed { source, belief, begun } = self.sources.get(name)?;
        begun.call_once(|| {
            let (heard, believed) = (self.heard.subscribe(), Arc::clone(belief));
            self.lifecycle.spawn(follow::follow(Arc::clone(source), self.nats.clone(), believed, heard));
            let watch = Watch {
                source: Arc::clone(source),
                nats: self.nats.clone(),
                archive: Arc::clone(&self.archive),
                belief: Arc::clone(belief),
                heard: self.heard.subscribe(),
            };
            self.lifecycle.spawn(watch.run());
        });
        Some(source)
    }

    fn look(&self, source: &Source, shard: u16, held: &Shard, after: u64, limit: usize) -> Found {
        // Of a shard that is not heard nobody tells us but the source's head.
        let known = if self.heard.borrow().contains(&shard) { 0 } else { *source.head.borrow() };
        held.shelf().look(after, limit, known)
    }

    /// Which journal the source has. Without that nobody can tell whether what the broker brings is what comes next.
    async fn epochs_of(&self, source: &Source) -> Result<Arc<Epochs>, Failure> {
        let known = source.epochs();
        if !known.is_empty() {
            return Ok(known);
        }
        match self.archive.extent(source.name).await {
            Ok(extent) => {
                source.know(&extent);
                // A source of a version before knows of no epochs.
                Ok(extent.epochs)
            }
            Err(failure) => {
                source.ask_stream(&self.nats).await?;
                let known = source.epochs();
                if known.is_empty() { Err(failure) } else { Ok(known) }
            }
        }
    }

    /// What is on the shelf, as what it is: of the journal that the source had while we looked. Nothing, where that
    /// has become another meanwhile.
    fn look_at(
        &self,
        source: &Source,
        epochs: &Epochs,
        shard: u16,
        held: &Shard,
        after: u64,
        limit: usize,
    ) -> Option<Found> {
        let found = match self.look(source, shard, held, after, limit) {
            Found::Here(batch) => Found::Here(batch.of_one_epoch(after, epochs)),
            other => other,
        };
        (*source.epochs() == *epochs).then_some(found)
    }

    /// Reads what is not on the shelf, from what the stream keeps or from the source.
    async fn fetch(
        &self,
        source: &Source,
        shard: u16,
        held: &Shard,
        after: u64,
        limit: usize,
    ) -> Result<Batch, Failure> {
        let mut hint = held.turn.lock().await;
        let epochs = self.epochs_of(source).await?;
        let reason = match self.look_at(source, &epochs, shard, held, after, limit).ok_or_else(|| changing(source))? {
            Found::Here(batch) => return Ok(from_shelf(batch)),
            Found::Nothing => return Ok(Batch::nothing(after, epochs.at(after))),
            Found::Behind => "behind",
            Found::Untold => "untold",
        };
        // All that is behind a shelf is before its end.
        let believed = held.shelf().reaches();
        let kept = if reason == "behind" {
            let wanted = Stretch { source: source.name, shard, after, limit, epochs: &epochs, believed };
            self.history.read(wanted, &mut hint).await
        } else {
            Vec::new()
        };
        let (from, batch) = match kept.last().map(|last| last.position) {
            Some(upto) => {
                let envelopes = kept.into_iter().map(Arc::new).collect();
                ("stream", Batch { envelopes, upto, ..Batch::default() }.of_one_epoch(after, &epochs))
            }
            // It says itself of which epoch it is.
            None => ("source", self.ask(source.name, shard, after, limit).await?),
        };
        metrics::counter!(
            "baedal_bus_fetches_total", "source" => source.name, "reason" => reason, "from" => from
        )
        .increment(1);
        source.join(held, after, &batch);
        Ok(batch)
    }

    /// Asks the source for a stretch that is known to be there.
    async fn ask(&self, source: &str, shard: u16, after: u64, limit: usize) -> Result<Batch, Failure> {
        let batch = self.archive.read(source, shard, after, limit).await?;
        if batch.upto > after || self.source(source).is_some_and(|known| known.epochs().at(after) != batch.follows) {
            return Ok(batch);
        }
        // Another replica of it said so, a moment ahead of this one.
        Err(Failure::unavailable(format!("the journal of {source} behind {after}"), "it is not there yet"))
    }
}

#[async_trait]
impl Bus for NatsBus {
    fn shards(&self) -> u16 {
        self.shards
    }

    fn hear_shards(&self, shards: &[u16]) {
        let is_news = self.heard.send_if_modified(|heard| {
            let is_news = **heard != *shards;
            *heard = shards.into();
            is_news
        });
        if is_news {
            self.sources.values().for_each(|followed| followed.source.keep_only(shards));
        }
    }

    async fn read(&self, source: &str, shard: u16, after: u64, limit: usize) -> Result<Batch, Failure> {
        let nowhere = || Batch::nothing(after, Epoch::NONE);
        let Some(source) = self.source(source) else { return Ok(nowhere()) };
        if let Some(Followed { belief, .. }) = self.sources.get(source.name) {
            belief.has_heard(after);
        }
        let Some(held) = source.shard(shard) else { return Ok(nowhere()) };
        let epochs = self.epochs_of(source).await?;
        match self.look_at(source, &epochs, shard, held, after, limit).ok_or_else(|| changing(source))? {
            Found::Here(batch) => Ok(from_shelf(batch)),
            Found::Nothing => Ok(Batch::nothing(after, epochs.at(after))),
            Found::Behind | Found::Untold => self.fetch(source, shard, held, after, limit).await,
        }
    }

    async fn read_again(&self, source: &str, shard: u16, position: u64) -> Result<Option<Arc<Envelope>>, Failure> {
        let batch = self.archive.read(source, shard, position.saturating_sub(1), 1).await?;
        the_one(batch, source, position)
    }

    fn epochs(&self, source: &str) -> Arc<Epochs> {
        self.source(source).map(|source| source.epochs()).unwrap_or_default()
    }

    fn head(&self, source: &str) -> tokio::sync::watch::Receiver<u64> {
        self.source(source).map_or_else(|| self.nobody.subscribe(), |source| source.head.subscribe())
    }

    async fn look_at_head(&self, source: &str) -> Result<u64, Failure> {
        let Some(source) = self.source(source) else { return Ok(0) };
        let extent = self.archive.extent(source.name).await?;
        source.know(&extent);
        Ok(extent.head.max(*source.head.borrow()))
    }
}

fn changing(source: &Source) -> Failure {
    Failure::unavailable(format!("the journal of {}", source.name), "it has just become another")
}

fn from_shelf(batch: Batch) -> Batch {
    metrics::counter!("baedal_bus_shelf_hits_total").increment(1);
    batch
}
