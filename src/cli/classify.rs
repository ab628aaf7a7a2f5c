//! `classify`: comments in, one a line; judgements out, one a line, in the same order.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use crate::domain::category::Proposal;
use crate::domain::classify::{Finding, Input, Policies, RuleSet, classify};
use crate::domain::comment::{Attachment, Platform};

/// A longer line is refused: no platform allows a comment a hundredth of it, and memory is finite.
const LONGEST_LINE: usize = 64 << 20;

#[derive(Deserialize)]
struct Line {
    id: serde_json::Value,
    text: String,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    parent: Option<String>,
    #[serde(default)]
    post: Option<String>,
    /// Earlier comments of the thread, the newest first.
    #[serde(default)]
    thread: Option<Vec<String>>,
    #[serde(default)]
    attachments: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Judged<'a> {
    id: &'a serde_json::Value,
    findings: &'a [Finding],
    /// What rules and categories on trial found; left out where nothing is.
    #[serde(skip_serializing_if = "<[Finding]>::is_empty")]
    shadow: &'a [Finding],
    proposal: Proposal,
    needs_answer: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

#[derive(Serialize)]
struct Bad<'a> {
    line: u64,
    error: &'a str,
}

/// Judges every line of `input`; true when no line was bad.
///
/// A bad line gives `{"line":N,"error":…}` in its place, numbers from 1, and never repeats what the line said.
/// Empty lines at the end of a file are no lines. Errors are those of `input` and `out`.
pub fn run(
    input: impl BufRead,
    mut out: impl Write,
    rules: &RuleSet,
    policies: &Policies,
) -> io::Result<bool> {
    let mut sound = true;
    for_each_line(input, |number, line| {
        match line.map_err(ToOwned::to_owned).and_then(parse) {
            Ok((line, attachments)) => {
                let platform = line.platform.as_deref().and_then(|code| code.parse::<Platform>().ok());
                let (parent, post) = (line.parent.as_deref(), line.post.as_deref());
                let thread: Vec<&str> = line.thread.iter().flatten().map(String::as_str).collect();
                let input = Input {
                    text: &line.text,
                    platform,
                    parent,
                    post,
                    thread: &thread,
                    wave: None,
                    attachments: &attachments,
                };
                let judged = classify(rules, policies, &input);
                let judged = Judged {
                    id: &line.id,
                    findings: &judged.findings,
                    shadow: &judged.notes.shadow,
                    proposal: judged.proposal,
                    needs_answer: judged.needs_answer,
                    language: judged.language.as_deref(),
                };
                serde_json::to_writer(&mut out, &judged)?;
            }
            Err(error) => {
                sound = false;
                serde_json::to_writer(&mut out, &Bad { line: number, error: &error })?;
            }
        }
        out.write_all(b"\n")
    })?;
    out.flush()?;
    Ok(sound)
}

fn parse(line: &[u8]) -> Result<(Line, Vec<Attachment>), String> {
    let text = std::str::from_utf8(line)
        .map_err(|error| format!("not UTF-8 at byte {}: send the line as UTF-8", error.valid_up_to()))?;
    let line: Line = serde_json::from_str(text).map_err(|error| explain(&error))?;
    if !(line.id.is_string() || line.id.is_number()) {
        return Err("`id` is neither a string nor a number".into());
    }
    // What a newer version of a connector knows and this one does not is still something that cannot be read.
    let attachments = line.attachments.iter().flatten().map(|code| attachment(code)).collect();
    Ok((line, attachments))
}

/// What is wrong and where; `serde_json` may repeat values in its own message, and values are what people wrote.
fn explain(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let field = message.split("missing field ").nth(1).map(|rest| rest.split(' ').next().unwrap_or_default());
    match (field, error.classify()) {
        (Some(field), _) => format!("{field} is missing: a line is {{\"id\":…,\"text\":…}}"),
        (None, serde_json::error::Category::Data) => {
            format!(
                "a value is of the wrong kind before column {}: id, text, platform, parent and post are strings",
                error.column()
            )
        }
        (None, _) if message.contains("surrogate") || message.contains("hex escape") => {
            format!("half a surrogate pair at column {}: such a text is no Unicode", error.column())
        }
        (None, _) => format!("no JSON object: stops at column {}", error.column()),
    }
}

fn attachment(code: &str) -> Attachment {
    [
        Attachment::Image,
        Attachment::Video,
        Attachment::Audio,
        Attachment::Link,
        Attachment::Sticker,
        Attachment::Quote,
    ]
    .into_iter()
    .find(|attachment| attachment.code() == code)
    .unwrap_or(Attachment::Other)
}

/// Gives each line without its end, numbered from 1; a line that is too long is skipped and given as an error.
pub(super) fn for_each_line(
    mut input: impl BufRead,
    mut each: impl FnMut(u64, Result<&[u8], &'static str>) -> io::Result<()>,
) -> io::Result<()> {
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        let mut too_long = false;
        let mut anything = false;
        loop {
            let buffer = match input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                break;
            }
            anything = true;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            too_long |= line.len() + part.len() > LONGEST_LINE;
            if !too_long {
                line.extend_from_slice(part);
            }
            let used = end.map_or(buffer.len(), |end| end + 1);
            input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !anything {
            return Ok(());
        }
        number += 1;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if too_long {
            each(number, Err("the line is longer than 64 MiB"))?;
        } else {
            each(number, Ok(&line))?;
        }
    }
}

#[cfg(test)]
mod tests;
