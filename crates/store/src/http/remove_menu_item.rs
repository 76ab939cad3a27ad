//! `DELETE /api/stores/{store_id}/menu/{item_id}`: an item goes from the menu.

use axum::extract::State;
use baedal_contracts::{ItemId, StoreId};
use baedal_kit_http::{Caller, Path, Position, Problem, ProblemBody, RequestOrigin};
use baedal_kit_runtime::service::CommandError;
use http::StatusCode;

use super::{App, undone};
use crate::domain::store::{Command, Refusal};
use crate::domain::{Stock, Store, stock};

/// Takes an item off the menu.
///
/// Orders of it that are already placed go on.
#[utoipa::path(
    delete, path = "/api/stores/{store_id}/menu/{item_id}", tag = "stores",
    params(
        ("store_id" = StoreId, Path, description = "Which store."),
        ("item_id" = ItemId, Path, description = "Which item."),
    ),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404, description = "There is no such item, or no such store, or it is another's.", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn remove_menu_item(
    State(App { service }): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path((store_id, item_id)): Path<(StoreId, ItemId)>,
) -> Result<(StatusCode, Position, ()), Problem> {
    let ((), position) = service
        .execute(&origin, |work| {
            Box::pin(async move {
                let command = Command::RemoveMenuItem { by: caller.account_id, item_id };
                work.decide::<Store>(&store_id, command).await?.map_err(CommandError::Refused)?;
                // An item that is not there is not counted.
                work.command::<Stock>(&store_id, stock::Command::SetStock { item_id, stock: None, seen: None }).await?;
                Ok::<_, CommandError<Refusal>>(())
            })
        })
        .await
        .map_err(undone)?;
    Ok((StatusCode::NO_CONTENT, Position::of(&service, position), ()))
}
