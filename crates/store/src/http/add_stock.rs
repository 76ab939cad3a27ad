//! `POST /api/stores/{store_id}/menu/{item_id}/stock`: there is more of an item, or less.

use axum::Json;
use axum::extract::State;
use baedal_contracts::{ItemId, StoreId};
use baedal_kit_http::{Body, Caller, EntityTag, IfMatch, Path, Position, Problem, ProblemBody, RequestOrigin};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::bounds::StockChange;
use crate::domain::{Stock, Store, stock, store};

/// How many more.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddStock {
    /// How many come to what is left; below zero, how many go.
    #[garde(skip)]
    add: StockChange,
}

/// What is left of an item.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StockLeft {
    /// How many are left now.
    stock: u32,
}

/// Adds to what is left of an item, or takes off it.
///
/// Whatever was sold a moment ago stays sold, which setting a number would undo. Who repeats a request whose answer was
/// lost should send the `ETag` of what was read in `If-Match`, so that it is not added twice.
#[utoipa::path(
    post, path = "/api/stores/{store_id}/menu/{item_id}/stock", tag = "stores",
    params(
        ("store_id" = StoreId, Path, description = "Which store."),
        ("item_id" = ItemId, Path, description = "Which item."),
        IfMatch,
    ),
    request_body = AddStock,
    responses(
        (status = 200, description = "What is left now.", body = StockLeft, headers(("ETag" = String, description = "The stock as it is now."))),
        (status = 404, description = "There is no such item, or no such store, or it is another's.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`stock_not_counted` or `stock_below_zero`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "`stock_changed`: the item's stock has changed since.", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn add_stock(
    State(App { service }): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path((store_id, item_id)): Path<(StoreId, ItemId)>,
    IfMatch(seen): IfMatch,
    Body(AddStock { add }): Body<AddStock>,
) -> Result<(Position, EntityTag, Json<StockLeft>), Problem> {
    let ((stock, tag), position) = service
        .execute(&origin, |work| {
            Box::pin(async move {
                let command = store::Command::ExpectMenuItem { by: caller.account_id, item_id };
                work.decide::<Store>(&store_id, command).await??;
                work.decide::<Stock>(&store_id, stock::Command::AddStock { item_id, add: add.get(), seen }).await??;
                let stock = work.load::<Stock>(&store_id).await?;
                let left = stock.left(item_id).ok_or(stock::Refusal::NotCounted)?;
                Ok::<_, Problem>((left, EntityTag::of_version(stock.version())))
            })
        })
        .await?;
    Ok((Position::of(&service, position), tag, Json(StockLeft { stock })))
}
