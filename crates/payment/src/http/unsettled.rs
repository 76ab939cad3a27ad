//! `GET /internal/unsettled/attempts`, `GET /internal/unsettled/differences`: what an operator should look at.

use axum::Json;
use axum::extract::State;
use baedal_contracts::OrderId;
use baedal_contracts::payment::{Difference, OpenAttempt};
use baedal_kit_http::{Page, PageQuery, Problem, Query};

use super::App;
use crate::unsettled::{page_of_differences, stuck_attempts};

/// Attempts whose outcome is not known, of orders that have ended, or open for long.
pub(super) async fn attempts(
    State(app): State<App>,
    Query(asked): Query<PageQuery<OrderId>>,
) -> Result<Json<Page<OpenAttempt>>, Problem> {
    let limit = asked.limit();
    let begun_before = app.service.clock().now() - app.stuck_after;
    let found = stuck_attempts(&app.service, asked.after(), limit, begun_before).await?;
    Ok(Json(Page::of(found, limit, |open| open.order_id.to_string())))
}

/// Orders of which the provider's book says something else than ours.
pub(super) async fn differences(
    State(app): State<App>,
    Query(asked): Query<PageQuery<OrderId>>,
) -> Result<Json<Page<Difference>>, Problem> {
    let limit = asked.limit();
    let found = page_of_differences(&app.service, asked.after(), limit).await?;
    Ok(Json(Page::of(found, limit, |difference| difference.order_id.to_string())))
}
