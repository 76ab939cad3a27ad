//! Identity's routes.

mod accounts;
mod jwks;
mod me;
mod phone_codes;
pub mod problems;
mod refresh;
mod token;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRequestParts;
use baedal_kit_http::Problem;
use baedal_kit_http::caller::CLIENT;
use baedal_kit_http::problem::UNAVAILABLE;
use baedal_kit_http::upstream::Upstream;
use baedal_kit_runtime::Service;
use http::request::Parts;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::codes::Codes;
use crate::grace::Grace;
use crate::guessing::Guessing;
use crate::keys::Keys;
use crate::passwords::{Busy, NotHashed, Passwords};
use crate::settings::Settings;

/// What the routes hold in their hands.
#[derive(Clone)]
pub(crate) struct App {
    service: Service,
    settings: Arc<Settings>,
    keys: Keys,
    passwords: Passwords,
    guessing: Guessing,
    codes: Codes,
    grace: Grace,
}

impl App {
    pub(crate) fn new(service: Service, settings: Settings, keys: Keys, notification: Upstream) -> Self {
        let passwords =
            Passwords::new(settings.hash_cost.clone(), settings.hash_queue, settings.hash_queue_per_address);
        let guessing = Guessing::new(settings.guessing, Arc::clone(service.clock()));
        let codes = Codes::new(settings.phone_codes, keys.clone(), notification, Arc::clone(service.clock()));
        let grace = Grace::new(settings.refresh_grace, Arc::clone(service.clock()));
        Self { service, settings: Arc::new(settings), keys, passwords, guessing, codes, grace }
    }
}

/// The routes over what they need.
pub(crate) fn routes(app: App) -> Router {
    table().with_state(app).into()
}

/// The table of contents.
pub(crate) fn table() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(phone_codes::send_code))
        .routes(routes!(accounts::open_account))
        .routes(routes!(token::sign_in))
        .routes(routes!(refresh::refresh))
        .routes(routes!(me::who_am_i))
        .routes(routes!(jwks::public_keys))
}

impl From<Busy> for Problem {
    fn from(Busy: Busy) -> Self {
        Self::new(&UNAVAILABLE, "too many passwords from your address are being checked")
            .retry_after(Duration::from_secs(1))
    }
}

impl From<NotHashed> for Problem {
    fn from(not_hashed: NotHashed) -> Self {
        match not_hashed {
            NotHashed::Busy => Busy.into(),
            NotHashed::Failed(failure) => failure.into(),
        }
    }
}

/// The address of the client, as the gateway has established it.
struct Client(Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let address = parts.headers.get(CLIENT).and_then(|value| value.to_str().ok());
        Ok(Self(address.and_then(|address| address.parse().ok())))
    }
}
