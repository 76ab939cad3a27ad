//! This context's own documents: riders, and deliveries as they are, found by place and by rider.
//!
//! A delivery's document is the delivery's state, written in the commit of its events:
//!
//! | while it is | it is found by |
//! |---|---|
//! | waiting | `near:<cell>`, for every cell it is seen from |
//! | claimed, picked up | `held:<rider>` |
//! | delivered, or canceled on its way | `done:<rider>` |
//!
//! A rider's document is found by `at:<cell>` while he is on duty and something is heard of him.

use baedal_contracts::{AccountId, Location, OrderId};
use baedal_kit::Failure;
use baedal_kit::database::{Direction, Document, Query, Select};
use baedal_kit::feeds::{document_key, tag_key};
use baedal_kit_runtime::{Service, UnitOfWork};
use serde::de::DeserializeOwned;

use crate::cells::{POSTS, SIGHTS};
use crate::domain::{Delivery, Errand, Rider, Stage};
use crate::settings::Settings;

/// The view of riders, by account.
const RIDERS: &str = "riders";
/// The view of deliveries, by order.
const DELIVERIES: &str = "deliveries";
/// How many documents are looked at in one search: those with the oldest ids, where there are more.
const MOST_LOOKED_AT: usize = 2_000;
/// How many waiting deliveries a rider is shown: the nearest, where there are more.
const MOST_NEARBY: usize = 100;

/// A rider's own deliveries: those he has to bring, and those that are over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, strum::Display, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Shelf {
    /// Claimed or picked up.
    Held,
    /// Delivered, or canceled on the way.
    Done,
}

/// A waiting delivery and how far away it is to be fetched.
pub(crate) struct Nearby {
    /// Which.
    pub(crate) order_id: OrderId,
    /// It.
    pub(crate) errand: Box<Errand>,
    /// Metres to where it is to be fetched.
    pub(crate) distance_m: f64,
}

/// A rider as this unit of work has him.
pub(crate) async fn rider(work: &mut UnitOfWork, rider_id: AccountId) -> Result<Rider, Failure> {
    Ok(work.document(RIDERS, &rider_id.to_string()).await?.unwrap_or_default())
}

/// Writes a rider who was read in the same unit of work: nobody else may have changed him since.
pub(crate) fn keep_rider(work: &mut UnitOfWork, rider_id: AccountId, rider: &Rider) -> Result<(), Failure> {
    let tags = rider.reachable_at().into_iter().flat_map(|post| POSTS.around(post)).map(|cell| format!("at:{cell}"));
    work.put(RIDERS, &rider_id.to_string(), rider, tags.collect::<Vec<_>>())
}

/// Writes a delivery as it is after this unit of work.
pub(crate) async fn keep_delivery(
    work: &mut UnitOfWork,
    order_id: OrderId,
    delivery: &Delivery,
) -> Result<(), Failure> {
    let id = order_id.to_string();
    // Read first, so that those who found it by tags that it loses are woken.
    let known: Option<Delivery> = work.document(DELIVERIES, &id).await?;
    match tags(delivery) {
        Some(tags) => work.put(DELIVERIES, &id, delivery, tags)?,
        None if known.is_some() => work.delete(DELIVERIES, &id),
        None => {}
    }
    Ok(())
}

/// What a delivery is found by; nothing where nobody looks for it any more.
fn tags(delivery: &Delivery) -> Option<Vec<String>> {
    let Delivery::Requested(errand) = delivery else { return None };
    match (&errand.stage, errand.stage.rider_id()) {
        (Stage::Waiting, _) => {
            let (pickup, drop_off) = (errand.parcel.pickup.location, errand.parcel.about_where());
            let cells = SIGHTS.cover_both(pickup, drop_off, errand.radius_m);
            Some(cells.into_iter().map(|cell| format!("near:{cell}")).collect())
        }
        (Stage::Claimed(_) | Stage::PickedUp { .. }, Some(rider_id)) => Some(vec![shelf_tag(Shelf::Held, rider_id)]),
        (_, Some(rider_id)) => Some(vec![shelf_tag(Shelf::Done, rider_id)]),
        (_, None) => None,
    }
}

fn shelf_tag(shelf: Shelf, rider_id: AccountId) -> String {
    format!("{shelf}:{rider_id}")
}

/// The keys of the feeds that wake somebody who shows a rider what is near him and what is his.
pub(crate) fn keys(service: &Service, rider_id: AccountId, rider: &Rider) -> Vec<String> {
    let deliveries = service.view_name(DELIVERIES);
    let near = rider.post().into_iter().flat_map(seen_from).map(|tag| tag_key(&deliveries, &tag));
    let own = [Shelf::Held, Shelf::Done].map(|shelf| tag_key(&deliveries, &shelf_tag(shelf, rider_id)));
    let himself = document_key(&service.view_name(RIDERS), &rider_id.to_string());
    near.chain(own).chain([himself]).collect()
}

/// What waits and is seen from there, nearest to fetch first; last what this rider has given back or lost, which
/// is offered to others first.
pub(crate) async fn nearby(service: &Service, rider_id: AccountId, from: Location) -> Result<Vec<Nearby>, Failure> {
    let mut found = Vec::new();
    for (id, delivery) in with_any::<Delivery>(service, DELIVERIES, seen_from(from).collect()).await? {
        if let Delivery::Requested(errand) = delivery
            && errand.is_seen_from(from)
        {
            let distance_m = from.distance_m(errand.parcel.pickup.location);
            found.push(Nearby { order_id: order_id(&id)?, errand, distance_m });
        }
    }
    let was_released = |near: &Nearby| near.errand.was_released_by(rider_id);
    found.sort_by(|one, other| {
        let by_distance = one.distance_m.total_cmp(&other.distance_m);
        was_released(one).cmp(&was_released(other)).then(by_distance).then(one.order_id.cmp(&other.order_id))
    });
    found.truncate(MOST_NEARBY);
    Ok(found)
}

/// Whom to tell of a waiting delivery: the riders on duty within the radius of one of its places who have
/// room for it and of whom something was heard lately, nearest to fetch first, without `except`.
pub(crate) async fn riders_near(
    service: &Service,
    settings: &Settings,
    (pickup, drop_off): (Location, Location),
    radius_m: u32,
    except: &[AccountId],
) -> Result<Vec<AccountId>, Failure> {
    let now = service.clock().now();
    let posts = POSTS.cover_both(pickup, drop_off, radius_m).into_iter().map(|cell| format!("at:{cell}"));
    let mut found = Vec::new();
    for (id, rider) in with_any::<Rider>(service, RIDERS, posts.collect()).await? {
        let rider_id: AccountId = id.parse().map_err(|error| Failure::broken_by(format!("{id} is no rider"), error))?;
        let Some(from) = rider.reachable_at() else { continue };
        let is_there = rider.was_heard_within(settings.silent_after, now);
        let reached = crate::domain::reach::reaches(pickup, drop_off, radius_m, from);
        if is_there && reached && rider.has_room(settings.capacity) && !except.contains(&rider_id) {
            found.push((from.distance_m(pickup), rider_id));
        }
    }
    found.sort_by(|(near, one), (far, other)| near.total_cmp(far).then(one.cmp(other)));
    found.truncate(settings.told_riders);
    Ok(found.into_iter().map(|(_, rider_id)| rider_id).collect())
}

/// A rider's own deliveries of one shelf, those of the newest orders first, behind `after`.
pub(crate) async fn on_shelf(
    service: &Service,
    rider_id: AccountId,
    shelf: Shelf,
    after: Option<OrderId>,
    limit: usize,
) -> Result<Vec<(OrderId, Box<Errand>)>, Failure> {
    let query = Query {
        select: Select::Tag(shelf_tag(shelf, rider_id)),
        direction: Direction::Descending,
        after: after.map(|after| after.to_string()),
        limit,
    };
    let mut found = Vec::new();
    for (id, delivery) in list(service, DELIVERIES, query).await? {
        if let Delivery::Requested(errand) = delivery {
            found.push((order_id(&id)?, errand));
        }
    }
    Ok(found)
}

/// The tags of the deliveries that are seen from a place.
fn seen_from(place: Location) -> impl Iterator<Item = String> {
    SIGHTS.around(place).map(|cell| format!("near:{cell}"))
}

async fn with_any<T: DeserializeOwned>(
    service: &Service,
    view: &'static str,
    tags: Vec<String>,
) -> Result<Vec<(String, T)>, Failure> {
    let select = Select::AnyTag(tags);
    list(service, view, Query { select, direction: Direction::Ascending, after: None, limit: MOST_LOOKED_AT }).await
}

async fn list<T: DeserializeOwned>(
    service: &Service,
    view: &'static str,
    query: Query,
) -> Result<Vec<(String, T)>, Failure> {
    let documents = service.database().list(&service.view_name(view), query).await?;
    documents
        .into_iter()
        .map(|Document { id, body, .. }| match serde_json::from_slice(&body) {
            Ok(value) => Ok((id, value)),
            Err(error) => Err(Failure::broken_by(format!("document {id} of view {view} cannot be read"), error)),
        })
        .collect()
}

fn order_id(id: &str) -> Result<OrderId, Failure> {
    id.parse().map_err(|error| Failure::broken_by(format!("{id} is no order"), error))
}
