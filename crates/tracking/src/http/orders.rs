//! `GET /api/orders`: my orders.

use axum::Json;
use axum::extract::State;
use baedal_contracts::OrderId;
use baedal_contracts::identity::Role;
use baedal_kit::database::{self, Direction, Select};
use baedal_kit_http::{AsOf, Caller, Page, PageQuery, Problem, ProblemBody, Query};

use super::{App, order};
use crate::views;
use crate::views::orders::document::OrderDocument;
use crate::views::orders::shown::OrderView;
use crate::views::orders::{ORDERS, tags};

/// My orders
///
/// Newest first. A customer's are those the customer placed, an owner's those for the owner's stores, a
/// rider's those the rider brings or brought; an operator sees all that have not ended.
#[utoipa::path(
    get,
    path = "/api/orders",
    tag = "orders",
    params(PageQuery<OrderId>, AsOf),
    responses(
        (status = 200, description = "A page of them.", body = Page<OrderView>),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn orders(
    State(app): State<App>,
    caller: Caller,
    as_of: AsOf,
    Query(query): Query<PageQuery<OrderId>>,
) -> Result<Json<Page<OrderView>>, Problem> {
    let (limit, after) = (query.limit(), query.after());
    as_of.wait(&app.service, ORDERS).await?;
    let tag = match caller.role {
        Role::Customer => tags::customer(caller.account_id),
        Role::Owner => tags::owner(caller.account_id),
        Role::Rider => tags::rider(caller.account_id),
        Role::Operator => tags::ACTIVE.to_owned(),
    };
    let query = database::Query {
        select: Select::Tag(tag),
        direction: Direction::Descending,
        after: after.map(|id| id.to_string()),
        limit: limit + 1,
    };
    let found: Vec<OrderDocument> = views::list(&app.service, ORDERS, query).await?;
    let shown = found.into_iter().filter_map(|found| order::shown(&app, caller, found)).collect();
    Ok(Json(Page::of(shown, limit, |order: &OrderView| order.order_id().to_string())))
}
