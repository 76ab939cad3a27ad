//! `POST /internal/phone-codes`: hands a one-time code to the message provider, at once or not at all.
//!
//! Nothing of it is kept or logged. That a phone cannot be reached is not told: whoever asks for a code must not learn
//! more from one number than from another.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use baedal_contracts::notification::{PhoneCodeSent, SendPhoneCode};
use baedal_kit_http::Problem;
use baedal_kit_http::problem::UNAVAILABLE;
use jiff::SignedDuration;

use crate::{CodeMessage, MessageProvider, SendError};

/// What it needs.
#[derive(Clone)]
pub(crate) struct Codes {
    pub(crate) provider: Arc<dyn MessageProvider>,
    /// How long the provider may take.
    pub(crate) answer_within: SignedDuration,
}

/// Sends a code.
pub(super) async fn send_code(
    State(Codes { provider, answer_within }): State<Codes>,
    Json(SendPhoneCode { phone, code }): Json<SendPhoneCode>,
) -> Result<Json<PhoneCodeSent>, Problem> {
    let message = CodeMessage::new(phone, code);
    let away =
        || Problem::new(&UNAVAILABLE, "the message provider takes no codes now").retry_after(Duration::from_secs(2));
    match tokio::time::timeout(answer_within.unsigned_abs(), provider.send_code(&message)).await {
        Ok(Ok(())) => {}
        Ok(Err(SendError::Rejected(_))) => {
            metrics::counter!("baedal_phone_codes_rejected_total").increment(1);
            tracing::info!("the message provider did not take a code for a phone");
        }
        Ok(Err(SendError::Retryable(_))) => {
            tracing::warn!("the message provider takes no codes now");
            return Err(away());
        }
        Err(_) => {
            tracing::warn!("the message provider did not take a code in time");
            return Err(away());
        }
    }
    Ok(Json(PhoneCodeSent { reaches_phones: provider.reaches_phones() }))
}
