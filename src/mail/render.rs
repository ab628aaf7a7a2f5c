//! A letter as subject, text and HTML.

use crate::domain::letter::Letter;

use super::templates::{TemplateError, Templates};
use super::view;

/// Lines of the text part are at most so long (RFC 5322 §2.1.1), except addresses and what is told character by character.
const WIDTH: usize = 78;

/// Marks a line that must not be wrapped. A private-use character: `Line` and `Quote` let none through.
pub(super) const VERBATIM: char = '\u{e000}';

/// A letter ready to be wrapped as mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject, one line.
    pub subject: String,
    /// The text part: complete by itself.
    pub text: String,
    /// The HTML part: the same words, no images, nothing fetched from outside.
    pub html: String,
}

/// The parts hold what people wrote, so only the lengths are told.
impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rendered(text {} bytes, html {} bytes)", self.text.len(), self.html.len())
    }
}

/// Renders `letter`.
///
/// A template of the municipality's that fails on this letter, although it passed the check at start, gives way to
/// the one built in: a letter about a duty must leave.
///
/// # Errors
/// [`TemplateError`] when the built-in template fails too.
pub fn render(letter: &Letter, templates: &Templates) -> Result<Rendered, TemplateError> {
    let subject = letter.subject();
    let context = view::of(letter, &subject);
    let kind = letter.kind();
    let text = templates.render(&format!("{}.txt", kind.code()), &context)?;
    let html = templates.render(&format!("{}.html", kind.code()), &context)?;
    Ok(Rendered { subject, text: wrap(&text), html })
}

/// Wraps at 78 characters, keeping indentation, `> ` and the hanging indent of `- ` and `1. `; at most one empty line
/// in a row.
fn wrap(text: &str) -> String {
    let mut wrapped = String::with_capacity(text.len() + text.len() / 32);
    let mut empty_before = true;
    for line in text.lines() {
        if let Some(line) = line.strip_prefix(VERBATIM) {
            wrapped.push_str(line);
            wrapped.push('\n');
            empty_before = false;
        } else if line.trim().is_empty() {
            if !empty_before {
                wrapped.push('\n');
            }
            empty_before = true;
        } else {
            wrap_line(line.trim_end(), &mut wrapped);
            empty_before = false;
        }
    }
    wrapped.truncate(wrapped.trim_end().len());
    wrapped.push('\n');
    wrapped
}

fn wrap_line(line: &str, wrapped: &mut String) {
    let (first, rest) = prefixes(line);
    let mut length = first.chars().count();
    wrapped.push_str(&first);
    let mut empty = true;
    for word in line[first.len()..].split(' ').filter(|word| !word.is_empty()) {
        let word_length = word.chars().count();
        if !empty && length + 1 + word_length > WIDTH {
            wrapped.push('\n');
            wrapped.push_str(&rest);
            length = rest.chars().count();
            empty = true;
        }
        if !empty {
            wrapped.push(' ');
            length += 1;
        }
        wrapped.push_str(word);
        length += word_length;
        empty = false;
    }
    wrapped.push('\n');
}

/// What the first line begins with, and what the following lines begin with.
fn prefixes(line: &str) -> (String, String) {
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    let after = &line[indent.len()..];
    if after.starts_with("> ") {
        return (format!("{indent}> "), format!("{indent}> "));
    }
    let digits = after.chars().take_while(char::is_ascii_digit).count();
    let marker = if after.starts_with("- ") {
        "- ".to_owned()
    } else if digits > 0 && digits <= 4 && after[digits..].starts_with(". ") {
        after[..digits + 2].to_owned()
    } else {
        String::new()
    };
    let hanging = format!("{indent}{}", " ".repeat(marker.len()));
    (format!("{indent}{marker}"), hanging)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_wrapped_with_their_prefix_and_addresses_stay_whole() {
        let long = "ord ".repeat(40);
        let address = format!("https://uppsikt.exempel.se/{}", "x".repeat(120));
        let text = format!("   > {long}\n- {long}\n12. {long}\n   Öppna: {address}\n\n\n\nslut");
        let wrapped = wrap(&text);
        for line in wrapped.lines() {
            assert!(line.chars().count() <= WIDTH || line.trim() == address, "too long: {line}");
        }
        assert!(wrapped.lines().filter(|line| line.starts_with("   > ")).count() >= 3, "{wrapped}");
        assert!(wrapped.contains("\n  ord") && wrapped.contains("\n    ord"), "{wrapped}");
        assert!(wrapped.contains(&format!("\n   {address}\n\nslut\n")), "{wrapped}");
    }

    #[test]
    fn marked_lines_are_left_character_by_character() {
        let line = format!("— exempel.se/uppsikt/logg1 {}  x", "A".repeat(120));
        assert_eq!(
            wrap(&format!("a\n{VERBATIM}{line}\n{VERBATIM}\n{VERBATIM}\nb")),
            format!("a\n{line}\n\n\nb\n")
        );
    }
}
