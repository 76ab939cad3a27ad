//! What others hear of accounts.

use baedal_contracts::identity as public;
use baedal_kit::bus::{Public, publish_with};
use baedal_kit::{Failure, Recorded};

use crate::domain::{Event, Profile};

/// Publishes a recorded event.
///
/// # Errors
/// [`Failure::Broken`] where it cannot be read.
pub fn publish(recorded: &Recorded) -> Result<Option<Public>, Failure> {
    publish_with(recorded, |event| {
        let account_id = recorded
            .stream_id()
            .parse()
            .map_err(|error| Failure::broken_by(format!("stream {} names no account", recorded.stream), error))?;
        Ok(Some(match event {
            Event::AccountOpened(Profile { role, name, phone }) => {
                public::Event::AccountOpened { account_id, role, name, phone: phone.into() }
            }
        }))
    })
}
