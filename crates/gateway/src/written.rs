//! What each account has written a moment ago, so that it reads its own writes without saying anything.
//!
//! A client that sends `Baedal-Position` says itself what its read must show. For one that does not, the
//! gateway remembers the positions of the account's last answers for a few seconds and sends those.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use baedal_contracts::AccountId;
use baedal_kit_http::position::POSITION;
use http::{HeaderMap, HeaderValue};
use lru::LruCache;
use parking_lot::Mutex;

/// How long a write is remembered. Views are some milliseconds behind; one that is seconds behind has a
/// trouble of its own, and reads are better answered with what there is.
const REMEMBERED_FOR: Duration = Duration::from_secs(3);
/// How many accounts are remembered: those that wrote last.
const ACCOUNTS: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();
/// How many positions of an account are remembered, one a context.
const POSITIONS: usize = 8;

/// The positions of the last answers.
pub(crate) struct Written {
    accounts: Mutex<LruCache<AccountId, Vec<(String, Instant)>>>,
}

impl Default for Written {
    fn default() -> Self {
        Self { accounts: Mutex::new(LruCache::new(ACCOUNTS)) }
    }
}

impl Written {
    /// Remembers the position of an answer, in place of an older one of the same context.
    pub(crate) fn remember(&self, account: AccountId, answer: &HeaderMap) {
        let Some(position) = answer.get(POSITION).and_then(|value| value.to_str().ok()) else { return };
        let context = position.split(':').next().unwrap_or_default();
        let mut accounts = self.accounts.lock();
        let positions = accounts.get_or_insert_mut(account, Vec::new);
        positions.retain(|(known, at)| at.elapsed() < REMEMBERED_FOR && known.split(':').next() != Some(context));
        positions.truncate(POSITIONS - 1);
        positions.push((position.to_owned(), Instant::now()));
    }

    /// Adds what the account has written to a read that does not say what it must show.
    pub(crate) fn show(&self, account: AccountId, read: &mut HeaderMap) {
        if read.contains_key(POSITION) {
            return;
        }
        let mut accounts = self.accounts.lock();
        let Some(positions) = accounts.get(&account) else { return };
        let fresh = positions.iter().filter(|(_, at)| at.elapsed() < REMEMBERED_FOR);
        let joined: Vec<&str> = fresh.map(|(position, _)| position.as_str()).collect();
        if !joined.is_empty()
            && let Ok(value) = HeaderValue::from_str(&joined.join(","))
        {
            read.insert(POSITION, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn told(position: &'static str) -> HeaderMap {
        [(POSITION, HeaderValue::from_static(position))].into_iter().collect()
    }

    #[test]
    fn an_account_reads_its_own_writes_and_nobody_elses() {
        let written = Written::default();
        let (one, other) = (AccountId(Uuid::now_v7()), AccountId(Uuid::now_v7()));
        written.remember(one, &told("order:7"));
        written.remember(one, &told("store:3"));
        written.remember(one, &told("order:9"));
        let mut read = HeaderMap::new();
        written.show(one, &mut read);
        assert_eq!(read, told("store:3,order:9"));
        let mut read = HeaderMap::new();
        written.show(other, &mut read);
        assert!(read.is_empty());
    }

    #[test]
    fn a_read_that_says_what_it_must_show_is_left_alone() {
        let written = Written::default();
        let account = AccountId(Uuid::now_v7());
        written.remember(account, &told("order:9"));
        let mut read = told("order:4");
        written.show(account, &mut read);
        assert_eq!(read, told("order:4"));
    }
}
