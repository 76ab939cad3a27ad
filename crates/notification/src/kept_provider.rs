//! The built-in provider: hands messages to nobody. What it takes is kept as a notice, for everyone to read
//! in the app and for tests to look at; no phone rings.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use baedal_contracts::notification::Channel;
use parking_lot::Mutex;

use crate::{CodeMessage, Message, MessageProvider, ProviderSettings, SendError};

/// Takes messages and hands them to nobody.
#[derive(Clone, Debug, Default)]
pub struct KeptProvider {
    settings: ProviderSettings,
    outages: Outages,
}

/// Channels that do not work for the moment, as a test says. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Outages {
    channels: Arc<Mutex<HashMap<String, SendError>>>,
}

impl KeptProvider {
    /// With phones that it cannot reach, and channels that `outages` may put out of order.
    #[must_use]
    pub fn new(settings: ProviderSettings, outages: Outages) -> Self {
        Self { settings, outages }
    }
}

impl Outages {
    /// Every message by this channel fails like this from now on.
    pub fn begin(&self, channel: Channel, error: SendError) {
        self.channels.lock().insert(channel.to_string(), error);
    }

    /// The channel works again.
    pub fn end(&self, channel: Channel) {
        self.channels.lock().remove(&channel.to_string());
    }

    fn of(&self, channel: Channel) -> Option<SendError> {
        let channels = self.channels.lock();
        if channels.is_empty() { None } else { channels.get(&channel.to_string()).cloned() }
    }
}

#[async_trait]
impl MessageProvider for KeptProvider {
    async fn send(&self, message: &Message) -> Result<(), SendError> {
        if let Some(error) = self.outages.of(message.channel) {
            return Err(error);
        }
        if self.settings.unreachable_phones.contains(&message.to) {
            return Err(SendError::Rejected("nothing reaches this phone".to_owned()));
        }
        let wants_kakaotalk = message.channel == Channel::Kakaotalk;
        if wants_kakaotalk && self.settings.phones_without_kakaotalk.contains(&message.to) {
            return Err(SendError::Rejected("this phone has no KakaoTalk".to_owned()));
        }
        Ok(())
    }
    async fn send_code(&self, message: &CodeMessage) -> Result<(), SendError> {
        if let Some(error) = self.outages.of(Channel::Sms) {
            return Err(error);
        }
        if self.settings.unreachable_phones.iter().any(|phone| phone == message.to()) {
            return Err(SendError::Rejected("nothing reaches this phone".to_owned()));
        }
        Ok(())
    }

    fn reaches_phones(&self) -> bool {
        false
    }
}
