//! What can be set.

use std::path::PathBuf;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::passwords::HashCost;

/// Identity's settings.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long an access token is valid.
    pub access_token_lasts: SignedDuration,
    /// How long a refresh token can be used; each use gives a new one that lasts as long again.
    pub refresh_token_lasts: SignedDuration,
    /// How long a refresh token that was used may be sent again, where its answer was lost. `0s`: not at all.
    pub refresh_grace: SignedDuration,
    /// How long a device is known by its token after a sign-in; each sign-in gives a new one.
    pub device_token_lasts: SignedDuration,
    /// How many passwords may be hashed or wait for it; more are answered 503. Addresses take turns, and where the
    /// queue is full the address that has the most places in it is turned away.
    pub hash_queue: usize,
    /// How many of those one client address may have.
    pub hash_queue_per_address: usize,
    /// How much work it is to hash a password.
    pub hash_cost: HashCost,
    /// The file with the key that access tokens are signed with, PKCS#8 in PEM. Not set: it is made, and kept
    /// in the data folder.
    pub key_file: Option<PathBuf>,
    /// Files with further such keys, which sign nothing: those of before or after a rotation. They are published, and
    /// what they signed is believed, until they are taken out of this list.
    pub further_key_files: Vec<PathBuf>,
    /// How whoever guesses passwords is slowed down.
    pub guessing: Guessing,
    /// The codes by which people prove their phone numbers.
    pub phone_codes: PhoneCodes,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_token_lasts: SignedDuration::from_mins(15),
            refresh_token_lasts: SignedDuration::from_hours(30 * 24),
            refresh_grace: SignedDuration::from_secs(30),
            device_token_lasts: SignedDuration::from_hours(400 * 24),
            hash_queue: 256,
            hash_queue_per_address: 64,
            hash_cost: HashCost::default(),
            key_file: None,
            further_key_files: Vec::new(),
            guessing: Guessing::default(),
            phone_codes: PhoneCodes::default(),
        }
    }
}

/// How whoever guesses passwords is slowed down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guessing {
    /// How many wrong passwords in a row a device is forgiven that the account has signed in on before. They are
    /// counted for that device alone.
    pub failures_per_device: u32,
    /// How many in a row a phone number is forgiven, from all other devices together.
    pub failures_per_phone: u32,
    /// How many at once a client address is forgiven, from devices that are not known. Many people may share one, so
    /// it is more; and its count leaks.
    pub failures_per_address: u32,
    /// How soon an address is forgiven one more. It never waits longer than this.
    pub address_forgives_every: SignedDuration,
    /// How long a device or a phone number waits after that many; it doubles with each further one.
    pub first_wait: SignedDuration,
    /// The longest wait for a device or a phone number.
    pub longest_wait: SignedDuration,
    /// After how long without another failure the earlier ones are forgotten.
    pub forgotten_after: SignedDuration,
    /// How many devices and phone numbers are remembered, and how many addresses; beyond that the oldest are forgotten.
    pub remembered: u32,
}

impl Default for Guessing {
    fn default() -> Self {
        Self {
            failures_per_device: 5,
            failures_per_phone: 5,
            failures_per_address: 100,
            address_forgives_every: SignedDuration::from_secs(6),
            first_wait: SignedDuration::from_secs(1),
            longest_wait: SignedDuration::from_mins(5),
            forgotten_after: SignedDuration::from_mins(15),
            remembered: 100_000,
        }
    }
}

/// The codes by which people prove their phone numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhoneCodes {
    /// How long a code is good.
    pub lasts: SignedDuration,
    /// How often one may be tried.
    pub tries: u32,
    /// How many codes are sent to a phone in ten minutes,
    pub per_phone: u32,
    /// and in a day.
    pub per_phone_and_day: u32,
    /// How many a client address may ask for at once; 0: as many as it likes. One more is granted every minute.
    pub per_address: u32,
    /// How many in a day.
    pub per_address_and_day: u32,
    /// How long notification may take to send one.
    pub sent_within: SignedDuration,
}

impl Default for PhoneCodes {
    fn default() -> Self {
        Self {
            lasts: SignedDuration::from_mins(3),
            tries: 5,
            per_phone: 3,
            per_phone_and_day: 10,
            per_address: 20,
            per_address_and_day: 200,
            sent_within: SignedDuration::from_secs(10),
        }
    }
}

impl Settings {
    /// The same for a world whose whole population calls from one address: a demonstration, a load test.
    #[must_use]
    pub fn without_limits_per_address(mut self) -> Self {
        self.phone_codes.per_address = 0;
        self.hash_queue_per_address = self.hash_queue;
        self
    }
}
