//! `GET /api/stores`: who delivers here.

use axum::Json;
use axum::extract::State;
use baedal_contracts::identity::Role;
use baedal_contracts::{ID_FORM, Location, StoreId, Won};
use baedal_kit::database::{self, Direction, Select};
use baedal_kit_http::problem::{FORBIDDEN, FieldError, UNAUTHENTICATED};
use baedal_kit_http::{After, AsOf, Caller, Cursor, Page, PageSize, Problem, ProblemBody, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{App, strange_cursor};
use crate::views;
use crate::views::stores::search::{self, DISTANCE_DIGITS, Place};
use crate::views::stores::{STORES, StoreDocument, owner_tag};

/// Where the page before ended.
type AfterStorePlace = After<StorePlace>;

/// Where to look.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct NearQuery {
    /// Latitude of where it is to be delivered. Required, unless `mine`.
    #[param(minimum = -90, maximum = 90)]
    lat: Option<f64>,
    /// Longitude of where it is to be delivered. Required, unless `mine`.
    #[param(minimum = -180, maximum = 180)]
    lng: Option<f64>,
    /// Instead, the caller's own stores, open or not, newest first. For owners.
    mine: Option<bool>,
    /// How many items; 20 unless said.
    #[serde(default)]
    #[param(inline, required = false)]
    limit: PageSize,
    /// The `next` of the page before.
    #[param(inline)]
    after: Option<AfterStorePlace>,
}

/// Where a page ended: of those that are near, or of one's own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StorePlace {
    /// Of those that are near.
    Near(Place),
    /// Of one's own.
    Own(StoreId),
}

impl Cursor for StorePlace {
    fn pattern() -> String {
        format!("^(?:[0-9]{{1,{DISTANCE_DIGITS}}}:)?{ID_FORM}$")
    }

    fn read(text: &str) -> Option<Self> {
        Place::from_cursor(text).map(Self::Near).or_else(|| text.parse().ok().map(Self::Own))
    }
}

/// A store in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoreSummary {
    /// Which.
    store_id: StoreId,
    /// What it is called.
    name: String,
    /// Where it is, as written on a parcel.
    address: String,
    /// Where that is.
    location: Location,
    /// What the items of an order must cost at the least.
    min_order_krw: Won,
    /// How far it delivers, in metres.
    delivery_radius_m: u32,
    /// What a delivery costs.
    delivery_fee_krw: Won,
    /// Whether it takes orders.
    open: bool,
    /// How far it is from there, in metres; nothing where nobody said from where.
    distance_m: Option<u32>,
}

/// Stores that deliver here
///
/// Those that are open and deliver there, nearest first. With `mine=true`, an owner's own.
#[utoipa::path(
    get,
    path = "/api/stores",
    tag = "stores",
    params(NearQuery, AsOf),
    responses(
        (status = 200, description = "A page of them.", body = Page<StoreSummary>),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn near_stores(
    State(app): State<App>,
    caller: Option<Caller>,
    as_of: AsOf,
    Query(NearQuery { lat, lng, mine, limit, after }): Query<NearQuery>,
) -> Result<Json<Page<StoreSummary>>, Problem> {
    let (limit, after) = (limit.get(), after.map(|After(place)| place));
    if mine == Some(true) {
        return own(&app, caller, as_of, limit, after).await;
    }
    let location = location(lat, lng)?;
    let after = match after {
        None => None,
        Some(StorePlace::Near(place)) => Some(place),
        Some(StorePlace::Own(_)) => return Err(strange_cursor()),
    };
    as_of.wait(&app.service, STORES).await?;
    let found = search::near(&app.service, location, after, limit + 1).await?;
    let page = Page::of(found, limit, |(place, _)| place.to_cursor());
    Ok(Json(page.map(|(place, store)| summary(store, Some(place.distance_m)))))
}

async fn own(
    app: &App,
    caller: Option<Caller>,
    as_of: AsOf,
    limit: usize,
    after: Option<StorePlace>,
) -> Result<Json<Page<StoreSummary>>, Problem> {
    let caller = caller.ok_or_else(|| Problem::new(&UNAUTHENTICATED, "sign in to see your own stores"))?;
    if caller.role != Role::Owner {
        return Err(Problem::new(&FORBIDDEN, "only owners have stores of their own"));
    }
    let after = match after {
        None => None,
        Some(StorePlace::Own(store_id)) => Some(store_id),
        Some(StorePlace::Near(_)) => return Err(strange_cursor()),
    };
    as_of.wait(&app.service, STORES).await?;
    let query = database::Query {
        select: Select::Tag(owner_tag(caller.account_id)),
        direction: Direction::Descending,
        after: after.map(|id| id.to_string()),
        limit: limit + 1,
    };
    let found: Vec<StoreDocument> = views::list(&app.service, STORES, query).await?;
    let page = Page::of(found, limit, |store: &StoreDocument| store.store_id.to_string());
    Ok(Json(page.map(|store| summary(store, None))))
}

/// A place on the globe, or which of its numbers is wrong.
fn location(lat: Option<f64>, lng: Option<f64>) -> Result<Location, Problem> {
    if let (Some(lat), Some(lng)) = (lat, lng)
        && let Ok(location) = Location::new(lat, lng)
    {
        return Ok(location);
    }
    let wrong = |field: &str, value: Option<f64>, most: f64| {
        let is_right = value.is_some_and(|value| (-most..=most).contains(&value));
        (!is_right).then(|| FieldError { field: field.to_owned(), message: format!("must be -{most} to {most}") })
    };
    Err(Problem::fields([wrong("lat", lat, 90.0), wrong("lng", lng, 180.0)].into_iter().flatten().collect()))
}

fn summary(store: StoreDocument, distance_m: Option<u32>) -> StoreSummary {
    let StoreDocument { store_id, profile, open, .. } = store;
    StoreSummary {
        store_id,
        name: profile.name,
        address: profile.address,
        location: profile.location,
        min_order_krw: profile.min_order_krw,
        delivery_radius_m: profile.delivery_radius_m,
        delivery_fee_krw: profile.delivery_fee_krw,
        open,
        distance_m,
    }
}
