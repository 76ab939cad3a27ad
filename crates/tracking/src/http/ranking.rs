//! `GET /api/stores/{store_id}/ranking`: what is ordered most.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use baedal_contracts::{ItemId, StoreId};
use baedal_kit_http::{AsOf, Page, PageSize, Path, Problem, ProblemBody, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{App, store};
use crate::views;
use crate::views::ranking::{Count, Counts, RANKING};

/// How much of the ranking.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RankingQuery {
    /// How many items; 20 unless said.
    #[serde(default)]
    #[param(inline, required = false)]
    limit: PageSize,
}

/// An item in the ranking.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RankedItem {
    /// Which.
    item_id: ItemId,
    /// What it is called; what it was called, where it is no longer on the menu.
    name: String,
    /// How many were ordered, in orders that were paid for and not canceled or rejected.
    times: u64,
    /// Whether it can be ordered now.
    available: bool,
}

/// A store's most ordered items
#[utoipa::path(
    get,
    path = "/api/stores/{store_id}/ranking",
    tag = "stores",
    params(("store_id" = StoreId, Path, description = "Which store."), RankingQuery, AsOf),
    responses(
        (status = 200, description = "The most ordered first. There is no page behind it.", body = Page<RankedItem>),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ranking(
    State(app): State<App>,
    as_of: AsOf,
    Path(store_id): Path<StoreId>,
    Query(RankingQuery { limit }): Query<RankingQuery>,
) -> Result<Json<Page<RankedItem>>, Problem> {
    as_of.wait(&app.service, RANKING).await?;
    store::find(&app, store_id).await?;
    let counts: Counts = views::find(&app.service, RANKING, &store_id.to_string()).await?.unwrap_or_default();
    let (menu, stock) = store::menu(&app, store_id).await?;
    let mut on_menu: HashMap<ItemId, _> = menu.0.into_iter().map(|item| (item.item_id, item)).collect();
    let items = counts.ranked().into_iter().take(limit.get()).map(|(item_id, Count { name, times })| {
        match on_menu.remove(&item_id) {
            Some(item) => {
                let available = item.available && stock.has(item_id);
                RankedItem { item_id, name: item.name, times, available }
            }
            None => RankedItem { item_id, name, times, available: false },
        }
    });
    Ok(Json(Page { items: items.collect(), next: None }))
}
