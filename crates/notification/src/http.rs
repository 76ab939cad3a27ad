//! The routes of notification.

use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use baedal_kit_runtime::Service;
use jiff::SignedDuration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::MessageProvider;

mod list_notices;
mod phone_codes;

/// The routes over what they need.
pub(crate) fn routes(service: Service, provider: Arc<dyn MessageProvider>, answer_within: SignedDuration) -> Router {
    let codes = Router::new()
        .route("/internal/phone-codes", post(phone_codes::send_code))
        .with_state(phone_codes::Codes { provider, answer_within });
    Router::from(table().with_state(service)).merge(codes)
}

/// The table of contents. What is internal is not described.
pub(crate) fn table() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(list_notices::list_notices))
}
