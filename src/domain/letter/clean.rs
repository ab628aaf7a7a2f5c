//! Text that strangers wrote, made safe to stand in a letter and in its headers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest line kept, in characters; no title or sentence of ours comes near it.
const LONGEST_LINE: usize = 500;
/// The longest quotation, in characters: a letter is read on a telephone, the rest is on the page.
const LONGEST_QUOTE: usize = 1_500;
/// The most lines of a quotation: two thousand line breaks are no text.
const MOST_LINES: usize = 30;

/// One line of text: no line breaks, no control or direction characters, no space at its ends or doubled.
///
/// What would break a header or turn the reading direction is taken away rather than refused: a letter about a
/// strange comment must still leave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Line(String);

impl Line {
    /// `text` as one line, cut at 500 characters.
    pub fn new(text: &str) -> Self {
        Self::short(text, LONGEST_LINE)
    }

    /// `text` as one line, cut at `most` characters with an ellipsis.
    pub fn short(text: &str, most: usize) -> Self {
        let line = one_line(text);
        if line.chars().nth(most).is_none() {
            return Self(line);
        }
        let kept: String = line.chars().take(most.saturating_sub(1)).collect();
        Self(format!("{}…", kept.trim_end()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True where nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<Line> for String {
    fn from(line: Line) -> Self {
        line.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A comment's text in a letter: its lines, without control and direction characters, cut to what a letter holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Quote {
    lines: Vec<String>,
    cut: bool,
}

impl Quote {
    /// Quotes `text`.
    pub fn new(text: &str) -> Self {
        let mut lines: Vec<String> = Vec::new();
        let mut left = LONGEST_QUOTE;
        let mut cut = false;
        for line in text.split(is_break).map(one_line) {
            // Several empty lines say no more than one; `\r\n` gives an empty one between its two characters.
            if line.is_empty() {
                continue;
            }
            if lines.len() == MOST_LINES || left == 0 {
                cut = true;
                break;
            }
            let length = line.chars().count();
            if length > left {
                lines.push(line.chars().take(left).collect());
                cut = true;
                break;
            }
            left -= length;
            lines.push(line);
        }
        Self { lines, cut }
    }

    /// The lines; none is empty.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// True where the comment is longer than the quotation.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// True where the comment has no text.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// Tells the length only: what people wrote must not get into a log through a debug print.
impl fmt::Debug for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Quote({} lines)", self.lines.len())
    }
}

/// An address of a page: `http` or `https`, printable ASCII, nothing that ends an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Link(String);

impl Link {
    /// Checks `url`.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without the address (it may be signed).
    pub fn new(url: &str) -> Result<Self, String> {
        if !(url.starts_with("https://") || url.starts_with("http://")) {
            return Err("a link in a letter must begin with https:// or http://".to_owned());
        }
        if url.len() > 2_000
            || !url.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '\'' | '`'))
        {
            return Err("a link in a letter must be printable ASCII without quotes and brackets, at most 2000 characters".to_owned());
        }
        Ok(Self(url.to_owned()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Link {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        Self::new(&url)
    }
}

impl From<Link> for String {
    fn from(link: Link) -> Self {
        link.0
    }
}

/// A letter's own id: the part before `@` in its Message-ID, and part of its file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// Checks `id`: 1 to 100 of a–z, A–Z, 0–9, `-`, `_` and single inner dots.
    ///
    /// # Errors
    /// A sentence that says what is allowed.
    pub fn new(id: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if id.len() <= 100 && id.split('.').all(|atom| !atom.is_empty() && atom.chars().all(allowed)) {
            Ok(Self(id.to_owned()))
        } else {
            Err("a letter's id is 1 to 100 letters, digits, hyphens and underscores, with single dots between".to_owned())
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Somebody who gets letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The person's id in the configuration.
    pub id: String,
    /// The name, as the letter says it.
    pub name: Line,
    email: String,
}

impl Recipient {
    /// Checks the address: printable ASCII, one `@`, no character that means something in a header.
    ///
    /// # Errors
    /// A sentence that names the person's id, never the address.
    pub fn new(id: &str, name: &str, email: &str) -> Result<Self, String> {
        let bad = |c: char| {
            !c.is_ascii_graphic()
                || matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '"' | '\\')
        };
        let whole = email.split_once('@').is_some_and(|(local, host)| {
            !local.is_empty() && !host.contains('@') && host.split('.').all(|label| !label.is_empty())
        });
        if !whole || email.len() > 254 || email.contains(bad) {
            return Err(format!(
                "the e-mail address of `{}` is not one that mail can be sent to",
                Line::short(id, 60)
            ));
        }
        Ok(Self { id: id.to_owned(), name: Line::short(name, 100), email: email.to_owned() })
    }

    /// The address.
    pub fn email(&self) -> &str {
        &self.email
    }
}

fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if is_break(c) || c.is_whitespace() {
            // A no-break space between a number and its unit is kept; it cannot break a header.
            if c == '\u{a0}' {
                line.push(c);
            } else if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
        } else if !is_hidden(c) {
            line.push(c);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Ends a line in some mail program.
fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Control characters, direction marks (they can show a text in another order than it has), invisible spaces, tags,
/// private use. The joiners of emoji and of Persian stay.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}' | '\u{f0000}'..='\u{10ffff}'
        )
}
