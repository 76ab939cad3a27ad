//! Whoever guesses passwords is slowed down, and nobody else.
//!
//! Wrong passwords are counted
//!
//! - for a device that the account has signed in on before: for that device alone. No attack from elsewhere keeps it
//!   waiting, and it keeps nobody else waiting;
//! - for all other devices: per phone number, so that one account is not guessed at from many addresses, and per
//!   client address, so that many accounts are not guessed at from one.
//!
//! After some in a row a device or a phone number waits, twice as long each time; the right password begins its count
//! anew. The count of an address leaks, so that an address that many share is never shut; and a phone number whose
//! wrong passwords end in the right one takes back from the address what it had added: they were mistyped.
//!
//! To look and to count is one step: an attempt is counted before the password is checked, and what it turns out to
//! be is settled afterwards ([`Attempt`]). An attempt that could still be allowed waits for those before it.
//!
//! Counts are in memory, of a bounded size: a failure must not cost us a write to the disk, and to push a count out of
//! it takes more wrong guesses than waiting would have cost. A restart forgets them, and each replica counts by
//! itself. Waits go by the monotonic clock.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;

use baedal_kit::time::{Clock, Instant};
use baedal_text::Phone;
use jiff::SignedDuration;
use lru::LruCache;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::devices::Device;
use crate::leaky::{Leaky, Size};
use crate::settings::Guessing as Settings;

/// From how many addresses a phone number's wrong passwords are remembered, to be taken back.
const ADDRESSES: usize = 16;

/// The wrong guesses of late. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Guessing {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    clock: Arc<dyn Clock>,
    counts: Mutex<Counts>,
    settled: Notify,
}

struct Counts {
    guessers: LruCache<Guesser, Count>,
    addresses: LruCache<IpAddr, AtAddress>,
}

/// Whose failures are counted together.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Guesser {
    /// A device that the account has signed in on before.
    Known(Device),
    /// All other devices, at this phone number.
    Unknown(Phone),
}

#[derive(Debug, Default)]
struct Count {
    failed: u32,
    last: Instant,
    being_checked: u32,
    /// How many of the failures were counted at which address.
    from: Vec<(IpAddr, u32)>,
}

#[derive(Debug, Default)]
struct AtAddress {
    failures: Leaky,
    being_checked: u32,
}

/// An attempt at a password, which counts as a wrong one unless it is said to be another: also where whoever made it
/// does not wait for the answer.
pub(crate) struct Attempt {
    shared: Arc<Shared>,
    guesser: Guesser,
    address: Option<IpAddr>,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Right,
    Wrong,
    /// The password was not checked.
    Unchecked,
}

/// How long to wait before the next attempt, and what is slowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slower {
    pub(crate) wait: SignedDuration,
    pub(crate) what: Slowed,
}

/// What is slowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Slowed {
    /// This device, at this account.
    Device,
    /// The phone number, for devices that it has not signed in on before.
    Phone,
    /// The address, for devices that have not signed in before.
    Address,
}

enum Looked {
    Allowed,
    Slower(Slower),
    /// It depends on what attempts turn out to be that are being checked.
    Unsettled,
}

impl Guessing {
    pub(crate) fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let remembered = usize::try_from(settings.remembered).ok().and_then(NonZeroUsize::new);
        let remembered = remembered.unwrap_or(NonZeroUsize::MIN);
        let counts = Counts { guessers: LruCache::new(remembered), addresses: LruCache::new(remembered) };
        let shared = Shared { settings, clock, counts: Mutex::new(counts), settled: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Counts an attempt, where one may be made now; waits for those under way where it depends on them.
    pub(crate) async fn attempt(
        &self,
        phone: &Phone,
        device: Option<Device>,
        address: Option<IpAddr>,
    ) -> Result<Attempt, Slower> {
        let (guesser, address) = match device {
            Some(device) => (Guesser::Known(device), None),
            None => (Guesser::Unknown(phone.clone()), address),
        };
        loop {
            let mut settled = pin!(self.shared.settled.notified());
            settled.as_mut().enable();
            match self.shared.look_and_count(&guesser, address) {
                Looked::Allowed => {
                    let shared = Arc::clone(&self.shared);
                    return Ok(Attempt { shared, guesser, address, outcome: Outcome::Wrong });
                }
                Looked::Slower(slower) => return Err(slower),
                Looked::Unsettled => settled.await,
            }
        }
    }
}

impl Attempt {
    /// The password was right.
    pub(crate) fn was_right(mut self) {
        self.outcome = Outcome::Right;
    }

    /// The password was wrong.
    pub(crate) fn was_wrong(self) {}

    /// The password was not checked.
    pub(crate) fn was_not_checked(mut self) {
        self.outcome = Outcome::Unchecked;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.shared.settle(&self.guesser, self.address, self.outcome);
    }
}

impl Shared {
    fn look_and_count(&self, guesser: &Guesser, address: Option<IpAddr>) -> Looked {
        let now = self.clock.monotonic();
        let counts = &mut *self.counts.lock();
        let count = counts.guessers.get_or_insert_mut(guesser.clone(), Count::default);
        // The wait must be over before its reason is forgotten.
        let forgotten_after = self.settings.forgotten_after.max(self.settings.longest_wait);
        if now.duration_since(count.last) >= forgotten_after {
            *count = Count { being_checked: count.being_checked, ..Count::default() };
        }
        let forgiven = self.forgiven(guesser);
        let wait = (count.last + self.wait_after(count.failed, forgiven)).duration_since(now);
        if wait > SignedDuration::ZERO {
            let what = match guesser {
                Guesser::Known(_) => Slowed::Device,
                Guesser::Unknown(_) => Slowed::Phone,
            };
            return Looked::Slower(Slower { wait, what });
        }
        if count.being_checked >= forgiven.saturating_sub(count.failed).max(1) {
            return Looked::Unsettled;
        }
        if let Some(address) = address {
            let at = counts.addresses.get_or_insert_mut(address, AtAddress::default);
            let wait = at.failures.wait(1, self.bucket(), now);
            if wait > SignedDuration::ZERO {
                return Looked::Slower(Slower { wait, what: Slowed::Address });
            }
            if at.failures.wait(at.being_checked.saturating_add(1), self.bucket(), now) > SignedDuration::ZERO {
                return Looked::Unsettled;
            }
            at.being_checked += 1;
        }
        count.being_checked += 1;
        Looked::Allowed
    }

    fn settle(&self, guesser: &Guesser, address: Option<IpAddr>, outcome: Outcome) {
        let now = self.clock.monotonic();
        let counts = &mut *self.counts.lock();
        if let Some(at) = address.and_then(|address| counts.addresses.get_mut(&address)) {
            at.being_checked = at.being_checked.saturating_sub(1);
            if outcome == Outcome::Wrong {
                at.failures.fill(1, self.bucket(), now);
            }
        }
        let count = counts.guessers.get_or_insert_mut(guesser.clone(), Count::default);
        count.being_checked = count.being_checked.saturating_sub(1);
        match outcome {
            Outcome::Wrong => {
                count.failed = count.failed.saturating_add(1);
                count.last = now;
                if let Some(address) = address {
                    count.add(address);
                }
            }
            Outcome::Right => {
                for (address, mistyped) in std::mem::take(&mut count.from) {
                    if let Some(at) = counts.addresses.get_mut(&address) {
                        at.failures.take(mistyped, self.bucket());
                    }
                }
                count.failed = 0;
            }
            Outcome::Unchecked => {}
        }
        if count.failed == 0 && count.being_checked == 0 {
            counts.guessers.pop(guesser);
        }
        self.settled.notify_waiters();
    }

    fn bucket(&self) -> Size {
        Size { drops: self.settings.failures_per_address, leaks_every: self.settings.address_forgives_every }
    }

    fn forgiven(&self, guesser: &Guesser) -> u32 {
        match guesser {
            Guesser::Known(_) => self.settings.failures_per_device.max(1),
            Guesser::Unknown(_) => self.settings.failures_per_phone.max(1),
        }
    }

    fn wait_after(&self, failures: u32, forgiven: u32) -> SignedDuration {
        match failures.checked_sub(forgiven) {
            None => SignedDuration::ZERO,
            Some(further) => {
                let doubled = self.settings.first_wait.checked_mul(1 << further.min(20));
                doubled.unwrap_or(SignedDuration::MAX).min(self.settings.longest_wait)
            }
        }
    }
}

impl Count {
    fn add(&mut self, address: IpAddr) {
        if let Some((_, count)) = self.from.iter_mut().find(|(known, _)| *known == address) {
            *count = count.saturating_add(1);
        } else if self.from.len() < ADDRESSES {
            self.from.push((address, 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use baedal_contracts::AccountId;
    use baedal_kit::scenario::NOON;
    use baedal_kit::time::ManualClock;
    use futures::FutureExt;
    use uuid::Uuid;

    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn phone(last: u32) -> Phone {
        format!("0101234{last:04}").parse().expect("a phone number")
    }

    fn seconds(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    fn guessing(settings: Settings) -> (Guessing, ManualClock) {
        let clock = ManualClock::at(NOON);
        clock.advance(SignedDuration::from_hours(1));
        (Guessing::new(settings, Arc::new(clock.clone())), clock)
    }

    /// An attempt that need not wait for others.
    fn attempt(
        guessing: &Guessing,
        phone: &Phone,
        device: Option<Device>,
        address: Option<IpAddr>,
    ) -> Result<Attempt, Slower> {
        guessing.attempt(phone, device, address).now_or_never().expect("nothing is under way")
    }

    /// A wrong password, or the wait.
    fn guess(guessing: &Guessing, last: u32, address: Option<IpAddr>) -> Result<(), SignedDuration> {
        attempt(guessing, &phone(last), None, address).map(Attempt::was_wrong).map_err(|slower| slower.wait)
    }

    #[test]
    fn after_five_failures_each_further_one_doubles_the_wait() {
        let (guessing, clock) = guessing(Settings::default());
        for _ in 0..5 {
            assert_eq!(guess(&guessing, 1, HERE), Ok(()));
        }
        for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert_eq!(guess(&guessing, 1, HERE), Err(seconds(wait)));
            clock.advance(seconds(wait));
            assert_eq!(guess(&guessing, 1, HERE), Ok(()));
        }
    }

    #[test]
    fn the_right_password_starts_the_count_anew() {
        let (guessing, _) = guessing(Settings::default());
        for _ in 0..4 {
            guess(&guessing, 1, HERE).unwrap();
        }
        attempt(&guessing, &phone(1), None, HERE).unwrap().was_right();
        for _ in 0..5 {
            guess(&guessing, 1, HERE).unwrap();
        }
    }

    #[test]
    fn a_known_device_is_kept_waiting_by_nobody_else_and_keeps_nobody_waiting() {
        let (guessing, _) = guessing(Settings::default());
        let device = || Some(Device { account_id: AccountId(Uuid::now_v7()), id: Uuid::now_v7() });
        let (mine, other) = (device(), device());
        for last in [1; 5].into_iter().chain(100..195) {
            guess(&guessing, last, HERE).unwrap();
        }
        let slowed = |last| attempt(&guessing, &phone(last), None, HERE).err().map(|slower| slower.what);
        assert_eq!((slowed(1), slowed(500)), (Some(Slowed::Phone), Some(Slowed::Address)));
        for _ in 0..5 {
            attempt(&guessing, &phone(1), mine, HERE).unwrap().was_wrong();
        }
        let slower = attempt(&guessing, &phone(1), mine, HERE).err();
        assert_eq!(slower, Some(Slower { wait: seconds(1), what: Slowed::Device }));
        assert!(attempt(&guessing, &phone(1), other, HERE).is_ok(), "another device of the same person");
        assert!(attempt(&guessing, &phone(99), None, None).is_ok());
    }

    #[test]
    fn one_address_cannot_try_many_phones_and_is_never_shut() {
        let (guessing, clock) = guessing(Settings::default());
        for last in 0..100 {
            assert_eq!(guess(&guessing, last, HERE), Ok(()));
        }
        for last in 100..200 {
            assert_eq!(guess(&guessing, last, HERE), Err(seconds(6)), "the wait does not grow");
        }
        assert_eq!(guess(&guessing, 99, None), Ok(()));
        clock.advance(seconds(6));
        assert_eq!(guess(&guessing, 100, HERE), Ok(()));
        assert_eq!(guess(&guessing, 101, HERE), Err(seconds(6)));
        clock.advance(seconds(3600));
        for last in 200..300 {
            assert_eq!(guess(&guessing, last, HERE), Ok(()));
        }
    }

    #[test]
    fn what_was_mistyped_is_taken_back_and_what_was_guessed_is_not() {
        let (guessing, _) = guessing(Settings::default());
        for last in 0..96 {
            guess(&guessing, last, HERE).unwrap();
        }
        // Somebody mistypes three times; then, and a guesser with an account of their own, nothing more is taken back.
        for _ in 0..3 {
            guess(&guessing, 500, HERE).unwrap();
        }
        for _ in 0..50 {
            attempt(&guessing, &phone(500), None, HERE).unwrap().was_right();
        }
        for last in 100..104 {
            assert_eq!(guess(&guessing, last, HERE), Ok(()));
        }
        assert_eq!(guess(&guessing, 104, HERE), Err(seconds(6)));
    }

    #[tokio::test]
    async fn attempts_at_once_wait_for_those_before_them_and_no_more_are_allowed_than_one_after_the_other() {
        for (phones, allowed) in [(1, 5), (200, 100)] {
            let (guessing, _) = guessing(Settings::default());
            let attempts = (0..200).map(|number| {
                let guessing = guessing.clone();
                async move {
                    let attempt = guessing.attempt(&phone(number % phones), None, HERE).await?;
                    tokio::task::yield_now().await;
                    attempt.was_wrong();
                    Ok::<_, Slower>(())
                }
            });
            let outcomes = futures::future::join_all(attempts).await;
            assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), allowed);
        }
    }

    #[test]
    fn an_attempt_that_nobody_waits_for_counts_and_one_that_was_not_checked_does_not() {
        let (guessing, _) = guessing(Settings::default());
        for _ in 0..20 {
            attempt(&guessing, &phone(1), None, HERE).unwrap().was_not_checked();
        }
        for _ in 0..5 {
            drop(attempt(&guessing, &phone(1), None, HERE).unwrap());
        }
        assert_eq!(guess(&guessing, 1, HERE), Err(seconds(1)));
    }

    #[test]
    fn failures_of_long_ago_are_forgotten_and_memory_is_bounded() {
        let (guessing, clock) = guessing(Settings { remembered: 2, ..Settings::default() });
        for _ in 0..4 {
            guess(&guessing, 1, None).unwrap();
        }
        clock.advance(seconds(15 * 60));
        for _ in 0..5 {
            guess(&guessing, 1, None).unwrap();
        }
        for last in 2..10 {
            guess(&guessing, last, format!("203.0.113.{last}").parse().ok()).unwrap();
        }
        assert_eq!(guessing.shared.counts.lock().guessers.len(), 2);
        assert_eq!(guessing.shared.counts.lock().addresses.len(), 2);
    }
}
