//! What notification tells: which message reached whom.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{AccountId, OrderId};

/// The way a message takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Channel {
    /// KakaoTalk Alimtalk.
    Kakaotalk,
    /// A text message, where KakaoTalk did not work.
    Sms,
    /// In the app.
    InApp,
}

/// Asks notification to send a code to a phone: `POST /internal/phone-codes`. It is sent at once or not at all, and
/// kept nowhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendPhoneCode {
    /// The phone, digits only.
    pub phone: String,
    /// The code.
    pub code: String,
}

impl std::fmt::Debug for SendPhoneCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SendPhoneCode(…)")
    }
}

/// What became of a code that was to be sent, as far as anybody may know: not whether the phone could be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PhoneCodeSent {
    /// Whether the message provider reaches phones at all. The built-in one does not, and whoever has asked for a code
    /// is then shown it.
    pub reaches_phones: bool,
}

/// A public event of notification.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, IntoStaticStr, ToSchema)]
pub enum Event {
    /// A message was handed to its channel.
    NoticeSent {
        /// Which notice.
        notice_id: Uuid,
        /// About which order.
        order_id: OrderId,
        /// To whom.
        recipient_id: AccountId,
        /// Which template.
        template: String,
        /// Which way.
        channel: Channel,
    },
    /// A message reached nobody, by any channel.
    NoticeFailed {
        /// Which notice.
        notice_id: Uuid,
        /// About which order.
        order_id: OrderId,
        /// To whom it should have gone.
        recipient_id: AccountId,
        /// Which template.
        template: String,
        /// What the last channel said.
        reason: String,
    },
}

impl Event {
    /// The order that it is about.
    #[must_use]
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::NoticeSent { order_id, .. } | Self::NoticeFailed { order_id, .. } => *order_id,
        }
    }
}
