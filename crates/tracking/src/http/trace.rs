//! `GET /api/operations/orders/{order_id}/trace`: how an order came to be what it is.

use axum::Json;
use axum::extract::State;
use baedal_contracts::{ID_FORM, OrderId};
use baedal_kit::database::{self, Direction, Select};
use baedal_kit_http::{After, AsOf, Cursor, Page, Path, Problem, ProblemBody, Query};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::App;
use crate::views;
use crate::views::trace::{TIME_DIGITS, TRACE, TraceEntry, prefix};

/// The most events in an answer. A life without quarrels has about forty.
const SHOWN: usize = 500;

/// Where the page before ended.
type AfterTracePlace = After<TracePlace>;

/// Which part of the trace.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TraceQuery {
    /// The `next` of the page before.
    #[param(inline)]
    after: Option<AfterTracePlace>,
}

/// Where a page ended: behind which event of the order.
#[derive(Clone, Debug)]
pub(crate) struct TracePlace(String);

impl Cursor for TracePlace {
    fn pattern() -> String {
        format!("^[0-9]{{{TIME_DIGITS}}}/{ID_FORM}$")
    }

    fn read(text: &str) -> Option<Self> {
        let (at, event_id) = text.split_once('/')?;
        let is_time = at.len() == TIME_DIGITS && at.bytes().all(|byte| byte.is_ascii_digit());
        (is_time && EventId::read(event_id).is_some()).then(|| Self(text.to_owned()))
    }
}

/// What names an event.
type EventId = Uuid;

/// The trace of an order
///
/// Every event of every context about it, oldest first, each with the command that was decided and what
/// made that happen. An entry whose `cause.kind` is `event` hangs below the one with that `event_id`;
/// those of one request or job carry the same `cause.id`. At the most 500 at once.
#[utoipa::path(
    get,
    path = "/api/operations/orders/{order_id}/trace",
    tag = "operations",
    params(("order_id" = OrderId, Path, description = "Which order."), TraceQuery, AsOf),
    responses(
        (status = 200, description = "The events.", body = Page<TraceEntry>),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn trace(
    State(app): State<App>,
    as_of: AsOf,
    Path(order_id): Path<OrderId>,
    Query(TraceQuery { after }): Query<TraceQuery>,
) -> Result<Json<Page<TraceEntry>>, Problem> {
    let after = after.map(|After(TracePlace(place))| format!("{}{place}", prefix(order_id)));
    as_of.wait(&app.service, TRACE).await?;
    let mut found = look(&app, order_id, after.clone()).await?;
    if found.is_empty() && after.is_none() {
        app.service.catch_up().await;
        found = look(&app, order_id, after).await?;
        if found.is_empty() {
            return Err(Problem::not_found("order"));
        }
    }
    Ok(Json(Page::of(found, SHOWN, TraceEntry::place)))
}

async fn look(app: &App, order_id: OrderId, after: Option<String>) -> Result<Vec<TraceEntry>, Problem> {
    let query = database::Query {
        select: Select::Prefix(prefix(order_id)),
        direction: Direction::Ascending,
        after,
        limit: SHOWN + 1,
    };
    Ok(views::list(&app.service, TRACE, query).await?)
}
