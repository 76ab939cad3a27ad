//! What the OpenAPI document says of a request is what is enforced: all of it, and nothing else.
//!
//! Every operation is called with values just inside and just outside of what the document says of each of its fields,
//! and with what anybody might try. What the document allows is not refused for its form; what it does not is refused
//! with a documented problem. So whoever enforces something and does not say so, or says something and does not enforce
//! it, is found here, also in a route that nobody has written yet.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod schemas;

use std::collections::{BTreeMap, BTreeSet};

use baedal_client::Session;
use baedal_contracts::identity::Role;
use baedal_gateway::Rate;
use baedal_journeys::{Shop, World};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use schemas::{Document, Place, Schema};

/// Where what the document allows is refused all the same, as a field of it hangs on another or on who asks, which no
/// schema says: the operation, the field, and why.
const BETWEEN_FIELDS: [(&str, &str, &str); 10] = [
    ("POST /api/orders/{order_id}/cancel", "", "an operator must give a reason and a fault"),
    ("POST /api/orders/{order_id}/cancel", "reason", "an operator must give it, a customer need not"),
    ("POST /api/orders/{order_id}/cancel", "fault", "an operator must give it, a customer may not"),
    ("POST /api/deliveries/{order_id}/release", "", "an operator must send a body, a rider need not"),
    ("POST /api/tickets/{order_id}/reject", "text", "`other` needs it"),
    ("GET /api/stores", "lat", "is needed unless one's own are asked for"),
    ("GET /api/stores", "lng", "is needed unless one's own are asked for"),
    ("GET /api/stores", "after", "one's own are counted by another cursor than those that are near"),
    ("GET /api/operations/stuck/{list}", "after", "those past a deadline are counted by another cursor than the rest"),
    ("POST /api/stores/{store_id}/menu/{item_id}/stock", "add", "no more may be left than may be in stock"),
];
/// What the headers are that any route might look at.
const HEADERS: [(&str, &str); 5] = [
    ("Baedal-Position", "nowhere"),
    ("If-Match", "\u{e9}"),
    ("Idempotency-Key", ""),
    ("Last-Event-ID", "\u{e9}"),
    ("traceparent", "nonsense"),
];
/// As much of an address, or of a header, as any server takes.
const LONGEST_ADDRESS: usize = 8_000;
/// The most that a body may hold, in bytes.
const MOST_BYTES: usize = baedal_kit_http::body::LIMIT;
/// What says that a request has not the form that the document wants.
const OF_FORM: [&str; 3] = ["/problems/malformed", "/problems/invalid", "/problems/idempotency_key_missing"];

/// Everything that one request says, by where it stands.
#[derive(Clone, Debug)]
struct Asked {
    parameters: BTreeMap<(String, String), String>,
    body: Option<Value>,
}

/// One call of the description.
struct Operation<'w> {
    name: String,
    method: Method,
    path: String,
    json: Value,
    token: Option<String>,
    world: &'w World,
    document: &'w Document,
    problems: &'w BTreeSet<String>,
}

/// What was answered.
struct Answer {
    status: StatusCode,
    problem: Value,
}

impl Answer {
    /// Whether it says that this field has not the form that it should have. A parameter's problem may name none.
    fn refuses(&self, place: &str, is_parameter: bool) -> bool {
        let kind = self.problem["type"].as_str().unwrap_or_default();
        let fields: Vec<_> = self.problem["errors"].as_array().into_iter().flatten().collect();
        let names_it = |field: &&Value| field["field"].as_str().is_some_and(|field| is_about(field, place));
        OF_FORM.contains(&kind) && (fields.iter().any(names_it) || (fields.is_empty() && is_parameter))
    }
}

/// Whether what is said of a field is said of a place: of itself, or of something in it.
fn is_about(field: &str, place: &str) -> bool {
    let field = field.trim_start_matches('.');
    place.is_empty() || field == place || field.strip_prefix(place).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// What a place is in that is told of as one: a location's numbers are.
fn told_as(place: &str) -> &str {
    place.strip_suffix(".lat").or_else(|| place.strip_suffix(".lng")).unwrap_or(place)
}

impl Operation<'_> {
    async fn ask(&self, asked: &Asked) -> Answer {
        let mut path = self.path.clone();
        let mut query = Vec::new();
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.token {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).expect("a token"));
        }
        for ((place, name), value) in &asked.parameters {
            let escaped = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
            match place.as_str() {
                "path" => path = path.replace(&format!("{{{name}}}"), &escaped),
                "query" => query.push(format!("{name}={escaped}")),
                "header" => {
                    let name = HeaderName::from_bytes(name.as_bytes()).expect("a header");
                    headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header's value"));
                }
                other => panic!("a parameter in {other}"),
            }
        }
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let client = self.world.client();
        let (status, _, problem) = client
            .request(
                self.method.clone(),
                &path,
                headers.iter().map(|(name, value)| (name.clone(), value.clone())),
                asked.body.as_ref(),
            )
            .await
            .unwrap_or_else(|error| panic!("{}: {error}: {asked:?}", self.name));
        Answer { status, problem }
    }

    /// What is wrong with how it is answered what the document does or does not allow.
    async fn wrong(&self, asked: &Asked, place: &str, is_parameter: bool, is_allowed: bool) -> Option<String> {
        let answer = self.ask(asked).await;
        let status = answer.status.as_u16();
        let told = || {
            let problem = answer.problem.to_string();
            format!("{} {}: {status} {}", self.name, place, problem.chars().take(300).collect::<String>())
        };
        if status >= 500 {
            return Some(format!("fails: {}", told()));
        }
        let responses = self.json["responses"].as_object().expect("responses");
        if !responses.contains_key(status.to_string().as_str()) && !responses.contains_key("default") {
            return Some(format!("answers what is not described: {}", told()));
        }
        let kind = answer.problem["type"].as_str().unwrap_or_default();
        if status >= 400 && !self.problems.contains(kind) {
            return Some(format!("has a problem that is not documented: {}", told()));
        }
        if is_allowed {
            let hangs_on_another = BETWEEN_FIELDS.iter().any(|(name, field, _)| *name == self.name && *field == place);
            let is_refused = answer.refuses(place, is_parameter);
            return (is_refused && !hangs_on_another).then(|| format!("refuses what is allowed: {}", told()));
        }
        // An address that is none is not there.
        let is_nowhere = is_parameter && status == 404 && self.path.contains(&format!("{{{place}}}"));
        let is_refused = matches!(status, 400 | 422)
            && (answer.refuses(place, is_parameter) || answer.refuses(told_as(place), is_parameter));
        // So many items make a body too large before they are counted.
        let is_too_large = status == 413 && asked.body.as_ref().is_some_and(|body| body.to_string().len() > MOST_BYTES);
        (!is_refused && !is_nowhere && !is_too_large).then(|| format!("takes what is not allowed: {}", told()))
    }
}

/// A value as it stands in an address or a header.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What a parameter's text is to its schema.
fn read(schema: &Schema, text: &str) -> Value {
    match schema.kind() {
        "integer" | "number" => match serde_json::from_str(text) {
            Ok(number @ Value::Number(_)) if !text.contains(['e', '.']) || schema.kind() == "number" => number,
            _ => json!(text),
        },
        "boolean" => text.parse().map_or_else(|_| json!(text), Value::Bool),
        _ => json!(text),
    }
}

/// Whether HTTP carries it as it is.
fn is_header_value(text: &str) -> bool {
    text.trim() == text && text.len() < LONGEST_ADDRESS && HeaderValue::from_bytes(text.as_bytes()).is_ok()
}

async fn probe(operation: &Operation<'_>, known: &BTreeMap<&str, String>) -> Vec<String> {
    let document = operation.document;
    let mut wrong = Vec::new();
    let mut parameters = Vec::new();
    let mut usual = Asked { parameters: BTreeMap::new(), body: None };
    for parameter in operation.json["parameters"].as_array().into_iter().flatten() {
        let word = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
        let (place, name) = (word("in"), word("name"));
        let schema = document.schema(&parameter["schema"]);
        if parameter["required"] == true {
            let example =
                plain(&parameter["example"]).unwrap_or_else(|| plain(&document.sample(&schema)).expect("text"));
            let value = known.get(name.as_str()).cloned().unwrap_or(example);
            usual.parameters.insert((place.clone(), name.clone()), value);
        }
        parameters.push((place, name, schema, parameter["required"] == true));
    }
    let body = operation.json["requestBody"]["content"]["application/json"].get("schema");
    let body = body.map(|schema| document.schema(schema));
    usual.body = body.as_ref().map(|schema| base(&operation.name, document, schema));

    for (place, name, schema, is_required) in &parameters {
        let at = (place.clone(), name.clone());
        for text in document.candidates(schema).iter().filter_map(plain) {
            let is_short = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string().len() < LONGEST_ADDRESS;
            let is_sent = match place.as_str() {
                "header" => is_header_value(&text),
                "path" => !text.is_empty() && is_short,
                _ => is_short,
            };
            if is_sent {
                let mut asked = usual.clone();
                asked.parameters.insert(at.clone(), text.clone());
                let is_allowed = document.allows(schema, &read(schema, &text));
                let found = operation.wrong(&asked, name, true, is_allowed).await;
                wrong.extend(
                    found.map(|found| format!("{found} — sent {:?}", text.chars().take(80).collect::<String>())),
                );
            }
        }
        if place != "path" {
            let mut asked = usual.clone();
            asked.parameters.remove(&at);
            let found = operation.wrong(&asked, name, true, !is_required).await;
            wrong.extend(found.map(|found| format!("{found} — left out")));
        }
    }
    for (name, value) in HEADERS {
        if parameters.iter().all(|(_, known, _, _)| !known.eq_ignore_ascii_case(name)) {
            let mut asked = usual.clone();
            asked.parameters.insert(("header".to_owned(), name.to_owned()), value.to_owned());
            let found = operation.wrong(&asked, name, true, true).await;
            wrong.extend(found.map(|found| format!("{found} — sent the header {name}, of which nothing is said")));
        }
    }
    for name in ["limit", "after", "status", "lat", "mine"] {
        if parameters.iter().all(|(_, known, _, _)| known != name) {
            let mut asked = usual.clone();
            asked.parameters.insert(("query".to_owned(), name.to_owned()), "\u{0}".to_owned());
            let found = operation.wrong(&asked, name, true, true).await;
            wrong.extend(found.map(|found| format!("{found} — sent ?{name}, of which nothing is said")));
        }
    }
    if let (Some(schema), Some(value)) = (&body, &usual.body) {
        for place in document.places(schema, value) {
            wrong.extend(probe_field(operation, &usual, schema, &place).await);
        }
    }
    wrong
}

async fn probe_field(operation: &Operation<'_>, usual: &Asked, body: &Schema, place: &Place) -> Vec<String> {
    let document = operation.document;
    let value = usual.body.as_ref().expect("a body");
    let mut bodies = Vec::new();
    for candidate in document.candidates(&place.schema) {
        let mut changed = value.clone();
        *changed.pointer_mut(&place.pointer).expect("the place") = candidate.clone();
        bodies.push((place.field.clone(), candidate.to_string(), changed));
    }
    if place.schema.kind() == "object" {
        let there = value.pointer(&place.pointer).and_then(Value::as_object).expect("an object");
        for name in place.schema.fields().keys() {
            let mut changed = value.clone();
            let object = changed.pointer_mut(&place.pointer).and_then(Value::as_object_mut).expect("an object");
            if object.remove(name).is_some() {
                let field = if place.field.is_empty() { name.clone() } else { format!("{}.{name}", place.field) };
                bodies.push((field, "left out".to_owned(), changed));
            }
        }
        let mut changed = value.clone();
        let mut with_more = there.clone();
        with_more.insert("unheard_of".to_owned(), json!(1));
        *changed.pointer_mut(&place.pointer).expect("the place") = Value::Object(with_more);
        let field =
            if place.field.is_empty() { "unheard_of".to_owned() } else { format!("{}.unheard_of", place.field) };
        bodies.push((field, "a field more".to_owned(), changed));
    }
    let mut wrong = Vec::new();
    for (field, what, body_sent) in bodies {
        let is_allowed = document.allows(body, &body_sent);
        let asked = Asked { body: Some(body_sent), ..usual.clone() };
        let found = operation.wrong(&asked, &field, false, is_allowed).await;
        wrong.extend(found.map(|found| format!("{found} — sent {}", what.chars().take(80).collect::<String>())));
    }
    wrong
}

/// A body with everything in it, in which no field hangs on another.
fn base(operation: &str, document: &Document, schema: &Schema) -> Value {
    let mut body = document.sample(schema);
    match operation {
        // Only an operator makes one without a code.
        "POST /api/accounts" => body["role"] = json!("operator"),
        "POST /api/tickets/{order_id}/reject" => body["reason"] = json!("too_busy"),
        "PUT /api/riders/me" => body["on_duty"] = json!(false),
        "PUT /api/stores/{store_id}/menu/{item_id}" => {
            let choices: Vec<_> = (0..50).map(|at| json!({"name": format!("맛 {at}"), "price_krw": 0})).collect();
            body["options"] = json!([{"name": "맛", "choices": choices, "min": 0, "max": 50}]);
        }
        _ => {}
    }
    assert!(document.allows(schema, &body), "{operation}: {body}");
    body
}

async fn token_of(world: &World, session: &Session) -> String {
    let body = json!({"phone": session.me().phone, "password": "correct horse"});
    let (status, _, answer) =
        world.client().request(Method::POST, "/api/token", [], Some(&body)).await.expect("a token");
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["access_token"].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_document_says_of_a_field_is_what_is_enforced() {
    let world = World::start_with(|mut settings| {
        settings.gateway.per_account = Rate::UNLIMITED;
        settings.gateway.live_stream_lifetime = Some(jiff::SignedDuration::from_millis(10));
        settings
    })
    .await;
    let shop = Shop::open(&world).await;
    let rider = shop.rider(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let operator = world.operator().await;
    let order = customer.place("dinner", &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
    world.order_is(&customer, order, "paid").await;
    let mut tokens = BTreeMap::new();
    for session in [&customer, &shop.owner, &rider, &operator] {
        tokens.insert(session.me().role.to_string(), token_of(&world, session).await);
    }
    let document: Value = world.client().call(Method::GET, "/api/openapi.json", None::<&()>).await.expect("OpenAPI");
    let document = Document(document);
    let json = [(header::ACCEPT, HeaderValue::from_static("application/json"))];
    let kinds = world.client().send(Method::GET, "/problems", json, None).await.expect("the problems");
    let kinds: Vec<Value> = kinds.read().expect("a list");
    let problems = kinds.iter().filter_map(|kind| kind["type"].as_str().map(str::to_owned)).collect();
    let known = BTreeMap::from([
        ("store_id", shop.store_id.to_string()),
        ("item_id", shop.cola.to_string()),
        ("order_id", order.to_string()),
    ]);
    let mut wrong = Vec::new();
    let mut probed = 0;
    for (path, item) in document.0["paths"].as_object().expect("paths") {
        for (method, json) in item.as_object().expect("operations") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let roles = json["x-for"].as_str().expect("who may call it");
            // Whoever may call it and is asked for the most.
            let role = ["operator", "customer", "owner", "rider"].into_iter().find(|role| roles.contains(role));
            let token = match (role, roles) {
                (Some(role), _) => Some(tokens[role].clone()),
                (None, _) => Some(tokens["operator"].clone()),
            };
            let name = format!("{method} {path}");
            let operation = Operation {
                name,
                method,
                path: path.clone(),
                json: json.clone(),
                token,
                world: &world,
                document: &document,
                problems: &problems,
            };
            wrong.extend(probe(&operation, &known).await);
            probed += 1;
        }
    }
    assert!(probed > 50, "{probed} operations");
    wrong.sort();
    assert!(wrong.is_empty(), "{} are enforced otherwise than described:\n{}", wrong.len(), wrong.join("\n"));
}
