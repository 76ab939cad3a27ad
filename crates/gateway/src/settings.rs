//! What can be set.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The gateway's settings.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The most requests being answered at once; more are turned away with 503.
    pub requests_in_flight: u32,
    /// The most reads at once that say what they must show (`Baedal-Position`) and may wait for it, for two seconds
    /// at the most. They hold no place among `requests_in_flight`, so that a view that is late keeps only reads.
    pub waiting_reads: u32,
    /// The most of these of one client address. A page asks for a handful at once; an office of 500 that all look at
    /// the same moment while a view is late stays below.
    pub waiting_reads_per_address: u32,
    /// The most requests at once whose body is still arriving. A body holds 64 KiB at the most, so that these hold
    /// 128 MiB at the worst.
    pub unfinished_requests: u32,
    /// The most of these of one client address. A body is on its way for about one round trip, 0.1 s on a phone: an
    /// office would have to send 1,000 commands a second from one address to meet this.
    pub unfinished_requests_per_address: u32,
    /// How long a request's body may take to arrive, 1 to 60 seconds…
    pub body_time_limit: SignedDuration,
    /// …and one second more for each time that as many bytes have arrived, 512 to 65536. So a slow line has the time
    /// it needs, and whoever sends a byte now and then has not.
    pub least_body_bytes_per_second: u32,
    /// The most live streams at once, of everybody.
    pub live_streams: u32,
    /// The most live streams at once, of one account.
    pub live_streams_per_account: u32,
    /// The most live streams at once, of one client address, however many accounts are behind it. A household has a
    /// stream for each screen, and an office of 500 that all watch their lunch come has 500; it takes ten such
    /// addresses to use up all there are. Where many clients come from one address for good, as behind a proxy that is
    /// not ours or a mobile carrier's, raise it.
    pub live_streams_per_address: u32,
    /// How long a live stream may go on at the most; it ends with `reconnect`. Not set: as long as the access token it
    /// was opened with, with which it ends in any case.
    pub live_stream_lifetime: Option<SignedDuration>,
    /// How long a request's head may take to arrive, 1 to 60 seconds.
    pub head_time_limit: SignedDuration,
    /// The most connections at once, of everybody.
    pub connections: u32,
    /// The most connections at once, of one peer's address. A browser opens six and one for each live stream: an office
    /// of 200 that all order at noon stays below. Not looked at where there are `trusted_proxies`, whose connections
    /// carry everybody's requests.
    pub connections_per_address: u32,
    /// The most bytes of unfinished heads at once, beyond the first 4 KiB of each, which every connection has. A head
    /// may have 32 KiB.
    pub head_bytes: u32,
    /// The most of these of one peer's address; usual heads have less than 4 KiB and need none.
    pub head_bytes_per_address: u32,
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
            waiting_reads: 4096,
            waiting_reads_per_address: 1024,
            unfinished_requests: 2048,
            unfinished_requests_per_address: 100,
            body_time_limit: SignedDuration::from_secs(5),
            least_body_bytes_per_second: 4096,
            live_streams: 10_000,
            live_streams_per_account: 20,
            live_streams_per_address: 1000,
            live_stream_lifetime: None,
            head_time_limit: SignedDuration::from_secs(5),
            connections: 20_000,
            connections_per_address: 2000,
            head_bytes: 64 * 1024 * 1024,
            head_bytes_per_address: 4 * 1024 * 1024,
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
        Self {
            per_address: Rate::UNLIMITED,
            sign_in_per_address: Rate::UNLIMITED,
            waiting_reads_per_address: u32::MAX,
            unfinished_requests_per_address: u32::MAX,
            live_streams_per_address: u32::MAX,
            connections_per_address: u32::MAX,
            head_bytes_per_address: u32::MAX,
            ..self
        }
    }

    /// What is wrong with them, if anything is.
    ///
    /// # Errors
    /// In words, where a setting is out of its bounds.
    pub fn check(&self) -> Result<(), String> {
        for (name, limit) in [("head_time_limit", self.head_time_limit), ("body_time_limit", self.body_time_limit)] {
            let seconds = limit.as_secs_f64();
            if !(1.0..=60.0).contains(&seconds) {
                return Err(format!("`gateway.{name}` is {seconds} s; it must be 1 to 60 s"));
            }
        }
        if self.live_stream_lifetime.is_some_and(|lifetime| lifetime < SignedDuration::from_secs(1)) {
            return Err("`gateway.live_stream_lifetime` must be at least 1 s".to_owned());
        }
        let rate = self.least_body_bytes_per_second;
        if !(512..=65_536).contains(&rate) {
            return Err(format!("`gateway.least_body_bytes_per_second` is {rate}; it must be 512 to 65536"));
        }
        for (name, most) in [
            ("requests_in_flight", self.requests_in_flight),
            ("connections", self.connections),
            ("connections_per_address", self.connections_per_address),
            ("waiting_reads", self.waiting_reads),
            ("waiting_reads_per_address", self.waiting_reads_per_address),
            ("unfinished_requests", self.unfinished_requests),
            ("unfinished_requests_per_address", self.unfinished_requests_per_address),
        ] {
            if most == 0 {
                return Err(format!("`gateway.{name}` is 0: nothing would be served; it must be at least 1"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_bounds_is_refused_by_name() {
        assert_eq!(Settings::default().check(), Ok(()));
        assert_eq!(Settings::default().without_limits_per_address().check(), Ok(()));
        let wrong = |settings: Settings| settings.check().expect_err("it is out of bounds");
        let slow = Settings { body_time_limit: SignedDuration::from_mins(2), ..Settings::default() };
        assert!(wrong(slow).contains("gateway.body_time_limit"));
        let slow = Settings { least_body_bytes_per_second: 1, ..Settings::default() };
        assert!(wrong(slow).contains("gateway.least_body_bytes_per_second"));
        let shut = Settings { unfinished_requests: 0, ..Settings::default() };
        assert!(wrong(shut).contains("gateway.unfinished_requests"));
    }
}
