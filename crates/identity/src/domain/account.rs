//! An account: somebody is here, under a name and a phone number, in one role.

use baedal_contracts::AccountId;
use baedal_contracts::identity::Role;
use baedal_kit::Aggregate;
use baedal_text::Phone;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who somebody is here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// What the account may do. It never changes.
    pub role: Role,
    /// How to address the person.
    pub name: String,
    /// Where to reach the person, and what they sign in with.
    pub phone: Phone,
}

/// An account.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Account {
    /// There is none.
    #[default]
    Unopened,
    /// Somebody has it.
    Open(Profile),
}

/// What may be asked of an account.
#[derive(Clone, PartialEq, Eq, Debug, strum::IntoStaticStr)]
pub enum Command {
    /// Open it for somebody.
    OpenAccount(Profile),
}

/// What may happen to an account. How its owner proves to be its owner is kept apart, in a document
/// that can be replaced: a journal never forgets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum Event {
    /// Somebody has it now.
    AccountOpened(Profile),
}

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// It is somebody else's.
    #[error("the account is somebody else's")]
    SomebodyElses,
}

impl Account {
    /// Whose it is, where it is anybody's.
    #[must_use]
    pub fn profile(&self) -> Option<&Profile> {
        match self {
            Self::Unopened => None,
            Self::Open(profile) => Some(profile),
        }
    }
}

impl Aggregate for Account {
    const CATEGORY: &'static str = "account";

    type Id = AccountId;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(&self, command: Command, _at: Timestamp) -> Result<Vec<Event>, Refusal> {
        match (command, self) {
            (Command::OpenAccount(profile), Self::Unopened) => Ok(vec![Event::AccountOpened(profile)]),
            (Command::OpenAccount(profile), Self::Open(already)) if profile == *already => Ok(vec![]),
            (Command::OpenAccount(_), Self::Open(_)) => Err(Refusal::SomebodyElses),
        }
    }

    fn evolve(&mut self, event: &Event, _at: Timestamp) {
        match event {
            Event::AccountOpened(profile) => *self = Self::Open(profile.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use baedal_kit::scenario::given;

    use super::*;

    fn profile(name: &str) -> Profile {
        Profile { role: Role::Customer, name: name.to_owned(), phone: "010-1234-5678".parse().expect("a phone number") }
    }

    #[test]
    fn an_account_is_opened_once() {
        given::<Account>([])
            .when(Command::OpenAccount(profile("지우")))
            .then([Event::AccountOpened(profile("지우"))])
            .when(Command::OpenAccount(profile("지우")))
            .then_nothing()
            .when(Command::OpenAccount(profile("서준")))
            .then_refused(Refusal::SomebodyElses);
    }
}
