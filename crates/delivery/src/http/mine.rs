//! `GET /api/deliveries/mine`: the rider's own deliveries.

use axum::Json;
use axum::extract::State;
use baedal_contracts::{ID_FORM, OrderId};
use baedal_kit::Failure;
use baedal_kit_http::{AsOf, Caller, Cursor, Page, PageQuery, Problem, ProblemBody, Query};
use baedal_kit_runtime::Service;

use super::App;
use super::shapes::{DeliveryView, Viewer};
use crate::policy;
use crate::views::{Shelf, on_shelf};

/// Where a page ends: `held~<order>` or `done~<order>`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bookmark {
    shelf: Shelf,
    order_id: OrderId,
}

impl Cursor for Bookmark {
    fn pattern() -> String {
        format!("^(?:{}|{})~{ID_FORM}$", Shelf::Held, Shelf::Done)
    }

    fn read(text: &str) -> Option<Self> {
        let (shelf, order_id) = text.split_once('~')?;
        Some(Self { shelf: shelf.parse().ok()?, order_id: order_id.parse().ok()? })
    }
}

/// Your deliveries: what you have to bring first, then what is over; the newest orders first.
#[utoipa::path(
    get,
    path = "/api/deliveries/mine",
    tag = "riders",
    params(PageQuery<Bookmark>, AsOf),
    responses(
        (status = 200, description = "A page of them.", body = Page<DeliveryView>),
        (status = 400, description = "`malformed`.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn my_deliveries(
    State(app): State<App>,
    caller: Caller,
    as_of: AsOf,
    Query(page): Query<PageQuery<Bookmark>>,
) -> Result<Json<Page<DeliveryView>>, Problem> {
    as_of.wait(&app.service, policy::NAME).await?;
    let limit = page.limit();
    let viewer = Viewer::of(caller, &app.settings, app.service.clock().now());
    Ok(Json(one_page(&app.service, viewer, page.after(), limit).await?))
}

/// The first of a rider's deliveries.
pub(crate) async fn first_page(service: &Service, viewer: Viewer, limit: usize) -> Result<Vec<DeliveryView>, Failure> {
    Ok(one_page(service, viewer, None, limit).await?.items)
}

async fn one_page(
    service: &Service,
    viewer: Viewer,
    after: Option<Bookmark>,
    limit: usize,
) -> Result<Page<DeliveryView>, Failure> {
    let shelves = match after {
        None => vec![(Shelf::Held, None), (Shelf::Done, None)],
        Some(Bookmark { shelf: Shelf::Held, order_id }) => vec![(Shelf::Held, Some(order_id)), (Shelf::Done, None)],
        Some(Bookmark { shelf: Shelf::Done, order_id }) => vec![(Shelf::Done, Some(order_id))],
    };
    let mut found = Vec::new();
    for (shelf, after) in shelves {
        let wanted = limit + 1 - found.len();
        if wanted > 0 {
            let errands = on_shelf(service, viewer.account_id, shelf, after, wanted).await?;
            found.extend(errands.into_iter().map(|(order_id, errand)| (shelf, order_id, errand)));
        }
    }
    let page = Page::of(found, limit, |(shelf, order_id, _)| format!("{shelf}~{order_id}"));
    Ok(page.map(|(_, order_id, errand)| DeliveryView::of(order_id, &errand, viewer)))
}
