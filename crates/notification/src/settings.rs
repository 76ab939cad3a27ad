//! What can be set about notices.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The settings of notification.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long an order may stay unpaid before the customer is reminded.
    pub reminder_after: SignedDuration,
    /// A customer is told of a declined payment once in this time at the most. The last that was not told at once is told
    /// when the time is over, unless the order is paid or has ended.
    pub declines_every: SignedDuration,
    /// How often KakaoTalk is asked before a text message is sent instead.
    pub kakaotalk_attempts: u32,
    /// How often the service for text messages is asked before the notice is kept as failed.
    pub sms_attempts: u32,
    /// The wait after the first failed attempt; it doubles with each.
    pub first_wait: SignedDuration,
    /// The longest wait between attempts.
    pub longest_wait: SignedDuration,
    /// How long a provider may take to answer.
    pub answer_within: SignedDuration,
    /// How soon a notice looks again for what it must know and has not heard yet.
    pub facts_wait: SignedDuration,
    /// For how long a notice looks for what it must know before it is given up. Time in which nobody could look, because
    /// we were away, does not count.
    pub facts_within: SignedDuration,
    /// The built-in provider.
    pub provider: ProviderSettings,
}

/// The settings of the built-in provider, which keeps messages and hands them to nobody.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderSettings {
    /// Phones, digits only, that it behaves about as if they had no KakaoTalk.
    pub phones_without_kakaotalk: Vec<String>,
    /// Phones, digits only, that it behaves about as if nothing reached them.
    pub unreachable_phones: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reminder_after: SignedDuration::from_mins(1),
            declines_every: SignedDuration::from_mins(1),
            kakaotalk_attempts: 4,
            sms_attempts: 4,
            first_wait: SignedDuration::from_secs(1),
            longest_wait: SignedDuration::from_secs(30),
            answer_within: SignedDuration::from_secs(10),
            facts_wait: SignedDuration::from_millis(250),
            facts_within: SignedDuration::from_mins(10),
            provider: ProviderSettings::default(),
        }
    }
}

impl Settings {
    /// With the times of the domain, the reminder and the pause between declines, coming this many times sooner.
    #[must_use]
    pub fn sped_up(self, times: f64) -> Self {
        let faster = |duration: SignedDuration| SignedDuration::from_secs_f64(duration.as_secs_f64() / times);
        Self { reminder_after: faster(self.reminder_after), declines_every: faster(self.declines_every), ..self }
    }
}
