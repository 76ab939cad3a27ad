//! One description of the whole interface.

use std::collections::BTreeSet;

use baedal_gateway::routes::{GATEWAY, Route};
use baedal_gateway::{openapi, table};
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

use super::world::World;

/// What a context might say: one operation for each path, and schemas.
fn document(operations: &[(&str, &str, Value)], schemas: Value) -> OpenApi {
    let mut paths = json!({});
    for (method, path, operation) in operations {
        paths[path][method] = operation.clone();
    }
    let document = json!({
        "openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": paths, "components": {"schemas": schemas},
    });
    serde_json::from_value(document).expect("a document")
}

fn answering(schema: &str) -> Value {
    let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
    json!({
        "tags": ["orders"], "operationId": "handler",
        "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}},
    })
}

fn object(field: &str) -> Value {
    json!({"type": "object", "properties": {(field): {"type": "string"}}})
}

#[test]
fn the_gateway_describes_all_of_its_own_and_nothing_else() {
    let described = openapi::describe(Vec::new());
    let missing: BTreeSet<_> = described.unlike_the_table.into_iter().collect();
    // Tracking describes what is stuck; the gateway adds to its answer what tracking leaves room for.
    let is_described_elsewhere = |route: &&Route| route.context != GATEWAY || route.path == "/api/operations/stuck";
    let of_contexts = table().iter().filter(is_described_elsewhere);
    let expected: BTreeSet<_> =
        of_contexts.map(|route| format!("{} {} is in the table but not described", route.method, route.path)).collect();
    assert_eq!(missing, expected);
}

#[test]
fn what_cannot_be_reached_is_not_described() {
    let documents = vec![document(&[("get", "/internal/secrets", answering("X"))], json!({"X": object("x")}))];
    let described = openapi::describe(documents);
    assert!(described.document["paths"].get("/internal/secrets").is_none());
    assert!(described.unlike_the_table.contains(&"GET /internal/secrets is described but not in the table".to_owned()));
}

#[test]
fn contexts_that_share_a_path_or_a_name_are_merged_without_loss() {
    let order = document(
        &[("post", "/api/orders", answering("Order")), ("put", "/api/orders/{order_id}", answering("Order"))],
        json!({"Order": object("placed"), "Same": object("same")}),
    );
    let tracking = document(
        &[("get", "/api/orders", answering("Order")), ("get", "/api/orders/{order_id}", answering("Order"))],
        json!({"Order": {"type": "object", "properties": {"watched": {"$ref": "#/components/schemas/Order"}}}, "Same": object("same")}),
    );
    let document = openapi::describe(vec![order, tracking]).document;
    let schema = |method: &str, path: &str| {
        document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].clone()
    };
    assert_eq!(schema("post", "/api/orders"), "#/components/schemas/Order");
    assert_eq!(schema("get", "/api/orders"), "#/components/schemas/TrackingOrder");
    assert_eq!(schema("get", "/api/orders/{order_id}"), "#/components/schemas/TrackingOrder");
    let schemas = &document["components"]["schemas"];
    assert!(schemas["Order"]["properties"]["placed"].is_object());
    assert_eq!(schemas["TrackingOrder"]["properties"]["watched"]["$ref"], "#/components/schemas/TrackingOrder");
    assert!(schemas.get("TrackingSame").is_none());
}

#[test]
fn the_table_says_who_may_call() {
    let documents = vec![document(
        &[
            ("post", "/api/token", answering("X")),
            ("get", "/api/stores", answering("X")),
            ("get", "/api/orders", answering("X")),
            ("post", "/api/orders/{order_id}/cancel", answering("X")),
        ],
        json!({"X": object("x")}),
    )];
    let document = openapi::describe(documents).document;
    for (method, path, security, who, statuses) in [
        ("post", "/api/token", json!([]), "anyone", vec!["429", "503"]),
        ("get", "/api/stores", json!([{}, {"bearer": []}]), "anyone", vec!["401", "429"]),
        ("get", "/api/orders", json!([{"bearer": []}]), "whoever is signed in", vec!["401"]),
        (
            "post",
            "/api/orders/{order_id}/cancel",
            json!([{"bearer": []}]),
            "customer, operator",
            vec!["401", "403", "404"],
        ),
    ] {
        let operation = &document["paths"][path][method];
        assert_eq!(operation["security"], security, "{path}");
        assert_eq!(operation["x-for"], who);
        for status in statuses {
            assert!(operation["responses"][status].is_object(), "{path} {status}");
        }
    }
}

#[test]
fn a_stream_may_also_say_that_it_is_over() {
    let mut stream = answering("X");
    stream["responses"]["200"]["content"] =
        json!({"text/event-stream": {"schema": {"$ref": "#/components/schemas/X"}}});
    let documents = vec![document(&[("get", "/api/orders/{order_id}/live", stream)], json!({"X": object("x")}))];
    let document = openapi::describe(documents).document;
    let answer = &document["paths"]["/api/orders/{order_id}/live"]["get"]["responses"]["200"];
    let event = &answer["content"]["text/event-stream"]["schema"];
    let shown = &event["then"]["properties"]["data"];
    assert_eq!(shown["contentSchema"], json!({"$ref": "#/components/schemas/X"}));
    assert_eq!(event["else"]["properties"]["data"], json!({"const": "{}"}));
}

#[tokio::test]
async fn the_document_that_is_served_is_sound() {
    let document = World::new().get("/api/openapi.json").await.body;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut ids = BTreeSet::new();
    for item in document["paths"].as_object().expect("paths").values() {
        for operation in item.as_object().expect("operations").values() {
            assert!(ids.insert(operation["operationId"].as_str().expect("an id")), "{operation}");
        }
    }
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect_references<'d>(value: &'d Value, found: &mut Vec<&'d str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| collect_references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect_references(value, found)),
        _ => {}
    }
}
