//! An envelope as a CloudEvents 1.0 message, in structured mode: the body is one JSON object, attributes and all.
//!
//! Besides the attributes that every CloudEvent has, these are ours:
//!
//! | attribute | is |
//! |---|---|
//! | `subject` | the aggregate it happened to, as `order/0198…` |
//! | `position`, `prev` | its place in the source's journal, and the place of the one before it in its shard |
//! | `epoch` | which journal that is: after a restore the same positions are given to other events |
//! | `correlation` | the order it belongs to |
//! | `command`, `causekind`, `causeid`, `causename`, `actor` | what made it happen, and who |
//! | `traceparent` | the trace it is part of (the distributed tracing extension) |
//! | `dataref` | stands in the place of `data` where the event is too large for the broker: ask the source |
//!
//! Positions are strings, since a CloudEvents integer has 32 bits. `data` is the public event, byte for byte as
//! the source wrote it.
//!
//! **Why structured**, and not attributes in headers (binary mode): measured with `examples/modes.rs` on an
//! `OrderPaid` with two items, both are as long on the wire (1,515 and 1,522 bytes), but a message is written in
//! 0.7 µs instead of 2.2 and read in 2.5 µs instead of 5.5, since the client keeps headers in a map of strings.
//! Nothing would be gained by reading attributes without the event: the shard is in the subject, and a message
//! of which anything cannot be read is taken for lost. And structured mode is the one that the NATS binding has
//! had from its first release on; binary mode is still a draft there.

use std::borrow::Cow;
use std::sync::Arc;

use async_nats::header::{HeaderMap, HeaderName};
use baedal_kit::bus::{journal_path, shard_of};
use baedal_kit::epochs::Epoch;
use baedal_kit::{Cause, CauseKind, Envelope, Failure, Origin};
use bytes::Bytes;
use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

const CONTENT_TYPE: HeaderName = HeaderName::from_static("Content-Type");
/// The type of a message's body.
pub(crate) const CONTENT: &str = "application/cloudevents+json";
/// The type of the event in it.
pub(crate) const DATA_CONTENT: &str = "application/json";
/// What stands before a source's name in `source`.
const SOURCE_PREFIX: &str = "urn:baedal:";

/// An envelope, and the position before it in its shard: there is none between the two.
#[derive(Clone, Debug)]
pub struct Carried {
    /// The envelope.
    pub envelope: Envelope,
    /// The position of the one before it in its shard; 0 where there is none.
    pub prev: u64,
    /// The epoch of the journal that its position is of, where the message says it.
    pub epoch: Option<Epoch>,
}

/// Where a message is in its source's journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The position before it in its shard.
    pub prev: u64,
    /// Its own.
    pub position: u64,
    /// Of which epoch, where the message says it.
    pub epoch: Option<Epoch>,
}

/// A message that is no envelope.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The body is no CloudEvent of ours.
    #[error("the body is no CloudEvent of ours")]
    Body(#[from] serde_json::Error),
    /// An attribute is not what it should be.
    #[error("{0} is not what it should be")]
    Wrong(&'static str),
    /// It is of another journal than the one that its source has now.
    #[error("it is of a journal that its source does not have any more, or not yet as far as is known here")]
    Foreign,
    /// The event was too large for the broker and is to be had from its source.
    #[error("the event is too large for the broker")]
    Elsewhere,
}

impl Unreadable {
    /// In a word, for a metric.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Body(_) => "body",
            Self::Wrong(_) => "attribute",
            Self::Foreign => "epoch",
            Self::Elsewhere => "too_large",
        }
    }
}

/// A CloudEvent of ours. An attribute that says nothing is left out.
#[derive(Serialize, Deserialize)]
struct CloudEvent<'e> {
    #[serde(borrow)]
    specversion: Cow<'e, str>,
    id: Uuid,
    #[serde(borrow)]
    source: Cow<'e, str>,
    #[serde(borrow)]
    r#type: Cow<'e, str>,
    time: Timestamp,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    subject: Cow<'e, str>,
    #[serde(borrow)]
    datacontenttype: Cow<'e, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dataref: Option<Cow<'e, str>>,
    position: Number,
    prev: Number,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epoch: Option<Epoch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation: Option<Uuid>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    command: Cow<'e, str>,
    causekind: CauseKind,
    causeid: Uuid,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    causename: Cow<'e, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<Cow<'e, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    data: Option<&'e RawValue>,
}

/// Where a CloudEvent of ours is in its source's journal.
#[derive(Deserialize)]
struct Placed {
    position: Number,
    prev: Number,
    #[serde(default)]
    epoch: Option<Epoch>,
}

/// A number as a string.
#[derive(Clone, Copy)]
struct Number(u64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&str>::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

/// The message of an envelope.
///
/// # Errors
/// Where JSON cannot hold it, which no envelope that was read from a journal comes to.
pub fn encode(envelope: &Envelope, prev: u64, epoch: Epoch) -> Result<Bytes, Failure> {
    write(envelope, prev, epoch, None)
}

/// The message for an event that is too large for the broker: it says where the source has the event.
///
/// # Errors
/// As [`encode`].
pub fn encode_elsewhere(envelope: &Envelope, prev: u64, epoch: Epoch, shards: u16) -> Result<Bytes, Failure> {
    let shard = shard_of(&envelope.stream, shards);
    let place = journal_path(shard, shards, envelope.position.saturating_sub(1), 1);
    write(envelope, prev, epoch, Some(place))
}

fn write(envelope: &Envelope, prev: u64, epoch: Epoch, dataref: Option<String>) -> Result<Bytes, Failure> {
    let Envelope { id, source, position, stream, kind, at, correlation, command, origin, data } = envelope;
    let event = CloudEvent {
        specversion: "1.0".into(),
        id: *id,
        source: source_name(source).into(),
        r#type: event_type(source, kind).into(),
        time: *at,
        subject: stream.into(),
        datacontenttype: DATA_CONTENT.into(),
        data: dataref.is_none().then_some(data),
        dataref: dataref.map(Cow::from),
        position: Number(*position),
        prev: Number(prev),
        epoch: (epoch != Epoch::NONE).then_some(epoch),
        correlation: *correlation,
        command: command.into(),
        causekind: origin.cause.kind,
        causeid: origin.cause.id,
        causename: (&origin.cause.name).into(),
        actor: origin.actor,
        traceparent: origin.traceparent.as_deref().map(Cow::from),
    };
    let body = serde_json::to_vec(&event);
    body.map(Bytes::from).map_err(|error| Failure::broken_by(format!("{kind} cannot be written"), error))
}

/// The headers of every message: it is a CloudEvent in structured mode.
#[must_use]
pub fn headers() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, CONTENT.into())])
}

/// The envelope of a message.
///
/// # Errors
/// Where it is none.
pub fn decode(body: &[u8]) -> Result<Carried, Unreadable> {
    let event: CloudEvent<'_> = serde_json::from_slice(body)?;
    if event.specversion != "1.0" {
        return Err(Unreadable::Wrong("specversion"));
    }
    if event.prev.0 >= event.position.0 {
        return Err(Unreadable::Wrong("prev"));
    }
    if event.dataref.is_some() {
        return Err(Unreadable::Elsewhere);
    }
    let source = event.source.strip_prefix(SOURCE_PREFIX).ok_or(Unreadable::Wrong("source"))?;
    let kind = event.r#type.strip_prefix(&event_type(source, "")).ok_or(Unreadable::Wrong("type"))?;
    let envelope = Envelope {
        id: event.id,
        source: source.to_owned(),
        position: event.position.0,
        stream: event.subject.into_owned(),
        kind: kind.to_owned(),
        at: event.time,
        correlation: event.correlation,
        command: event.command.into_owned(),
        origin: Arc::new(Origin {
            cause: Cause { kind: event.causekind, id: event.causeid, name: event.causename.into_owned() },
            actor: event.actor,
            traceparent: event.traceparent.map(Cow::into_owned),
        }),
        data: event.data.ok_or(Unreadable::Wrong("data"))?.to_owned(),
    };
    Ok(Carried { envelope, prev: event.prev.0, epoch: event.epoch })
}

/// Where a message is in its source's journal.
///
/// # Errors
/// Where it does not say.
pub fn place(body: &[u8]) -> Result<Place, Unreadable> {
    let Placed { position, prev, epoch } = serde_json::from_slice(body)?;
    Ok(Place { prev: prev.0, position: position.0, epoch })
}

/// The `source` of a context.
pub(crate) fn source_name(context: &str) -> String {
    format!("{SOURCE_PREFIX}{context}")
}

/// The `type` of a kind of event.
pub(crate) fn event_type(source: &str, kind: &str) -> String {
    format!("baedal.{source}.{kind}")
}
