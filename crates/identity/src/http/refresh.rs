//! `POST /api/token/refresh`: the next pair of tokens.

use axum::Json;
use axum::extract::State;
use baedal_kit_http::{Body, Problem, ProblemBody, RequestOrigin};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::App;
use super::problems::REFRESH_TOKEN_REFUSED;
use super::token::{TokenPair, pair, unauthorized};
use crate::tokens::{self, Refreshed};

/// The refresh token of the pair before.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    /// As it was given.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200)]
    refresh_token: String,
}

/// Refresh the tokens
///
/// A refresh token works once. Where its answer was lost, the same token may be sent again for a moment (30
/// seconds, `refresh_grace`), and gives the same next one, until that has been used. One that is used again after
/// that revokes all that came from the same sign-in, because two must have it.
#[utoipa::path(post, path = "/api/token/refresh", tag = "accounts", request_body = Refresh, responses(
    (status = 200, description = "The next pair", body = TokenPair),
    (status = 401, description = "The token has expired, was used before, or is revoked", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn refresh(
    State(app): State<App>,
    RequestOrigin(origin): RequestOrigin,
    Body(Refresh { refresh_token }): Body<Refresh>,
) -> Result<Json<TokenPair>, Problem> {
    let lasts = app.settings.refresh_token_lasts;
    let (refreshed, _) = app
        .service
        .execute(&origin, |work| {
            let (refresh_token, grace) = (refresh_token.clone(), app.grace.clone());
            Box::pin(async move { tokens::refresh(work, &refresh_token, lasts, &grace).await })
        })
        .await?;
    match refreshed {
        Refreshed::Next { account_id, refresh_token } => Ok(Json(pair(&app, account_id, refresh_token).await?)),
        Refreshed::UsedBefore => {
            tracing::warn!("a refresh token was used twice; its family is revoked");
            metrics::counter!("baedal_token_families_revoked_total").increment(1);
            Err(unauthorized(Problem::new(&REFRESH_TOKEN_REFUSED, "the refresh token was used before")))
        }
        Refreshed::Unknown => Err(unauthorized(Problem::new(&REFRESH_TOKEN_REFUSED, "the refresh token is not valid"))),
    }
}
