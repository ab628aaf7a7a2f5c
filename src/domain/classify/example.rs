//! An example in a rule file: a comment, and what it says of what stands round it.

use super::Input;
use crate::domain::comment::Attachment;

/// `[image] …` stands for a comment with a picture, `… ↩ …` for an answer and the comment that it answers, `… ⌂ …` for a
/// comment and the post above it, `… ⋮ …` for a comment and an earlier one of the thread.
#[derive(Debug)]
pub(super) struct Example<'a> {
    text: &'a str,
    parent: Option<&'a str>,
    post: Option<&'a str>,
    thread: Vec<&'a str>,
    attachments: &'static [Attachment],
}

impl<'a> Example<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let (attachments, text): (&[Attachment], &str) = match text.strip_prefix("[image]") {
            Some(text) => (&[Attachment::Image], text.trim_start()),
            None => (&[], text),
        };
        let cut = |text: &'a str, sign: &str| {
            text.split_once(sign).map_or((text, None), |(text, rest)| (text, Some(rest)))
        };
        let (text, thread) = cut(text, " ⋮ ");
        let (text, post) = cut(text, " ⌂ ");
        let (text, parent) = cut(text, " ↩ ");
        Self { text, parent, post, thread: thread.into_iter().collect(), attachments }
    }

    pub(super) fn input(&self) -> Input<'_> {
        Input {
            text: self.text,
            parent: self.parent,
            post: self.post,
            thread: &self.thread,
            attachments: self.attachments,
            ..Input::default()
        }
    }
}
