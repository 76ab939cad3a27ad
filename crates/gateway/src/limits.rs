//! Traffic management: how often, how many at once, how much. Whoever is turned away is told when to
//! come again.

mod arrival;
mod live;
mod rate;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use baedal_contracts::AccountId;
use baedal_kit_http::Problem;
use baedal_kit_http::body::{LIMIT, too_large};
use baedal_kit_http::caps::{Cap, Full, Taken, network};
use baedal_kit_http::problem::{TOO_MANY_REQUESTS, UNAVAILABLE};
use baedal_kit_runtime::lifecycle::Lifecycle;
use http::{HeaderMap, header};

use self::arrival::Unfinished;
pub(crate) use self::live::Stream;
use self::live::Streams;
use self::rate::Limiter;
use crate::settings::Settings;

/// How often the counts of those who have been quiet are given up.
const KEEP_SMALL_EVERY: Duration = Duration::from_secs(5);

/// The limits, and who has come how close to them.
pub(crate) struct Limits {
    addresses: Arc<Limiter<IpAddr>>,
    sign_ins: Arc<Limiter<IpAddr>>,
    accounts: Arc<Limiter<AccountId>>,
    in_flight: Cap,
    waiting_reads: Cap,
    unfinished: Unfinished,
    streams: Streams,
    trusted_proxies: u32,
    unbelieved: Unbelieved,
}

/// Whether it was said already that addresses are told us which are not believed.
#[derive(Default)]
struct Unbelieved(AtomicBool);

impl Unbelieved {
    /// Whether this is the first request that comes by a proxy although none is trusted.
    fn is_news(&self, headers: &HeaderMap, trusted_proxies: u32) -> bool {
        trusted_proxies == 0
            && headers.contains_key("x-forwarded-for")
            && !self.0.load(Ordering::Relaxed)
            && !self.0.swap(true, Ordering::Relaxed)
    }
}

impl Limits {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            addresses: Arc::new(Limiter::new("address", settings.per_address)),
            sign_ins: Arc::new(Limiter::new("sign_in", settings.sign_in_per_address)),
            accounts: Arc::new(Limiter::new("account", settings.per_account)),
            in_flight: Cap::in_all("in_flight", settings.requests_in_flight.into()),
            waiting_reads: Cap::new(
                "waiting_reads",
                settings.waiting_reads.into(),
                settings.waiting_reads_per_address.into(),
            ),
            unfinished: Unfinished::new(settings),
            streams: Streams::new(settings),
            trusted_proxies: settings.trusted_proxies,
            unbelieved: Unbelieved::default(),
        }
    }

    /// Gives up the counts of those who have been quiet, again and again. What is left is bounded by how
    /// many different clients can ask within a few seconds.
    pub(crate) fn keep_small(&self, lifecycle: &Lifecycle) {
        let (addresses, sign_ins, accounts) =
            (Arc::clone(&self.addresses), Arc::clone(&self.sign_ins), Arc::clone(&self.accounts));
        lifecycle.spawn(async move {
            loop {
                tokio::time::sleep(KEEP_SMALL_EVERY).await;
                addresses.forget_the_quiet();
                sign_ins.forget_the_quiet();
                accounts.forget_the_quiet();
            }
        });
    }

    /// What may bind here, for readiness.
    pub(crate) fn caps(&self) -> Vec<Cap> {
        vec![self.in_flight.clone(), self.waiting_reads.clone(), self.unfinished.cap.clone(), self.streams.cap.clone()]
    }

    /// A place among the requests in flight; or, for a read that may wait for what it must show, among those.
    pub(crate) fn place(&self, client: IpAddr, may_wait: bool) -> Result<Taken, Problem> {
        let cap = if may_wait { &self.waiting_reads } else { &self.in_flight };
        cap.take(client).map_err(|full| {
            let problem = match full {
                Full::InAll => Problem::new(&UNAVAILABLE, "too many requests are being answered"),
                Full::OfAddress => Problem::new(
                    &TOO_MANY_REQUESTS,
                    "too many reads of your network address wait for what they must show (`Baedal-Position`)",
                ),
            };
            problem.retry_after(Duration::from_secs(1))
        })
    }

    /// A request all of which has arrived.
    pub(crate) async fn arrived(&self, client: IpAddr, request: Request) -> Result<Request, Problem> {
        self.unfinished.arrived(client, request).await
    }

    /// Counts a request of somebody who is not known.
    pub(crate) fn stranger(&self, client: IpAddr) -> Result<(), Problem> {
        self.addresses.check(&client)
    }

    /// Counts an attempt to sign in or to open an account.
    pub(crate) fn sign_in(&self, client: IpAddr) -> Result<(), Problem> {
        self.sign_ins.check(&client)
    }

    /// Counts a request of an account.
    pub(crate) fn account(&self, account_id: AccountId) -> Result<(), Problem> {
        self.accounts.check(&account_id)
    }

    /// A live stream of an account, until it is dropped.
    pub(crate) fn stream(&self, account_id: AccountId, client: IpAddr) -> Result<Stream, Problem> {
        self.streams.open(account_id, client)
    }

    /// The client's address, as far as limits are concerned: of an IPv6 address, the /64 network that one
    /// subscriber usually has to themselves.
    pub(crate) fn client(&self, request: &Request) -> IpAddr {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        if self.unbelieved.is_news(request.headers(), self.trusted_proxies) {
            tracing::warn!(
                peer = ?peer,
                "a request came with `X-Forwarded-For`, which is not believed, since `gateway.trusted_proxies` is 0. If a \
                 proxy of yours stands in front, all its clients are counted as one address now: say how many proxies \
                 there are"
            );
        }
        let forwarded = forwarded_for(request.headers(), self.trusted_proxies);
        network(forwarded.or(peer).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }
}

/// Refuses a body that says it is too large, before any of it is kept.
pub(crate) fn refuse_large(headers: &HeaderMap) -> Result<(), Problem> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > LIMIT as u64) { Err(too_large()) } else { Ok(()) }
}

/// The address that the farthest proxy of ours has seen: each appends the one it was called from.
fn forwarded_for(headers: &HeaderMap, trusted_proxies: u32) -> Option<IpAddr> {
    let place = usize::try_from(trusted_proxies).ok()?.checked_sub(1)?;
    let mut addresses = Vec::new();
    for value in headers.get_all("x-forwarded-for") {
        addresses.extend(value.to_str().ok()?.split(',').map(str::trim));
    }
    addresses.iter().rev().nth(place)?.parse().ok()
}

/// Somebody was turned away.
fn shed(limit: &'static str) {
    metrics::counter!("baedal_http_turned_away_total", "limit" => limit).increment(1);
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn addresses(values: &[&'static str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (http::HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_what_our_own_proxies_appended_is_believed() {
        let headers = addresses(&["10.0.0.1, 203.0.113.9", "198.51.100.7"]);
        assert_eq!(forwarded_for(&headers, 0), None);
        assert_eq!(forwarded_for(&headers, 1), "198.51.100.7".parse().ok());
        assert_eq!(forwarded_for(&headers, 2), "203.0.113.9".parse().ok());
        assert_eq!(forwarded_for(&headers, 9), None);
        assert_eq!(forwarded_for(&addresses(&["nonsense"]), 1), None);
    }

    #[test]
    fn that_a_proxy_is_not_believed_is_said_once() {
        let (by_a_proxy, direct) = (addresses(&["203.0.113.9"]), HeaderMap::new());
        let said = Unbelieved::default();
        assert!(!said.is_news(&direct, 0));
        assert!(!said.is_news(&by_a_proxy, 1), "it is believed");
        assert!(said.is_news(&by_a_proxy, 0));
        assert!(!said.is_news(&by_a_proxy, 0));
    }

    #[test]
    fn a_large_body_is_refused_by_what_it_says() {
        let headers = |length: usize| HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from(length))]);
        assert!(refuse_large(&headers(LIMIT)).is_ok());
        assert!(refuse_large(&headers(LIMIT + 1)).is_err());
        assert!(refuse_large(&HeaderMap::new()).is_ok());
    }
}
