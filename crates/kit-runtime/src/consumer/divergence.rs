//! A consumer that has heard what never happened, as its source knows it now: it hears no more of that source until
//! somebody has said from where on.
//!
//! A source that is restored to an earlier state gives the positions behind that state to other events. A consumer that
//! had got further has done something about events that are no more, and would pass over those that have taken their
//! places. Neither can be put right without a person: what is said here is what that person needs.

use std::collections::{BTreeMap, BTreeSet};

use baedal_kit::Failure;
use baedal_kit::epochs::Cursor;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::runner::Place;

/// A consumer that has parted with a source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Divergence {
    /// Who.
    pub consumer: String,
    /// With whom.
    pub source: String,
    /// In which shards.
    pub shards: BTreeSet<u16>,
    /// The furthest position that it has heard of a journal that is no more.
    pub heard: u64,
    /// What to do about it.
    pub remedy: String,
}

impl Divergence {
    /// In one line, for a log or whoever asks whether this is ready.
    #[must_use]
    pub fn report(&self, context: &str) -> String {
        let Self { consumer, source, heard, remedy, .. } = self;
        format!(
            "{consumer} of {context} has heard {source} up to position {heard} of a journal that is no more: {source} \
             was restored to an earlier state, or {context} to another one. {remedy}"
        )
    }
}

/// How a person goes on.
#[must_use]
pub fn remedy(context: &str, source: &str) -> String {
    format!(
        "It hears {source} no more until `baedal consumer reset --context {context} --source {source} --after …` says \
         from where on; see docs/restoring.md."
    )
}

/// By consumer and source: the shards in which it has diverged, and where it stands in each.
type BySource = BTreeMap<(String, &'static str), BTreeMap<u16, u64>>;

/// Every consumer of a context that has parted with a source.
#[derive(Default)]
pub(crate) struct Divergences(Mutex<BySource>);

impl Divergences {
    /// A consumer is found to have parted with a source. Whether that is news.
    pub(super) fn add(&self, context: &'static str, consumer: &str, place: Place, at: Cursor) -> bool {
        let (source, shard) = place;
        let mut all = self.0.lock();
        let shards = all.entry((consumer.to_owned(), source)).or_default();
        let is_news = shards.insert(shard, at.position).is_none();
        gauge(context, consumer, source, shards.len());
        is_news
    }

    /// It is as one with it.
    pub(super) fn remove(&self, context: &'static str, consumer: &str, place: Place) {
        let (source, shard) = place;
        let mut all = self.0.lock();
        if all.is_empty() {
            return;
        }
        let key = (consumer.to_owned(), source);
        let Some(shards) = all.get_mut(&key) else { return };
        if shards.remove(&shard).is_some() {
            gauge(context, consumer, source, shards.len());
        }
        if shards.is_empty() {
            all.remove(&key);
        }
    }

    /// Whether a consumer is known to have parted with a source in a shard.
    pub(super) fn has(&self, consumer: &str, place: Place) -> bool {
        let all = self.0.lock();
        !all.is_empty() && all.get(&(consumer.to_owned(), place.0)).is_some_and(|shards| shards.contains_key(&place.1))
    }

    /// Only these places are a consumer's to hear from now on.
    pub(super) fn keep_only(&self, context: &'static str, consumer: &str, places: &[Place]) {
        let of_it = |(of, _): &&(String, &'static str)| of == consumer;
        let gone: Vec<Place> = {
            let all = self.0.lock();
            let known = all.iter().filter(|(key, _)| of_it(key));
            let known = known.flat_map(|((_, source), shards)| shards.keys().map(move |shard| (*source, *shard)));
            known.filter(|place| !places.contains(place)).collect()
        };
        gone.into_iter().for_each(|place| self.remove(context, consumer, place));
    }

    /// All of them, with what to do.
    pub(crate) fn told(&self, context: &str) -> Vec<Divergence> {
        let told = |((consumer, source), shards): (&(String, &'static str), &BTreeMap<u16, u64>)| Divergence {
            consumer: consumer.clone(),
            source: (*source).to_owned(),
            shards: shards.keys().copied().collect(),
            heard: shards.values().copied().max().unwrap_or(0),
            remedy: remedy(context, source),
        };
        self.0.lock().iter().map(told).collect()
    }
}

/// In how many shards a consumer has parted with a source.
fn gauge(context: &'static str, consumer: &str, source: &'static str, shards: usize) {
    let labels = [("context", context.to_owned()), ("consumer", consumer.to_owned()), ("source", source.to_owned())];
    metrics::gauge!("baedal_consumer_diverged", &labels).set(shards as f64);
}

/// As the failure that keeps a consumer from going on.
pub(super) fn failure(context: &'static str, consumer: &str, place: Place, at: Cursor) -> Failure {
    let (source, shard) = place;
    let divergence = Divergence {
        consumer: consumer.to_owned(),
        source: source.to_owned(),
        shards: BTreeSet::from([shard]),
        heard: at.position,
        remedy: remedy(context, source),
    };
    Failure::Diverged { what: divergence.report(context) }
}
