//! The routes of notification.

use axum::Router;
use baedal_kit::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

mod list_notices;

/// The routes over what they need.
pub(crate) fn routes(service: Service) -> Router {
    table().with_state(service).into()
}

/// The table of contents.
pub(crate) fn table() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(list_notices::list_notices))
}
