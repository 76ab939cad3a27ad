//! `POST /api/accounts`: somebody opens an account.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use baedal_contracts::AccountId;
use baedal_contracts::identity::Role;
use baedal_kit_http::problem::FORBIDDEN;
use baedal_kit_http::{Body, Caller, Position, Problem, ProblemBody, RequestOrigin};
use baedal_text::{NewPassword, PersonName, Phone, PhoneCode};
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::{PHONE_TAKEN, WRONG_CODE};
use super::{App, Client};
use crate::accounts::{self, NotOpened};
use crate::codes::Proof;
use crate::domain::Profile;

/// A new account.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenAccount {
    /// What it may do. `operator` only by an operator.
    #[garde(skip)]
    role: Role,
    /// How to address the person.
    #[garde(skip)]
    name: PersonName,
    /// A Korean mobile number, however typed; kept as its digits.
    #[garde(skip)]
    phone: Phone,
    /// 8 to 128 characters.
    #[garde(skip)]
    password: NewPassword,
    /// The code that `POST /api/phone-codes` has sent to the phone. Whom an operator makes an operator needs none.
    #[serde(default)]
    #[garde(skip)]
    code: Option<PhoneCode>,
}

/// The account that was opened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Opened {
    /// Its id.
    account_id: AccountId,
}

/// Open an account
///
/// Anybody may open an account as a customer, an owner or a rider, with a code that was sent to the phone; only an
/// operator opens an operator's. That a phone number has an account is told to whoever has proven it.
#[utoipa::path(post, path = "/api/accounts", tag = "accounts", request_body = OpenAccount, responses(
    (status = 201, description = "It is open", body = Opened),
    (status = 403, description = "`operator`, but not asked by one", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "The phone number has an account, and you have proven that it is yours", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "A field is wrong, or the code is wrong or old", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn open_account(
    State(app): State<App>,
    caller: Option<Caller>,
    Client(address): Client,
    RequestOrigin(origin): RequestOrigin,
    Body(wished): Body<OpenAccount>,
) -> Result<impl IntoResponse, Problem> {
    let OpenAccount { role, name, phone, password, code } = wished;
    let is_by_an_operator = caller.is_some_and(|caller| caller.role == Role::Operator);
    if role == Role::Operator && !is_by_an_operator {
        return Err(Problem::new(&FORBIDDEN, "only an operator opens an operator's account"));
    }
    let taken = || Problem::new(&PHONE_TAKEN, "the phone number has an account");
    let wrong = || Problem::new(&WRONG_CODE, "the code is wrong or old").at("code", "is wrong or old");
    let proof = match code {
        _ if role == Role::Operator => None,
        None => return Err(Problem::field("code", "must be the code that was sent to the phone")),
        Some(code) => Some(app.codes.proof(&app.service, &origin, &phone, &code).await?),
    };
    if proof == Some(Proof::Wrong) {
        return Err(wrong());
    }
    if accounts::is_taken(&app.service, &phone).await? {
        return Err(taken());
    }
    if proof == Some(Proof::Used) {
        return Err(wrong());
    }
    let hash = app.passwords.hash(app.passwords.queue(address)?, password).await?;
    let profile = Profile { role, name: name.into(), phone };
    match accounts::open(&app.service, &origin, profile, hash).await {
        Ok((account_id, position)) => {
            tracing::info!(%account_id, %role, "an account was opened");
            Ok((StatusCode::CREATED, Position::of(&app.service, position), Json(Opened { account_id })))
        }
        Err(NotOpened::PhoneTaken) => Err(taken()),
        Err(NotOpened::Failed(failure)) => Err(failure.into()),
    }
}
