//! `GET /api/stores/{store_id}`: a store and its menu.

use axum::Json;
use axum::extract::State;
use baedal_contracts::identity::Role;
use baedal_contracts::store::{MenuItem, MenuOption, StoreProfile};
use baedal_contracts::{AccountId, ItemId, StoreId, Won};
use baedal_kit::Failure;
use baedal_kit_http::{AsOf, Caller, EntityTag, Path, Problem, ProblemBody};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use crate::views;
use crate::views::stores::{MENUS, Menu, STOCKS, STORES, Stock, StoreDocument};

/// A store.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoreView {
    /// Which.
    store_id: StoreId,
    /// Whose.
    owner_id: AccountId,
    /// What everyone may know of it.
    #[serde(flatten)]
    profile: StoreProfile,
    /// Whether it takes orders.
    open: bool,
    /// What it sells.
    menu: Vec<ItemView>,
}

/// An item of a store's menu.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemView {
    /// Which.
    item_id: ItemId,
    /// What it is called.
    name: String,
    /// What it is.
    description: String,
    /// What one costs, before options.
    price_krw: Won,
    /// Whether it can be ordered now: the store sells it, and there is some left.
    available: bool,
    /// What may be chosen.
    options: Vec<MenuOption>,
    /// How many are left, `null` where it is not counted. Only the owner sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    stock: Option<Option<u32>>,
}

/// A store and its menu
///
/// Its owner also sees how many are left of each item, with an `ETag`: sent back in `If-Match` with a change of an
/// item's stock, it keeps what was sold meanwhile from being written over.
#[utoipa::path(
    get,
    path = "/api/stores/{store_id}",
    tag = "stores",
    params(("store_id" = StoreId, Path, description = "Which store."), AsOf),
    responses(
        (status = 200, description = "The store.", body = StoreView, headers(("ETag" = String, description = "To its owner: what `If-Match` takes."))),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn store(
    State(app): State<App>,
    caller: Option<Caller>,
    as_of: AsOf,
    Path(store_id): Path<StoreId>,
) -> Result<(Option<EntityTag>, Json<StoreView>), Problem> {
    as_of.wait(&app.service, STORES).await?;
    let StoreDocument { store_id, owner_id, profile, open } = find(&app, store_id).await?;
    let (menu, stock) = menu(&app, store_id).await?;
    let is_owner = caller.is_some_and(|caller| caller.role == Role::Owner && caller.account_id == owner_id);
    let menu = menu.0.into_iter().map(|item| item_view(item, &stock, is_owner)).collect();
    let view = StoreView { store_id, owner_id, profile, open, menu };
    // To others it would tell how much the store sells.
    let tag = is_owner.then(|| EntityTag::showing(stock.version, &view)).transpose()?;
    Ok((tag, Json(view)))
}

fn item_view(item: MenuItem, stock: &Stock, is_owner: bool) -> ItemView {
    ItemView {
        item_id: item.item_id,
        name: item.name,
        description: item.description,
        price_krw: item.price_krw,
        available: item.available && stock.has(item.item_id),
        options: item.options,
        stock: is_owner.then(|| stock.left(item.item_id)),
    }
}

/// What a store sells, and what is left of it.
pub(super) async fn menu(app: &App, store_id: StoreId) -> Result<(Menu, Stock), Failure> {
    let id = store_id.to_string();
    let menu = views::find(&app.service, MENUS, &id).await?.unwrap_or_default();
    let stock = views::find(&app.service, STOCKS, &id).await?.unwrap_or_default();
    Ok((menu, stock))
}

/// The store; looked for twice, as it may have been registered just now.
pub(super) async fn find(app: &App, store_id: StoreId) -> Result<StoreDocument, Problem> {
    let id = store_id.to_string();
    if let Some(store) = views::find(&app.service, STORES, &id).await? {
        return Ok(store);
    }
    app.service.catch_up().await;
    views::find(&app.service, STORES, &id).await?.ok_or_else(no_store)
}

/// The store, if it is the caller's. To others its back room is not there.
pub(super) async fn find_own(app: &App, caller: Caller, store_id: StoreId) -> Result<StoreDocument, Problem> {
    let store = find(app, store_id).await?;
    let is_owner = caller.role == Role::Owner && caller.account_id == store.owner_id;
    if is_owner { Ok(store) } else { Err(no_store()) }
}

fn no_store() -> Problem {
    Problem::not_found("store")
}
