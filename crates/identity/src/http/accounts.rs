//! `POST /api/accounts`: somebody opens an account.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use baedal_contracts::AccountId;
use baedal_contracts::identity::Role;
use baedal_kit::http::problem::FORBIDDEN;
use baedal_kit::http::{Asked, Body, Caller, Position, Problem, ProblemBody};
use baedal_text::{NewPassword, PersonName, Phone};
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::problems::PHONE_TAKEN;
use crate::accounts::{self, NotOpened};
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
}

/// The account that was opened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Opened {
    /// Its id.
    account_id: AccountId,
}

/// Open an account
///
/// Anybody may open an account as a customer, an owner or a rider; only an operator opens an operator's.
#[utoipa::path(post, path = "/api/accounts", tag = "accounts", request_body = OpenAccount, responses(
    (status = 201, description = "It is open", body = Opened),
    (status = 403, description = "`operator`, but not asked by one", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "The phone number has an account", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn open_account(
    State(app): State<App>,
    caller: Option<Caller>,
    Asked(origin): Asked,
    Body(wished): Body<OpenAccount>,
) -> Result<impl IntoResponse, Problem> {
    let OpenAccount { role, name, phone, password } = wished;
    if role == Role::Operator && caller.is_none_or(|caller| caller.role != Role::Operator) {
        return Err(Problem::new(&FORBIDDEN, "only an operator opens an operator's account"));
    }
    let taken = || Problem::new(&PHONE_TAKEN, "the phone number has an account");
    if accounts::is_taken(&app.service, &phone).await? {
        return Err(taken());
    }
    let hash = app.passwords.hash(app.passwords.queue()?, password).await?;
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
