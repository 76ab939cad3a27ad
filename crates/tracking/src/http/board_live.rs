//! `GET /api/stores/{store_id}/tickets/live`: a kitchen's board, now and at every change.

use axum::extract::State;
use axum::response::IntoResponse;
use baedal_contracts::StoreId;
use baedal_kit::feeds::tag_key;
use baedal_kit_http::live::{self, Frame, LastEventId};
use baedal_kit_http::{AsOf, Caller, Page, Path, Problem, ProblemBody};
use http::HeaderMap;

use super::board::tickets;
use super::{App, store};
use crate::views::orders::ticket::TicketView;
use crate::views::orders::{ORDERS, tags};

/// The most tickets that a live board shows; the oldest.
const SHOWN: usize = 100;

/// The kitchen's board, live
///
/// `text/event-stream`: each event's data is the whole board, as `GET /api/stores/{store_id}/tickets?limit=100`
/// answers it; the first comes at once, the next at every change. Sending the last event's id back as
/// `Last-Event-ID` leaves out what was seen. An event `reconnect` ends the stream: come back.
#[utoipa::path(
    get,
    path = "/api/stores/{store_id}/tickets/live",
    tag = "kitchen",
    params(
        ("store_id" = StoreId, Path, description = "Which store."),
        LastEventId,
        AsOf,
    ),
    responses(
        (status = 200, description = "The stream.", body = Page<TicketView>, content_type = "text/event-stream"),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn board_live(
    State(app): State<App>,
    caller: Caller,
    as_of: AsOf,
    Path(store_id): Path<StoreId>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    as_of.wait(&app.service, ORDERS).await?;
    store::find_own(&app, caller, store_id).await?;
    let subscription = app.service.database().feeds().subscribe(tag_key(ORDERS, &tags::board(store_id)));
    let service = app.service.clone();
    Ok(live::stream(&service, &headers, subscription, move || {
        let app = app.clone();
        async move { Ok(Some(Frame::showing(&tickets(&app, store_id, None, None, SHOWN).await?)?)) }
    }))
}
