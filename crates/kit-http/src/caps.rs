//! How much of something there may be at once, in all and of each address, and which of these caps binds now.
//!
//! A cap binds from when it turned somebody away until there is room again where they stood: what is told of it
//! hangs on no clock.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::health::Dependency;

/// How much of one thing may be taken at once. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Cap {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: &'static str,
    most: u64,
    most_per_address: u64,
    held: Mutex<Held>,
}

#[derive(Default, Debug)]
struct Held {
    all: u64,
    by_address: HashMap<IpAddr, u64>,
    /// Since when somebody was turned away for want of room in all.
    full_since: Option<Instant>,
    /// Since when these addresses were.
    full_addresses: HashMap<IpAddr, Instant>,
}

/// Why nothing could be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Full {
    /// All together have taken as much as there is.
    InAll,
    /// This address has taken as much as one may.
    OfAddress,
}

/// What was taken; dropping it gives it back.
#[derive(Debug)]
pub struct Taken {
    address: IpAddr,
    amount: u64,
    cap: Cap,
}

impl Cap {
    /// So much of a thing in all, and of one address. `name` is what metrics and readiness call it.
    #[must_use]
    pub fn new(name: &'static str, most: u64, most_per_address: u64) -> Self {
        Self { inner: Arc::new(Inner { name, most, most_per_address, held: Mutex::default() }) }
    }

    /// So much in all, however few addresses take it.
    #[must_use]
    pub fn in_all(name: &'static str, most: u64) -> Self {
        Self::new(name, most, u64::MAX)
    }

    /// Takes one, for as long as the result is kept.
    ///
    /// # Errors
    /// Where there is no room, which is counted.
    pub fn take(&self, address: IpAddr) -> Result<Taken, Full> {
        let mut taken = self.nothing(address);
        taken.more(1)?;
        Ok(taken)
    }

    /// Nothing yet; see [`Taken::more`].
    #[must_use]
    pub fn nothing(&self, address: IpAddr) -> Taken {
        Taken { address: network(address), amount: 0, cap: self.clone() }
    }

    /// How much is taken, in all.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.lock().all
    }

    /// The most that may be taken by one address.
    #[must_use]
    pub fn most_per_address(&self) -> u64 {
        self.inner.most_per_address
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.inner.held.lock()
    }

    fn turned_away(&self, limit: String) {
        metrics::counter!("baedal_http_turned_away_total", "limit" => limit).increment(1);
    }
}

impl Taken {
    /// Takes so much more.
    ///
    /// # Errors
    /// Where there is no room for it; what was taken before stays.
    pub fn more(&mut self, amount: u64) -> Result<(), Full> {
        let Inner { name, most, most_per_address, .. } = &*self.cap.inner;
        let mut held = self.cap.lock();
        let of_address = held.by_address.get(&self.address).copied().unwrap_or_default();
        // The address first: whoever has had their share does not make all others' look full.
        if of_address.saturating_add(amount) > *most_per_address {
            held.full_addresses.entry(self.address).or_insert_with(Instant::now);
            drop(held);
            self.cap.turned_away(format!("{name}_per_address"));
            return Err(Full::OfAddress);
        }
        if held.all.saturating_add(amount) > *most {
            held.full_since.get_or_insert_with(Instant::now);
            drop(held);
            self.cap.turned_away((*name).to_owned());
            return Err(Full::InAll);
        }
        held.all += amount;
        held.by_address.insert(self.address, of_address + amount);
        self.amount += amount;
        metrics::gauge!("baedal_http_held", "limit" => *name).set(as_gauge(held.all));
        Ok(())
    }

    /// Gives all of it back, and may take again.
    pub fn clear(&mut self) {
        let amount = std::mem::take(&mut self.amount);
        if amount == 0 {
            return;
        }
        let mut held = self.cap.lock();
        held.all = held.all.saturating_sub(amount);
        held.full_since = None;
        held.full_addresses.remove(&self.address);
        if let Some(of_address) = held.by_address.get_mut(&self.address) {
            *of_address = of_address.saturating_sub(amount);
            if *of_address == 0 {
                held.by_address.remove(&self.address);
            }
        }
        metrics::gauge!("baedal_http_held", "limit" => self.cap.inner.name).set(as_gauge(held.all));
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.clear();
    }
}

fn as_gauge(amount: u64) -> f64 {
    u32::try_from(amount).map_or(f64::MAX, f64::from)
}

/// How these caps are, as one thing that a process depends on, by the name it has in readiness. The process is not
/// ready where one binds in all; where one binds for an address, only that address is served worse.
#[must_use]
pub fn told(caps: &[Cap]) -> BTreeMap<String, Dependency> {
    let (mut stories, mut binds_in_all) = (Vec::new(), false);
    for cap in caps {
        let Inner { name, most, most_per_address, .. } = &*cap.inner;
        let held = cap.lock();
        if let Some(since) = held.full_since {
            binds_in_all = true;
            stories.push(format!("`{name}` ({most} in all) binds since {} s ago", since.elapsed().as_secs()));
        }
        if let Some(since) = held.full_addresses.values().min() {
            let (addresses, since) = (held.full_addresses.len(), since.elapsed().as_secs());
            let of = if addresses == 1 { "one address".to_owned() } else { format!("{addresses} addresses") };
            stories.push(format!("`{name}_per_address` ({most_per_address}) binds for {of} since {since} s ago"));
        }
    }
    let found = if stories.is_empty() { Ok(()) } else { Err(stories.join("; ")) };
    [("limits".to_owned(), Dependency::other(binds_in_all, found))].into()
}

/// The network that one subscriber usually has to themselves, as far as limits are concerned: an IPv4 address, or
/// the /64 of an IPv6 address (RFC 6177 gives a site no less).
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use http::StatusCode;
    use http_body_util::BodyExt;

    use super::super::health::Readiness;
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    async fn readiness(cap: &Cap) -> (StatusCode, String) {
        let response = Readiness::judged(false, told(std::slice::from_ref(cap))).into_response();
        let status = response.status();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn one_address_has_its_share_and_readiness_says_whose_cap_binds() {
        let cap = Cap::new("things", 3, 2);
        let first = cap.take(address("203.0.113.9")).expect("the first");
        let _second = cap.take(address("203.0.113.9")).expect("the second");
        assert!(!readiness(&cap).await.1.contains("binds"), "full is not yet in anybody's way");
        assert_eq!(cap.take(address("203.0.113.9")).err(), Some(Full::OfAddress));
        let (status, told) = readiness(&cap).await;
        assert!(status == StatusCode::OK && told.contains("`things_per_address` (2) binds for one address"), "{told}");
        let _third = cap.take(address("198.51.100.7")).expect("another's");
        assert_eq!(cap.take(address("198.51.100.8")).err(), Some(Full::InAll));
        let (status, told) = readiness(&cap).await;
        assert!(status == StatusCode::SERVICE_UNAVAILABLE && told.contains("`things` (3 in all) binds"), "{told}");
        drop(first);
        let (status, told) = readiness(&cap).await;
        assert!(status == StatusCode::OK && !told.contains("binds"), "{told}");
        assert!(cap.take(address("203.0.113.9")).is_ok());
    }

    #[test]
    fn who_holds_nothing_is_not_remembered() {
        let cap = Cap::new("bytes", 100, 10);
        let mut taken = cap.nothing(address("2001:db8:1:2:3:4:5:6"));
        taken.more(8).expect("room");
        let mut neighbour = cap.nothing(address("2001:db8:1:2::7"));
        assert_eq!(neighbour.more(3), Err(Full::OfAddress), "one subscriber has one share");
        assert_eq!(taken.more(3), Err(Full::OfAddress));
        assert_eq!(cap.held(), 8, "what was taken before stays");
        drop((taken, neighbour));
        let held = cap.lock();
        assert!(held.all == 0 && held.by_address.is_empty() && held.full_addresses.is_empty());
    }

    #[test]
    fn an_ipv6_subscriber_is_one_client() {
        let network_of = |text: &str| network(address(text)).to_string();
        assert_eq!(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network_of("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(network_of("203.0.113.9"), "203.0.113.9");
    }
}
