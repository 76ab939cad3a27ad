//! `PATCH /api/stores/{store_id}`: a store is called, placed or priced otherwise, opens or closes.

use axum::Json;
use axum::extract::State;
use baedal_contracts::{Location, Price, StoreId};
use baedal_kit_http::{Body, Caller, Path, Position, Problem, ProblemBody, RequestOrigin};
use baedal_kit_runtime::service::CommandError;
use baedal_text::{Address, StoreName, ThanksMessage};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::bounds::{DeliveryRadius, given};
use super::owners_store::OwnersStore;
use super::{App, undone, vanished};
use crate::domain::store::{Changes, Command, Refusal};
use crate::domain::{Stock, Store};

/// What is to be otherwise about a store. What is left out stays as it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeStore {
    /// Whether it takes orders.
    #[serde(default, deserialize_with = "given")]
    #[garde(skip)]
    #[schema(value_type = bool, required = false)]
    open: Option<bool>,
    /// What it is called.
    #[serde(default, deserialize_with = "given")]
    #[garde(skip)]
    #[schema(value_type = StoreName, required = false)]
    name: Option<StoreName>,
    /// Where it is, as written on a parcel.
    #[serde(default, deserialize_with = "given")]
    #[garde(skip)]
    #[schema(value_type = Address, required = false)]
    address: Option<Address>,
    /// Where that is.
    #[serde(default, deserialize_with = "given")]
    #[garde(skip)]
    #[schema(value_type = Location, required = false)]
    location: Option<Location>,
    /// What the items of an order must cost at the least.
    #[serde(default, deserialize_with = "given")]
    #[garde(skip)]
    #[schema(value_type = Price, required = false)]
    min_order_krw: Option<Price>,
    /// How far it delivers, in metres.
    #[serde(default, deserialize_with = "given")]
    #[garde(skip)]
    #[schema(value_type = DeliveryRadius, required = false)]
    delivery_radius_m: Option<DeliveryRadius>,
    /// What a delivery costs the customer.
    #[serde(default, deserialize_with = "given")]
    #[garde(skip)]
    #[schema(value_type = Price, required = false)]
    delivery_fee_krw: Option<Price>,
    /// What the store says when an order is completed.
    #[serde(default, deserialize_with = "given")]
    #[garde(skip)]
    #[schema(value_type = ThanksMessage, required = false)]
    thanks_message: Option<ThanksMessage>,
}

impl From<ChangeStore> for Changes {
    fn from(body: ChangeStore) -> Self {
        Self {
            name: body.name.map(String::from),
            address: body.address.map(String::from),
            location: body.location,
            min_order_krw: body.min_order_krw.map(Into::into),
            delivery_radius_m: body.delivery_radius_m.map(DeliveryRadius::get),
            delivery_fee_krw: body.delivery_fee_krw.map(Into::into),
            thanks_message: body.thanks_message.map(String::from),
            open: body.open,
        }
    }
}

/// Changes, opens or closes a store.
///
/// A store that closes keeps the orders that it has.
#[utoipa::path(
    patch, path = "/api/stores/{store_id}", tag = "stores",
    params(("store_id" = StoreId, Path, description = "Which store.")),
    request_body = ChangeStore,
    responses(
        (status = 200, description = "The store as it is now.", body = OwnersStore),
        (status = 404, description = "There is no such store, or it is another's.", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn change_store(
    State(App { service }): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path(store_id): Path<StoreId>,
    Body(body): Body<ChangeStore>,
) -> Result<(Position, Json<OwnersStore>), Problem> {
    let command = Command::ChangeStore { by: caller.account_id, changes: body.into() };
    let (view, position) = service
        .execute(&origin, |work| {
            let command = command.clone();
            Box::pin(async move {
                work.decide::<Store>(&store_id, command).await?.map_err(CommandError::Refused)?;
                let (store, stock) = (work.load::<Store>(&store_id).await?, work.load::<Stock>(&store_id).await?);
                let store = store.registered().ok_or_else(|| vanished(store_id))?;
                Ok::<_, CommandError<Refusal>>(OwnersStore::of(store_id, store, &stock))
            })
        })
        .await
        .map_err(undone)?;
    Ok((Position::of(&service, position), Json(view)))
}
