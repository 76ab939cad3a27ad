//! How far each consumer has got, in every shard of each source: what readers of views wait for.
//!
//! A shard that another replica hears is known by what that replica tells.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

/// Positions by source.
pub type Positions = HashMap<String, u64>;

/// How far all consumers of a context have got.
pub(crate) struct Progress {
    shards: u16,
    consumers: Mutex<HashMap<String, Consumer>>,
    /// Changes whenever one of ours has got further.
    moved: watch::Sender<u64>,
}

struct Consumer {
    /// By source, then by shard.
    shards: HashMap<String, Vec<u64>>,
    /// By source, the least of its shards: everything up to there was heard.
    reached: watch::Sender<Positions>,
}

impl Progress {
    pub(crate) fn new(shards: u16) -> Self {
        Self { shards, consumers: Mutex::default(), moved: watch::Sender::new(0) }
    }

    /// Makes it known that a consumer follows these sources, before it has looked how far it has got, so
    /// that nobody takes it for one that is not to be waited for.
    pub(crate) fn follows(&self, consumer: &str, sources: &[&str]) {
        self.change(consumer, |shards, none| {
            for source in sources {
                shards.entry((*source).to_owned()).or_insert_with(|| none.clone());
            }
        });
    }

    /// One of ours has got this far.
    pub(crate) fn set<'s>(&self, consumer: &str, moves: impl Iterator<Item = (&'s str, u16, u64)>) {
        self.learn(consumer, moves);
        self.moved.send_modify(|count| *count += 1);
    }

    /// A consumer has got this far, here or on another replica.
    pub(crate) fn learn<'s>(&self, consumer: &str, moves: impl Iterator<Item = (&'s str, u16, u64)>) {
        self.change(consumer, |shards, none| {
            for (source, shard, position) in moves {
                let shards = shards.entry(source.to_owned()).or_insert_with(|| none.clone());
                if let Some(known) = shards.get_mut(usize::from(shard)) {
                    *known = position;
                }
            }
        });
    }

    fn change(&self, consumer: &str, change: impl FnOnce(&mut HashMap<String, Vec<u64>>, &Vec<u64>)) {
        let mut consumers = self.consumers.lock();
        let consumer = consumers
            .entry(consumer.to_owned())
            .or_insert_with(|| Consumer { shards: HashMap::new(), reached: watch::Sender::default() });
        change(&mut consumer.shards, &vec![0; usize::from(self.shards)]);
        let least = |shards: &Vec<u64>| shards.iter().copied().min().unwrap_or(0);
        let reached: Positions =
            consumer.shards.iter().map(|(source, shards)| (source.clone(), least(shards))).collect();
        consumer.reached.send_if_modified(|known| {
            let differs = *known != reached;
            *known = reached;
            differs
        });
    }

    /// Waits until a consumer has got to these positions, for `limit` at the most. Whether it has.
    pub(crate) async fn reached(&self, consumer: &str, positions: &Positions, limit: Duration) -> bool {
        let Some(mut progress) = self.of(consumer) else { return true };
        let reached = progress.wait_for(|reached| has_reached(reached, positions));
        tokio::time::timeout(limit, reached).await.is_ok()
    }

    fn of(&self, consumer: &str) -> Option<watch::Receiver<Positions>> {
        self.consumers.lock().get(consumer).map(|consumer| consumer.reached.subscribe())
    }

    /// Every consumer, and how far it has got.
    pub(crate) fn all(&self) -> HashMap<String, watch::Receiver<Positions>> {
        self.consumers.lock().iter().map(|(name, consumer)| (name.clone(), consumer.reached.subscribe())).collect()
    }

    /// Where every consumer is in some of the shards, by consumer and source.
    pub(crate) fn in_shards(&self, wanted: &[u16]) -> HashMap<String, HashMap<String, Vec<(u16, u64)>>> {
        let of = |shards: &Vec<u64>| {
            wanted.iter().filter_map(|shard| Some((*shard, *shards.get(usize::from(*shard))?))).collect()
        };
        let consumers = self.consumers.lock();
        let of_consumer =
            |consumer: &Consumer| consumer.shards.iter().map(|(source, shards)| (source.clone(), of(shards))).collect();
        consumers.iter().map(|(name, consumer)| (name.clone(), of_consumer(consumer))).collect()
    }

    /// Changes whenever a consumer of ours has got further.
    pub(crate) fn moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }
}

/// Whether those positions have been reached. A source that is not followed is never waited for.
pub(crate) fn has_reached(reached: &Positions, wished: &Positions) -> bool {
    wished.iter().all(|(source, position)| reached.get(source).is_none_or(|reached| reached >= position))
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn wished(position: u64) -> Positions {
        [("order".to_owned(), position)].into()
    }

    #[tokio::test]
    async fn a_consumer_has_got_as_far_as_the_last_of_its_shards() {
        let progress = Progress::new(2);
        progress.follows("board", &["order"]);
        progress.set("board", [("order", 0, 7)].into_iter());
        let mine = wished(7);
        let mut waiting = Box::pin(progress.reached("board", &mine, Duration::from_secs(60)));
        assert!((&mut waiting).now_or_never().is_none());
        progress.learn("board", [("order", 1, 8)].into_iter());
        assert!(waiting.await);
        assert_eq!(progress.in_shards(&[1])["board"]["order"], [(1, 8)]);
    }

    #[tokio::test]
    async fn who_is_not_known_is_not_waited_for() {
        let progress = Progress::new(1);
        progress.follows("board", &["store"]);
        assert!(progress.reached("board", &wished(7), Duration::from_secs(60)).await);
        assert!(progress.reached("nobody", &wished(7), Duration::from_secs(60)).await);
    }
}
