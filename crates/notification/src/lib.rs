//! Notification: one notice for each recipient and cause, in Korean, by KakaoTalk, text message or app.
//!
//! - **Owns** [`Notice`](domain): what was sent to whom, by which channel, or that it reached nobody.
//! - **Hears** identity (whom to reach where), order, payment, store and delivery (what there is to say).
//! - **Tells** `NoticeSent` and `NoticeFailed`.
//! - **Asked** by identity, for an answer: `POST /internal/phone-codes`. A code is sent at once and kept nowhere.
//!
//! ```text
//! event ─ policy ─▶ job `send` ─▶ provider: KakaoTalk, again with backoff ─▶ text message ─▶ kept as failed
//!            └────▶ in the app: kept at once, nobody outside is asked
//! ```
//!
//! What a notice needs to know of its order and its recipient comes from other contexts and may come
//! after the event that wants it sent; the job then looks again a little later.

use std::sync::Arc;

use baedal_kit_http::Module;
use baedal_kit_http::module::Described;
use baedal_kit_runtime::Service;

mod ask;
mod commands;
mod declines;
mod domain;
mod http;
mod jobs;
mod kept_provider;
mod known;
mod notice_id;
mod policy;
mod provider;
mod publish;
mod record;
mod settings;
mod templates;
#[cfg(test)]
mod testing;
mod views;
mod words;

pub use kept_provider::{KeptProvider, Outages};
pub use provider::{CodeMessage, Message, MessageProvider, SendError};
pub use publish::publish;
pub use settings::{ProviderSettings, Settings};
pub use templates::{ALIMTALK_LIMIT, Template, Variables};

/// What it says of its routes and its refusals, without being started.
#[must_use]
pub fn described() -> Described {
    Described { document: http::table().into_openapi(), problems: Vec::new() }
}

/// The context, ready to be started: messages go out by `provider`.
#[must_use]
pub fn module(service: Service, settings: Settings, provider: Arc<dyn MessageProvider>) -> Module {
    if !provider.reaches_phones() {
        tracing::warn!(
            "the built-in message provider reaches no phone: phone numbers are not proven, and whoever asks for a code \
             is shown it"
        );
    }
    let answer_within = settings.answer_within;
    Module {
        routes: http::routes(service.clone(), Arc::clone(&provider), answer_within),
        policies: vec![Arc::new(policy::Policy::new(&settings))],
        projections: vec![Arc::new(views::Facts)],
        jobs: vec![Arc::new(jobs::Send::new(settings, provider))],
        service,
    }
}
