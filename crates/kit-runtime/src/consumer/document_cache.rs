//! The documents that a projection wrote last, so that it need not read them back.
//!
//! What is remembered may be behind the database, where another replica heard an event of the same document. A commit
//! compares versions, so nothing wrong is written; the projection then forgets all of it and looks again. That there
//! is no document is never remembered.

use std::num::NonZeroUsize;

use baedal_kit::database::Document;
use lru::LruCache;
use parking_lot::Mutex;

/// How many documents are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// By view and id.
pub(crate) struct DocumentCache(Mutex<LruCache<(String, String), Document>>);

impl Default for DocumentCache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl DocumentCache {
    pub(crate) fn get(&self, key: &(String, String)) -> Option<Document> {
        self.0.lock().get(key).cloned()
    }

    /// It is this now; nothing where it is gone, or nobody knows.
    pub(crate) fn put(&self, key: (String, String), document: Option<Document>) {
        match document {
            Some(document) => drop(self.0.lock().put(key, document)),
            None => drop(self.0.lock().pop(&key)),
        }
    }

    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}
