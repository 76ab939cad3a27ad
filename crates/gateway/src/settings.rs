//! What can be set.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The gateway's settings.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The most requests being answered at once; more are turned away with 503.
    pub requests_in_flight: u32,
    /// The most live streams at once, of everybody.
    pub live_streams: u32,
    /// The most live streams at once, of one account.
    pub live_streams_per_account: u32,
    /// How long a live stream stays open; then it ends with `reconnect`, so that streams do not stay for ever where they
    /// once came to.
    pub live_streams_last: SignedDuration,
    /// How long a request may take to be answered. A live stream is answered when it begins.
    pub time_limit: SignedDuration,
    /// How many proxies of ours stand in front. With 0 the client's address is that of the connection;
    /// with 1 it is the last one in `X-Forwarded-For`, with 2 the last but one, and so on.
    pub trusted_proxies: u32,
    /// How many tokens that were found valid are remembered, so as not to check their signature again.
    pub remembered_tokens: u32,
    /// How long the keys that tokens are checked with are believed while identity does not answer. Until then those
    /// who are signed in are served without it; a gateway that never had the keys, or not for as long, serves nobody
    /// who has to be signed in. While identity answers, its keys are looked at every minute.
    pub keys_kept_for: SignedDuration,
    /// The contexts without which this process is not ready. A gateway that runs alone needs only
    /// `identity`: with a context away the others' routes still work. Identity is needed only as long as its keys are
    /// not known here.
    pub needed: Vec<String>,
    /// How often one client address may ask without being signed in.
    pub per_address: Rate,
    /// How often one client address may try to sign in or to open an account.
    pub sign_in_per_address: Rate,
    /// How often one account may ask.
    pub per_account: Rate,
}

/// How often something may happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// This often in a second, in the long run. 0: as often as one likes.
    pub per_second: u32,
    /// This often at once, after a quiet while.
    pub burst: u32,
}

impl Rate {
    /// As often as one likes.
    pub const UNLIMITED: Self = Self { per_second: 0, burst: 0 };
}

impl Default for Settings {
    fn default() -> Self {
        use baedal_contracts::source::{DELIVERY, IDENTITY, NOTIFICATION, ORDER, PAYMENT, STORE, TRACKING};
        let all = [IDENTITY, ORDER, PAYMENT, STORE, DELIVERY, NOTIFICATION, TRACKING];
        Self {
            requests_in_flight: 1024,
            live_streams: 10_000,
            live_streams_per_account: 20,
            live_streams_last: SignedDuration::from_hours(1),
            time_limit: SignedDuration::from_secs(30),
            trusted_proxies: 0,
            remembered_tokens: 10_000,
            keys_kept_for: SignedDuration::from_hours(24),
            needed: all.map(str::to_owned).to_vec(),
            per_address: Rate { per_second: 200, burst: 400 },
            sign_in_per_address: Rate { per_second: 20, burst: 200 },
            per_account: Rate { per_second: 100, burst: 200 },
        }
    }
}

impl Settings {
    /// The same for a world whose whole population calls from one address: a demonstration, a load test.
    #[must_use]
    pub fn without_limits_per_address(self) -> Self {
        Self { per_address: Rate::UNLIMITED, sign_in_per_address: Rate::UNLIMITED, ..self }
    }
}
