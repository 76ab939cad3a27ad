//! Finds what people may send as text in an OpenAPI document, so that tests can hold every field to a rule.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::EXTENSION;

/// A string that a request may hold.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TextField {
    /// The operation, as `POST /api/orders`.
    pub operation: String,
    /// The field, as `items[].options[].name`, or a query parameter, as `?after`.
    pub field: String,
    /// Which rule it is normalized by: the schema's `x-text`.
    pub rule: Option<String>,
    /// Its format, as `uuid`, which text of people has none of, passwords aside.
    pub format: Option<String>,
    /// Whether only certain words are taken.
    pub is_enum: bool,
}

impl TextField {
    /// Whether people can write into it what they like: it is neither a word of a list nor of a format.
    #[must_use]
    pub fn is_free(&self) -> bool {
        !self.is_enum && self.format.as_deref().is_none_or(|format| format == "password")
    }
}

/// Every string that a request may hold, in its body or its query.
#[must_use]
pub fn text_fields(document: &Value) -> Vec<TextField> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let operation_name = format!("{} {path}", method.to_uppercase());
            let mut walk = Walk { document, operation: operation_name, found: &mut found };
            for (_, media) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
                walk.schema(&media["schema"], String::new());
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "query" {
                    walk.schema(&parameter["schema"], format!("?{}", parameter["name"].as_str().unwrap_or_default()));
                }
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Checks that a test's table has a row for every field that is normalized by a rule, and for no other. A row
/// names the operation and the field.
///
/// # Panics
/// Where they differ.
pub fn assert_every_field_has_a_row<'r>(document: &Value, rows: impl IntoIterator<Item = (&'r str, &'r str)>) {
    let ruled = text_fields(document).into_iter().filter(|field| field.rule.is_some());
    let wished: BTreeSet<(String, String)> = ruled.map(|field| (field.operation, field.field)).collect();
    let tested: BTreeSet<(String, String)> =
        rows.into_iter().map(|(operation, field)| (operation.to_owned(), field.to_owned())).collect();
    assert_eq!(tested, wished, "every field that people write text into has a row");
}

struct Walk<'d> {
    document: &'d Value,
    operation: String,
    found: &'d mut Vec<TextField>,
}

impl Walk<'_> {
    fn schema(&mut self, schema: &Value, field: String) {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.document.pointer(reference.trim_start_matches('#')).cloned().unwrap_or_default();
            return self.schema(&target, field);
        }
        for combination in ["allOf", "anyOf", "oneOf"] {
            for schema in schema[combination].as_array().into_iter().flatten() {
                self.schema(schema, field.clone());
            }
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let name = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
            self.schema(property, name);
        }
        if schema["additionalProperties"].is_object() {
            self.schema(&schema["additionalProperties"], format!("{field}{{}}"));
        }
        if schema["items"].is_object() {
            self.schema(&schema["items"], format!("{field}[]"));
        }
        let is_string = schema["type"] == "string"
            || schema["type"].as_array().is_some_and(|types| types.iter().any(|kind| kind == "string"));
        if is_string {
            let word = |key: &str| schema[key].as_str().map(str::to_owned);
            self.found.push(TextField {
                operation: self.operation.clone(),
                field,
                rule: word(EXTENSION),
                format: word("format"),
                is_enum: schema["enum"].is_array() || schema["const"].is_string(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_string_is_found_however_deep_it_lies() {
        let document = json!({
            "paths": {"/x": {"put": {
                "parameters": [
                    {"in": "query", "name": "q", "schema": {"type": ["string", "null"]}},
                    {"in": "path", "name": "id", "schema": {"type": "string"}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/X"}}}},
                "responses": {"200": {"content": {"application/json": {"schema": {"type": "string"}}}}},
            }}},
            "components": {"schemas": {
                "X": {"type": "object", "properties": {
                    "name": {"$ref": "#/components/schemas/Name"},
                    "many": {"type": "array", "items": {"oneOf": [{"type": "null"}, {"type": "object", "properties": {
                        "kind": {"type": "string", "enum": ["a"]}, "id": {"type": "string", "format": "uuid"},
                    }}]}},
                    "words": {"type": "object", "additionalProperties": {"type": "string"}},
                    "count": {"type": "integer"},
                }},
                "Name": {"type": "string", "x-text": "one-line"},
            }},
        });
        let found = text_fields(&document);
        assert!(found.iter().all(|field| field.operation == "PUT /x"));
        let seen: Vec<_> =
            found.iter().map(|field| (field.field.as_str(), field.rule.as_deref(), field.is_free())).collect();
        assert_eq!(
            seen,
            [
                ("?q", None, true),
                ("many[].id", None, false),
                ("many[].kind", None, false),
                ("name", Some("one-line"), true),
                ("words{}", None, true),
            ]
        );
    }
}
