//! Reports against the published schema. Readers ignore keys that they don't know, but here a key that
//! the schema does not describe is an error, and so is a keyword of the schema that is not checked.

use hawkeye::Report;
use serde_json::{Map, Value};

/// Everything in which a report departs from the schema.
pub fn departures(report: &Report) -> Vec<String> {
    let schema: Value = serde_json::from_str(hawkeye_report::JSON_SCHEMA).expect("the schema is JSON");
    let report = serde_json::to_value(report).expect("it serializes");
    let mut found = Vec::new();
    Checker { root: &schema, found: &mut found }.check(&schema, &report, "report");
    found
}

struct Checker<'a> {
    root: &'a Value,
    found: &'a mut Vec<String>,
}

impl Checker<'_> {
    fn check(&mut self, schema: &Value, value: &Value, path: &str) {
        let schema = schema.as_object().expect("a schema is an object");
        for (keyword, rule) in schema {
            let holds = match keyword.as_str() {
                "$schema" | "$id" | "$defs" | "title" | "description" => true,
                "$ref" => {
                    let target = rule.as_str().and_then(|text| text.strip_prefix('#')).expect("a local one");
                    self.check(self.root.pointer(target).expect("it is defined"), value, path);
                    true
                }
                "type" => match rule {
                    Value::Array(types) => types.iter().any(|name| is(value, name)),
                    name => is(value, name),
                },
                "const" => value == rule,
                "enum" => rule.as_array().expect("a list").contains(value),
                // Limits are for numbers alone.
                "minimum" => !value.is_number() || value.as_u64() >= rule.as_u64(),
                "maximum" => !value.is_number() || value.as_u64() <= rule.as_u64(),
                "pattern" => {
                    assert_eq!(rule, "^[0-9a-f]{64}$", "the one pattern that is checked here");
                    let text = value.as_str().unwrap_or_default();
                    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
                }
                "required" => {
                    let keys = rule.as_array().expect("a list").iter().filter_map(Value::as_str);
                    keys.into_iter().all(|key| value.get(key).is_some())
                }
                "anyOf" => rule.as_array().expect("a list").iter().any(|option| {
                    let mut found = Vec::new();
                    Checker { root: self.root, found: &mut found }.check(option, value, path);
                    found.is_empty()
                }),
                "items" => {
                    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{path}[{i}]"));
                    }
                    true
                }
                "properties" | "additionalProperties" => {
                    self.members(schema, value, path);
                    true
                }
                other => unreachable!("{other} is not checked here"),
            };
            if !holds {
                self.found.push(format!("{path}: {keyword} {rule} does not hold for {value}"));
            }
        }
    }

    fn members(&mut self, schema: &Map<String, Value>, value: &Value, path: &str) {
        for (key, member) in value.as_object().into_iter().flatten() {
            let path = format!("{path}.{key}");
            let known = schema.get("properties").and_then(|properties| properties.get(key));
            match known.or(schema.get("additionalProperties")) {
                Some(rule) => self.check(rule, member, &path),
                None => self.found.push(format!("{path}: the schema does not describe this key")),
            }
        }
    }
}

fn is(value: &Value, name: &Value) -> bool {
    match name.as_str().expect("a type has a name") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => unreachable!("{other} is no type"),
    }
}
