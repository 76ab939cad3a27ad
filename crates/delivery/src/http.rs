//! The way in: what riders may ask.

mod claim;
mod deliver;
mod live;
mod mine;
mod nearby;
mod pickup;
pub(crate) mod problems;
mod release;
mod riders_me;
mod shapes;
mod steps;

use std::sync::Arc;

use axum::{Router, middleware};
use baedal_kit_runtime::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::presence::Presence;
use crate::{Settings, presence};

/// What every route holds in its hand.
#[derive(Clone)]
pub(crate) struct App {
    /// The context.
    pub(crate) service: Service,
    /// As they are set.
    pub(crate) settings: Arc<Settings>,
    /// Which riders are there.
    pub(crate) presence: Arc<Presence>,
}

/// The routes over what they need.
pub(crate) fn routes(app: App) -> Router {
    let presence = Arc::clone(&app.presence);
    let routes: Router = table().with_state(app).into();
    routes.layer(middleware::from_fn_with_state(presence, presence::hear_callers))
}

/// The table of contents.
pub(crate) fn table() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(riders_me::put_rider)) //           PUT  /api/riders/me
        .routes(routes!(nearby::nearby_deliveries)) //      GET  /api/deliveries/nearby
        .routes(routes!(mine::my_deliveries)) //            GET  /api/deliveries/mine
        .routes(routes!(live::deliveries_live)) //          GET  /api/deliveries/live
        .routes(routes!(claim::claim_delivery)) //          POST /api/deliveries/{order_id}/claim
        .routes(routes!(release::release_delivery)) //      POST /api/deliveries/{order_id}/release
        .routes(routes!(pickup::pick_up_delivery)) //       POST /api/deliveries/{order_id}/pickup
        .routes(routes!(deliver::deliver_delivery)) //      POST /api/deliveries/{order_id}/deliver
}
