//! The language of `search/recent`, as far as conversations need it: `conversation_id:`, `from:`, `to:`, `is:reply`,
//! words, `-`, `OR` and brackets.

use super::tweet::{Tweet, username};
use crate::sandbox::world::World;

/// How long a query may be for those who pay by use.
const LONGEST: usize = 512;

/// How deep brackets may stand in each other.
const DEEPEST: usize = 20;

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Query {
    Any(Vec<Query>),
    All(Vec<Query>),
    Not(Box<Query>),
    Is(String, String),
    Word(String),
}

impl Query {
    /// Reads a query; none if it is empty, too long or wrong.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.trim().is_empty() || text.chars().count() > LONGEST {
            return None;
        }
        let spaced =
            text.replace('(', " ( ").replace(')', " ) ").replace("- ( ", "-( ").replace(" -(", " - (");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let (query, rest) = any(&words, 0)?;
        rest.is_empty().then_some(query)
    }

    /// Whether a tweet is what it looks for.
    pub(super) fn finds(&self, world: &World, tweet: &Tweet) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.finds(world, tweet)),
            Self::All(parts) => parts.iter().all(|part| part.finds(world, tweet)),
            Self::Not(part) => !part.finds(world, tweet),
            Self::Word(text) => tweet.text.to_lowercase().contains(&text.to_lowercase()),
            Self::Is(name, value) => match name.as_str() {
                "conversation_id" => tweet.conversation == *value,
                "in_reply_to_tweet_id" => tweet.parent.as_ref() == Some(value),
                "from" => is_user(world, &tweet.author, value),
                "to" => tweet
                    .parent
                    .as_deref()
                    .and_then(|parent| Tweet::find(world, parent))
                    .is_some_and(|above| is_user(world, &above.author, value)),
                "is" => value == "reply" && tweet.parent.is_some(),
                _ => false,
            },
        }
    }
}

fn is_user(world: &World, id: &str, value: &str) -> bool {
    let value = value.trim_start_matches('@');
    id == value || username(world, id).eq_ignore_ascii_case(value)
}

fn any<'a>(words: &'a [&'a str], depth: usize) -> Option<(Query, &'a [&'a str])> {
    let (first, mut rest) = all(words, depth)?;
    let mut parts = vec![first];
    while let ["OR", more @ ..] = rest {
        let (next, after) = all(more, depth)?;
        parts.push(next);
        rest = after;
    }
    Some((Query::Any(parts), rest))
}

fn all<'a>(words: &'a [&'a str], depth: usize) -> Option<(Query, &'a [&'a str])> {
    let mut parts = Vec::new();
    let mut rest = words;
    while let [word, more @ ..] = rest {
        if *word == "OR" || *word == ")" {
            break;
        }
        let (part, after) = one(word, more, depth)?;
        parts.push(part);
        rest = after;
    }
    (!parts.is_empty()).then_some((Query::All(parts), rest))
}

fn one<'a>(word: &str, rest: &'a [&'a str], depth: usize) -> Option<(Query, &'a [&'a str])> {
    if depth > DEEPEST {
        return None;
    }
    if word == "(" {
        let (inner, after) = any(rest, depth + 1)?;
        let [")", after @ ..] = after else { return None };
        return Some((inner, after));
    }
    if let Some(negated) = word.strip_prefix('-') {
        let (inner, after) = match (negated, rest) {
            ("", [next, more @ ..]) => one(next, more, depth + 1)?,
            ("", []) => return None,
            (negated, rest) => one(negated, rest, depth + 1)?,
        };
        return Some((Query::Not(Box::new(inner)), after));
    }
    let part = match word.split_once(':') {
        Some((name, value)) if !value.is_empty() => {
            let known = ["conversation_id", "in_reply_to_tweet_id", "from", "to", "is"];
            known.contains(&name).then(|| Query::Is(name.to_owned(), value.to_owned()))?
        }
        Some(_) => return None,
        None => Query::Word(word.trim_matches('"').to_owned()),
    };
    Some((part, rest))
}
