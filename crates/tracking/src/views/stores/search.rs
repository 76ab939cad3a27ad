//! Finds the open stores that deliver to a place, nearest first.

use baedal_contracts::{Location, StoreId};
use baedal_kit::Failure;
use baedal_kit::database::{Direction, Query, Select};
use baedal_kit_http::page::digits;
use baedal_kit_runtime::Service;

use super::{STORES, StoreDocument, reach};
use crate::views;

/// How many stores are looked at in one go.
const GO: usize = 500;

/// The most digits of a distance in a cursor, in metres: once around the earth has eight.
pub(crate) const DISTANCE_DIGITS: usize = 9;

/// A place in the list of stores around a point: how far, in whole metres, and which. Sorts as the list does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    pub(crate) distance_m: u32,
    pub(crate) store_id: StoreId,
}

impl Place {
    /// As it stands in a cursor.
    pub(crate) fn to_cursor(self) -> String {
        format!("{}:{}", self.distance_m, self.store_id)
    }

    /// From a cursor, if it is one.
    pub(crate) fn from_cursor(cursor: &str) -> Option<Self> {
        let (distance_m, store_id) = cursor.split_once(':')?;
        Some(Self { distance_m: digits(distance_m, DISTANCE_DIGITS)?, store_id: store_id.parse().ok()? })
    }
}

/// At the most `limit` open stores that deliver there, nearest first, behind `after`.
pub(crate) async fn near(
    service: &Service,
    location: Location,
    after: Option<Place>,
    limit: usize,
) -> Result<Vec<(Place, StoreDocument)>, Failure> {
    let Some(tag) = reach::tag(location) else { return Ok(Vec::new()) };
    let mut nearest: Vec<(Place, StoreDocument)> = Vec::new();
    let mut looked_at: Option<String> = None;
    loop {
        let query = Query {
            select: Select::Tag(tag.clone()),
            direction: Direction::Ascending,
            after: looked_at.take(),
            limit: GO,
        };
        let stores: Vec<StoreDocument> = views::list(service, STORES, query).await?;
        let is_last = stores.len() < GO;
        looked_at = stores.last().map(|store| store.store_id.to_string());
        nearest.extend(stores.into_iter().filter_map(|store| {
            let place = delivers_to(&store, location)?;
            after.is_none_or(|after| place > after).then_some((place, store))
        }));
        nearest.sort_by_key(|(place, _)| *place);
        nearest.truncate(limit);
        if is_last {
            return Ok(nearest);
        }
    }
}

/// How far the store is, if it is open and delivers there.
fn delivers_to(store: &StoreDocument, location: Location) -> Option<Place> {
    let distance_m = store.profile.location.distance_m(location);
    let delivers = store.open && distance_m <= f64::from(store.profile.delivery_radius_m);
    delivers.then_some(Place { distance_m: distance_m.round() as u32, store_id: store.store_id })
}
