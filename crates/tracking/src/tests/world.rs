//! A running tracking, and others who tell it things.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use baedal_contracts::identity::Role;
use baedal_contracts::{AccountId, OrderId, source, store};
use baedal_kit::bus::{Batch, Bus};
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{Direction, Document, Query, Select};
use baedal_kit::ids::CountingIds;
use baedal_kit::scenario::NOON;
use baedal_kit::time::{Clock, ManualClock};
use baedal_kit::{Database, Envelope, Failure};
use baedal_kit_http::Caller;
use baedal_kit_http::caller::CALLER;
use baedal_kit_http::position::POSITION;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::lifecycle::Lifecycle;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt;

use super::events::{envelope, envelope_of, source_of};
use crate::Settings;
use crate::views::orders::heard::Heard;

const SOURCES: [&str; 5] = [source::ORDER, source::PAYMENT, source::STORE, source::DELIVERY, source::NOTIFICATION];

/// A bus that plays what it is given.
pub(super) struct Script(HashMap<&'static str, Told>);

/// What a source has told, and how far that reaches.
type Told = (Mutex<Vec<Arc<Envelope>>>, watch::Sender<u64>);

#[async_trait]
impl Bus for Script {
    fn shards(&self) -> u16 {
        1
    }

    async fn read(&self, source: &str, _shard: u16, after: u64, limit: usize) -> Result<Batch, Failure> {
        let told = self.0[source].0.lock().expect("no panic");
        let envelopes: Vec<_> = told.iter().skip(after as usize).take(limit).cloned().collect();
        let upto = envelopes.last().map_or(after, |last| last.position);
        Ok(Batch { envelopes, upto, ..Batch::default() })
    }

    fn head(&self, source: &str) -> watch::Receiver<u64> {
        self.0[source].1.subscribe()
    }

    async fn look_at_head(&self, source: &str) -> Result<u64, Failure> {
        Ok(self.0[source].0.lock().expect("no panic").len() as u64)
    }
}

impl Script {
    fn new() -> Self {
        Self(SOURCES.map(|source| (source, (Mutex::default(), watch::Sender::new(0)))).into())
    }

    /// Something is told, at its source's next position.
    fn tell(&self, source: &str, make: impl FnOnce(u64) -> Envelope) {
        self.write(source, make);
        self.announce(source);
    }

    /// Something is written there, and not known of here.
    fn write(&self, source: &str, make: impl FnOnce(u64) -> Envelope) {
        let mut told = self.0[source].0.lock().expect("no panic");
        let position = told.len() as u64 + 1;
        told.push(Arc::new(make(position)));
    }

    fn announce(&self, source: &str) {
        let (told, head) = &self.0[source];
        head.send_replace(told.lock().expect("no panic").len() as u64);
    }
}

/// A running tracking.
pub(super) struct World {
    pub(super) clock: ManualClock,
    pub(super) service: Service,
    script: Arc<Script>,
    router: axum::Router,
}

impl World {
    pub(super) async fn new() -> Self {
        let clock = ManualClock::at(NOON);
        let script = Arc::new(Script::new());
        let service = Service::new(
            source::TRACKING,
            Arc::new(MemoryDatabase::default()) as Arc<dyn Database>,
            Arc::clone(&script) as Arc<dyn Bus>,
            Arc::new(clock.clone()),
            Arc::new(CountingIds::default()),
            Lifecycle::default(),
        );
        let module = crate::module(service.clone(), Settings::default());
        let router = module.start().await.expect("started");
        Self { clock, service, script, router }
    }

    /// Somebody tells something about an order; a second passes.
    pub(super) fn tell(&self, heard: &Heard) {
        let at = self.tick();
        self.script.tell(source_of(heard), |position| envelope(heard, position, at));
    }

    /// The same, but nobody here is told of it before [`World::announce`].
    pub(super) fn write(&self, heard: &Heard) {
        let at = self.tick();
        self.script.write(source_of(heard), |position| envelope(heard, position, at));
    }

    /// What this source has written is known here.
    pub(super) fn announce(&self, source: &str) {
        self.script.announce(source);
    }

    /// A store tells something about itself.
    pub(super) fn tell_store(&self, event: &store::Event) {
        let at = self.tick();
        self.script.tell(source::STORE, |position| envelope_of(source::STORE, event, None, position, at));
    }

    /// Somebody tells something that is made by hand.
    pub(super) fn tell_envelope(&self, source: &str, make: impl FnOnce(u64, Timestamp) -> Envelope) {
        let at = self.tick();
        self.script.tell(source, |position| make(position, at));
    }

    fn tick(&self) -> Timestamp {
        self.clock.advance(SignedDuration::from_secs(1));
        self.clock.now()
    }

    /// Waits until all that was told has been heard by everybody.
    pub(super) async fn heard(&self) {
        let everything = |consumer: &HashMap<String, u64>| {
            !consumer.is_empty() && consumer.iter().all(|(source, at)| *self.script.head(source).borrow() == *at)
        };
        self.until(|| {
            let progress = self.service.all_progress();
            progress.len() == 4 && progress.values().all(everything)
        })
        .await;
    }

    /// Waits for something to become true.
    pub(super) async fn until(&self, is_true: impl Fn() -> bool) {
        let wait = async {
            while !is_true() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("it never came");
    }

    pub(super) async fn open(&self, path: &str, caller: Option<Caller>, headers: &[(&str, &str)]) -> Response<Body> {
        self.heard().await;
        let mut request = Request::get(path);
        if let Some(caller) = caller {
            request = request.header(CALLER, caller.to_header());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer")
    }

    pub(super) async fn get(&self, path: &str, caller: Option<Caller>) -> (StatusCode, Value) {
        let response = self.open(path, caller, &[]).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&bytes).expect("JSON"))
    }

    /// The `ETag` of an answer.
    pub(super) async fn tag(&self, path: &str, caller: Option<Caller>) -> Option<String> {
        let response = self.open(path, caller, &[]).await;
        response.headers().get("etag").map(|tag| tag.to_str().expect("text").to_owned())
    }

    /// Asks without waiting for anything to be heard, but for this position.
    pub(super) async fn get_as_of(&self, path: &str, caller: Caller, position: &str) -> StatusCode {
        let request = Request::get(path).header(CALLER, caller.to_header()).header(POSITION, position);
        let request = request.body(Body::empty()).expect("a request");
        self.router.clone().oneshot(request).await.expect("an answer").status()
    }

    pub(super) async fn ok(&self, path: &str, caller: Option<Caller>) -> Value {
        let (status, body) = self.get(path, caller).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Builds a view anew and waits until it is in use.
    pub(super) async fn rebuild(&self, view: &'static str) {
        let before = self.service.view_name(view);
        let request = Request::post(format!("/internal/views/{view}/rebuild")).body(Body::empty()).expect("a request");
        let answer = self.router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        self.until(|| self.service.view_name(view) != before).await;
    }

    /// All the documents of a view, without how often they were written.
    pub(super) async fn documents(&self, view: &'static str) -> Vec<(String, Value, Vec<String>)> {
        let query = Query {
            select: Select::Prefix(String::new()),
            direction: Direction::Ascending,
            after: None,
            limit: 10_000,
        };
        let found = self.service.database().list(&self.service.view_name(view), query).await.expect("documents");
        let plain =
            |document: Document| (document.id, serde_json::from_slice(&document.body).expect("JSON"), document.tags);
        found.into_iter().map(plain).collect()
    }
}

pub(super) fn caller(role: Role, account_id: AccountId) -> Caller {
    Caller { account_id, role }
}

pub(super) fn order_path(order: OrderId) -> String {
    format!("/api/orders/{order}")
}

/// Reads a live stream, frame by frame.
pub(super) struct Stream(Body);

impl Stream {
    pub(super) fn of(response: Response<Body>) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response.into_body())
    }

    /// The next frame's name, id and data; nothing where the stream has ended.
    pub(super) async fn next(&mut self) -> Option<(String, String, String)> {
        let frame = tokio::time::timeout(Duration::from_secs(20), self.0.frame()).await.expect("it never came")?;
        let bytes = frame.expect("a frame").into_data().expect("data");
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim_start().to_owned()).unwrap_or_default()
        };
        Some((field("event:"), field("id:"), field("data:")))
    }

    /// The next frame's id and what it shows.
    pub(super) async fn shown(&mut self) -> (String, Value) {
        let (_, id, data) = self.next().await.expect("a frame");
        (id, serde_json::from_str(&data).expect("JSON"))
    }
}
