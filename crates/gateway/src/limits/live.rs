//! How many live streams are open, of everybody, of each address and of each account.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use baedal_contracts::AccountId;
use baedal_kit_http::Problem;
use baedal_kit_http::caps::{Cap, Full, Taken};
use baedal_kit_http::problem::UNAVAILABLE;
use parking_lot::Mutex;

use crate::problems::TOO_MANY_STREAMS;
use crate::settings::Settings;

/// The open streams.
pub(super) struct Streams {
    pub(super) cap: Cap,
    most_per_account: u32,
    open: Arc<Mutex<ByAccount>>,
}

/// How many are open of each account that has any.
type ByAccount = HashMap<AccountId, u32>;

/// One open stream; dropping it closes it.
pub(crate) struct Stream {
    account_id: AccountId,
    open: Arc<Mutex<ByAccount>>,
    _place: Taken,
}

impl Streams {
    pub(super) fn new(settings: &Settings) -> Self {
        let cap = Cap::new("live_streams", settings.live_streams.into(), settings.live_streams_per_address.into());
        Self { cap, most_per_account: settings.live_streams_per_account, open: Arc::default() }
    }

    pub(super) fn open(&self, account_id: AccountId, client: IpAddr) -> Result<Stream, Problem> {
        let mut open = self.open.lock();
        if open.get(&account_id).is_some_and(|of_account| *of_account >= self.most_per_account) {
            super::shed("live_streams_per_account");
            let most = self.most_per_account;
            let problem = Problem::new(&TOO_MANY_STREAMS, format!("your account has {most} live streams open"));
            return Err(problem.retry_after(Duration::from_secs(5)));
        }
        let place = self.cap.take(client).map_err(|full| {
            let problem = match full {
                Full::InAll => Problem::new(&UNAVAILABLE, "too many live streams are open"),
                Full::OfAddress => {
                    let most = self.cap.most_per_address();
                    Problem::new(&TOO_MANY_STREAMS, format!("your network address has {most} live streams open"))
                }
            };
            problem.retry_after(Duration::from_secs(5))
        })?;
        *open.entry(account_id).or_default() += 1;
        metrics::gauge!("baedal_live_streams").increment(1);
        Ok(Stream { account_id, open: Arc::clone(&self.open), _place: place })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        metrics::gauge!("baedal_live_streams").decrement(1);
        let mut open = self.open.lock();
        if let Some(of_account) = open.get_mut(&self.account_id) {
            *of_account = of_account.saturating_sub(1);
            if *of_account == 0 {
                open.remove(&self.account_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn account(number: u128) -> AccountId {
        AccountId(Uuid::from_u128(number))
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    #[test]
    fn an_account_has_its_share_an_address_its_own_and_all_together_theirs() {
        let settings = Settings {
            live_streams: 4,
            live_streams_per_account: 2,
            live_streams_per_address: 3,
            ..Settings::default()
        };
        let streams = Streams::new(&settings);
        let open = |of, from| streams.open(account(of), address(from)).map_err(|problem| problem.kind().status);
        let first = open(1, 1).expect("the first");
        let _second = open(1, 1).expect("the second");
        assert_eq!(open(1, 9).err(), Some(429), "wherever it asks from");
        let _third = open(2, 1).expect("another's");
        assert_eq!(open(3, 1).err(), Some(429), "made-up accounts behind one address");
        let _fourth = open(3, 2).expect("from elsewhere");
        assert_eq!(open(4, 3).err(), Some(503));
        drop(first);
        assert!(open(1, 1).is_ok());
        assert_eq!(streams.open.lock().len(), 3, "who has none open is not remembered");
    }
}
