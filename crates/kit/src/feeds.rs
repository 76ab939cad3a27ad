//! Wakes whoever looks at a document when a commit has changed it.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::select_all;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::generation::plain_name;

/// The watched keys of one database: a document's, or a tag's. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Feeds {
    /// By the keys' hashes. Should two keys ever share one, their watchers are woken once too often, which
    /// does no harm: whoever is woken looks for himself.
    watched: Arc<Mutex<HashMap<u64, watch::Sender<()>>>>,
}

/// Somebody looking at one key, or at several. Dropping it ends that.
#[derive(Debug)]
pub struct Subscription {
    feeds: Feeds,
    watched: Vec<(String, watch::Receiver<()>)>,
}

/// The key of one document. The generations of a view share it, so that whoever looks goes on being woken
/// when a rebuilt view takes over.
#[must_use]
pub fn document_key(view: &str, id: &str) -> String {
    format!("{}/{id}", plain_name(view))
}

/// The key of all the documents of a view that carry a tag, in any generation of it.
#[must_use]
pub fn tag_key(view: &str, tag: &str) -> String {
    format!("{}#{tag}", plain_name(view))
}

/// A key as it travels between the replicas of a context: FNV-1a, 64 bits.
#[must_use]
pub fn hash_of(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

impl Feeds {
    /// Looks at a key from now on.
    #[must_use]
    pub fn subscribe(&self, key: String) -> Subscription {
        self.subscribe_all(vec![key])
    }

    /// Looks at several keys from now on.
    #[must_use]
    pub fn subscribe_all(&self, keys: Vec<String>) -> Subscription {
        let mut subscription = Subscription { feeds: self.clone(), watched: Vec::new() };
        subscription.follow(keys);
        subscription
    }

    /// Wakes whoever looks at any of these keys. Databases call it after a commit.
    pub fn wake<'k>(&self, keys: impl IntoIterator<Item = &'k str>) {
        self.wake_hashed(keys.into_iter().map(hash_of));
    }

    /// Wakes whoever looks at keys with these hashes ([`hash_of`]).
    pub fn wake_hashed(&self, hashes: impl IntoIterator<Item = u64>) {
        let watched = self.watched.lock();
        if watched.is_empty() {
            return;
        }
        for hash in hashes {
            if let Some(sender) = watched.get(&hash) {
                sender.send_replace(());
            }
        }
    }

    /// Wakes everybody.
    pub fn wake_all(&self) {
        let watched = self.watched.lock();
        for sender in watched.values() {
            sender.send_replace(());
        }
    }

    /// How many keys are looked at.
    #[must_use]
    pub fn watched(&self) -> usize {
        self.watched.lock().len()
    }
}

impl Subscription {
    /// Returns at the next change since the last call, at once if there was one already.
    pub async fn changed(&mut self) {
        if self.watched.is_empty() {
            std::future::pending::<()>().await;
        }
        // The senders stay in the map for as long as we look.
        let _ = select_all(self.watched.iter_mut().map(|(_, changed)| Box::pin(changed.changed()))).await;
    }

    /// Looks at these keys from now on, and at no others. Whether any of them is new, so that what
    /// happened to it before now has not been noticed.
    pub fn follow(&mut self, mut keys: Vec<String>) -> bool {
        keys.sort_unstable();
        keys.dedup();
        if keys.iter().eq(self.watched.iter().map(|(key, _)| key)) {
            return false;
        }
        let mut kept = std::mem::take(&mut self.watched);
        let mut any_new = false;
        let mut watched = self.feeds.watched.lock();
        for key in keys {
            if let Some(place) = kept.iter().position(|(known, _)| *known == key) {
                self.watched.push(kept.swap_remove(place));
            } else {
                let changed = watched.entry(hash_of(&key)).or_default().subscribe();
                self.watched.push((key, changed));
                any_new = true;
            }
        }
        forget(&mut watched, kept);
        any_new
    }
}

/// Ends looking at keys; what nobody looks at any more goes.
fn forget(watched: &mut HashMap<u64, watch::Sender<()>>, ended: Vec<(String, watch::Receiver<()>)>) {
    for (key, receiver) in ended {
        drop(receiver);
        let hash = hash_of(&key);
        if watched.get(&hash).is_some_and(|sender| sender.receiver_count() == 0) {
            watched.remove(&hash);
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut watched = self.feeds.watched.lock();
        forget(&mut watched, std::mem::take(&mut self.watched));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_wakes_those_who_look_and_nobody_is_left_behind() {
        let feeds = Feeds::default();
        let mut one = feeds.subscribe(document_key("orders", "1"));
        let other = feeds.subscribe(document_key("orders", "1"));
        feeds.wake(["orders/1"]);
        one.changed().await;
        feeds.wake_hashed([hash_of("orders/1")]);
        one.changed().await;
        drop(one);
        assert_eq!(feeds.watched(), 1);
        drop(other);
        assert_eq!(feeds.watched(), 0);
    }

    #[tokio::test]
    async fn who_follows_other_keys_is_woken_by_those_and_no_longer_by_the_old() {
        let feeds = Feeds::default();
        let mut subscription = feeds.subscribe(document_key("riders", "1"));
        assert!(subscription.follow(vec![document_key("riders", "1"), tag_key("deliveries", "near:a")]));
        feeds.wake(["deliveries#near:a"]);
        subscription.changed().await;
        assert!(subscription.follow(vec![tag_key("deliveries", "near:b")]));
        assert!(!subscription.follow(vec![tag_key("deliveries", "near:b")]));
        assert_eq!(feeds.watched(), 1);
        feeds.wake(["riders/1", "deliveries#near:a", "deliveries#near:b"]);
        subscription.changed().await;
        drop(subscription);
        assert_eq!(feeds.watched(), 0);
    }
}
