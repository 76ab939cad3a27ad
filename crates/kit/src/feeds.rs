//! Wakes whoever looks at a document when a commit has changed it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// The watched keys of one database: a document's, or a tag's. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Feeds {
    watched: Arc<Mutex<HashMap<String, watch::Sender<()>>>>,
}

/// Somebody looking at one key. Dropping it ends that.
#[derive(Debug)]
pub struct Subscription {
    feeds: Feeds,
    key: String,
    changed: watch::Receiver<()>,
}

/// The key of one document.
#[must_use]
pub fn document_key(view: &str, id: &str) -> String {
    format!("{view}/{id}")
}

/// The key of all the documents of a view that carry a tag.
#[must_use]
pub fn tag_key(view: &str, tag: &str) -> String {
    format!("{view}#{tag}")
}

impl Feeds {
    /// Looks at a key from now on.
    #[must_use]
    pub fn subscribe(&self, key: String) -> Subscription {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = watched.entry(key.clone()).or_default().subscribe();
        Subscription { feeds: self.clone(), key, changed }
    }

    /// Wakes whoever looks at any of these keys. Databases call it after a commit.
    pub fn wake<'k>(&self, keys: impl IntoIterator<Item = &'k str>) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.is_empty() {
            return;
        }
        for key in keys {
            if let Some(sender) = watched.get(key) {
                sender.send_replace(());
            }
        }
    }

    /// How many keys are looked at.
    #[must_use]
    pub fn watched(&self) -> usize {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Subscription {
    /// Returns at the next change since the last call, at once if there was one already.
    pub async fn changed(&mut self) {
        // The sender stays in the map for as long as we look.
        let _ = self.changed.changed().await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut watched = self.feeds.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.get(&self.key).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.remove(&self.key);
        }
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
        drop(one);
        assert_eq!(feeds.watched(), 1);
        drop(other);
        assert_eq!(feeds.watched(), 0);
    }
}
