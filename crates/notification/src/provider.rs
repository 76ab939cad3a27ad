//! The port to whoever hands messages to people.

use async_trait::async_trait;
use baedal_contracts::notification::Channel;
use uuid::Uuid;

use crate::{Template, Variables};

/// A one-time code for one phone, as a text message. It is no [`Message`]: nothing of it may be kept or shown, and so
/// it cannot be written down by what writes down messages.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeMessage {
    /// The phone, digits only, as `01012345678`.
    to: String,
    code: String,
}

impl CodeMessage {
    /// This code for this phone.
    #[must_use]
    pub fn new(to: String, code: String) -> Self {
        Self { to, code }
    }

    /// The phone, digits only.
    #[must_use]
    pub fn to(&self) -> &str {
        &self.to
    }

    /// All of it, as it is read: to be handed on and not to be kept.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("[배달] 인증번호는 {}예요. 3분 안에 입력해 주세요. 다른 사람에게 알려 주지 마세요.", self.code)
    }
}

impl std::fmt::Debug for CodeMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeMessage(…)")
    }
}

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

    /// Takes a one-time code. It is sent at once or not at all, and kept nowhere.
    async fn send_code(&self, message: &CodeMessage) -> Result<(), SendError>;

    /// Whether it reaches phones at all. Where it does not, a code proves nothing, and is shown to whoever asks for it.
    fn reaches_phones(&self) -> bool {
        true
    }
}
