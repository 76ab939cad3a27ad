//! The port to whoever hands messages to people.

use async_trait::async_trait;
use baedal_contracts::notification::Channel;
use uuid::Uuid;

use crate::{Template, Variables};

/// A message for one phone by one channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The notice's id: the same however often it is tried, for whoever can tell repeats by it.
    pub id: Uuid,
    /// [`Channel::Kakaotalk`] or [`Channel::Sms`].
    pub channel: Channel,
    /// The phone, digits only, as `01012345678`.
    pub to: String,
    /// The template, approved beforehand for KakaoTalk.
    pub template: Template,
    /// What stands in its places.
    pub variables: Variables,
    /// All of it, as it is read.
    pub text: String,
}

/// Why a message was not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    /// The channel does not work now; the same message may be taken later.
    #[error("{0}")]
    Retryable(String),
    /// The channel does not take this message, now or later.
    #[error("{0}")]
    Rejected(String),
}

/// Hands messages to people.
#[async_trait]
pub trait MessageProvider: Send + Sync + 'static {
    /// Takes a message. One with the same id and channel, sent again, is the same message.
    async fn send(&self, message: &Message) -> Result<(), SendError>;
}
