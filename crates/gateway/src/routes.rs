//! The whole public interface: what may be called, where it goes, and who may call it.
//!
//! What is not in this table cannot be reached from outside.

use baedal_contracts::identity::Role::{self, Customer, Operator, Owner, Rider};
use baedal_contracts::source::{DELIVERY, IDENTITY, NOTIFICATION, ORDER, STORE, TRACKING};
use http::Method;

/// What the gateway answers itself.
pub const GATEWAY: &str = "gateway";

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Route {
    /// The method. Whatever can be read by GET can be asked by HEAD.
    pub method: Method,
    /// The path, as `/api/orders/{order_id}`.
    pub path: &'static str,
    /// The context that answers.
    pub context: &'static str,
    /// Who may call it.
    pub access: Access,
    /// How its traffic is managed.
    pub traffic: Traffic,
}

/// Who may call a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Anybody, and nobody is asked who they are: a token that is sent is not looked at, as clients send
    /// an expired one along when they refresh it.
    Open,
    /// Anybody; whoever sends a token must send a valid one, and is then known.
    Public,
    /// Whoever is signed in.
    SignedIn,
    /// Whoever is signed in, in one of these roles.
    Roles(&'static [Role]),
}

/// How a route's traffic is managed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Traffic {
    /// Within the usual limits.
    Usual,
    /// Within tighter limits, because passwords are hashed or guessed there.
    SignIn,
    /// A stream that stays open for as long as its client wishes.
    Live,
    /// Asked by machines that watch over this one; never turned away.
    Watch,
}

/// The table.
#[must_use]
pub fn table() -> &'static [Route] {
    TABLE
}

static TABLE: &[Route] = &[
    // Accounts
    post("/api/phone-codes", IDENTITY, Access::Open).traffic(Traffic::SignIn),
    post("/api/accounts", IDENTITY, Access::Public).traffic(Traffic::SignIn),
    post("/api/token", IDENTITY, Access::Open).traffic(Traffic::SignIn),
    post("/api/token/refresh", IDENTITY, Access::Open),
    get("/api/me", IDENTITY, Access::SignedIn),
    get("/.well-known/jwks.json", IDENTITY, Access::Open),
    // Stores
    get("/api/stores", TRACKING, Access::Public),
    post("/api/stores", STORE, Access::Roles(&[Owner])),
    get("/api/stores/{store_id}", TRACKING, Access::Public),
    patch("/api/stores/{store_id}", STORE, Access::Roles(&[Owner])),
    get("/api/stores/{store_id}/ranking", TRACKING, Access::Public),
    put("/api/stores/{store_id}/menu/{item_id}", STORE, Access::Roles(&[Owner])),
    post("/api/stores/{store_id}/menu/{item_id}/stock", STORE, Access::Roles(&[Owner])),
    delete("/api/stores/{store_id}/menu/{item_id}", STORE, Access::Roles(&[Owner])),
    // Orders
    post("/api/orders", ORDER, Access::Roles(&[Customer])),
    put("/api/orders/{order_id}", ORDER, Access::Roles(&[Customer])),
    post("/api/orders/{order_id}/payment", ORDER, Access::Roles(&[Customer])),
    post("/api/orders/{order_id}/cancel", ORDER, Access::Roles(&[Customer, Operator])),
    post("/api/orders/{order_id}/refund", ORDER, Access::Roles(&[Operator])),
    post("/api/orders/{order_id}/confirm", ORDER, Access::Roles(&[Customer])),
    get("/api/orders", TRACKING, Access::SignedIn),
    get("/api/orders/{order_id}", TRACKING, Access::SignedIn),
    get("/api/orders/{order_id}/live", TRACKING, Access::SignedIn).traffic(Traffic::Live),
    // Kitchen
    get("/api/stores/{store_id}/tickets", TRACKING, Access::Roles(&[Owner])),
    get("/api/stores/{store_id}/tickets/live", TRACKING, Access::Roles(&[Owner])).traffic(Traffic::Live),
    post("/api/tickets/{order_id}/accept", STORE, Access::Roles(&[Owner])),
    post("/api/tickets/{order_id}/reject", STORE, Access::Roles(&[Owner])),
    post("/api/tickets/{order_id}/start", STORE, Access::Roles(&[Owner])),
    post("/api/tickets/{order_id}/finish", STORE, Access::Roles(&[Owner])),
    // Riders
    put("/api/riders/me", DELIVERY, Access::Roles(&[Rider])),
    get("/api/deliveries/nearby", DELIVERY, Access::Roles(&[Rider])),
    get("/api/deliveries/mine", DELIVERY, Access::Roles(&[Rider])),
    get("/api/deliveries/live", DELIVERY, Access::Roles(&[Rider])).traffic(Traffic::Live),
    post("/api/deliveries/{order_id}/claim", DELIVERY, Access::Roles(&[Rider])),
    post("/api/deliveries/{order_id}/release", DELIVERY, Access::Roles(&[Rider, Operator])),
    post("/api/deliveries/{order_id}/pickup", DELIVERY, Access::Roles(&[Rider])),
    post("/api/deliveries/{order_id}/deliver", DELIVERY, Access::Roles(&[Rider])),
    // Notices
    get("/api/notices", NOTIFICATION, Access::SignedIn),
    // Operations
    get("/api/operations/orders/{order_id}/trace", TRACKING, Access::Roles(&[Operator])),
    get("/api/operations/stuck", GATEWAY, Access::Roles(&[Operator])),
    get("/api/operations/stuck/{list}", TRACKING, Access::Roles(&[Operator])),
    get("/api/operations/breakers", GATEWAY, Access::Roles(&[Operator])),
    get("/api/operations/dead-letters", GATEWAY, Access::Roles(&[Operator])),
    post("/api/operations/dead-letters/{id}/redrive", GATEWAY, Access::Roles(&[Operator])),
    post("/api/operations/views/{name}/rebuild", GATEWAY, Access::Roles(&[Operator])),
    // Documentation
    get("/", GATEWAY, Access::Open),
    get("/api/docs", GATEWAY, Access::Open),
    get("/api/openapi.json", GATEWAY, Access::Open),
    get("/problems", GATEWAY, Access::Open),
    get("/problems/{name}", GATEWAY, Access::Open),
    // The machine
    get("/health/live", GATEWAY, Access::Open).traffic(Traffic::Watch),
    get("/health/ready", GATEWAY, Access::Open).traffic(Traffic::Watch),
];

const fn get(path: &'static str, context: &'static str, access: Access) -> Route {
    Route { method: Method::GET, path, context, access, traffic: Traffic::Usual }
}

const fn post(path: &'static str, context: &'static str, access: Access) -> Route {
    Route { method: Method::POST, path, context, access, traffic: Traffic::Usual }
}

const fn put(path: &'static str, context: &'static str, access: Access) -> Route {
    Route { method: Method::PUT, path, context, access, traffic: Traffic::Usual }
}

const fn patch(path: &'static str, context: &'static str, access: Access) -> Route {
    Route { method: Method::PATCH, path, context, access, traffic: Traffic::Usual }
}

const fn delete(path: &'static str, context: &'static str, access: Access) -> Route {
    Route { method: Method::DELETE, path, context, access, traffic: Traffic::Usual }
}

impl Route {
    const fn traffic(mut self, traffic: Traffic) -> Self {
        self.traffic = traffic;
        self
    }

    /// Whether it answers a method.
    #[must_use]
    pub fn answers(&self, method: &Method) -> bool {
        self.method == *method || (self.method == Method::GET && *method == Method::HEAD)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_row_is_there_twice() {
        let mut seen = HashSet::new();
        for route in table() {
            assert!(seen.insert((&route.method, route.path)), "{} {}", route.method, route.path);
        }
    }

    #[test]
    fn internal_routes_are_not_public() {
        assert!(table().iter().all(|route| !route.path.starts_with("/internal")));
    }

    #[test]
    fn live_streams_belong_to_somebody() {
        for route in table() {
            assert_eq!(route.traffic == Traffic::Live, route.path.ends_with("/live") && route.path.starts_with("/api"));
            assert!(route.traffic != Traffic::Live || matches!(route.access, Access::SignedIn | Access::Roles(_)));
        }
    }
}
