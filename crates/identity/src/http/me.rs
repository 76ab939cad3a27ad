//! `GET /api/me`: who is signed in.

use axum::Json;
use axum::extract::State;
use baedal_contracts::AccountId;
use baedal_contracts::identity::Role;
use baedal_kit::Origin;
use baedal_kit_http::{Caller, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use crate::domain::Account;

/// Who somebody is here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// The account.
    account_id: AccountId,
    /// What it may do.
    role: Role,
    /// How the person is addressed.
    name: String,
    /// The phone number's digits.
    #[schema(example = "01012345678")]
    phone: String,
}

/// Who am I?
#[utoipa::path(get, path = "/api/me", tag = "accounts", responses(
    (status = 200, description = "Your account", body = Me),
))]
pub(crate) async fn who_am_i(State(app): State<App>, caller: Caller) -> Result<Json<Me>, Problem> {
    let account_id = caller.account_id;
    let account = app.service.work(Origin::none()).load::<Account>(&account_id).await?;
    let profile = account.profile().ok_or_else(|| Problem::not_found("account"))?.clone();
    Ok(Json(Me { account_id, role: profile.role, name: profile.name, phone: profile.phone.into() }))
}
