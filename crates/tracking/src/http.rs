//! What tracking answers. Everything here is a read.

mod board;
mod board_live;
mod near_stores;
mod order;
mod order_live;
mod orders;
mod ranking;
mod store;
mod stuck;
mod stuck_money;
mod trace;

use axum::Router;
use baedal_kit_http::Problem;
use baedal_kit_http::problem::MALFORMED;
use baedal_kit_runtime::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Settings;

/// What the routes hold in their hand.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) service: Service,
    pub(crate) settings: Settings,
}

/// The routes over what they need.
pub(crate) fn routes(app: App) -> Router {
    table().with_state(app).into()
}

/// The table of contents.
pub(crate) fn table() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(near_stores::near_stores))
        .routes(routes!(store::store))
        .routes(routes!(ranking::ranking))
        .routes(routes!(orders::orders))
        .routes(routes!(order::order))
        .routes(routes!(order_live::order_live))
        .routes(routes!(board::board))
        .routes(routes!(board_live::board_live))
        .routes(routes!(trace::trace))
        .routes(routes!(stuck::stuck))
        .routes(routes!(stuck::stuck_list))
}

/// `after` is not what a page gave as `next`.
fn strange_cursor() -> Problem {
    Problem::new(&MALFORMED, "`after` must be the `next` of the page before")
}
