//! How long wrong secrets wait for their answer, by the address that they come from.
//!
//! Nothing is ever refused for it but what is wrong anyway: processes that are known may share an address with whoever
//! guesses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How much longer each wrong one waits than the one before,
const STEP: Duration = Duration::from_millis(100);
/// and for how long at the most.
const LONGEST: Duration = Duration::from_secs(2);
/// How soon one is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);
/// As many of one address wait at once; more are turned away.
const WAITING: usize = 16;
/// As many addresses are remembered; those beyond share one count.
const ADDRESSES: usize = 4096;

/// The counts.
#[derive(Default)]
pub(super) struct Patience {
    counts: Mutex<HashMap<Option<IpAddr>, Count>>,
}

struct Count {
    wrong: u32,
    since: Instant,
    waiting: usize,
}

impl Count {
    /// What is left of it by now.
    fn leaked(&self, now: Instant) -> (u32, Instant) {
        let gone = now.duration_since(self.since).as_secs() / FORGOTTEN_AFTER.as_secs();
        match u32::try_from(gone) {
            Ok(0) => (self.wrong, self.since),
            gone => (self.wrong.saturating_sub(gone.unwrap_or(u32::MAX)), now),
        }
    }
}

/// So many wait already.
#[derive(Debug)]
pub(super) struct Crowded {
    /// When it is worth asking again.
    pub(super) wait: Duration,
}

/// A place among those that wait for their answer.
pub(super) struct Turn<'p> {
    patience: &'p Patience,
    address: Option<IpAddr>,
    wait: Duration,
    /// Whether it is the first in a while from there.
    pub(super) is_news: bool,
}

impl Patience {
    /// One more wrong one from there.
    pub(super) fn wrong(&self, address: Option<IpAddr>) -> Result<Turn<'_>, Crowded> {
        self.wrong_at(address, Instant::now())
    }

    fn wrong_at(&self, address: Option<IpAddr>, now: Instant) -> Result<Turn<'_>, Crowded> {
        let mut counts = self.counts.lock();
        if counts.len() >= ADDRESSES {
            counts.retain(|_, count| count.waiting > 0 || count.leaked(now).0 > 0);
        }
        let is_known = counts.contains_key(&address);
        let address = if is_known || counts.len() < ADDRESSES { address } else { None };
        let count = counts.entry(address).or_insert(Count { wrong: 0, since: now, waiting: 0 });
        (count.wrong, count.since) = count.leaked(now);
        let is_news = count.wrong == 0;
        count.wrong = count.wrong.saturating_add(1);
        if count.waiting >= WAITING {
            return Err(Crowded { wait: LONGEST });
        }
        count.waiting += 1;
        let wait = STEP.saturating_mul(count.wrong - 1).min(LONGEST);
        Ok(Turn { patience: self, address, wait, is_news })
    }
}

impl Turn<'_> {
    /// Returns when it is to be answered.
    pub(super) async fn wait(self) {
        tokio::time::sleep(self.wait).await;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.patience.counts.lock().get_mut(&self.address) {
            count.waiting -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));
    const OTHER: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)));

    fn wait(patience: &Patience, address: Option<IpAddr>, now: Instant) -> Option<Duration> {
        patience.wrong_at(address, now).ok().map(|turn| turn.wait)
    }

    #[test]
    fn wrong_ones_wait_the_longer_the_more_they_are_and_only_those_of_their_address() {
        let (patience, now) = (Patience::default(), Instant::now());
        let waits: Vec<_> = (0..30).filter_map(|_| wait(&patience, ONE, now)).collect();
        assert!(waits.len() == 30 && waits.is_sorted(), "{waits:?}");
        assert_eq!((waits[0], waits[1], waits[29]), (Duration::ZERO, STEP, LONGEST));
        assert_eq!(wait(&patience, OTHER, now), Some(Duration::ZERO));
        let later = now + FORGOTTEN_AFTER * 40;
        assert_eq!(wait(&patience, ONE, later), Some(Duration::ZERO), "it is forgotten");
    }

    #[test]
    fn those_that_wait_are_bounded_for_each_address() {
        let (patience, now) = (Patience::default(), Instant::now());
        let turns: Vec<_> = (0..100).filter_map(|_| patience.wrong_at(ONE, now).ok()).collect();
        assert_eq!(turns.len(), WAITING);
        assert!(wait(&patience, OTHER, now).is_some());
        drop(turns);
        assert!(wait(&patience, ONE, now).is_some());
    }

    #[test]
    fn addresses_are_remembered_up_to_a_bound() {
        let (patience, now) = (Patience::default(), Instant::now());
        for number in 0..2 * ADDRESSES {
            let address = IpAddr::from(u32::try_from(number).expect("a number").to_be_bytes());
            assert!(wait(&patience, Some(address), now).is_some());
        }
        assert!(patience.counts.lock().len() <= ADDRESSES + 1);
    }
}
