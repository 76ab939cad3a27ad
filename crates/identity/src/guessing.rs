//! Whoever guesses passwords waits longer and longer.
//!
//! Failures are counted per phone number, so that one account is not guessed at from many addresses, and
//! per client address, so that many accounts are not guessed at from one. They are counted in memory, of
//! a bounded size: a failure must not cost us a write to the disk, and to push a count out of it takes
//! more wrong guesses than waiting would have cost. A restart forgets them. Waits go by the monotonic clock.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use baedal_kit::time::Instant;
use baedal_text::Phone;
use jiff::SignedDuration;
use lru::LruCache;
use tokio::sync::OwnedMutexGuard;

use crate::settings::Guessing as Settings;

/// How many phone numbers can be signed in with at the same time, if no two share a lane.
const LANES: usize = 256;

/// The wrong guesses of late. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Guessing {
    settings: Settings,
    failures: Arc<Mutex<LruCache<Guesser, Failures>>>,
    lanes: Arc<[Arc<tokio::sync::Mutex<()>>]>,
    hasher: RandomState,
}

/// Whose failures are counted together.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Guesser {
    At(Phone),
    From(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

/// The right to try a password for a phone number; attempts at the same one take turns, so that many at
/// once are counted as surely as one after the other.
pub(crate) struct Turn(#[expect(dead_code, reason = "held for as long as the turn lasts")] OwnedMutexGuard<()>);

/// How long to wait before the next attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slower(pub(crate) SignedDuration);

impl Guessing {
    pub(crate) fn new(settings: Settings) -> Self {
        let remembered = usize::try_from(settings.remembered).ok().and_then(NonZeroUsize::new);
        Self {
            settings,
            failures: Arc::new(Mutex::new(LruCache::new(remembered.unwrap_or(NonZeroUsize::MIN)))),
            lanes: (0..LANES).map(|_| Arc::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Waits for earlier attempts at the same phone number.
    pub(crate) async fn turn(&self, phone: &Phone) -> Turn {
        let lane = self.hasher.hash_one(phone) % LANES as u64;
        #[expect(clippy::cast_possible_truncation, reason = "it is less than LANES")]
        let lane = &self.lanes[lane as usize];
        Turn(Arc::clone(lane).lock_owned().await)
    }

    /// Whether another attempt may be made now.
    pub(crate) fn may_try(&self, phone: &Phone, address: Option<IpAddr>, now: Instant) -> Result<(), Slower> {
        let failures = self.failures();
        let until = keys(phone, address)
            .filter_map(|key| failures.peek(&key).map(|found| found.last + self.wait_after(&key, found.count)))
            .max();
        drop(failures);
        match until {
            Some(until) if until > now => Err(Slower(until.duration_since(now))),
            _ => Ok(()),
        }
    }

    /// The password was wrong.
    pub(crate) fn failed(&self, phone: &Phone, address: Option<IpAddr>, now: Instant) {
        let mut failures = self.failures();
        for key in keys(phone, address) {
            let before = failures.peek(&key).filter(|before| now.duration_since(before.last) < self.forgotten_after());
            let count = before.map_or(0, |before| before.count).saturating_add(1);
            failures.put(key, Failures { count, last: now });
        }
    }

    /// The password was right: the phone number's failures are forgotten. Those of the address are not,
    /// or a guesser with an account of their own could have them forgotten at will.
    pub(crate) fn succeeded(&self, phone: &Phone) {
        self.failures().pop(&Guesser::At(phone.clone()));
    }

    fn failures(&self) -> MutexGuard<'_, LruCache<Guesser, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The wait must be over before its reason is forgotten.
    fn forgotten_after(&self) -> SignedDuration {
        self.settings.forgotten_after.max(self.settings.longest_wait)
    }

    fn wait_after(&self, key: &Guesser, failures: u32) -> SignedDuration {
        let forgiven = match key {
            Guesser::At(_) => self.settings.failures_per_phone,
            Guesser::From(_) => self.settings.failures_per_address,
        };
        match failures.checked_sub(forgiven.max(1)) {
            None => SignedDuration::ZERO,
            Some(further) => {
                let doubled = self.settings.first_wait.checked_mul(1 << further.min(20));
                doubled.unwrap_or(SignedDuration::MAX).min(self.settings.longest_wait)
            }
        }
    }
}

fn keys(phone: &Phone, address: Option<IpAddr>) -> impl Iterator<Item = Guesser> {
    std::iter::once(Guesser::At(phone.clone())).chain(address.map(Guesser::From))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some instant, later than the beginning.
    fn start() -> Instant {
        Instant::default() + SignedDuration::from_hours(1)
    }

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn phone(last: u32) -> Phone {
        format!("0101234{last:04}").parse().expect("a phone number")
    }

    fn seconds(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    #[test]
    fn after_five_failures_each_further_one_doubles_the_wait() {
        let guessing = Guessing::new(Settings::default());
        let mut now = start();
        for _ in 0..5 {
            assert_eq!(guessing.may_try(&phone(1), HERE, now), Ok(()));
            guessing.failed(&phone(1), HERE, now);
        }
        for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert_eq!(guessing.may_try(&phone(1), HERE, now), Err(Slower(seconds(wait))));
            now = now + seconds(wait);
            assert_eq!(guessing.may_try(&phone(1), HERE, now), Ok(()));
            guessing.failed(&phone(1), HERE, now);
        }
    }

    #[test]
    fn the_right_password_starts_the_count_anew() {
        let guessing = Guessing::new(Settings::default());
        for _ in 0..4 {
            guessing.failed(&phone(1), HERE, start());
        }
        guessing.succeeded(&phone(1));
        guessing.failed(&phone(1), HERE, start());
        assert_eq!(guessing.may_try(&phone(1), HERE, start()), Ok(()));
    }

    #[test]
    fn one_address_cannot_try_many_phones() {
        let guessing = Guessing::new(Settings::default());
        for last in 0..50 {
            assert_eq!(guessing.may_try(&phone(last), HERE, start()), Ok(()));
            guessing.failed(&phone(last), HERE, start());
        }
        assert_eq!(guessing.may_try(&phone(99), HERE, start()), Err(Slower(seconds(1))));
        assert_eq!(guessing.may_try(&phone(99), None, start()), Ok(()));
    }

    #[test]
    fn failures_of_long_ago_are_forgotten_and_memory_is_bounded() {
        let guessing = Guessing::new(Settings { remembered: 2, ..Settings::default() });
        for _ in 0..4 {
            guessing.failed(&phone(1), None, start());
        }
        guessing.failed(&phone(1), None, start() + seconds(15 * 60));
        assert_eq!(guessing.may_try(&phone(1), None, start() + seconds(15 * 60)), Ok(()));
        for last in 2..10 {
            guessing.failed(&phone(last), None, start());
        }
        assert_eq!(guessing.failures().len(), 2);
    }
}
