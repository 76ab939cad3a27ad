//! `POST /api/phone-codes`: a code is sent to a phone, so that somebody can prove that it is theirs.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use baedal_kit_http::{Body, Problem, ProblemBody, RequestOrigin};
use baedal_text::Phone;
use garde::Validate;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::TOO_MANY_CODES;
use super::{App, Client};
use crate::codes::{Granted, NotSent};

/// Where a code is to be sent, and what for.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskForCode {
    /// A Korean mobile number, however typed.
    #[garde(skip)]
    phone: Phone,
    /// What it is to prove.
    #[garde(skip)]
    purpose: Purpose,
}

/// What a code proves.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// That the phone belongs to whoever opens an account.
    Register,
}

/// A code was sent, if the phone can be reached.
#[derive(Serialize, ToSchema)]
pub(crate) struct CodeSent {
    /// Until when it is good.
    expires_at: Timestamp,
    /// The code, while the built-in message provider is in use, which reaches no phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "123456")]
    code: Option<String>,
}

/// Ask for a code
///
/// Sends a code of six digits to a phone. It is good for three minutes and five tries, and takes the place of the one
/// before. The answer is the same for every number, whether it has an account or not.
#[utoipa::path(post, path = "/api/phone-codes", tag = "accounts", request_body = AskForCode, responses(
    (status = 202, description = "It is sent", body = CodeSent),
    (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "Too many codes were asked for", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "Codes cannot be sent now", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn send_code(
    State(app): State<App>,
    Client(address): Client,
    RequestOrigin(origin): RequestOrigin,
    Body(AskForCode { phone, purpose: Purpose::Register }): Body<AskForCode>,
) -> Result<(StatusCode, Json<CodeSent>), Problem> {
    match app.codes.send(&app.service, &origin, &phone, address).await {
        Ok(Granted { expires_at, shown }) => {
            metrics::counter!("baedal_phone_codes_total", "outcome" => "sent").increment(1);
            let code = shown.map(|code| code.reveal().to_owned());
            Ok((StatusCode::ACCEPTED, Json(CodeSent { expires_at, code })))
        }
        Err(NotSent::TooMany(wait)) => {
            metrics::counter!("baedal_phone_codes_total", "outcome" => "too_many").increment(1);
            let wait = Duration::try_from(wait).unwrap_or(Duration::from_secs(1));
            Err(Problem::new(&TOO_MANY_CODES, "too many codes were asked for").retry_after(wait))
        }
        Err(NotSent::Failed(failure)) => Err(failure.into()),
    }
}
