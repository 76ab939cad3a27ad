//! One description of the whole interface, merged from what the contexts say of their routes.
//!
//! The contexts describe what they do; the table of [`routes`](crate::routes) says who may call it. What
//! is the same everywhere (tokens, limits, problems) is added here.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::desk;
use crate::routes::{Access, Route, Traffic, table};

/// The methods of OpenAPI, as they stand under a path.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/// The chapters, in the order of the table.
const TAGS: [(&str, &str); 9] = [
    ("accounts", "Who somebody is, and how they prove it."),
    ("stores", "Stores and their menus."),
    ("orders", "Orders, from placing to completing."),
    ("kitchen", "The store's board of tickets."),
    ("riders", "Riders and what they carry."),
    ("notices", "What was sent to whom."),
    ("operations", "What the operator looks after."),
    ("documentation", "This interface and its problems, explained."),
    ("machine", "For the machines that watch over this one."),
];

/// The description, and where it and the table differ.
#[derive(Clone, Debug)]
pub struct Described {
    /// The OpenAPI 3.1 document.
    pub document: Value,
    /// Every route that is in the table and not described, or described and not in the table.
    pub unlike_the_table: Vec<String>,
}

/// Merges what the contexts say of their routes, and what the gateway says of its own.
#[must_use]
pub fn describe(documents: Vec<OpenApi>) -> Described {
    let mut merged = Merged::default();
    let own = desk::described().into_openapi();
    for document in documents.into_iter().chain([own]) {
        match serde_json::to_value(&document) {
            Ok(document) => merged.add(document),
            Err(error) => merged.differences.push(format!("a description cannot be written: {error}")),
        }
    }
    merged.finish()
}

#[derive(Default)]
struct Merged {
    /// The operations, by path and method.
    paths: BTreeMap<&'static str, Map<String, Value>>,
    schemas: Map<String, Value>,
    tags: Vec<String>,
    differences: Vec<String>,
}

impl Merged {
    fn add(&mut self, mut document: Value) {
        let context = context_of(&document);
        self.add_schemas(&mut document, context);
        let Some(Value::Object(paths)) = document.get_mut("paths").map(Value::take) else { return };
        for (path, item) in paths {
            let Value::Object(item) = item else { continue };
            for (method, operation) in item {
                if !METHODS.contains(&method.as_str()) {
                    continue;
                }
                let route = table().iter().find(|route| route.path == path && is_method(route, &method));
                match (route, operation) {
                    (Some(route), Value::Object(operation)) => {
                        let operation = finished(route, operation, &mut self.tags);
                        self.paths.entry(route.path).or_default().insert(method, Value::Object(operation));
                    }
                    _ => self
                        .differences
                        .push(format!("{} {path} is described but not in the table", method.to_uppercase())),
                }
            }
        }
    }

    /// Takes the schemas over. One that another context describes differently gets its context's name put
    /// before its own, here and where it is referred to.
    fn add_schemas(&mut self, document: &mut Value, context: &str) {
        let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas").map(Value::take) else { return };
        let mut renamed = BTreeMap::new();
        for (name, schema) in &schemas {
            if self.schemas.get(name).is_some_and(|known| known != schema) {
                renamed.insert(reference(name), reference(&format!("{}{name}", capital(context))));
            }
        }
        let mut schemas = Value::Object(schemas);
        rename(&mut schemas, &renamed);
        rename(document, &renamed);
        let Value::Object(schemas) = schemas else { return };
        for (name, schema) in schemas {
            let name = renamed.get(&reference(&name)).map_or(name, |new| new.trim_start_matches(SCHEMAS).to_owned());
            self.schemas.insert(name, schema);
        }
    }

    fn finish(mut self) -> Described {
        for route in table() {
            let described = self.paths.get(route.path).is_some_and(|item| item.contains_key(&lower(route)));
            if !described {
                self.differences.push(format!("{} {} is in the table but not described", route.method, route.path));
            }
        }
        let known = TAGS.iter().filter(|(name, _)| self.tags.iter().any(|tag| tag == name));
        let mut tags: Vec<_> = known.map(|(name, about)| json!({"name": name, "description": about})).collect();
        for tag in self.tags.iter().filter(|tag| TAGS.iter().all(|(name, _)| name != tag)) {
            tags.push(json!({"name": tag}));
        }
        let document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Baedal",
                "version": env!("CARGO_PKG_VERSION"),
                "description": ABOUT,
                "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "tags": tags,
            "paths": self.paths,
            "components": {
                "schemas": self.schemas,
                "responses": common_responses(),
                "securitySchemes": {
                    "bearer": {
                        "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                        "description": "The `access_token` of `POST /api/token`.",
                    },
                },
            },
        });
        Described { document, unlike_the_table: self.differences }
    }
}

const ABOUT: &str = "Order food, cook it, bring it, and watch all of it happen.\n\n\
     Times are UTC in RFC 3339, money is whole won, ids are UUIDv7. Errors are RFC 9457 problems whose \
     `type` is the address of their explanation. An answer to a command carries `Baedal-Position`; a read \
     that sends it back shows at the least what that command did. Every answer carries `traceparent`: \
     quote it when you report something.";

const SCHEMAS: &str = "#/components/schemas/";

/// An operation, with what the table knows of it and what is the same for all.
fn finished(route: &Route, mut operation: Map<String, Value>, tags: &mut Vec<String>) -> Map<String, Value> {
    for tag in operation.get("tags").and_then(Value::as_array).into_iter().flatten() {
        let name = tag.as_str().unwrap_or_default().to_owned();
        if !tags.contains(&name) {
            tags.push(name);
        }
    }
    operation.insert("operationId".to_owned(), operation_id(route).into());
    operation.insert("x-for".to_owned(), who(route.access).into());
    let security = match route.access {
        Access::Open => json!([]),
        Access::Public => json!([{}, {"bearer": []}]),
        Access::SignedIn | Access::Roles(_) => json!([{"bearer": []}]),
    };
    operation.insert("security".to_owned(), security);
    if route.traffic == Traffic::Live {
        describe_events(&mut operation);
    }
    let has_body = operation.contains_key("requestBody");
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let is_as_of = parameters.is_some_and(|all| all.iter().any(|one| one["name"] == "Baedal-Position"));
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    if let Value::Object(responses) = responses {
        // A position may be beyond what its source has written.
        let of_position = is_as_of.then_some(("422", "Invalid"));
        for (status, name) in common_to(route, has_body).into_iter().chain(of_position) {
            responses.entry(status).or_insert_with(|| json!({"$ref": format!("#/components/responses/{name}")}));
        }
    }
    operation
}

/// What a context says of a stream is the data of each of its events, but for the last, which says to come back. An
/// event is described as OpenAPI 3.2 describes it.
fn describe_events(operation: &mut Map<String, Value>) {
    let content = operation.get_mut("responses").and_then(|responses| responses.pointer_mut("/200/content"));
    if let Some(schema) = content.and_then(|content| content.pointer_mut("/text~1event-stream/schema")) {
        *schema = json!({
            "type": "object",
            "description": "An event, by its fields (WHATWG HTML, 9.2). One without a name shows the whole; `reconnect` \
                ends the stream: come back.",
            "properties": {
                "event": {"type": "string", "enum": ["message", "reconnect"], "default": "message"},
                "id": {"type": "string"},
                "retry": {"type": "integer", "description": "Come back after so many milliseconds."},
                "data": {"type": "string"},
            },
            "required": ["data"],
            "if": {"properties": {"event": {"const": "message"}}},
            "then": {"properties": {"data": {
                "type": "string", "contentMediaType": "application/json", "contentSchema": schema.take(),
            }}},
            "else": {"properties": {"data": {"const": "{}"}}},
        });
    }
}

/// The problems that a route may answer with like any other.
fn common_to(route: &Route, has_body: bool) -> Vec<(&'static str, &'static str)> {
    if route.traffic == Traffic::Watch {
        return Vec::new();
    }
    let mut common = vec![
        ("400", "Malformed"),
        ("429", "TooManyRequests"),
        ("500", "Internal"),
        ("503", "Unavailable"),
        ("504", "TimedOut"),
    ];
    match route.access {
        Access::Open => {}
        Access::Public | Access::SignedIn => common.push(("401", "Unauthenticated")),
        Access::Roles(_) => common.extend([("401", "Unauthenticated"), ("403", "Forbidden")]),
    }
    if route.path.contains('{') {
        common.push(("404", "NotFound"));
    }
    common.push(("413", "TooLarge"));
    if has_body {
        common.extend([("408", "TooSlow"), ("415", "UnsupportedMediaType"), ("422", "Invalid")]);
    }
    common
}

fn common_responses() -> Value {
    use baedal_kit_http::problem as kit;
    let responses = [
        ("Malformed", &kit::MALFORMED),
        ("Invalid", &kit::INVALID),
        ("Unauthenticated", &kit::UNAUTHENTICATED),
        ("Forbidden", &kit::FORBIDDEN),
        ("NotFound", &kit::NOT_FOUND),
        ("TooSlow", &kit::TOO_SLOW),
        ("TooLarge", &kit::TOO_LARGE),
        ("UnsupportedMediaType", &kit::UNSUPPORTED_MEDIA_TYPE),
        ("TooManyRequests", &kit::TOO_MANY_REQUESTS),
        ("Internal", &kit::INTERNAL),
        ("Unavailable", &kit::UNAVAILABLE),
        ("TimedOut", &crate::problems::TIMED_OUT),
    ];
    let described = responses.map(|(name, problem)| {
        let mut response = json!({
            "description": problem.title,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
        });
        if matches!(problem.status, 429 | 503) {
            response["headers"] = json!({"Retry-After": {
                "description": "Come again after this many seconds.", "schema": {"type": "integer", "minimum": 0},
            }});
        }
        (name.to_owned(), response)
    });
    Value::Object(Map::from_iter(described))
}

/// Who may call it, for people.
fn who(access: Access) -> String {
    match access {
        Access::Open | Access::Public => "anyone".to_owned(),
        Access::SignedIn => "whoever is signed in".to_owned(),
        Access::Roles(roles) => roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// A name that follows from the interface and not from the code behind it: `post_orders_order_id_cancel`.
fn operation_id(route: &Route) -> String {
    let path = route.path.trim_start_matches("/api").replace(['{', '}', '.'], "");
    let words = path.split(['/', '-', '_']).filter(|word| !word.is_empty());
    std::iter::once(lower(route)).chain(words.map(str::to_owned)).collect::<Vec<_>>().join("_")
}

/// The context that a document is of: that of the first of its routes that the table knows.
fn context_of(document: &Value) -> &'static str {
    let paths = document.get("paths").and_then(Value::as_object);
    let mut routes = paths.into_iter().flatten().flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten().map(|(method, _)| method);
        methods.filter_map(move |method| table().iter().find(|route| route.path == path && is_method(route, method)))
    });
    routes.next().map_or("other", |route| route.context)
}

fn is_method(route: &Route, method: &str) -> bool {
    route.method.as_str().eq_ignore_ascii_case(method)
}

fn lower(route: &Route) -> String {
    route.method.as_str().to_lowercase()
}

fn reference(name: &str) -> String {
    format!("{SCHEMAS}{name}")
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Puts new references in the place of old ones, wherever they stand.
fn rename(value: &mut Value, renamed: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = renamed.get(text) {
                text.clone_from(new);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rename(value, renamed)),
        Value::Object(fields) => fields.values_mut().for_each(|value| rename(value, renamed)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
