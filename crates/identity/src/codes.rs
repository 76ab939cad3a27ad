//! The codes by which people prove their phone numbers: six digits, sent to the phone, good for three minutes and five
//! tries.
//!
//! ```text
//!   asked for ──▶ kept as a hash ──▶ sent by notification ──▶ tried, up to five times ──▶ used up by the account
//! ```
//!
//! Nothing here looks at whether a phone number has an account: whoever asks for a code gets the same answer after the
//! same work for every number. A code is kept as a hash, keyed and bound to its phone number, so that whoever reads the
//! database cannot try all million of them. What is kept of a phone number is forgotten on the day after the next.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use axum::body::Body;
use baedal_contracts::notification::{PhoneCodeSent, SendPhoneCode};
use baedal_kit::time::Clock;
use baedal_kit::{Failure, Origin};
use baedal_kit_http::body::read_limited;
use baedal_kit_http::caller::TRACEPARENT;
use baedal_kit_http::upstream::{NoAnswer, Upstream};
use baedal_kit_runtime::{Service, UnitOfWork};
use baedal_text::{Phone, PhoneCode};
use http::{Request, header};
use jiff::{SignedDuration, Timestamp};
use lru::LruCache;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::keys::{Keys, Purpose};
use crate::leaky::{Leaky, Size};
use crate::settings::PhoneCodes as Settings;
use crate::tokens::{day_tag, forget_after_the_day_of};

/// The documents of what was sent to phone numbers, by the number.
pub(crate) const PHONE_CODES: &str = "phone_codes";
/// The time in which a phone gets so many codes.
const WHILE: SignedDuration = SignedDuration::from_mins(10);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How much replicas' clocks may differ. A code that was sent later than that is not counted: the clock was set.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(10);
/// An address is granted one more code this often.
const ADDRESS_GRANTED_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// How many addresses are remembered; beyond that the oldest are forgotten.
const ADDRESSES: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();
/// How many codes there are.
const CODES: u32 = 1_000_000;

/// Sends codes and checks them. Cloning shares what is remembered of addresses.
#[derive(Clone)]
pub(crate) struct Codes {
    settings: Settings,
    keys: Keys,
    notification: Upstream,
    clock: Arc<dyn Clock>,
    addresses: Arc<Mutex<LruCache<IpAddr, Asked>>>,
}

/// What an address has asked for of late, and today.
#[derive(Clone, Copy, Default)]
struct Asked {
    of_late: Leaky,
    today: Leaky,
}

/// What was sent to a phone number.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Sent {
    /// When, of late.
    at: Vec<Timestamp>,
    /// The last code, as a hash.
    hash: String,
    expires_at: Timestamp,
    tries: u32,
    is_used: bool,
}

/// A code that was sent.
pub(crate) struct Granted {
    pub(crate) expires_at: Timestamp,
    /// The code itself, where no phone can be reached.
    pub(crate) shown: Option<PhoneCode>,
}

/// Why no code was sent.
pub(crate) enum NotSent {
    /// So many were that the next is sent after this time.
    TooMany(SignedDuration),
    /// Notification is away, or broken.
    Failed(Failure),
}

impl From<Failure> for NotSent {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Why notification did not say that it has sent a code.
enum NotHandedOver {
    /// It was not asked.
    NotAsked(Failure),
    /// It may have sent it all the same.
    Unknown(Failure),
}

/// What a code proves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proof {
    /// That the phone is theirs.
    Good,
    /// The same, and an account was opened with it: it is good for no other.
    Used,
    /// Nothing: it is another, or old, or was tried too often.
    Wrong,
}

impl Codes {
    pub(crate) fn new(settings: Settings, keys: Keys, notification: Upstream, clock: Arc<dyn Clock>) -> Self {
        Self { settings, keys, notification, clock, addresses: Arc::new(Mutex::new(LruCache::new(ADDRESSES))) }
    }

    /// Sends a code to a phone. It takes the place of the one before.
    pub(crate) async fn send(
        &self,
        service: &Service,
        origin: &Origin,
        phone: &Phone,
        address: Option<IpAddr>,
    ) -> Result<Granted, NotSent> {
        if let Some(address) = address {
            self.count(address).map_err(NotSent::TooMany)?;
        }
        let code = random_code()?;
        let hash = self.keys.mark(Purpose::PhoneCodes, &message(phone, &code));
        let (expires_at, _) = service
            .execute(origin, |work| {
                let (phone, hash, settings) = (phone.clone(), hash.clone(), self.settings);
                Box::pin(async move { keep(work, &phone, hash, settings).await })
            })
            .await?;
        match self.hand_over(origin, phone, &code).await {
            Ok(PhoneCodeSent { reaches_phones }) => {
                Ok(Granted { expires_at, shown: (!reaches_phones).then_some(code) })
            }
            Err(NotHandedOver::NotAsked(failure)) => {
                // What was certainly not sent does not count.
                let given_back = service.execute(origin, |work| {
                    let (phone, hash) = (phone.clone(), hash.clone());
                    Box::pin(async move { give_back(work, &phone, &hash).await })
                });
                given_back.await?;
                Err(failure.into())
            }
            Err(NotHandedOver::Unknown(failure)) => Err(failure.into()),
        }
    }

    /// What a code proves about a phone number. To try one is to count it, in one commit.
    pub(crate) async fn proof(
        &self,
        service: &Service,
        origin: &Origin,
        phone: &Phone,
        code: &PhoneCode,
    ) -> Result<Proof, Failure> {
        let (proof, _) = service
            .execute(origin, |work| {
                let (phone, tries, keys) = (phone.clone(), self.settings.tries, self.keys.clone());
                let message = message(&phone, code);
                Box::pin(async move {
                    let Some(mut sent) = work.document::<Sent>(PHONE_CODES, phone.as_str()).await? else {
                        return Ok::<_, Failure>(Proof::Wrong);
                    };
                    if sent.expires_at <= work.at() || sent.tries >= tries {
                        return Ok(Proof::Wrong);
                    }
                    if keys.is_marked(Purpose::PhoneCodes, &message, &sent.hash) {
                        return Ok(if sent.is_used { Proof::Used } else { Proof::Good });
                    }
                    sent.tries += 1;
                    put(work, &phone, &sent)?;
                    Ok(Proof::Wrong)
                })
            })
            .await?;
        Ok(proof)
    }

    /// Counts what an address asks for, where it may.
    fn count(&self, address: IpAddr) -> Result<(), SignedDuration> {
        let Settings { per_address, per_address_and_day, .. } = self.settings;
        if per_address == 0 {
            return Ok(());
        }
        let now = self.clock.monotonic();
        let of_late = Size { drops: per_address, leaks_every: ADDRESS_GRANTED_EVERY };
        let daily = per_address_and_day.max(1);
        let today = Size { drops: daily, leaks_every: DAY / i32::try_from(daily).unwrap_or(i32::MAX) };
        let mut addresses = self.addresses.lock();
        let asked = addresses.get_or_insert_mut(address, Asked::default);
        let wait = asked.of_late.wait(1, of_late, now).max(asked.today.wait(1, today, now));
        if wait > SignedDuration::ZERO {
            return Err(wait);
        }
        asked.of_late.fill(1, of_late, now);
        asked.today.fill(1, today, now);
        Ok(())
    }

    async fn hand_over(
        &self,
        origin: &Origin,
        phone: &Phone,
        code: &PhoneCode,
    ) -> Result<PhoneCodeSent, NotHandedOver> {
        let away = |why: String| Failure::unavailable("notification, which sends codes", why);
        let request = request(origin, phone, code).map_err(NotHandedOver::NotAsked)?;
        let limit = Duration::try_from(self.settings.sent_within).unwrap_or(Duration::from_secs(10));
        let answered = self.notification.try_send(request, limit).await.map_err(|error| match error {
            NoAnswer::NotSent(why) => NotHandedOver::NotAsked(away(why)),
            NoAnswer::MayBeReceived(why) => NotHandedOver::Unknown(away(why)),
        })?;
        if !answered.status().is_success() {
            return Err(NotHandedOver::Unknown(away(format!("it answers {}", answered.status()))));
        }
        let body = read_limited(answered.into_body()).await;
        let body = body.map_err(|_| NotHandedOver::Unknown(away("its answer broke off".to_owned())))?;
        serde_json::from_slice(&body)
            .map_err(|error| NotHandedOver::Unknown(Failure::broken_by("what notification answers", error)))
    }
}

fn request(origin: &Origin, phone: &Phone, code: &PhoneCode) -> Result<Request<Body>, Failure> {
    let asked = SendPhoneCode { phone: phone.as_str().to_owned(), code: code.reveal().to_owned() };
    let body = serde_json::to_vec(&asked).map_err(|error| Failure::broken_by("a code to be sent", error))?;
    let mut request = Request::post("/internal/phone-codes").header(header::CONTENT_TYPE, "application/json");
    if let Some(traceparent) = &origin.traceparent {
        request = request.header(TRACEPARENT, traceparent);
    }
    request.body(Body::from(body)).map_err(|error| Failure::broken_by("a code to be sent", error))
}

/// Keeps the code's hash, unless too many were sent. Returns until when the code is good.
async fn keep(work: &mut UnitOfWork, phone: &Phone, hash: String, settings: Settings) -> Result<Timestamp, NotSent> {
    let now = work.at();
    let mut sent = work.document::<Sent>(PHONE_CODES, phone.as_str()).await?.unwrap_or_default();
    sent.at.retain(|at| {
        let since = now.duration_since(*at);
        -CLOCKS_APART <= since && since < DAY
    });
    let day = wait(&sent.at, settings.per_phone_and_day, DAY, now);
    let a_while = wait(&sent.at, settings.per_phone, WHILE, now);
    let wait = day.max(a_while);
    if wait > SignedDuration::ZERO {
        return Err(NotSent::TooMany(wait));
    }
    sent.at.push(now);
    let expires_at = now.saturating_add(settings.lasts).unwrap_or(Timestamp::MAX);
    let sent = Sent { at: sent.at, hash, expires_at, tries: 0, is_used: false };
    put(work, phone, &sent)?;
    Ok(expires_at)
}

/// How long until fewer than `most` of these lie within the time before.
fn wait(at: &[Timestamp], most: u32, within: SignedDuration, now: Timestamp) -> SignedDuration {
    let most = usize::try_from(most.max(1)).unwrap_or(usize::MAX);
    let Some(place) = at.len().checked_sub(most) else { return SignedDuration::ZERO };
    at.get(place).map_or(SignedDuration::ZERO, |oldest| within.saturating_sub(now.duration_since(*oldest)))
}

/// The code with this hash was not sent.
async fn give_back(work: &mut UnitOfWork, phone: &Phone, hash: &str) -> Result<(), Failure> {
    if let Some(mut sent) = work.document::<Sent>(PHONE_CODES, phone.as_str()).await?
        && sent.hash == hash
    {
        sent.at.pop();
        sent.hash.clear();
        put(work, phone, &sent)?;
    }
    Ok(())
}

/// An account is opened: the code that was sent to its phone is good for no other.
pub(crate) async fn use_up(work: &mut UnitOfWork, phone: &Phone) -> Result<(), Failure> {
    if let Some(mut sent) = work.document::<Sent>(PHONE_CODES, phone.as_str()).await? {
        sent.is_used = true;
        put(work, phone, &sent)?;
    }
    Ok(())
}

fn put(work: &mut UnitOfWork, phone: &Phone, sent: &Sent) -> Result<(), Failure> {
    let forgotten_after = sent.expires_at.saturating_add(DAY).unwrap_or(Timestamp::MAX);
    work.put(PHONE_CODES, phone.as_str(), sent, [day_tag(forgotten_after)])?;
    forget_after_the_day_of(work, forgotten_after);
    Ok(())
}

/// What is hashed of a code: it holds for its phone number only.
fn message(phone: &Phone, code: &PhoneCode) -> Vec<u8> {
    format!("register {} {}", phone.as_str(), code.reveal()).into_bytes()
}

/// Any of the codes, each as likely as the others.
fn random_code() -> Result<PhoneCode, Failure> {
    loop {
        let mut bytes = [0; 4];
        rand::fill(&mut bytes).map_err(|error| Failure::broken_by("the machine has no randomness", error))?;
        if let Some(code) = code_of(u32::from_be_bytes(bytes)) {
            let code = format!("{code:06}").parse();
            return code.map_err(|error| Failure::broken_by("a code that was made is none", error));
        }
    }
}

/// The code of a random number; nothing where it lies beyond the last whole round of codes, which would make some of
/// them likelier.
fn code_of(number: u32) -> Option<u32> {
    let rounds = u32::MAX / CODES;
    (number < rounds * CODES).then_some(number % CODES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_code_is_good_for_its_phone_alone() {
        let keys = Keys::ephemeral().unwrap();
        let code: PhoneCode = "123456".parse().unwrap();
        let [one, other] = ["01012345678", "01012345679"].map(|phone| message(&phone.parse().unwrap(), &code));
        let kept = keys.mark(Purpose::PhoneCodes, &one);
        assert!(keys.is_marked(Purpose::PhoneCodes, &one, &kept));
        assert!(!keys.is_marked(Purpose::PhoneCodes, &other, &kept));
        assert!(!Keys::ephemeral().unwrap().is_marked(Purpose::PhoneCodes, &one, &kept), "of another installation");
    }

    #[test]
    fn every_code_is_as_likely_as_any_other() {
        assert_eq!(code_of(0), Some(0));
        assert_eq!(code_of(4_293_999_999), Some(999_999));
        assert_eq!(code_of(4_294_000_000), None);
        assert_eq!(code_of(u32::MAX), None);
        let codes: std::collections::HashSet<_> =
            (0..100).map(|_| random_code().unwrap().reveal().to_owned()).collect();
        assert!(codes.len() > 90 && codes.iter().all(|code| code.len() == 6), "{codes:?}");
    }
}
