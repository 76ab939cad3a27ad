//! The one entry: who may come in, where to, and how many at a time. It owns no business state.
//!
//! ```text
//!   request ─▶ route? ─▶ size? ─▶ who? ─▶ too often? ─▶ allowed? ─▶ arrived? ─▶ room? ─▶ the context that
//!              404,405   413      401     429           403         408,429     503      owns the route
//! ```
//!
//! - [`routes`]: the whole public interface as one table: method, path, context, who may call it;
//! - `entry`: one request's way through, step by step;
//! - `authentication`: from a bearer token to an account and its role; `authorization`: whether that role may;
//! - `limits`: traffic management: rates, requests in flight, live streams, sizes;
//! - `written`: what an account has just written, so that its reads show it;
//! - `forward`: what goes on to a context, and what comes back;
//! - `streams`: live streams on their way to the client: counted, and ended when this process drains;
//! - `observe`: the trace, the metrics and the log line of each request;
//! - `desk`: what the gateway answers itself: health, the operator's questions to all contexts,
//!   the documentation of the interface and of its problems;
//! - [`openapi`]: one description of the interface, merged from the contexts' own.

mod authentication;
mod authorization;
mod desk;
mod entry;
mod forward;
mod limits;
mod observe;
pub mod openapi;
pub mod problems;
pub mod routes;
mod settings;
mod streams;
mod written;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use baedal_contracts::source::IDENTITY;
use baedal_kit::time::Clock;
use baedal_kit_http::caps::Cap;
use baedal_kit_http::health::{Check, ReadinessProbe};
use baedal_kit_http::module::Described;
use baedal_kit_http::upstream::Upstream;
use baedal_kit_runtime::lifecycle::Lifecycle;

pub use routes::{Access, Route, table};
pub use settings::{Rate, Settings};

use crate::authentication::Authentication;
use crate::authentication::keys::Keys;
use crate::entry::Entry;
use crate::limits::Limits;

/// What the gateway is made of; the composition gives it.
pub struct Gateway {
    /// Where each context's requests go, by its name.
    pub upstreams: HashMap<&'static str, Upstream>,
    /// What the contexts say of their routes and their problems; the gateway adds its own.
    pub contexts: Vec<Described>,
    /// What can be set.
    pub settings: Settings,
    /// The clock that tokens expire by.
    pub clock: Arc<dyn Clock>,
    /// The life of this process.
    pub lifecycle: Lifecycle,
    /// What else may bind that stands before it, for readiness: the connections.
    pub caps: Vec<Cap>,
    /// What else this process depends on, for readiness.
    pub checks: Vec<Check>,
}

/// Puts the gateway together, and what looks whether it is ready. To be called inside the runtime that will serve it.
///
/// Requests should carry `ConnectInfo<SocketAddr>` among their extensions; without it all clients count
/// as one address.
pub fn open(gateway: Gateway) -> (Router, ReadinessProbe) {
    let Gateway { mut upstreams, contexts, settings, clock, lifecycle, caps, checks } = gateway;
    let (documents, problems): (Vec<_>, Vec<_>) =
        contexts.into_iter().map(|context| (context.document, context.problems)).unzip();
    let described = openapi::describe(documents);
    for difference in &described.unlike_the_table {
        tracing::warn!(difference, "the routes and their description differ");
    }
    let kept_for = settings.keys_kept_for.unsigned_abs();
    let keys = Arc::new(Keys::new(upstreams.get(IDENTITY).cloned(), Arc::clone(&clock), kept_for));
    lifecycle.spawn(Arc::clone(&keys).keep_fresh());
    let limits = Limits::new(&settings);
    limits.keep_small(&lifecycle);
    let caps: Vec<_> = limits.caps().into_iter().chain(caps).collect();
    let desk = desk::Desk::new(
        upstreams.clone(),
        Arc::clone(&keys),
        &described.document,
        problems.concat(),
        &settings,
        lifecycle.clone(),
    )
    .watching(caps, checks);
    let readiness = desk.readiness();
    upstreams.insert(routes::GATEWAY, Upstream::local(desk::routes(desk).split_for_parts().0));
    let authentication = Authentication::new(keys, clock, settings.remembered_tokens);
    (Entry::new(upstreams, authentication, limits, &settings, lifecycle).router(), readiness)
}
