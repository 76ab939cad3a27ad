//! Hashing passwords with argon2id: slow on purpose, and therefore only a few at a time.

mod queue;

use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use baedal_kit::Failure;
use baedal_text::{GivenPassword, NewPassword};
use serde::{Deserialize, Serialize};

pub(crate) use self::queue::{Address, Busy, Place};
use self::queue::{Queue, Turn};

/// How many passwords are hashed at the same time. Each takes one processor and `memory_kib` of memory.
const AT_ONCE: usize = 2;

/// How much work it is to hash a password.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Cost", into = "Cost")]
pub struct HashCost(Params);

/// [`HashCost`] as it is written down.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// A cost that argon2 cannot have.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no such cost of hashing passwords: {0}")]
pub struct ImpossibleCost(String);

impl HashCost {
    /// Next to none: for tests, and for a demonstration that opens hundreds of accounts.
    #[must_use]
    pub fn lowest() -> Self {
        Cost { memory_kib: Params::MIN_M_COST, passes: Params::MIN_T_COST, lanes: Params::MIN_P_COST }
            .try_into()
            .unwrap_or_default()
    }
}

impl Default for HashCost {
    /// 19 MiB, 2 passes, 1 lane: the minimum that OWASP's Password Storage Cheat Sheet recommends.
    fn default() -> Self {
        Self(Params::DEFAULT)
    }
}

impl TryFrom<Cost> for HashCost {
    type Error = ImpossibleCost;

    fn try_from(cost: Cost) -> Result<Self, ImpossibleCost> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None);
        params.map(Self).map_err(|error| ImpossibleCost(error.to_string()))
    }
}

impl From<HashCost> for Cost {
    fn from(HashCost(params): HashCost) -> Self {
        Self { memory_kib: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() }
    }
}

/// Hashes and checks passwords. Cloning shares the processors they may use.
#[derive(Clone)]
pub(crate) struct Passwords {
    params: Params,
    queue: Queue,
}

/// Why a password was not hashed.
#[derive(Debug)]
pub(crate) enum NotHashed {
    /// The place went to another address, which had fewer of them.
    Busy,
    Failed(Failure),
}

impl From<Failure> for NotHashed {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Busy> for NotHashed {
    fn from(Busy: Busy) -> Self {
        Self::Busy
    }
}

impl Passwords {
    pub(crate) fn new(cost: HashCost, places: usize, places_per_address: usize) -> Self {
        Self { params: cost.0, queue: Queue::new(AT_ONCE, places, places_per_address) }
    }

    /// Takes a place in the queue, without waiting.
    pub(crate) fn queue(&self, address: Address) -> Result<Place, Busy> {
        self.queue.enter(address)
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, place: Place, password: NewPassword) -> Result<String, NotHashed> {
        self.work(place, move |argon2| {
            argon2.hash_password(password.reveal().as_bytes()).map(|hash| hash.to_string()).map_err(broken)
        })
        .await
    }

    /// Whether a password is the one that was hashed. Where there is no hash it is not, and finding that
    /// out takes as long, so that nobody learns from the time whether a phone number has an account.
    pub(crate) async fn check(
        &self,
        place: Place,
        password: GivenPassword,
        hash: Option<String>,
    ) -> Result<bool, NotHashed> {
        self.work(place, move |argon2| match hash {
            Some(hash) => match argon2.verify_password(password.reveal().as_bytes(), hash.as_str()) {
                Ok(()) => Ok(true),
                Err(password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(broken(error)),
            },
            None => argon2.hash_password(password.reveal().as_bytes()).map(|_| false).map_err(broken),
        })
        .await
    }

    /// Does the work on a thread of its own, when its turn has come. The turn is given up when the work is done, not
    /// when somebody stops waiting for it.
    async fn work<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce(Argon2<'static>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, NotHashed> {
        let turn: Turn = place.turn().await?;
        let argon2 = Argon2::from(&self.params);
        let done = tokio::task::spawn_blocking(move || {
            let done = work(argon2);
            drop(turn);
            done
        });
        Ok(done.await.map_err(|error| Failure::broken_by("hashing a password did not finish", error))??)
    }
}

fn broken(error: password_hash::Error) -> Failure {
    Failure::broken_by("a password cannot be hashed", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_another_is_not() {
        let passwords = Passwords::new(HashCost::lowest(), 8, 8);
        let hash = passwords.hash(passwords.queue(None).unwrap(), "correct horse".parse().unwrap()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        for (password, hash, right) in [
            ("correct horse", Some(hash.clone()), true),
            ("battery staple", Some(hash), false),
            ("correct horse", None, false),
        ] {
            let place = passwords.queue(None).unwrap();
            assert_eq!(passwords.check(place, password.parse().unwrap(), hash).await.unwrap(), right);
        }
    }

    #[test]
    fn the_usual_cost_is_the_recommended_one_and_an_impossible_one_is_refused() {
        let usual = serde_json::to_value(HashCost::default()).unwrap();
        assert_eq!(usual, serde_json::json!({"memory_kib": 19 * 1024, "passes": 2, "lanes": 1}));
        let impossible = serde_json::json!({"memory_kib": 1, "passes": 0, "lanes": 1});
        assert!(serde_json::from_value::<HashCost>(impossible).is_err());
    }
}
