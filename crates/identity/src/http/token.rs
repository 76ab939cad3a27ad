//! `POST /api/token`: somebody signs in.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use baedal_contracts::AccountId;
use baedal_kit::Failure;
use baedal_kit_http::{Body, Problem, ProblemBody, RequestOrigin};
use baedal_kit_runtime::Service;
use baedal_text::{GivenPassword, Phone};
use garde::Validate;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::{GUESSING, WRONG_CREDENTIALS};
use super::{App, Client};
use crate::accounts::{Credentials, PHONES};
use crate::devices::Device;
use crate::domain::Account;
use crate::guessing::{Slowed, Slower};
use crate::tokens;

/// Who signs in.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The phone number of the account, however typed.
    #[garde(skip)]
    phone: Phone,
    /// Its password.
    #[garde(skip)]
    password: GivenPassword,
    /// What this device was given when it signed in to this account last. One that is not known, or not known any
    /// more, is as good as none.
    #[serde(default)]
    #[garde(inner(length(chars, max = 1000)))]
    #[schema(max_length = 1000)]
    device_token: Option<String>,
}

/// What somebody who has signed in acts with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenPair {
    /// Goes with every request, as `Authorization: Bearer …`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// For how many seconds the access token is valid.
    expires_in: i64,
    /// Gives the next pair, once, at `POST /api/token/refresh`.
    refresh_token: String,
    /// Sent along at the next sign-in, it shows that this device has signed in before. Only a sign-in gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

/// Sign in
///
/// Repeated guessing is slowed down: after several wrong passwords in a row each attempt has to wait for
/// the time that `Retry-After` says. A device that has signed in before and sends its `device_token` is counted by
/// itself, so that no attack from elsewhere keeps it out.
#[utoipa::path(post, path = "/api/token", tag = "accounts", request_body = SignIn, responses(
    (status = 200, description = "Signed in", body = TokenPair),
    (status = 401, description = "No account has this phone number and this password", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "Too many wrong passwords", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "Too many passwords are being checked", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    Client(address): Client,
    RequestOrigin(origin): RequestOrigin,
    Body(SignIn { phone, password, device_token }): Body<SignIn>,
) -> Result<Json<TokenPair>, Problem> {
    let place = app.passwords.queue(address)?;
    let known = credentials(&app.service, &phone).await?;
    let device = known.as_ref().zip(device_token.as_deref()).and_then(|(known, token)| {
        let (now, lasts) = (app.service.clock().now(), app.settings.device_token_lasts);
        Device::known(&app.keys, token, known.account_id, now, lasts)
    });
    let attempt = app.guessing.attempt(&phone, device, address).await.map_err(slower)?;

    let hash = known.as_ref().map(|known| known.password_hash.clone());
    let is_right = match app.passwords.check(place, password, hash).await {
        Ok(is_right) => is_right,
        Err(not_checked) => {
            attempt.was_not_checked();
            return Err(not_checked.into());
        }
    };
    let Some(known) = known.filter(|_| is_right) else {
        attempt.was_wrong();
        metrics::counter!("baedal_sign_ins_total", "outcome" => "wrong").increment(1);
        return Err(unauthorized(Problem::new(&WRONG_CREDENTIALS, "wrong phone number or password")));
    };
    attempt.was_right();
    metrics::counter!("baedal_sign_ins_total", "outcome" => "signed_in").increment(1);

    let lasts = app.settings.refresh_token_lasts;
    let account_id = known.account_id;
    let (refresh_token, _) =
        app.service.execute(&origin, |work| Box::pin(async move { tokens::begin(work, account_id, lasts) })).await?;
    let device = device.unwrap_or_else(|| Device { account_id, id: app.service.ids().new_id() });
    let device_token = Some(device.token(&app.keys, app.service.clock().now()));
    Ok(Json(TokenPair { device_token, ..pair(&app, account_id, refresh_token).await? }))
}

/// The pair of an account that has proved to be itself.
pub(super) async fn pair(app: &App, account_id: AccountId, refresh_token: String) -> Result<TokenPair, Failure> {
    let account = app.service.work(baedal_kit::Origin::none()).load::<Account>(&account_id).await?;
    let profile = account.profile().ok_or_else(|| Failure::broken(format!("account {account_id} was never opened")))?;
    let (access_token, expires_in) =
        tokens::access_token(&app.service, &app.keys, &app.settings, account_id, profile.role)?;
    Ok(TokenPair { access_token, token_type: "Bearer", expires_in, refresh_token, device_token: None })
}

/// RFC 9110 wants every 401 to say how one can be authenticated.
pub(super) fn unauthorized(problem: Problem) -> Problem {
    problem.header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"baedal\""))
}

async fn credentials(service: &Service, phone: &Phone) -> Result<Option<Credentials>, Failure> {
    service.work(baedal_kit::Origin::none()).document(PHONES, phone.as_str()).await
}

fn slower(Slower { wait, what }: Slower) -> Problem {
    metrics::counter!("baedal_sign_ins_total", "outcome" => "slowed_down").increment(1);
    let detail = match what {
        Slowed::Device => "too many wrong passwords in a row from this device",
        Slowed::Phone => "too many wrong passwords for this phone number from devices that are not known",
        Slowed::Address => "too many wrong passwords from this address, and this device is not known",
    };
    Problem::new(&GUESSING, detail).retry_after(Duration::try_from(wait).unwrap_or(Duration::from_secs(1)))
}
