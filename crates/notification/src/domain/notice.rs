//! Decides what is known of one notice: nothing yet, that it was sent, or that it reached nobody.

use std::convert::Infallible;

use baedal_contracts::notification::Channel;
use baedal_contracts::{AccountId, OrderId};
use baedal_kit::Aggregate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A message to one recipient for one cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) enum Notice {
    /// Nothing has become of it.
    #[default]
    Unsent,
    /// A channel took it.
    Sent,
    /// No channel took it.
    Failed,
}

/// What the outside said about it.
#[derive(Clone, PartialEq, Eq, Debug, strum::IntoStaticStr)]
pub(crate) enum Command {
    /// A channel took it.
    MarkSent { about: About, channel: Channel },
    /// No channel took it; the last one gave this reason.
    MarkFailed { about: About, reason: String },
}

/// What happened to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, strum::IntoStaticStr)]
pub(crate) enum Event {
    /// A channel took it.
    Sent { about: About, channel: Channel },
    /// No channel took it.
    Failed { about: About, reason: String },
}

/// What it is about, and for whom.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    /// The order.
    pub(crate) order_id: OrderId,
    /// The recipient.
    pub(crate) recipient_id: AccountId,
    /// The template's code.
    pub(crate) template: String,
}

impl Notice {
    /// Whether it is known what became of it, so that it must not be sent again.
    pub(crate) fn is_settled(self) -> bool {
        self != Self::Unsent
    }
}

impl Aggregate for Notice {
    const CATEGORY: &'static str = "notice";

    type Id = Uuid;
    type Command = Command;
    type Event = Event;
    type Refusal = Infallible;

    fn decide(&self, command: Command, _at: Timestamp) -> Result<Vec<Event>, Infallible> {
        Ok(match (self, command) {
            (Self::Sent, Command::MarkSent { .. } | Command::MarkFailed { .. }) => vec![],
            (Self::Failed, Command::MarkFailed { .. }) => vec![],
            // Two that worked on it at once: the one that got through is right.
            (Self::Unsent | Self::Failed, Command::MarkSent { about, channel }) => vec![Event::Sent { about, channel }],
            (Self::Unsent, Command::MarkFailed { about, reason }) => vec![Event::Failed { about, reason }],
        })
    }

    fn evolve(&mut self, event: &Event, _at: Timestamp) {
        *self = match event {
            Event::Sent { .. } => Self::Sent,
            Event::Failed { .. } => Self::Failed,
        };
    }

    fn creates(command: &Command) -> bool {
        matches!(command, Command::MarkSent { .. } | Command::MarkFailed { .. })
    }

    fn correlation(_id: &Uuid, event: &Event) -> Option<Uuid> {
        let (Event::Sent { about, .. } | Event::Failed { about, .. }) = event;
        Some(about.order_id.0)
    }
}

#[cfg(test)]
mod tests {
    use baedal_kit::scenario::given;

    use super::*;

    fn about() -> About {
        About {
            order_id: OrderId(Uuid::from_u128(1)),
            recipient_id: AccountId(Uuid::from_u128(2)),
            template: "order_paid".to_owned(),
        }
    }

    fn mark_sent() -> Command {
        Command::MarkSent { about: about(), channel: Channel::Kakaotalk }
    }

    fn mark_failed() -> Command {
        Command::MarkFailed { about: about(), reason: "nobody there".to_owned() }
    }

    fn sent() -> Event {
        Event::Sent { about: about(), channel: Channel::Kakaotalk }
    }

    fn failed() -> Event {
        Event::Failed { about: about(), reason: "nobody there".to_owned() }
    }

    #[test]
    fn it_is_sent_once() {
        given::<Notice>([]).when(mark_sent()).then([sent()]).when(mark_sent()).then_nothing();
    }

    #[test]
    fn it_fails_once() {
        given::<Notice>([]).when(mark_failed()).then([failed()]).when(mark_failed()).then_nothing();
    }

    #[test]
    fn what_was_sent_does_not_fail_any_more() {
        given::<Notice>([sent()]).when(mark_failed()).then_nothing();
    }

    #[test]
    fn what_failed_and_was_sent_after_all_was_sent() {
        given::<Notice>([failed()]).when(mark_sent()).then([sent()]);
    }
}
