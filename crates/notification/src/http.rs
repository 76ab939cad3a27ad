//! The routes of notification.

use baedal_kit::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

mod list_notices;

/// All of them.
pub(crate) fn routes(service: Service) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list_notices::list_notices)).with_state(service)
}
