//! Opening an account, once per phone number.

use std::fmt::Display;
use std::str::FromStr;

use baedal_contracts::AccountId;
use baedal_contracts::identity::Role;
use baedal_kit::message::{Cause, CauseKind};
use baedal_kit::{Failure, Origin};
use baedal_kit_runtime::Service;
use baedal_text::{NewPassword, PersonName, Phone};
use serde::{Deserialize, Serialize};

use crate::codes;
use crate::domain::{Account, Command, Profile};
use crate::passwords::{NotHashed, Passwords};
use crate::settings::Settings;

/// The documents that say, for each phone number, whose it is. That there is only one for a number is
/// what makes two accounts with the same number impossible.
pub(crate) const PHONES: &str = "phones";

/// How the owner of a phone number signs in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Credentials {
    pub(crate) account_id: AccountId,
    pub(crate) password_hash: String,
}

/// Why no account was opened.
#[derive(Debug)]
pub(crate) enum NotOpened {
    PhoneTaken,
    Failed(Failure),
}

impl From<Failure> for NotOpened {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Whether a phone number has an account. A quick look before the slow work; [`open`] has the last word.
pub(crate) async fn is_taken(service: &Service, phone: &Phone) -> Result<bool, Failure> {
    Ok(service.database().get(PHONES, phone.as_str()).await?.is_some())
}

/// Opens an account. Returns its id, and the journal's position with it.
pub(crate) async fn open(
    service: &Service,
    origin: &Origin,
    profile: Profile,
    password_hash: String,
) -> Result<(AccountId, u64), NotOpened> {
    let account_id = AccountId(service.ids().new_id());
    let credentials = Credentials { account_id, password_hash };
    service
        .execute(origin, |work| {
            let (profile, credentials) = (profile.clone(), credentials.clone());
            Box::pin(async move {
                let phone = profile.phone.clone();
                if work.document::<Credentials>(PHONES, phone.as_str()).await?.is_some() {
                    return Err(NotOpened::PhoneTaken);
                }
                work.put(PHONES, phone.as_str(), &credentials, [])?;
                codes::use_up(work, &phone).await?;
                work.command::<Account>(&account_id, Command::OpenAccount(profile)).await?;
                Ok(account_id)
            })
        })
        .await
}

/// Why there is no new operator.
#[derive(Debug, thiserror::Error)]
pub enum OperatorNotCreated {
    /// Something about the operator is not what it should be.
    #[error("the {field} {problem}")]
    Invalid {
        /// What, as `phone`.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The phone number has an account.
    #[error("the phone number {0} already has an account")]
    PhoneTaken(Phone),
    /// Something went wrong.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Opens an operator's account where nobody could allow it over HTTP: on the machine itself, while no
/// server runs.
///
/// # Errors
/// Where the phone number is none or taken, the name or the password is not allowed, or the database
/// fails.
pub async fn create_operator(
    service: &Service,
    settings: &Settings,
    phone: &str,
    name: &str,
    password: &str,
) -> Result<AccountId, OperatorNotCreated> {
    let phone: Phone = typed("phone", phone)?;
    let name: PersonName = typed("name", name)?;
    let password: NewPassword = typed("password", password)?;
    if is_taken(service, &phone).await? {
        return Err(OperatorNotCreated::PhoneTaken(phone));
    }
    let passwords = Passwords::new(settings.hash_cost.clone(), settings.hash_queue, settings.hash_queue_per_address);
    let place = passwords.queue(None).map_err(|_| Failure::broken("a new queue is full"))?;
    let hash = passwords.hash(place, password).await.map_err(|not_hashed| match not_hashed {
        NotHashed::Busy => Failure::broken("a new queue is full"),
        NotHashed::Failed(failure) => failure,
    })?;
    let origin = Origin {
        cause: Cause {
            kind: CauseKind::Request,
            id: service.ids().new_id(),
            name: "baedal operator create".to_owned(),
        },
        actor: None,
        traceparent: None,
    };
    let profile = Profile { role: Role::Operator, name: name.into(), phone: phone.clone() };
    match open(service, &origin, profile, hash).await {
        Ok((account_id, _)) => Ok(account_id),
        Err(NotOpened::PhoneTaken) => Err(OperatorNotCreated::PhoneTaken(phone)),
        Err(NotOpened::Failed(failure)) => Err(failure.into()),
    }
}

/// What was typed for a field, read.
fn typed<T>(field: &'static str, text: &str) -> Result<T, OperatorNotCreated>
where
    T: FromStr<Err: Display>,
{
    text.parse().map_err(|error: T::Err| OperatorNotCreated::Invalid { field, problem: error.to_string() })
}
