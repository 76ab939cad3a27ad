//! How many live streams are open, of everybody and of each account.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use baedal_contracts::AccountId;
use baedal_kit::http::Problem;
use baedal_kit::http::problem::UNAVAILABLE;

use crate::problems::TOO_MANY_STREAMS;

/// The open streams.
pub(super) struct Streams {
    most: u32,
    most_per_account: u32,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    all: u32,
    by_account: HashMap<AccountId, u32>,
}

/// One open stream; dropping it closes it.
pub(crate) struct Stream {
    account_id: AccountId,
    open: Arc<Mutex<Open>>,
}

impl Streams {
    pub(super) fn new(most: u32, most_per_account: u32) -> Self {
        Self { most, most_per_account, open: Arc::default() }
    }

    pub(super) fn open(&self, account_id: AccountId) -> Result<Stream, Problem> {
        let mut open = lock(&self.open);
        if open.all >= self.most {
            super::shed("live_streams");
            return Err(
                Problem::new(&UNAVAILABLE, "too many live streams are open").retry_after(Duration::from_secs(5))
            );
        }
        let of_account = open.by_account.entry(account_id).or_default();
        if *of_account >= self.most_per_account {
            super::shed("live_streams_per_account");
            let most = self.most_per_account;
            let problem = Problem::new(&TOO_MANY_STREAMS, format!("your account has {most} live streams open"));
            return Err(problem.retry_after(Duration::from_secs(5)));
        }
        *of_account += 1;
        open.all += 1;
        metrics::gauge!("baedal_live_streams").set(open.all);
        Ok(Stream { account_id, open: Arc::clone(&self.open) })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.all = open.all.saturating_sub(1);
        metrics::gauge!("baedal_live_streams").set(open.all);
        if let Some(of_account) = open.by_account.get_mut(&self.account_id) {
            *of_account = of_account.saturating_sub(1);
            if *of_account == 0 {
                open.by_account.remove(&self.account_id);
            }
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn account(number: u128) -> AccountId {
        AccountId(Uuid::from_u128(number))
    }

    #[test]
    fn an_account_has_its_share_and_all_together_theirs() {
        let streams = Streams::new(3, 2);
        let first = streams.open(account(1)).map_err(|problem| problem.kind()).expect("the first");
        let _second = streams.open(account(1)).map_err(|problem| problem.kind()).expect("the second");
        assert_eq!(streams.open(account(1)).err().map(|problem| problem.kind().status), Some(429));
        let _third = streams.open(account(2)).map_err(|problem| problem.kind()).expect("another's");
        assert_eq!(streams.open(account(3)).err().map(|problem| problem.kind().status), Some(503));
        drop(first);
        assert!(streams.open(account(1)).is_ok());
        assert_eq!(lock(&streams.open).by_account.len(), 2, "who has none open is not remembered");
    }
}
