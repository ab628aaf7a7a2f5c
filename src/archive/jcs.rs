//! Canonical JSON (RFC 8785): one value, one sequence of bytes.

use serde_json::{Map, Value};

/// The value holds a number that is no integer; Uppsikt writes none, so how to write it is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number that is no integer has no canonical form here")]
pub struct NotAnInteger;

/// The canonical bytes of `value`: no spaces, keys sorted by UTF-16 code units, strings escaped only where JSON
/// demands it.
///
/// # Errors
/// [`NotAnInteger`] for a number that is no integer of at most 2^53 - 1 in size (the range that RFC 8785 keeps exact).
pub fn canonical(value: &Value) -> Result<String, NotAnInteger> {
    let mut text = String::new();
    write(value, &mut text)?;
    Ok(text)
}

/// As [`canonical()`], but in the order given and with any number: what stands in a disclosure (`uppsikt-fields/1`),
/// whose bytes are hashed as received and so need no canonical form.
pub(super) fn compact(value: &Value) -> String {
    value.to_string()
}

fn write(value: &Value, text: &mut String) -> Result<(), NotAnInteger> {
    const LARGEST: u64 = (1 << 53) - 1;
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&value.to_string()),
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if size.is_none_or(|size| size > LARGEST) {
                return Err(NotAnInteger);
            }
            text.push_str(&number.to_string());
        }
        Value::Array(list) => {
            text.push('[');
            for (position, element) in list.iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write(element, text)?;
            }
            text.push(']');
        }
        Value::Object(map) => {
            text.push('{');
            for (position, (key, element)) in sorted(map).into_iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(element, text)?;
            }
            text.push('}');
        }
    }
    Ok(())
}

/// The members of `map`, sorted by the UTF-16 code units of their keys.
pub(super) fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = map.iter().collect();
    members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Source: RFC 8785 §3.2.3, the example of sorting.
    #[test]
    fn keys_are_sorted_by_utf_16_code_units() {
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control",
            "\u{f6}": "Latin Small Letter O With Diaeresis"
        });
        let canonical: String = canonical(&value).unwrap();
        let places: Vec<_> = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"]
            .map(|word| canonical.find(word).unwrap())
            .into();
        assert!(places.is_sorted(), "{canonical}");
    }

    /// Source: RFC 8785 §3.2.2.2 and §3.2.4 (without its fractions).
    #[test]
    fn strings_are_escaped_only_where_they_must_be() {
        let value = json!({"string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/", "literals": [null, true, false], "n": [0, -1, 9_007_199_254_740_991_u64]});
        let expected = "{\"literals\":[null,true,false],\"n\":[0,-1,9007199254740991],\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(canonical(&value).unwrap(), expected);
    }

    #[test]
    fn fractions_and_numbers_beyond_53_bits_are_refused() {
        for value in [json!(0.5), json!([1e30]), json!({"a": 9_007_199_254_740_992_u64}), json!(i64::MIN)] {
            assert_eq!(canonical(&value), Err(NotAnInteger));
        }
    }
}
