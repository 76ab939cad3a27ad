//! `PUT /api/riders/me`: a rider says where he is and whether he takes deliveries.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use baedal_contracts::{Location, OrderId};
use baedal_kit::Failure;
use baedal_kit_http::{Body, Caller, Position, Problem, ProblemBody, RequestOrigin};
use garde::Validate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use crate::domain::Rider;
use crate::{presence, views};

/// Where a rider is and whether he takes deliveries.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutRider {
    /// Whether deliveries are shown to him and he may claim them.
    #[garde(skip)]
    on_duty: bool,
    /// Where he is. On duty it is needed; off duty it may be left out, and is then forgotten.
    #[garde(custom(on_duty_we_know_where(self.on_duty)))]
    #[serde(default)]
    location: Option<Location>,
}

/// A rider as he is now.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct RiderView {
    /// Whether he takes deliveries.
    pub(crate) on_duty: bool,
    /// Where he is.
    #[schema(required)]
    pub(crate) location: Option<Location>,
    /// When he said so.
    #[schema(required)]
    pub(crate) updated_at: Option<Timestamp>,
    /// The orders he has claimed and not yet brought.
    pub(crate) carrying: Vec<OrderId>,
}

/// Say where you are and whether you are on duty.
///
/// What you have claimed stays yours when you go off duty.
#[utoipa::path(
    put,
    path = "/api/riders/me",
    tag = "riders",
    request_body = PutRider,
    responses(
        (status = 200, description = "You as we know you now.", body = RiderView),
        (status = 422, description = "A field is wrong.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_rider(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Body(PutRider { on_duty, location }): Body<PutRider>,
) -> Result<(Position, Json<RiderView>), Problem> {
    // What he carries may change at the same time; then this is done again on top of that.
    let settings = &app.settings;
    let (rider, position) = app
        .service
        .execute(&origin, |work| {
            let settings = Arc::clone(settings);
            Box::pin(async move {
                let mut rider = views::rider(work, caller.account_id).await?;
                (rider.on_duty, rider.location, rider.updated_at) = (on_duty, location, Some(work.at()));
                if on_duty {
                    presence::keep_heard(work, &settings, caller.account_id, rider.clone())?;
                } else {
                    // Whom nobody counts on may be silent.
                    (rider.heard_at, rider.is_silent) = (None, false);
                    views::keep_rider(work, caller.account_id, &rider)?;
                }
                Ok::<_, Failure>(rider)
            })
        })
        .await?;
    let Rider { on_duty, location, updated_at, carrying, .. } = rider;
    Ok((Position::of(&app.service, position), Json(RiderView { on_duty, location, updated_at, carrying })))
}

fn on_duty_we_know_where(on_duty: bool) -> impl FnOnce(&Option<Location>, &()) -> garde::Result {
    move |location, ()| {
        if on_duty && location.is_none() {
            return Err(garde::Error::new("must be given while on duty"));
        }
        Ok(())
    }
}
