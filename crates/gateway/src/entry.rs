//! One request's way through the gateway, step by step.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use baedal_kit_http::Problem;
use baedal_kit_http::position::POSITION;
use baedal_kit_http::problem::{METHOD_NOT_ALLOWED, NOT_FOUND, UNAVAILABLE};
use baedal_kit_http::unread::taken_in;
use baedal_kit_http::upstream::Upstream;
use baedal_kit_runtime::lifecycle::Lifecycle;
use http::{HeaderMap, HeaderValue, Method, header};
use jiff::SignedDuration;

use crate::authentication::{Authentication, Verified, bearer};
use crate::limits::{Limits, refuse_large};
use crate::observe::{Answer, NOWHERE, observed};
use crate::problems::TIMED_OUT;
use crate::routes::{Access, Route, Traffic, table};
use crate::settings::Settings;
use crate::written::Written;
use crate::{authorization, forward, streams};

/// The gateway at work. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Entry {
    inner: Arc<Inner>,
}

struct Inner {
    upstreams: HashMap<&'static str, Upstream>,
    authentication: Authentication,
    limits: Limits,
    written: Written,
    lifecycle: Lifecycle,
    time_limit: Duration,
    live_stream_lifetime: Option<Duration>,
}

impl Entry {
    pub(crate) fn new(
        upstreams: HashMap<&'static str, Upstream>,
        authentication: Authentication,
        limits: Limits,
        settings: &Settings,
        lifecycle: Lifecycle,
    ) -> Self {
        let time_limit = Duration::try_from(settings.time_limit).unwrap_or(Duration::from_secs(30));
        let live_stream_lifetime = settings.live_stream_lifetime.map(SignedDuration::unsigned_abs);
        let written = Written::default();
        let inner = Inner { upstreams, authentication, limits, written, lifecycle, time_limit, live_stream_lifetime };
        Self { inner: Arc::new(inner) }
    }

    /// The table as a router: each path goes in with all its methods.
    pub(crate) fn router(self) -> Router {
        let mut paths: BTreeMap<&'static str, Vec<&'static Route>> = BTreeMap::new();
        for route in table() {
            paths.entry(route.path).or_default().push(route);
        }
        let mut router = Router::new();
        for (path, routes) in paths {
            let (entry, routes): (_, Arc<[_]>) = (self.clone(), routes.into());
            router = router.route(
                path,
                any(move |request: Request| {
                    let (inner, routes) = (Arc::clone(&entry.inner), Arc::clone(&routes));
                    taken_in(request, move |request| {
                        observed(path, request, |request| async move { answer(inner.pass(&routes, request).await) })
                    })
                }),
            );
        }
        router.fallback(move |request: Request| {
            let inner = Arc::clone(&self.inner);
            taken_in(request, move |request| {
                observed(NOWHERE, request, |request| async move { Answer::Refused(inner.nowhere(&request)) })
            })
        })
    }
}

fn answer(passed: Result<Response, Problem>) -> Answer {
    passed.map_or_else(Answer::Refused, Answer::Given)
}

impl Inner {
    /// The way of a request whose path is in the table.
    async fn pass(&self, routes: &[&'static Route], request: Request) -> Result<Response, Problem> {
        let route = route_for(routes, request.method())?;
        let client = self.limits.client(&request);
        if route.traffic == Traffic::Watch {
            return self.send(route, forward::outgoing(request, client, None)).await;
        }
        refuse_large(request.headers())?;
        let known = self.identify(route, client, request.headers()).await?;
        let caller = known.map(|known| known.caller);
        if route.traffic == Traffic::SignIn {
            self.limits.sign_in(client)?;
        }
        authorization::allow(route.access, caller)?;
        let place = match caller {
            Some(caller) if route.traffic == Traffic::Live => Some(self.limits.stream(caller.account_id, client)?),
            _ => None,
        };
        let request = self.limits.arrived(client, request).await?;
        let mut outgoing = forward::outgoing(request, client, caller);
        if let Some(caller) = caller
            && *outgoing.method() == Method::GET
        {
            self.written.show(caller.account_id, outgoing.headers_mut());
        }
        let may_wait = *outgoing.method() == Method::GET && outgoing.headers().contains_key(POSITION);
        let in_flight = self.limits.place(client, may_wait)?;
        let response = self.send(route, outgoing).await?;
        drop(in_flight);
        if let Some(caller) = caller {
            self.written.remember(caller.account_id, response.headers());
        }
        Ok(match place {
            Some(place) => streams::passed_on(response, place, &self.lifecycle, self.stream_lives(known)),
            None => response,
        })
    }

    /// Who asks, counted as whoever it turns out to be. A token that was not seen before counts against
    /// its address until it is found valid, so that made-up ones cannot be tried without end.
    async fn identify(&self, route: &Route, client: IpAddr, headers: &HeaderMap) -> Result<Option<Verified>, Problem> {
        let token = match route.access {
            Access::Open => None,
            Access::Public | Access::SignedIn | Access::Roles(_) => bearer(headers)?,
        };
        let remembered = token.and_then(|token| self.authentication.remembered(token));
        let known = match (token, remembered) {
            (_, Some(known)) => Some(known),
            (None, None) => {
                self.limits.stranger(client)?;
                None
            }
            (Some(token), None) => {
                self.limits.stranger(client)?;
                Some(self.authentication.verify(token).await?)
            }
        };
        if let Some(known) = known {
            self.limits.account(known.caller.account_id)?;
        }
        Ok(known)
    }

    /// How long a live stream may go on: as long as the token that it was opened with, or shorter where that is set.
    fn stream_lives(&self, known: Option<Verified>) -> Duration {
        let token = known.map_or(Duration::MAX, |known| self.authentication.left(known));
        token.min(self.live_stream_lifetime.unwrap_or(Duration::MAX))
    }

    async fn send(&self, route: &Route, request: Request) -> Result<Response, Problem> {
        let upstream = self.upstreams.get(route.context).ok_or_else(|| {
            let what = format!("{} is not part of this platform", route.context);
            Problem::new(&UNAVAILABLE, what).retry_after(Duration::from_secs(30))
        })?;
        match tokio::time::timeout(self.time_limit, upstream.send(request)).await {
            Ok(response) => Ok(forward::incoming(response)),
            Err(_) => {
                tracing::warn!(method = %route.method, route = route.path, "no answer came in time");
                Err(Problem::new(&TIMED_OUT, format!("no answer came within {:?}", self.time_limit)))
            }
        }
    }

    /// The way of a request whose path is not in the table.
    fn nowhere(&self, request: &Request) -> Problem {
        match self.limits.stranger(self.limits.client(request)) {
            Ok(()) => Problem::new(&NOT_FOUND, "there is no such address"),
            Err(problem) => problem,
        }
    }
}

/// The row for a method, among those of a path.
fn route_for(routes: &[&'static Route], method: &Method) -> Result<&'static Route, Problem> {
    if let Some(route) = routes.iter().find(|route| route.answers(method)) {
        return Ok(route);
    }
    let mut allowed: Vec<_> = routes.iter().map(|route| route.method.as_str()).collect();
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    let allowed = allowed.join(", ");
    let problem = Problem::new(&METHOD_NOT_ALLOWED, format!("this address takes {allowed}"));
    Err(match HeaderValue::from_str(&allowed) {
        Ok(allowed) => problem.header(header::ALLOW, allowed),
        Err(_) => problem,
    })
}
