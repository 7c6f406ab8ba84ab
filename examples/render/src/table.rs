//! The built-in page: records as a table.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::value::Value;

/// The template of the page, for what [`view`] gives.
pub const TEMPLATE: &str = include_str!("table.html");

/// Title, columns and rows of records: columns in the order in which their names are first seen.
/// What is not an object has one column.
pub fn view(data: Value, title: &str) -> Value {
    let records = match data {
        Value::Array(records) => records,
        record => Vec::from([record]),
    };
    let mut columns: Vec<&str> = Vec::new();
    for record in &records {
        for name in names(record) {
            // Mostly every record has the same fields in the same order.
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
    }
    let rows = records.iter().map(|record| {
        let cells = columns.iter().map(|column| cell(record, column)).collect();
        object([("cells", Value::Array(cells))])
    });
    let rows = rows.collect();
    let columns = columns.iter().map(|column| Value::String(column.to_string())).collect();
    object([
        ("title", Value::String(title.to_string())),
        ("columns", Value::Array(columns)),
        ("rows", Value::Array(rows)),
    ])
}

const ONLY_COLUMN: &str = "value";

fn names(record: &Value) -> Vec<&str> {
    match record {
        Value::Object(fields) => fields.iter().map(|(name, _)| name.as_str()).collect(),
        _ => Vec::from([ONLY_COLUMN]),
    }
}

fn cell(record: &Value, column: &str) -> Value {
    let value = match record {
        Value::Object(_) => record.field(column),
        _ => (column == ONLY_COLUMN).then_some(record),
    };
    let value = value.cloned().unwrap_or(Value::Null);
    let is_number = Value::Bool(matches!(value, Value::Number(_)));
    object([("value", value), ("is_number", is_number)])
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (String::from(name), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::read;

    #[test]
    fn records_may_differ() {
        let data = read(br#"[{"b":1},{"a":"x","b":null},7]"#).expect("JSON");
        let view = view(data, "T");
        let shown = view.to_string();
        assert!(shown.contains(r#""columns":["b","a","value"]"#), "{shown}");
        let Some(Value::Array(rows)) = view.field("rows") else { panic!("{shown}") };
        let last = r#"{"cells":[{"value":null,"is_number":false},{"value":null,"is_number":false},{"value":7,"is_number":true}]}"#;
        assert_eq!(rows[2].to_string(), last);
    }
}
