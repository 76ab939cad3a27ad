//! A gateway, made-up contexts behind it, and an identity whose key can be changed.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use baedal_contracts::AccountId;
use baedal_contracts::identity::{Role, TOKEN_AUDIENCE, TOKEN_ISSUER};
use baedal_contracts::source::{DELIVERY, IDENTITY, NOTIFICATION, ORDER, PAYMENT, STORE, TRACKING};
use baedal_gateway::{Gateway, Settings};
use baedal_kit::scenario::NOON;
use baedal_kit::time::ManualClock;
use baedal_kit_http::admin;
use baedal_kit_http::upstream::Upstream;
use baedal_kit_runtime::lifecycle::Lifecycle;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) const CONTEXTS: [&str; 7] = [IDENTITY, ORDER, PAYMENT, STORE, DELIVERY, NOTIFICATION, TRACKING];
/// Where requests come from, unless they say otherwise.
pub(crate) const HERE: &str = "203.0.113.9";

/// A key pair, and what identity publishes of it.
pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) signing: EncodingKey,
    pub(crate) public: Vec<u8>,
    pub(crate) jwk: Jwk,
}

impl Key {
    pub(crate) fn new(kid: &str) -> Self {
        let pair = Ed25519KeyPair::generate().expect("a key");
        let public = pair.public_key().as_ref().to_vec();
        let mut jwk =
            Jwk::from_decoding_key(&DecodingKey::from_ed_der(&public), Some(Algorithm::EdDSA)).expect("a key");
        jwk.common.key_id = Some(kid.to_owned());
        let signing = EncodingKey::from_ed_der(pair.to_pkcs8v1().expect("a key").as_ref());
        Self { kid: kid.to_owned(), signing, public, jwk }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &self.signing).expect("a token")
    }

    pub(crate) fn token(&self, role: Role) -> String {
        self.sign(&claims(role))
    }
}

/// What a good token says.
pub(crate) fn claims(role: Role) -> Value {
    let now = NOON.as_second();
    json!({
        "iss": TOKEN_ISSUER, "aud": TOKEN_AUDIENCE, "sub": Uuid::now_v7(), "role": role,
        "iat": now, "exp": now + 900, "jti": Uuid::now_v7(),
    })
}

pub(crate) struct World {
    pub(crate) router: Router,
    operators: Router,
    pub(crate) key: Key,
    pub(crate) published: Arc<Mutex<JwkSet>>,
    pub(crate) fetched: Arc<AtomicUsize>,
    pub(crate) identity_is_away: Arc<AtomicBool>,
    pub(crate) clock: ManualClock,
    pub(crate) lifecycle: Lifecycle,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {}, |_| {})
    }

    /// With other settings, or other contexts.
    pub(crate) fn with(
        change_settings: impl FnOnce(&mut Settings),
        change_contexts: impl FnOnce(&mut HashMap<&'static str, Upstream>),
    ) -> Self {
        let key = Key::new("first");
        let published = Arc::new(Mutex::new(JwkSet { keys: vec![key.jwk.clone()] }));
        let fetched = Arc::new(AtomicUsize::new(0));
        let mut settings = Settings::default();
        change_settings(&mut settings);
        let mut upstreams: HashMap<_, _> = CONTEXTS.map(|context| (context, Upstream::local(echo(context)))).into();
        let (keys, count) = (Arc::clone(&published), Arc::clone(&fetched));
        let jwks = get(move || async move {
            count.fetch_add(1, Ordering::Relaxed);
            Json(keys.lock().expect("the keys").clone())
        });
        let identity_is_away = Arc::new(AtomicBool::new(false));
        let away = Arc::clone(&identity_is_away);
        let identity =
            echo(IDENTITY).route("/.well-known/jwks.json", jwks).layer(from_fn(move |request: Request, next: Next| {
                let is_away = away.load(Ordering::SeqCst);
                async move {
                    if is_away { StatusCode::SERVICE_UNAVAILABLE.into_response() } else { next.run(request).await }
                }
            }));
        upstreams.insert(IDENTITY, Upstream::local(identity));
        change_contexts(&mut upstreams);
        let clock = ManualClock::at(NOON);
        let lifecycle = Lifecycle::default();
        let (router, readiness) = baedal_gateway::open(Gateway {
            upstreams,
            contexts: Vec::new(),
            settings,
            clock: Arc::new(clock.clone()),
            lifecycle: lifecycle.clone(),
            caps: Vec::new(),
            checks: Vec::new(),
        });
        let operators = admin::router(readiness, Arc::new(|| "baedal_up 1\n".to_owned()));
        Self { router, operators, key, published, fetched, identity_is_away, clock, lifecycle }
    }

    pub(crate) fn fetched(&self) -> usize {
        self.fetched.load(Ordering::Relaxed)
    }

    /// The answer as it comes, its body perhaps not yet.
    pub(crate) async fn response(&self, mut request: Request) -> Response {
        if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
            let here = SocketAddr::new(HERE.parse().expect("an address"), 1);
            request.extensions_mut().insert(ConnectInfo(here));
        }
        self.router.clone().oneshot(request).await.expect("infallible")
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        Answer::read(self.response(request).await).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: Option<&str>) -> Answer {
        self.send(request(method, path, token)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// What operators are answered, on their own address.
    pub(crate) async fn get_as_the_machine(&self, path: &str) -> Answer {
        let response = self.operators.clone().oneshot(request(Method::GET, path, None)).await;
        Answer::read(response.expect("an answer")).await
    }

    pub(crate) async fn get_as(&self, role: Role, path: &str) -> Answer {
        self.call(Method::GET, path, Some(&self.key.token(role))).await
    }

    pub(crate) async fn post_as(&self, role: Role, path: &str) -> Answer {
        self.call(Method::POST, path, Some(&self.key.token(role))).await
    }
}

impl Answer {
    async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status: parts.status, headers: parts.headers, body, text }
    }

    pub(crate) fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default().trim_start_matches("/problems/")
    }
}

pub(crate) fn request(method: Method, path: &str, token: Option<&str>) -> Request {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(Body::empty()).expect("a request")
}

/// A context that answers with what it was asked, and who it is.
pub(crate) fn echo(context: &'static str) -> Router {
    Router::new()
        .fallback(move |request: Request| async move {
            let (parts, body) = request.into_parts();
            if parts.uri.path().starts_with("/internal") {
                return StatusCode::NOT_FOUND.into_response();
            }
            let Ok(body) = body.collect().await else {
                return (StatusCode::BAD_REQUEST, "the body broke off").into_response();
            };
            let headers: HashMap<_, _> = parts
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
                .collect();
            let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            let echo = json!({
                "context": context, "method": parts.method.as_str(), "uri": parts.uri.to_string(),
                "headers": headers, "body": body,
            });
            Json(echo).into_response()
        })
        .route("/internal/dead-letters", get(async || Json(json!([]))))
        .route(
            "/internal/health",
            get(move || async move {
                Json(json!({"context": context, "database": "ok", "position": 7, "behind": {"somebody": 3}}))
            }),
        )
}

/// An account's id as its token says it.
pub(crate) fn account_of(claims: &Value) -> AccountId {
    claims["sub"].as_str().and_then(|id| id.parse().ok()).expect("an account")
}
