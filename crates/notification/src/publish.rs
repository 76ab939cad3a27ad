//! Maps what happened to a notice to what others may know.

use baedal_contracts::notification;
use baedal_kit::bus::{Public, publish_with};
use baedal_kit::{Failure, Recorded};
use uuid::Uuid;

use crate::domain::notice::Event;

/// The public event of a recorded one.
///
/// # Errors
/// [`Failure::Broken`] where the recorded event cannot be read.
pub fn publish(recorded: &Recorded) -> Result<Option<Public>, Failure> {
    let notice_id = Uuid::parse_str(recorded.stream_id())
        .map_err(|error| Failure::broken_by(format!("{} names no notice", recorded.stream), error))?;
    publish_with(recorded, |event| {
        Ok(Some(match event {
            Event::Sent { about, channel } => notification::Event::NoticeSent {
                notice_id,
                order_id: about.order_id,
                recipient_id: about.recipient_id,
                template: about.template,
                channel,
            },
            Event::Failed { about, reason } => notification::Event::NoticeFailed {
                notice_id,
                order_id: about.order_id,
                recipient_id: about.recipient_id,
                template: about.template,
                reason,
            },
        }))
    })
}
