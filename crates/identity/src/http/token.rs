//! `POST /api/token`: somebody signs in.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use baedal_contracts::AccountId;
use baedal_kit::http::{Asked, Body, Problem, ProblemBody};
use baedal_kit::{Failure, Service};
use baedal_text::{GivenPassword, Phone};
use garde::Validate;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::{GUESSING, WRONG_CREDENTIALS};
use super::{App, Client};
use crate::accounts::{Credentials, PHONES};
use crate::domain::Account;
use crate::guessing::Slower;
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
}

/// Sign in
///
/// Repeated guessing is slowed down: after several wrong passwords in a row each attempt has to wait for
/// the time that `Retry-After` says.
#[utoipa::path(post, path = "/api/token", tag = "accounts", request_body = SignIn, responses(
    (status = 200, description = "Signed in", body = TokenPair),
    (status = 401, description = "No account has this phone number and this password", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "Too many wrong passwords", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    Client(address): Client,
    Asked(origin): Asked,
    Body(SignIn { phone, password }): Body<SignIn>,
) -> Result<Json<TokenPair>, Problem> {
    let place = app.passwords.queue()?;
    let _turn = app.guessing.turn(&phone).await;
    app.guessing.may_try(&phone, address, app.service.clock().monotonic()).map_err(slower)?;

    let known = credentials(&app.service, &phone).await?;
    let hash = known.as_ref().map(|known| known.password_hash.clone());
    let is_right = app.passwords.check(place, password, hash).await?;
    let Some(known) = known.filter(|_| is_right) else {
        app.guessing.failed(&phone, address, app.service.clock().monotonic());
        metrics::counter!("baedal_sign_ins_total", "outcome" => "wrong").increment(1);
        return Err(unauthorized(Problem::new(&WRONG_CREDENTIALS, "wrong phone number or password")));
    };
    app.guessing.succeeded(&phone);
    metrics::counter!("baedal_sign_ins_total", "outcome" => "signed_in").increment(1);

    let lasts = app.settings.refresh_token_lasts;
    let account_id = known.account_id;
    let (refresh_token, _) =
        app.service.execute(&origin, |work| Box::pin(async move { tokens::begin(work, account_id, lasts) })).await?;
    Ok(Json(pair(&app, account_id, refresh_token).await?))
}

/// The pair of an account that has proved to be itself.
pub(super) async fn pair(app: &App, account_id: AccountId, refresh_token: String) -> Result<TokenPair, Failure> {
    let account = app.service.work(baedal_kit::Origin::none()).load::<Account>(&account_id).await?;
    let profile = account.profile().ok_or_else(|| Failure::broken(format!("account {account_id} was never opened")))?;
    let (access_token, expires_in) =
        tokens::access_token(&app.service, &app.keys, &app.settings, account_id, profile.role)?;
    Ok(TokenPair { access_token, token_type: "Bearer", expires_in, refresh_token })
}

/// RFC 9110 wants every 401 to say how one can be authenticated.
pub(super) fn unauthorized(problem: Problem) -> Problem {
    problem.header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"baedal\""))
}

async fn credentials(service: &Service, phone: &Phone) -> Result<Option<Credentials>, Failure> {
    service.work(baedal_kit::Origin::none()).document(PHONES, phone.as_str()).await
}

fn slower(Slower(wait): Slower) -> Problem {
    metrics::counter!("baedal_sign_ins_total", "outcome" => "slowed_down").increment(1);
    Problem::new(&GUESSING, "too many wrong passwords in a row")
        .retry_after(Duration::try_from(wait).unwrap_or(Duration::from_secs(1)))
}
