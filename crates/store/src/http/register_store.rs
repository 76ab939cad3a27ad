//! `POST /api/stores`: an owner's new store.

use axum::Json;
use axum::extract::State;
use baedal_contracts::store::StoreProfile;
use baedal_contracts::{Location, Price, StoreId};
use baedal_kit_http::{Body, Caller, Position, Problem, ProblemBody, RequestOrigin};
use baedal_text::{Address, StoreName, ThanksMessage};
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bounds::DeliveryRadius;
use super::{App, undone};
use crate::domain::Store;
use crate::domain::store::Command;

/// A store to be.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterStore {
    /// What it is called.
    #[garde(skip)]
    name: StoreName,
    /// Where it is, as written on a parcel.
    #[garde(skip)]
    address: Address,
    /// Where that is.
    #[garde(skip)]
    location: Location,
    /// What the items of an order must cost at the least.
    #[garde(skip)]
    min_order_krw: Price,
    /// How far it delivers, in metres.
    #[garde(skip)]
    delivery_radius_m: DeliveryRadius,
    /// What a delivery costs the customer.
    #[garde(skip)]
    delivery_fee_krw: Price,
    /// What the store says when an order is completed.
    #[garde(skip)]
    thanks_message: ThanksMessage,
}

impl RegisterStore {
    fn profile(self) -> StoreProfile {
        StoreProfile {
            name: self.name.into(),
            address: self.address.into(),
            location: self.location,
            min_order_krw: self.min_order_krw.into(),
            delivery_radius_m: self.delivery_radius_m.get(),
            delivery_fee_krw: self.delivery_fee_krw.into(),
            thanks_message: self.thanks_message.into(),
        }
    }
}

/// The new store.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoreRegistered {
    /// What names it.
    store_id: StoreId,
}

/// Registers a store.
///
/// It is closed until its owner opens it with `PATCH /api/stores/{store_id}`.
#[utoipa::path(
    post, path = "/api/stores", tag = "stores",
    request_body = RegisterStore,
    responses(
        (status = 201, description = "The store is registered.", body = StoreRegistered),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn register_store(
    State(App { service }): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Body(body): Body<RegisterStore>,
) -> Result<(StatusCode, Position, Json<StoreRegistered>), Problem> {
    let store_id = StoreId(service.ids().new_id());
    let command = Command::RegisterStore { owner_id: caller.account_id, profile: body.profile() };
    let done = service.command::<Store>(&origin, &store_id, command).await.map_err(undone)?;
    Ok((StatusCode::CREATED, Position::of(&service, done.position), Json(StoreRegistered { store_id })))
}
