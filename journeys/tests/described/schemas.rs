//! What a schema of the description allows, and values that are just inside and just outside of it.

use proptest::strategy::{Strategy, ValueTree};
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;
use regex::Regex;
use serde_json::{Map, Value, json};

/// How many texts are made from a pattern.
const OF_A_PATTERN: usize = 24;
/// Longer than any text of ours may be, and shorter than a body.
const ENDLESS: usize = 20_000;

/// The description, and the schemas in it.
pub(crate) struct Document(pub(crate) Value);

/// A schema, with its references followed.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    json: Value,
    nullable: bool,
}

impl Document {
    /// Follows references; what stands beside one is added to what it refers to.
    pub(crate) fn schema(&self, json: &Value) -> Schema {
        if let Some(reference) = json["$ref"].as_str() {
            let target = self.0.pointer(reference.trim_start_matches('#')).expect(reference);
            let Schema { json: mut found, nullable } = self.schema(target);
            for (key, value) in json.as_object().into_iter().flatten().filter(|(key, _)| *key != "$ref") {
                found[key] = value.clone();
            }
            return Schema { json: found, nullable };
        }
        if let Some(either) = json["oneOf"].as_array() {
            let (nulls, others): (Vec<_>, Vec<_>) = either.iter().partition(|one| one["type"] == "null");
            let [one] = others[..] else { panic!("no request has a choice yet: {json}") };
            return Schema { nullable: !nulls.is_empty(), ..self.schema(one) };
        }
        let (mut json, mut nullable) = (json.clone(), false);
        if let Some(types) = json["type"].as_array().cloned() {
            nullable = types.iter().any(|kind| kind == "null");
            json["type"] = types.into_iter().find(|kind| kind != "null").expect("a type");
        }
        Schema { json, nullable }
    }

    /// Whether a value is what a schema says.
    pub(crate) fn allows(&self, schema: &Schema, value: &Value) -> bool {
        let Schema { json, nullable } = schema;
        if value.is_null() {
            return *nullable;
        }
        if json["enum"].as_array().is_some_and(|words| !words.contains(value)) {
            return false;
        }
        match (json["type"].as_str().unwrap_or_default(), value) {
            ("string", Value::String(text)) => allows_text(json, text),
            ("integer", Value::Number(number)) => {
                let is_whole = number.as_i128().is_some() || number.as_f64().is_some_and(|float| float.fract() == 0.0);
                is_whole && allows_number(json, value)
            }
            ("number", Value::Number(_)) => allows_number(json, value),
            ("boolean", Value::Bool(_)) => true,
            ("array", Value::Array(items)) => {
                let item = self.schema(&json["items"]);
                within(json, "minItems", "maxItems", items.len()) && items.iter().all(|one| self.allows(&item, one))
            }
            ("object", Value::Object(fields)) => {
                let required = json["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let is_closed = json["additionalProperties"] == false;
                required.into_iter().all(|name| fields.contains_key(name))
                    && fields.iter().all(|(name, value)| match json["properties"].get(name) {
                        Some(property) => self.allows(&self.schema(property), value),
                        None => !is_closed,
                    })
            }
            _ => false,
        }
    }

    /// Something that a schema allows, with everything in it that there may be.
    pub(crate) fn sample(&self, schema: &Schema) -> Value {
        let json = &schema.json;
        let mut examples = json["examples"].as_array().into_iter().flatten().chain(json.get("example"));
        if let Some(example) = examples.find(|example| self.allows(schema, example)).cloned() {
            return example;
        }
        match json["type"].as_str().unwrap_or_default() {
            "object" => {
                let properties = json["properties"].as_object().into_iter().flatten();
                Value::Object(properties.map(|(name, one)| (name.clone(), self.sample(&self.schema(one)))).collect())
            }
            "array" => json!([self.sample(&self.schema(&json["items"]))]),
            _ => {
                let mut all = self.candidates(schema).into_iter();
                all.find(|one| !one.is_null() && self.allows(schema, one)).expect("something is allowed")
            }
        }
    }

    /// Values that are just inside or just outside of what a schema says, and some that anybody might try.
    pub(crate) fn candidates(&self, schema: &Schema) -> Vec<Value> {
        let json = &schema.json;
        let mut values = vec![Value::Null, json!(true), json!(7), json!("x"), json!({}), json!([])];
        values.extend(json["enum"].as_array().into_iter().flatten().cloned());
        match json["type"].as_str().unwrap_or_default() {
            "string" => values.extend(texts(json).into_iter().map(Value::String)),
            "integer" | "number" => values.extend(numbers(json)),
            "array" => values.extend(self.lists(json)),
            "object" | "boolean" => {}
            other => panic!("what is a {other}?"),
        }
        values
    }

    fn lists(&self, json: &Value) -> Vec<Value> {
        let one = self.sample(&self.schema(&json["items"]));
        let most = json["maxItems"].as_u64();
        let counts = [Some(1), json["minItems"].as_u64(), most, most.map(|most| most + 1), Some(1_000)];
        let lists =
            counts.into_iter().flatten().map(|count| Value::Array((0..count).map(|at| named(&one, at)).collect()));
        lists.chain([json!([null]), json!(["x"]), json!([[]])]).collect()
    }

    /// Every place in a value, with its schema: a pointer, and a field as a problem names it.
    pub(crate) fn places(&self, schema: &Schema, value: &Value) -> Vec<Place> {
        let mut found = Vec::new();
        self.walk(
            schema,
            value,
            Place { pointer: String::new(), field: String::new(), schema: schema.clone() },
            &mut found,
        );
        found
    }

    fn walk(&self, schema: &Schema, value: &Value, place: Place, found: &mut Vec<Place>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let schema = self.schema(&schema.json["properties"][name]);
                    let field = if place.field.is_empty() { name.clone() } else { format!("{}.{name}", place.field) };
                    let pointer = format!("{}/{name}", place.pointer);
                    self.walk(&schema, value, Place { pointer, field, schema: schema.clone() }, found);
                }
            }
            Value::Array(items) => {
                if let Some(first) = items.first() {
                    let schema = self.schema(&schema.json["items"]);
                    let (pointer, field) = (format!("{}/0", place.pointer), format!("{}[0]", place.field));
                    self.walk(&schema, first, Place { pointer, field, schema: schema.clone() }, found);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        found.push(place);
    }
}

/// A place in a value.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Where, as a JSON pointer.
    pub(crate) pointer: String,
    /// Where, as a problem says it: `items[0].quantity`; empty for the whole.
    pub(crate) field: String,
    /// What may stand there.
    pub(crate) schema: Schema,
}

impl Schema {
    /// The fields of an object.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        self.json["properties"].as_object().cloned().unwrap_or_default()
    }

    /// The type, as the schema names it.
    pub(crate) fn kind(&self) -> &str {
        self.json["type"].as_str().unwrap_or_default()
    }
}

/// The same under another name, as no two of a list may have the same.
fn named(one: &Value, at: u64) -> Value {
    let mut one = one.clone();
    if let Some(Value::String(name)) = one.get_mut("name") {
        name.push_str(&format!(" {at}"));
    }
    one
}

fn within(json: &Value, least: &str, most: &str, count: usize) -> bool {
    let count = u64::try_from(count).expect("no more");
    json[least].as_u64().is_none_or(|least| count >= least) && json[most].as_u64().is_none_or(|most| count <= most)
}

fn allows_number(json: &Value, value: &Value) -> bool {
    let value = value.as_f64().expect("a number");
    json["minimum"].as_f64().is_none_or(|least| value >= least)
        && json["maximum"].as_f64().is_none_or(|most| value <= most)
}

fn allows_text(json: &Value, text: &str) -> bool {
    let is_of_format = match json["format"].as_str() {
        Some("uuid") => {
            Regex::new("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$").expect("a pattern").is_match(text)
        }
        Some("password") | None => true,
        Some(other) => panic!("what is a {other}?"),
    };
    let fits = json["pattern"].as_str().is_none_or(|pattern| Regex::new(pattern).expect(pattern).is_match(text));
    is_of_format && fits && within(json, "minLength", "maxLength", text.chars().count())
}

fn texts(json: &Value) -> Vec<String> {
    let usual = [
        "",
        " ",
        "a",
        "~",
        "0",
        "-1",
        "가",
        "김지우",
        "👍",
        "null",
        "a~b",
        "a:1",
        "1:",
        "NaN",
        "1e400",
        "\"",
        "\"1\"",
        "*",
        "\u{0}",
        "\u{8}",
        "\n",
        "\u{7f}",
        "a\u{0}b",
        "a\u{7f}b",
        "a\nb",
        "a\tb",
        "\u{FFFE}",
        "\u{1FFFE}",
        "é",
        "0198c1f27c1e70008000000000000000",
        "{0198c1f2-7c1e-7000-8000-000000000000}",
        "urn:uuid:0198c1f2-7c1e-7000-8000-000000000000",
        "0198C1F2-7C1E-7000-8000-00000000000A",
        "0198c1f2-7c1e-7000-8000-00000000000",
        "2026-02-30T00:00:00Z~0198c1f2-7c1e-7000-8000-000000000000",
        "99999999999999999999999999999999999999:0198c1f2-7c1e-7000-8000-000000000000",
        "order:99999999999999999999999999",
    ];
    let mut texts: Vec<String> = usual.map(str::to_owned).to_vec();
    let (least, most) = (json["minLength"].as_u64(), json["maxLength"].as_u64());
    let lengths = [least.and_then(|least| least.checked_sub(1)), least, most, most.map(|most| most + 1)];
    let lengths = lengths.into_iter().flatten().map(|length| usize::try_from(length).expect("a length"));
    for length in lengths.chain([4_000, ENDLESS]) {
        texts.extend(["a", "7", "가"].map(|letter| letter.repeat(length)));
    }
    // What people write is normalized before it is looked at; what is random is mostly no text of people.
    let is_prose = matches!(json["x-text"].as_str(), Some("one-line" | "lines" | "password"));
    if let Some(pattern) = json["pattern"].as_str()
        && !is_prose
    {
        texts.extend(of_pattern(pattern));
    }
    texts
}

/// Texts that a pattern allows, and the same with a letter more or less.
fn of_pattern(pattern: &str) -> Vec<String> {
    let inner = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')).expect("a pattern is of the whole");
    let made = string_regex(inner).expect(pattern);
    let mut runner = TestRunner::deterministic();
    let mut texts = Vec::new();
    for _ in 0..OF_A_PATTERN {
        let text = made.new_tree(&mut runner).expect(pattern).current();
        texts.extend([format!("{text}x"), format!("x{text}"), text.chars().skip(1).collect(), text]);
    }
    texts
}

fn numbers(json: &Value) -> Vec<Value> {
    let mut numbers = vec![
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(2.0),
        json!(1e30),
        json!(-1e30),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(u32::MAX),
        json!(u64::from(u32::MAX) + 1),
        json!("1"),
        json!("NaN"),
    ];
    let step = if json["type"] == "integer" { 1.0 } else { 0.001 };
    for bound in ["minimum", "maximum"] {
        if let Some(bound) = json[bound].as_f64() {
            for value in [bound - step, bound, bound + step] {
                #[expect(clippy::cast_possible_truncation, reason = "bounds are whole, and within i64")]
                numbers.push(if json["type"] == "integer" { json!(value as i64) } else { json!(value) });
            }
        }
    }
    numbers
}
