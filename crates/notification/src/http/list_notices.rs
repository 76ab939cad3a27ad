//! `GET /api/notices`: what was sent to me.

use axum::Json;
use axum::extract::State;
use baedal_kit::Failure;
use baedal_kit::database::{Direction, Query as DocumentQuery, Select};
use baedal_kit_http::{Caller, Page, PageQuery, Problem, ProblemBody, Query};
use baedal_kit_runtime::Service;
use uuid::Uuid;

use crate::views::{NOTICES, NoticeDocument, recipient_tag};

/// What was sent to me
///
/// Every notice to the caller, newest first, exactly as it was sent, with its channel and outcome.
#[utoipa::path(
    get,
    path = "/api/notices",
    tag = "notices",
    params(PageQuery<Uuid>),
    responses(
        (status = 200, description = "A page of notices", body = Page<NoticeDocument>),
        (status = "default", description = "Why not", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list_notices(
    State(service): State<Service>,
    caller: Caller,
    Query(page): Query<PageQuery<Uuid>>,
) -> Result<Json<Page<NoticeDocument>>, Problem> {
    let limit = page.limit();
    let query = DocumentQuery {
        select: Select::Tag(recipient_tag(caller.account_id)),
        direction: Direction::Descending,
        after: page.after().map(|notice_id| notice_id.to_string()),
        limit: limit + 1,
    };
    let documents = service.database().list(&service.view_name(NOTICES), query).await?;
    let notices: Vec<NoticeDocument> = documents
        .iter()
        .map(|document| serde_json::from_slice(&document.body))
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::broken_by("a notice cannot be read", error))?;
    Ok(Json(Page::of(notices, limit, |notice| notice.notice_id.to_string())))
}
