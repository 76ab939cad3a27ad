//! `GET /api/deliveries/live`: what waits near the rider and what is his, now and at every change.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use baedal_kit::Failure;
use baedal_kit_http::live::{Frame, LastEventId, stream_following};
use baedal_kit_http::{Caller, Problem};
use baedal_kit_runtime::Service;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::mine::first_page;
use super::nearby::{rider, seen_from};
use super::shapes::{DeliveryView, NearbyView, Viewer};
use crate::domain::Rider;
use crate::views;

/// How many of the rider's own deliveries are shown.
const OWN: usize = 20;

/// A rider's screen.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct LiveView {
    /// Whether he is on duty; otherwise nothing is near.
    pub(crate) on_duty: bool,
    /// What waits near him, nearest to fetch first.
    pub(crate) nearby: Vec<NearbyView>,
    /// What he has to bring, then what is over; at the most 20.
    pub(crate) mine: Vec<DeliveryView>,
}

/// What waits near you and what is yours, now and at every change.
///
/// Server-sent events, each with the whole; `Last-Event-ID` spares a screen that is still right.
#[utoipa::path(
    get,
    path = "/api/deliveries/live",
    tag = "riders",
    params(LastEventId),
    responses((status = 200, description = "A stream of events, each holding this.", body = LiveView, content_type = "text/event-stream"))
)]
pub(crate) async fn deliveries_live(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let service = app.service;
    let rider_id = caller.account_id;
    // Where he is decides what is to be followed, so it begins with himself; the first look says the rest.
    let himself = views::keys(&service, rider_id, &Rider::default());
    let subscription = service.database().feeds().subscribe_all(himself);
    let (looked_at, settings) = (service.clone(), app.settings);
    let there = app.presence.hear_while_kept(rider_id);
    Ok(stream_following(&service, &headers, subscription, move || {
        let (service, settings, _there) = (looked_at.clone(), Arc::clone(&settings), &there);
        let viewer = Viewer::of(caller, &settings, service.clock().now());
        async move { Ok(Some(look(&service, viewer).await?)) }
    }))
}

/// A rider's screen as it is now, and the keys that say when it changes.
async fn look(service: &Service, viewer: Viewer) -> Result<(Frame, Option<Vec<String>>), Failure> {
    let rider_id = viewer.account_id;
    let rider = rider(service, rider_id).await?;
    let nearby = match rider.post() {
        Some(from) => seen_from(service, rider_id, from).await?,
        None => Vec::new(),
    };
    let view = LiveView { on_duty: rider.on_duty, nearby, mine: first_page(service, viewer, OWN).await? };
    // What is hidden by itself is hidden on an open screen, too.
    let hidden_at = view.mine.iter().filter_map(|delivery| delivery.hidden_at).min();
    Ok((Frame::showing(&view)?.until(hidden_at), Some(views::keys(service, rider_id, &rider))))
}
