//! Live streams: server-sent events that show the whole of something now, and again at every change.

use std::convert::Infallible;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use baedal_kit::Failure;
use baedal_kit::feeds::Subscription;
use baedal_kit_runtime::Service;
use futures::Stream;
use http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use super::problem::Problem;

/// How often a quiet stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How soon a client comes back after its stream ended.
const RECONNECT: Duration = Duration::from_secs(1);

/// The header `Last-Event-ID`, as it is described. One that names no state of ours is as good as none.
pub struct LastEventId;

impl IntoParams for LastEventId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().schema_type(Type::String).examples(["3f9c0d1e2b4a5968"]);
        let about = "The id of the last event that was seen: what it showed is not sent again.";
        let parameter = ParameterBuilder::new().name("Last-Event-ID").parameter_in(ParameterIn::Header);
        vec![parameter.required(Required::False).description(Some(about)).schema(Some(schema)).build()]
    }
}

/// The whole of something at one time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Names this state of it; comes back as `Last-Event-ID`.
    pub id: String,
    /// It, as JSON.
    pub data: String,
    /// When it may be another although nothing changes: then it is looked at again.
    pub until: Option<Timestamp>,
}

impl Frame {
    /// The frame that shows this, named by its content: it has the same name after changes that left it as
    /// it was, and in a view that was rebuilt.
    ///
    /// # Errors
    /// Where it cannot be written as JSON.
    pub fn showing(shown: &impl Serialize) -> Result<Self, Failure> {
        let data =
            serde_json::to_string(shown).map_err(|error| Failure::broken_by("a frame cannot be written", error))?;
        let mut content = DefaultHasher::new();
        data.hash(&mut content);
        Ok(Self { id: format!("{:016x}", content.finish()), data, until: None })
    }

    /// The same, to be looked at again at a time: what it shows is hidden then, or changes by itself.
    #[must_use]
    pub fn until(self, until: Option<Timestamp>) -> Self {
        Self { until, ..self }
    }
}

/// Streams frames: the first at once (unless it is the one the client saw last), then one whenever
/// `subscription` wakes and `look` finds another. Ends when there is nothing to look at any more, and
/// when the process drains, with an event `reconnect`.
pub fn stream<Look, Found>(
    service: &Service,
    headers: &HeaderMap,
    subscription: Subscription,
    look: Look,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<Look, Found>>
where
    Look: Fn() -> Found + Send + 'static,
    Found: Future<Output = Result<Option<Frame>, Problem>> + Send,
{
    stream_following(service, headers, subscription, move || {
        let found = look();
        async move { Ok(found.await?.map(|frame| (frame, None))) }
    })
}

/// Like [`stream`], for something whose place changes: `look` may also say which keys of the feeds to
/// follow from then on.
pub fn stream_following<Look, Found>(
    service: &Service,
    headers: &HeaderMap,
    subscription: Subscription,
    look: Look,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<Look, Found>>
where
    Look: Fn() -> Found + Send + 'static,
    Found: Future<Output = Result<Option<(Frame, Option<Vec<String>>)>, Problem>> + Send,
{
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let state = Some((service.clone(), subscription, look, seen));
    let frames = futures::stream::unfold(state, |state| async move {
        let (service, mut subscription, look, mut seen) = state?;
        loop {
            let until = match look().await {
                Ok(Some((frame, keys))) => {
                    let until = frame.until;
                    let elsewhere = keys.is_some_and(|keys| subscription.follow(keys));
                    if frame.id != seen {
                        seen.clone_from(&frame.id);
                        let event = Event::default().id(frame.id).data(frame.data).retry(RECONNECT);
                        return Some((Ok(event), Some((service, subscription, look, seen))));
                    }
                    if elsewhere {
                        // What changed there before we followed it has not woken us.
                        continue;
                    }
                    until
                }
                Ok(None) | Err(_) => return Some((Ok(goodbye()), None)),
            };
            let is_over = async {
                match until {
                    Some(until) => service.clock().sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = subscription.changed() => {}
                () = is_over => {}
                () = service.lifecycle().draining() => return Some((Ok(goodbye()), None)),
            }
        }
    });
    Sse::new(frames).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

/// Says something, as browsers pass over an event without data.
fn goodbye() -> Event {
    Event::default().event("reconnect").data("{}").retry(RECONNECT)
}
