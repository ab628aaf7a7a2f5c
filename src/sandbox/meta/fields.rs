//! `fields=id,from{id,name},comments.limit(0).summary(true)`: what an answer shall hold.

use serde_json::{Map, Value};

use super::error::GraphError;

/// What a kind of node has.
#[derive(Debug)]
pub(in crate::sandbox) struct Node {
    /// The fields that exist.
    pub(in crate::sandbox) known: &'static [&'static str],
    /// What comes without `fields`.
    pub(in crate::sandbox) usual: &'static [&'static str],
}

/// One field that is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::sandbox) struct Wish {
    pub(in crate::sandbox) name: String,
    /// Which of its own fields; empty for what comes by default.
    pub(in crate::sandbox) within: Vec<String>,
    /// `limit` and `0` out of `comments.limit(0)`.
    args: Vec<(String, String)>,
}

impl Wish {
    /// What stands in the brackets after this word.
    pub(in crate::sandbox) fn arg(&self, name: &str) -> Option<&str> {
        self.args.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Its own fields as `fields` has them; none for what comes by default.
    pub(in crate::sandbox) fn fields(&self) -> Option<String> {
        (!self.within.is_empty()).then(|| self.within.join(","))
    }
}

/// Reads `fields`; `id` always comes.
pub(in crate::sandbox) fn wishes(fields: Option<&str>, node: &Node) -> Result<Vec<Wish>, GraphError> {
    let plain = |name: &str| Wish { name: name.to_owned(), ..Wish::default() };
    let Some(fields) = fields.filter(|fields| !fields.trim().is_empty()) else {
        return Ok(node.usual.iter().map(|name| plain(name)).collect());
    };
    let mut wishes: Vec<Wish> = Vec::new();
    for part in split(fields) {
        let wish = wish(part);
        if !node.known.contains(&wish.name.as_str()) {
            return Err(GraphError::field(&wish.name));
        }
        if wishes.iter().all(|known| known.name != wish.name) {
            wishes.push(wish);
        }
    }
    if wishes.iter().all(|wish| wish.name != "id") && node.known.contains(&"id") {
        wishes.push(plain("id"));
    }
    Ok(wishes)
}

/// `name.word(value)…{inner,…}`.
fn wish(part: &str) -> Wish {
    let (head, within) = match part.split_once('{') {
        Some((head, rest)) => {
            let inner = rest.strip_suffix('}').unwrap_or(rest);
            (head, split(inner).map(str::to_owned).collect())
        }
        None => (part, Vec::new()),
    };
    let mut words = head.split('.');
    let name = words.next().unwrap_or(head).trim().to_owned();
    let args = words
        .filter_map(|word| word.trim().strip_suffix(')')?.split_once('('))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    Wish { name, within, args }
}

/// Splits at the commas outside of braces.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |letter: char| {
        match letter {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

/// Of `whole`, what `wish` asks for; null values are left out, as the API does. `id` always comes.
pub(in crate::sandbox) fn narrow(wish: &Wish, whole: &Value) -> Value {
    let Value::Object(whole) = whole else { return Value::Null };
    let kept: Map<String, Value> = whole
        .iter()
        .filter(|(_, value)| !value.is_null())
        .filter(|(key, _)| wish.within.is_empty() || wish.within.contains(key) || *key == "id")
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Value::Object(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: Node = Node { known: &["id", "from", "comments"], usual: &["id"] };

    #[test]
    fn fields_are_read_with_what_stands_in_their_brackets() {
        let read = wishes(Some("from{id,name},comments.limit(0).summary(true){id},from"), &NODE).unwrap();
        assert_eq!(
            read.iter().map(|wish| wish.name.as_str()).collect::<Vec<_>>(),
            ["from", "comments", "id"]
        );
        assert_eq!(read[0].within, ["id", "name"]);
        assert_eq!((read[1].arg("limit"), read[1].arg("summary")), (Some("0"), Some("true")));
        assert_eq!(read[1].fields().as_deref(), Some("id"));
    }

    #[test]
    fn a_field_that_is_not_there_is_an_error_and_odd_brackets_bring_nothing_down() {
        assert_eq!(wishes(Some("id,secret"), &NODE).unwrap_err().code, 100);
        for odd in ["", ",,", "id{", "id{{}", "comments.limit(", "comments.", "id}", "comments.)("] {
            let _ = wishes(Some(odd), &NODE);
        }
    }
}
