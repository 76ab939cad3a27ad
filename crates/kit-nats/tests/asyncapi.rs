//! The description of what goes over the broker is the one that is checked in, and holds together.

use std::collections::BTreeMap;
use std::path::Path;

use baedal_contracts::schemas::public_events;
use baedal_kit_nats::asyncapi::asyncapi;
use serde_json::{Value, json};

const UPDATE: &str = "UPDATE_ASYNCAPI";

#[test]
fn the_document_is_as_checked_in() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/asyncapi.json");
    let document = asyncapi();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, format!("{document:#}\n")).expect("the document can be written");
        return;
    }
    let checked_in = std::fs::read(&path).expect("docs/asyncapi.json");
    let checked_in: Value = serde_json::from_slice(&checked_in).expect("JSON");
    assert!(checked_in == document, "docs/asyncapi.json is not current: run this test with {UPDATE}=1 and look at it");
}

#[test]
fn what_it_refers_to_is_there() {
    let document = asyncapi();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("a reference to itself");
        assert!(document.pointer(pointer).is_some(), "{reference} is not there");
    }
}

#[test]
fn every_event_has_a_message() {
    let document = asyncapi();
    let messages = &document["components"]["messages"];
    for name in ["order.OrderPaid", "store.TicketOpened", "payment.PaymentApproved", "delivery.Delivered"] {
        let data = &messages[name]["payload"]["allOf"][1]["properties"]["data"];
        assert!(data["properties"].is_object(), "{name}");
    }
    for (name, message) in messages.as_object().expect("messages") {
        assert!(message["summary"].is_string(), "{name} is described");
    }
    for context in public_events() {
        let events = json!(context.event)["oneOf"].as_array().expect("alternatives").len();
        let told = document["channels"][context.source]["messages"].as_object().expect("messages");
        assert_eq!(told.len(), events + 1, "each of {}'s, and one for what cannot be published", context.source);
    }
}

#[test]
fn types_of_one_name_are_one_type() {
    let mut types = BTreeMap::new();
    for (name, schema) in public_events().into_iter().flat_map(|context| context.types) {
        let schema = json!(schema);
        if let Some(other) = types.insert(name.clone(), schema.clone()) {
            assert_eq!(other, schema, "{name}");
        }
    }
}

fn collect<'d>(value: &'d Value, references: &mut Vec<&'d str>) {
    match value {
        Value::Object(object) => {
            references.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(array) => array.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}
