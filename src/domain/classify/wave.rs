//! The same text, a little changed, from several hands: shingles and `MinHash`.
//!
//! A text is cut into runs of five signs. Of thirty ways of ordering all runs the smallest is kept, and three
//! smallest together are a band: two texts that share a band are compared in full (Broder 1997; banding as in
//! Leskovec, Rajaraman, Ullman, *Mining of Massive Datasets*, ch. 3). Texts of a likeness of .6 share one with a
//! probability of .91, those of .8 with .999.
//!
//! That many write the same is no offence: it may be a campaign, and a campaign is speech. Only where the text also
//! sells something or leads somewhere is it looked at as spam; nothing is ever hidden for it.

use std::collections::BTreeSet;

use super::notes::Wave;
use super::rules::RuleSet;
use super::{Band, Finding};
use crate::domain::category::Category;
use crate::domain::text::{self, Flag, Token};

/// What a finding of a wave is called.
pub(super) const RULE: &str = "wave";

/// Its version: raised when it finds other things than before.
pub(super) const VERSION: u32 = 1;

/// The view of a finding that rests on other comments.
pub(super) const VIEW: &str = "wave";

/// How alike two texts must be, of their runs of five signs: 0 nothing, 1 the same.
pub const ALIKE: f64 = 0.6;

/// For so many days a text is remembered.
pub const DAYS: i64 = 7;

/// So many texts are a wave.
const LEAST: usize = 3;

/// A shorter text is said by many without knowing of each other: "Grattis!", "Tack", an emoji.
const SHORTEST: usize = 40;
const FEWEST_WORDS: usize = 7;

/// More of a text is not read.
const LONGEST: usize = 4000;

const RUN: usize = 5;
const ROWS: usize = 3;

/// How many bands a sketch has.
pub const BANDS: usize = 10;

/// What is kept of a text to find its likes: nothing that can be read.
pub type Sketch = [i64; BANDS];

/// The runs of a text, for comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runs(BTreeSet<u64>);

impl Runs {
    /// The runs of a text; `None` where it is too short to mean anything by being the same.
    pub fn of(text: &str) -> Option<Self> {
        let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
        let (tokens, _) = text::tokens(&text::stripped(&text::plain(&text[..end])));
        let words: Vec<String> = tokens.iter().filter_map(said).collect();
        let distinct: BTreeSet<&String> = words.iter().collect();
        let letters: Vec<char> = words.join(" ").chars().collect();
        if distinct.len() < FEWEST_WORDS || letters.len() < SHORTEST {
            return None;
        }
        Some(Self(letters.windows(RUN).map(hash).collect()))
    }

    /// How alike two texts are: the share of their runs that both have.
    #[expect(clippy::cast_precision_loss, reason = "there are at most a few thousand runs")]
    pub fn likeness(&self, other: &Self) -> f64 {
        let both = self.0.intersection(&other.0).count();
        let all = self.0.len() + other.0.len() - both;
        if all == 0 { 0.0 } else { both as f64 / all as f64 }
    }

    /// What is kept of it.
    pub fn sketch(&self) -> Sketch {
        let mut sketch = [0; BANDS];
        for (band, kept) in sketch.iter_mut().enumerate() {
            let mut sum = 0u64;
            for row in 0..ROWS {
                let order = mix((band * ROWS + row + 1) as u64);
                let least = self.0.iter().map(|run| mix(run ^ order)).min().unwrap_or_default();
                sum = mix(sum ^ least);
            }
            *kept = sum.cast_signed();
        }
        sketch
    }
}

/// A word as it is compared: numbers vary in what is sent out, and who is spoken to does not matter.
fn said(token: &Token) -> Option<String> {
    if token.is(Flag::Mention) || token.is(Flag::Emoji) {
        return None;
    }
    if token.is(Flag::Url) {
        return Some(host(&token.text).to_owned());
    }
    Some(token.text.chars().map(|ch| if ch.is_ascii_digit() { '0' } else { ch }).collect())
}

fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#', ':']).next().unwrap_or_default().trim_start_matches("www.")
}

/// FNV-1a over the signs.
fn hash(run: &[char]) -> u64 {
    run.iter().fold(0xcbf2_9ce4_8422_2325, |hash, ch| {
        (hash ^ u64::from(u32::from(*ch))).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The finalizer of `SplitMix64`: a fixed, even mixing of 64 bits.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Wave {
    /// Whether so many texts, from more than one hand or on more than one account, are worth telling of.
    pub fn is_told(&self) -> bool {
        self.texts >= LEAST && (self.authors > 1 || self.accounts > 1)
    }
}

/// What a wave adds to the findings of one of its texts: something only where it sells.
pub(super) fn add(rules: &RuleSet, text: &str, wave: &Wave, findings: &mut Vec<Finding>) {
    let spam = |finding: &Finding| finding.category == Category::SpamTroll;
    let political = findings.iter().any(|finding| finding.category == Category::Political);
    if !wave.is_told() || political || findings.iter().any(spam) {
        return;
    }
    let Some((start, end)) = selling(rules, text, findings) else { return };
    findings.push(Finding {
        category: Category::SpamTroll,
        rule: RULE.to_owned(),
        version: VERSION,
        view: VIEW.to_owned(),
        band: Band::Look,
        confidence: 0.6,
        start,
        end,
    });
}

/// What in a text sells something: a finding of a rule, or a link that leads to no public matter.
fn selling(rules: &RuleSet, text: &str, findings: &[Finding]) -> Option<(usize, usize)> {
    if let Some(finding) = findings.iter().find(|finding| finding.category == Category::Commercial) {
        return Some((finding.start, finding.end));
    }
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
    let view = text::plain(&text[..end]);
    let (tokens, _) = text::tokens(&view);
    let leads_away = |token: &&Token| {
        let address = token.text.to_lowercase();
        token.is(Flag::Url) && !rules.civic_sites.iter().any(|site| host(&address).contains(site.as_str()))
    };
    let token = tokens.iter().find(leads_away)?;
    Some((view.glyphs[token.first].start, view.glyphs[token.end.max(token.first + 1) - 1].end))
}

#[cfg(test)]
mod tests;
