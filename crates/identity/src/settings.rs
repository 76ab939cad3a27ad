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
    /// How many password checks may wait for their turn; more are answered 503.
    pub hash_queue: usize,
    /// How much work it is to hash a password.
    pub hash_cost: HashCost,
    /// The file with the key that access tokens are signed with, PKCS#8 in PEM. Not set: it is made, and kept
    /// in the data folder.
    pub key_file: Option<PathBuf>,
    /// How whoever guesses passwords is slowed down.
    pub guessing: Guessing,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_token_lasts: SignedDuration::from_mins(15),
            refresh_token_lasts: SignedDuration::from_hours(30 * 24),
            refresh_grace: SignedDuration::from_secs(30),
            hash_queue: 256,
            hash_cost: HashCost::default(),
            key_file: None,
            guessing: Guessing::default(),
        }
    }
}

/// How whoever guesses passwords is slowed down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guessing {
    /// How many wrong passwords in a row a phone number is forgiven.
    pub failures_per_phone: u32,
    /// How many a client address is forgiven. Many people may share one, so it is more.
    pub failures_per_address: u32,
    /// How long to wait after that many; it doubles with each further one.
    pub first_wait: SignedDuration,
    /// The longest wait for a phone number or an address.
    pub longest_wait: SignedDuration,
    /// After how long without another failure the earlier ones are forgotten.
    pub forgotten_after: SignedDuration,
    /// How many phone numbers and addresses are remembered; beyond that the oldest are forgotten.
    pub remembered: u32,
}

impl Default for Guessing {
    fn default() -> Self {
        Self {
            failures_per_phone: 5,
            failures_per_address: 50,
            first_wait: SignedDuration::from_secs(1),
            longest_wait: SignedDuration::from_mins(5),
            forgotten_after: SignedDuration::from_mins(15),
            remembered: 100_000,
        }
    }
}
