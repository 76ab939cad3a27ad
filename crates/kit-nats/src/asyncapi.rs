//! What goes over the broker, as an AsyncAPI 3.0 document made from the code.

use std::collections::BTreeMap;

use baedal_contracts::schemas::{PublicEvents, public_events};
use baedal_kit::bus::UNPUBLISHABLE;
use baedal_kit::epochs::Epoch;
use serde_json::{Map, Value, json};

use crate::cloudevents::{CONTENT, DATA_CONTENT, event_type, source_name};
use crate::names;

/// The document.
#[must_use]
pub fn asyncapi() -> Value {
    let contexts = public_events();
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut messages = Map::new();
    let mut schemas = BTreeMap::from([("CloudEvent".to_owned(), cloudevent())]);
    for context in &contexts {
        let source = context.source;
        let mut names = Map::new();
        for (name, message) in messages_of(context) {
            let key = format!("{source}.{name}");
            names.insert(name, reference("messages", &key));
            messages.insert(key, message);
        }
        channels.insert(source.to_owned(), channel(source, names));
        channels.insert(format!("{source}.heads"), heads_channel(source));
        for (channel, what) in [(source.to_owned(), "events"), (format!("{source}.heads"), "heads")] {
            let told = json!({
                "action": "send",
                "channel": { "$ref": format!("#/channels/{channel}") },
                "summary": format!("The relay of {source} tells its {what}."),
            });
            operations.insert(format!("{source}.{what}"), told);
        }
        for (name, schema) in &context.types {
            schemas.insert(name.clone(), json!(schema));
        }
    }
    messages.insert("heads".to_owned(), heads_message());
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:baedal:events",
        "info": {
            "title": "Baedal",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the contexts of Baedal tell each other, over NATS JetStream. Every event is a \
                CloudEvent 1.0 in structured mode. An event comes at least once; its position in its source's journal \
                tells whether it came before, and `prev` whether one before it is missing.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": CONTENT,
        "servers": {
            "nats": {
                "host": "localhost:4222",
                "protocol": "nats",
                "description": "A NATS server with JetStream, 2.10.23 or newer; the settings say where.",
            },
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "messageTraits": { "cloudevent": headers() },
            "parameters": {
                "shard": {
                    "description": "The shard: FNV-1a (64 bits) of the part of `subject` behind the slash, \
                        modulo how many shards the installation has. An order's events have the same one in every context.",
                    "examples": ["0"],
                },
            },
            "correlationIds": {
                "order": {
                    "location": "$message.payload#/correlation",
                    "description": "The order that the event belongs to.",
                },
            },
            "schemas": schemas,
        },
    })
}

fn reference(room: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{room}/{name}") })
}

fn channel(source: &str, messages: Map<String, Value>) -> Value {
    json!({
        "address": names::events(source, 0).replace(".0", ".{shard}"),
        "title": format!("Events of {source}"),
        "description": format!("Kept in the stream {}, in the order of the journal.", names::stream(source)),
        "parameters": { "shard": reference("parameters", "shard") },
        "messages": messages,
    })
}

fn heads_channel(source: &str) -> Value {
    json!({
        "address": names::heads(source),
        "title": format!("How far the relay of {source} is"),
        "description": "Said after every batch, and every second while there is none. Kept nowhere.",
        "messages": { "heads": reference("messages", "heads") },
    })
}

/// The messages of a context, by the names of their events.
fn messages_of(context: &PublicEvents) -> Vec<(String, Value)> {
    let event = json!(context.event);
    let alternatives = event["oneOf"].as_array().cloned().unwrap_or_default();
    let named = alternatives.into_iter().filter_map(|data| {
        let name = data["properties"].as_object()?.keys().next()?.clone();
        Some((name.clone(), message(context.source, &name, data)))
    });
    let unpublishable = json!({
        "type": "object",
        "description": "An event that could not be published; whoever hears it asks the source again later.",
        "required": ["error"],
        "properties": { "error": { "type": "string", "description": "What is wrong." } },
    });
    let unpublishable = message(context.source, UNPUBLISHABLE, unpublishable);
    named.chain([(UNPUBLISHABLE.to_owned(), unpublishable)]).collect()
}

fn message(source: &str, name: &str, data: Value) -> Value {
    json!({
        "name": name,
        "title": name,
        "summary": data["description"],
        "contentType": CONTENT,
        "correlationId": reference("correlationIds", "order"),
        "traits": [reference("messageTraits", "cloudevent")],
        "payload": {
            "allOf": [
                reference("schemas", "CloudEvent"),
                {
                    "type": "object",
                    "properties": {
                        "source": { "const": source_name(source) },
                        "type": { "const": event_type(source, name) },
                        "data": data,
                    },
                },
            ],
        },
    })
}

fn heads_message() -> Value {
    json!({
        "name": "heads",
        "title": "How far a relay is",
        "summary": "How far the journal is in the stream.",
        "contentType": DATA_CONTENT,
        "payload": {
            "type": "object",
            "required": ["upto", "shards"],
            "properties": {
                "upto": {
                    "type": "integer", "minimum": 0,
                    "description": "All of the journal up to this position is in the stream.",
                },
                "shards": {
                    "type": "array", "items": { "type": "integer", "minimum": 0 },
                    "description": "By shard: there is no event behind this position, up to `upto`.",
                },
                "epoch": {
                    "type": "string", "format": "uuid",
                    "description": "The epoch of the journal as it is now.",
                },
            },
        },
    })
}

/// The headers that every event has.
fn headers() -> Value {
    json!({
        "description": "A CloudEvent in structured mode, by the NATS binding of CloudEvents 1.0.",
        "headers": {
            "type": "object",
            "required": ["Content-Type", "Nats-Msg-Id"],
            "properties": {
                "Content-Type": { "const": CONTENT },
                "Nats-Msg-Id": {
                    "type": "string",
                    "description": "The source, the position and its epoch; the broker drops one that comes again soon.",
                    "examples": [names::message_id("order", 42, Epoch::NONE)],
                },
            },
        },
    })
}

/// The attributes that every event has.
fn cloudevent() -> Value {
    let uuid = |what: &str| json!({ "type": "string", "format": "uuid", "description": what });
    let text = |what: &str| json!({ "type": "string", "minLength": 1, "description": what });
    let position =
        |what: &str| json!({ "type": "string", "pattern": "^[0-9]+$", "description": what, "examples": ["42"] });
    json!({
        "type": "object",
        "description": "A CloudEvent 1.0. Positions are strings, since a CloudEvents integer has 32 bits.",
        "required": [
            "specversion", "id", "source", "type", "time", "datacontenttype", "position", "prev", "causekind", "causeid",
        ],
        "properties": {
            "specversion": { "const": "1.0" },
            "id": uuid("The event's own id."),
            "source": text("The context that tells it."),
            "type": text("What happened."),
            "time": { "type": "string", "format": "date-time", "description": "When it happened." },
            "subject": text("The aggregate it happened to, as `order/0198…`."),
            "datacontenttype": { "const": DATA_CONTENT },
            "dataref": text("Where the event is, if it is too large for the broker; there is no `data` then."),
            "position": position("Its place in the source's journal."),
            "prev": position("The place of the one before it in its shard; 0 where there is none."),
            "epoch": uuid("The epoch of the source's journal that the position is of. After a restore the same positions \
                are given to other events, of another epoch."),
            "correlation": uuid("The order it belongs to."),
            "command": text("The command that was decided."),
            "causekind": { "enum": ["request", "event", "job"], "description": "What made it happen." },
            "causeid": uuid("Which request, event or job that was."),
            "causename": text("What that is called."),
            "actor": uuid("The account that asked for it."),
            "traceparent": { "type": "string", "description": "The trace it is part of (W3C Trace Context)." },
            "data": { "type": "object", "description": "The event." },
        },
    })
}
