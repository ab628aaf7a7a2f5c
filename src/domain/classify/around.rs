//! What stands above a comment: the comment that it answers, the post, what was said before in the thread. Read only
//! when a rule asks for it.

use super::Input;
use super::document::Document;
use super::notes::{Because, Source};
use super::pattern::Pattern;
use super::rules::{About, Rule, RuleSet};
use crate::domain::text::{self, Flag};

/// More of a text above is not read: its words are only a context.
const MOST_OF_TEXT: usize = 2000;

/// More earlier comments are not read.
const MOST_OF_THREAD: usize = 5;

/// One text above a comment.
#[derive(Debug)]
struct Above {
    source: Source,
    nth: usize,
    document: Document,
}

/// What stands above a comment.
#[derive(Debug)]
pub(super) struct Around<'a> {
    texts: Vec<(Source, usize, &'a str)>,
    read: Option<Vec<Above>>,
}

/// A rule may speak; and the words above that decided, if it asked for any.
#[derive(Debug)]
pub(super) struct Allowed(pub(super) Option<Because>);

impl<'a> Around<'a> {
    pub(super) fn new(input: &Input<'a>) -> Self {
        let parent = input.parent.map(|text| (Source::Parent, 0, text));
        let post = input.post.map(|text| (Source::Post, 0, text));
        let thread = input.thread.iter().take(MOST_OF_THREAD).enumerate();
        let thread = thread.map(|(nth, text)| (Source::Thread, nth, *text));
        Self { texts: parent.into_iter().chain(post).chain(thread).collect(), read: None }
    }

    fn read(&mut self, rules: &RuleSet) -> &[Above] {
        self.read.get_or_insert_with(|| {
            self.texts
                .iter()
                .map(|(source, nth, text)| {
                    let end = text.char_indices().nth(MOST_OF_TEXT).map_or(text.len(), |(at, _)| at);
                    let view = text::stripped(&text::plain(&text[..end]));
                    Above { source: *source, nth: *nth, document: Document::new(rules, view, None) }
                })
                .collect()
        })
    }

    /// Whether what stands above is as a rule wants it: `None` when it is not.
    pub(super) fn allows(&mut self, rules: &RuleSet, rule: &Rule) -> Option<Allowed> {
        if rule.parent.is_empty() && rule.unless_parent.is_empty() && rule.about.is_none() {
            return Some(Allowed(None));
        }
        let above = self.read(rules);
        let because = |above: &Above, (start, end)| Because {
            rule: rule.id.clone(),
            source: above.source,
            nth: above.nth,
            start,
            end,
        };
        let mut decided = None;
        if let Some(about) = rule.about {
            let near: Vec<&Above> = above.iter().filter(|one| one.source != Source::Thread).collect();
            let asked: Vec<&Above> = if near.is_empty() { above.iter().collect() } else { near };
            let people = asked.iter().find_map(|one| people(rules, &one.document).map(|at| because(one, at)));
            decided = match about {
                About::People => Some(people?),
                About::Things if people.is_some() => return None,
                About::Things => {
                    Some(because(asked.iter().find(|one| !one.document.tokens.is_empty())?, (0, 0)))
                }
            };
        }
        if !rule.parent.is_empty() {
            decided = Some(above.iter().find_map(|one| {
                rule.parent.iter().find_map(|pattern| Some(because(one, first(pattern, &one.document)?)))
            })?);
        }
        // What somebody else said in the thread does not excuse anybody.
        let excused = above
            .iter()
            .filter(|one| one.source != Source::Thread)
            .any(|one| rule.unless_parent.iter().any(|pattern| one.document.any(pattern)));
        (!excused).then_some(Allowed(decided))
    }
}

/// The bytes of the first words that a term matches.
fn first(pattern: &Pattern, document: &Document) -> Option<(usize, usize)> {
    document.sentences.iter().find_map(|sentence| {
        let (at, after) = document.find(pattern, *sentence, sentence.first, sentence.end, usize::MAX)?;
        Some(document.bytes(at, after))
    })
}

/// The bytes of the first word for people, or of the first name.
fn people(rules: &RuleSet, document: &Document) -> Option<(usize, usize)> {
    let named = rules.grammar.named;
    let word = |at: &usize| {
        document.tokens[*at].is(Flag::Mention)
            || document.has(*at, named)
            || rules.grammar.people.is_some_and(|people| document.has(*at, people))
    };
    (0..document.tokens.len()).find(word).map(|at| document.bytes(at, at + 1))
}
