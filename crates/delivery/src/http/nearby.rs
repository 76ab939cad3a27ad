//! `GET /api/deliveries/nearby`: what waits near the rider.

use axum::Json;
use axum::extract::State;
use baedal_contracts::{AccountId, Location};
use baedal_kit::Failure;
use baedal_kit::message::Origin;
use baedal_kit_http::{AsOf, Caller, Page, Problem, ProblemBody};
use baedal_kit_runtime::Service;

use super::App;
use super::problems::NOT_ON_DUTY;
use super::shapes::NearbyView;
use crate::domain::Rider;
use crate::{policy, views};

/// What waits near you, nearest to fetch first.
///
/// A delivery is seen within its radius of the store or of the customer; the radius grows while nobody
/// claims it. At the most the 100 nearest, in one page.
#[utoipa::path(
    get,
    path = "/api/deliveries/nearby",
    tag = "riders",
    params(AsOf),
    responses(
        (status = 200, description = "What waits; `next` is always null.", body = Page<NearbyView>),
        (status = 409, description = "`not_on_duty`.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn nearby_deliveries(
    State(app): State<App>,
    caller: Caller,
    as_of: AsOf,
) -> Result<Json<Page<NearbyView>>, Problem> {
    as_of.wait(&app.service, policy::NAME).await?;
    let rider = rider(&app.service, caller.account_id).await?;
    let Some(from) = rider.post() else {
        return Err(Problem::new(&NOT_ON_DUTY, "say where you are and that you are on duty first"));
    };
    Ok(Json(Page { items: seen_from(&app.service, caller.account_id, from).await?, next: None }))
}

/// A rider as he is now.
pub(crate) async fn rider(service: &Service, rider_id: AccountId) -> Result<Rider, Failure> {
    views::rider(&mut service.work(Origin::none()), rider_id).await
}

/// What waits and is seen from there, as a rider is shown it.
pub(crate) async fn seen_from(
    service: &Service,
    rider_id: AccountId,
    from: Location,
) -> Result<Vec<NearbyView>, Failure> {
    Ok(views::nearby(service, rider_id, from).await?.into_iter().map(NearbyView::of).collect())
}
