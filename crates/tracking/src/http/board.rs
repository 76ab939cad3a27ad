//! `GET /api/stores/{store_id}/tickets`: a kitchen's board.

use axum::Json;
use axum::extract::State;
use baedal_contracts::StoreId;
use baedal_contracts::store::TicketStatus;
use baedal_kit_http::{After, AsOf, Caller, Page, PageSize, Path, Problem, ProblemBody, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{App, store};
use crate::views::orders::ORDERS;
use crate::views::orders::board::{self, Turn};
use crate::views::orders::ticket::TicketView;

/// Where the page before ended.
type AfterTurn = After<Turn>;

/// Which part of the board.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BoardQuery {
    /// Only tickets of this status. Without it, all that are not rejected, canceled or picked up.
    status: Option<TicketStatus>,
    /// How many items; 20 unless said.
    #[serde(default)]
    #[param(inline, required = false)]
    limit: PageSize,
    /// The `next` of the page before.
    #[param(inline)]
    after: Option<AfterTurn>,
}

/// The kitchen's board
///
/// A store's tickets, oldest first, for its owner: by when the ticket came, which is when the order was paid.
/// Rejected and canceled ones by when the order was placed.
#[utoipa::path(
    get,
    path = "/api/stores/{store_id}/tickets",
    tag = "kitchen",
    params(("store_id" = StoreId, Path, description = "Which store."), BoardQuery, AsOf),
    responses(
        (status = 200, description = "A page of them.", body = Page<TicketView>),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn board(
    State(app): State<App>,
    caller: Caller,
    as_of: AsOf,
    Path(store_id): Path<StoreId>,
    Query(BoardQuery { status, limit, after }): Query<BoardQuery>,
) -> Result<Json<Page<TicketView>>, Problem> {
    as_of.wait(&app.service, ORDERS).await?;
    store::find_own(&app, caller, store_id).await?;
    Ok(Json(tickets(&app, store_id, status, after.map(|After(turn)| turn), limit.get()).await?))
}

/// A page of a store's tickets, oldest first.
pub(super) async fn tickets(
    app: &App,
    store_id: StoreId,
    status: Option<TicketStatus>,
    after: Option<Turn>,
    limit: usize,
) -> Result<Page<TicketView>, Problem> {
    let found = board::tickets(&app.service, store_id, status, after, limit + 1).await?;
    Ok(Page::of(found, limit, |ticket| ticket.turn().to_cursor()))
}
