//! Words, and the sentences they stand in.

use unicode_normalization::char::canonical_combining_class;

use super::{View, is_invisible, is_letter, is_letter_or_digit};

/// What is known of a word beside its letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// Stands between quotation marks that do not hold the whole text.
    Quoted = 1,
    /// Written with a capital first letter.
    Capital = 2,
    /// Digits only.
    Number = 4,
    /// The address of a page.
    Url = 8,
    /// An e-mail address.
    Email = 16,
    /// An emoji or another symbol.
    Emoji = 32,
    /// Follows an at sign.
    Mention = 64,
    /// The first word of a sentence.
    First = 128,
}

/// One word of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its letters, as the view shows them.
    pub text: String,
    /// Index of its first glyph.
    pub first: usize,
    /// Index after its last glyph.
    pub end: usize,
    /// Index of its sentence.
    pub sentence: usize,
    flags: u8,
    /// True where a letter may be masked (`j*vel`): `*` in [`Token::text`] is any letter.
    pub masked: bool,
}

impl Token {
    /// Whether anything is known of it.
    pub fn is_marked(&self) -> bool {
        self.flags != 0
    }

    /// Whether something is known of it.
    pub fn is(&self, flag: Flag) -> bool {
        self.flags & flag as u8 != 0
    }
}

/// A run of words up to a full stop, question mark, exclamation mark or line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence {
    /// Index of its first word.
    pub first: usize,
    /// Index after its last word.
    pub end: usize,
    /// True when a question mark ends it.
    pub question: bool,
}

/// A sentence longer than this is cut: what stands further apart has no grammar in common, and time stays linear.
const LONGEST_SENTENCE: usize = 60;

/// Longer words are cut into several: no word is that long, and no rule looks that far.
const LONGEST_WORD: usize = 80;

/// Top domains that are believed without `www` or `http` in front (`nu`, `no` and `to` are words).
const TOP_DOMAINS: &[&str] = &[
    "se", "com", "net", "org", "info", "shop", "io", "ly", "ru", "xyz", "biz", "eu", "fi", "dk", "example",
    "app", "dev", "site", "online", "club", "link", "click", "store", "live", "vip", "top", "gg", "tv",
];

/// The words of a view and its sentences.
pub fn tokens(view: &View) -> (Vec<Token>, Vec<Sentence>) {
    let glyphs = &view.glyphs;
    let quoted = quotations(view);
    let mut words: Vec<Token> = Vec::new();
    let mut sentences: Vec<Sentence> = Vec::new();
    let mut first_of_sentence = 0;
    let mut chunk_end = 0;
    let mut at = 0;
    while at < glyphs.len() {
        let ch = glyphs[at].ch;
        if at >= chunk_end && !ch.is_whitespace() {
            chunk_end = (at..glyphs.len()).find(|&i| glyphs[i].ch.is_whitespace()).unwrap_or(glyphs.len());
            if let Some((length, flag)) = address(&view.glyphs[at..chunk_end]) {
                push(
                    &mut words,
                    view,
                    at,
                    at + length,
                    flag as u8,
                    first_of_sentence,
                    sentences.len(),
                    &quoted,
                );
                at += length;
                continue;
            }
        }
        if is_letter_or_digit(ch) || (ch == '*' && glyphs.get(at + 1).is_some_and(|next| is_letter(next.ch)))
        {
            let end = word_end(view, at);
            let number = glyphs[at..end].iter().all(|glyph| glyph.ch.is_ascii_digit());
            let mention = at > 0 && glyphs[at - 1].ch == '@';
            let flags =
                if number { Flag::Number as u8 } else { 0 } | if mention { Flag::Mention as u8 } else { 0 };
            push(&mut words, view, at, end, flags, first_of_sentence, sentences.len(), &quoted);
            at = end;
        } else {
            if is_emoji(ch) {
                push(
                    &mut words,
                    view,
                    at,
                    at + 1,
                    Flag::Emoji as u8,
                    first_of_sentence,
                    sentences.len(),
                    &quoted,
                );
            }
            let ends = match ch {
                '\n' | '\r' | '!' | '?' | '…' => true,
                '.' => ends_sentence(view, at, words.last()),
                _ => false,
            };
            if ends && words.len() > first_of_sentence {
                sentences.push(Sentence { first: first_of_sentence, end: words.len(), question: ch == '?' });
                first_of_sentence = words.len();
            } else if ch == '?'
                && let Some(last) = sentences.last_mut()
            {
                last.question = true;
            }
            at += 1;
        }
        if words.len() - first_of_sentence >= LONGEST_SENTENCE {
            sentences.push(Sentence { first: first_of_sentence, end: words.len(), question: false });
            first_of_sentence = words.len();
        }
    }
    if words.len() > first_of_sentence {
        sentences.push(Sentence { first: first_of_sentence, end: words.len(), question: false });
    }
    (words, sentences)
}

#[expect(clippy::too_many_arguments, reason = "one private call site's state, named")]
fn push(
    words: &mut Vec<Token>,
    view: &View,
    first: usize,
    end: usize,
    mut flags: u8,
    first_of_sentence: usize,
    sentence: usize,
    quoted: &[(usize, usize)],
) {
    let mut text = String::with_capacity(end - first + 2);
    text.extend(view.glyphs[first..end].iter().map(|glyph| glyph.ch));
    let inside = quoted.partition_point(|&(_, close)| close <= first);
    if quoted.get(inside).is_some_and(|&(open, close)| open < first && end <= close) {
        flags |= Flag::Quoted as u8;
    }
    if view.glyphs[first].capital {
        flags |= Flag::Capital as u8;
    }
    if words.len() == first_of_sentence {
        flags |= Flag::First as u8;
    }
    let masked = text.contains('*');
    words.push(Token { text, first, end, sentence, flags, masked });
}

fn word_end(view: &View, at: usize) -> usize {
    let glyphs = &view.glyphs;
    let mut end = at + 1;
    while end < glyphs.len() && end - at < LONGEST_WORD {
        let ch = glyphs[end].ch;
        let next_is_letter =
            glyphs.get(end + 1).is_some_and(|next| is_letter_or_digit(next.ch) || next.ch == '*');
        let masks = matches!(ch, '*') && (next_is_letter || glyphs[end - 1].ch == '*' || end - at >= 2);
        // What hides in a word or stands for one of its letters does not end it.
        let is_sign = |ch: char| matches!(ch, '$' | '@' | '|');
        let next = glyphs.get(end + 1).map_or(' ', |next| next.ch);
        let hides = is_sign(ch)
            && (next.is_alphabetic() || is_sign(next) || (ch != '|' && next.is_whitespace()))
            && (glyphs[end - 1].ch.is_alphabetic() || is_sign(glyphs[end - 1].ch));
        let hides = hides || (!ch.is_ascii() && (is_invisible(ch) || is_mark(ch)));
        if !(is_letter_or_digit(ch) || masks || hides || (matches!(ch, '\'' | '’') && next_is_letter)) {
            break;
        }
        end += 1;
    }
    end
}

fn is_mark(ch: char) -> bool {
    ch >= '\u{300}' && canonical_combining_class(ch) != 0
}

/// A full stop ends a sentence when space follows and what stands before is no abbreviation (`kl.`, `t.ex.`).
fn ends_sentence(view: &View, at: usize, before: Option<&Token>) -> bool {
    let followed = view.glyphs.get(at + 1).is_none_or(|next| next.ch.is_whitespace() || next.ch == '.');
    let abbreviation = before.is_some_and(|word| {
        word.end == at
            && matches!(word.text.as_str(), "kl" | "ex" | "nr" | "tel" | "ca" | "st" | "a" | "d" | "s" | "dr")
    });
    followed && !abbreviation
}

fn is_emoji(ch: char) -> bool {
    matches!(ch, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// Pairs of quotation marks, as glyph indexes; none when one pair holds the whole text.
fn quotations(view: &View) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let mut open: Option<usize> = None;
    for (at, glyph) in view.glyphs.iter().enumerate() {
        let single = matches!(glyph.ch, '\'' | '‘' | '’') && {
            let letter = |i: Option<usize>| {
                i.and_then(|i| view.glyphs.get(i)).is_some_and(|g| is_letter_or_digit(g.ch))
            };
            letter(at.checked_sub(1)) != letter(Some(at + 1))
        };
        if !(single || matches!(glyph.ch, '"' | '”' | '“' | '„' | '»' | '«')) {
            continue;
        }
        match open {
            Some(start) if at > start + 1 => {
                pairs.push((start, at));
                open = None;
            }
            _ => open = Some(at),
        }
    }
    let solid = |range: &[super::Glyph]| range.iter().any(|glyph| is_letter_or_digit(glyph.ch));
    if let [(start, end)] = pairs[..]
        && !solid(&view.glyphs[..start])
        && !solid(&view.glyphs[end..])
    {
        return Vec::new();
    }
    pairs
}

/// The length in glyphs of a page's or a mailbox's address at the start of a run without spaces, if it is one.
fn address(chunk: &[super::Glyph]) -> Option<(usize, Flag)> {
    if chunk.len() < 4 || !chunk.iter().any(|glyph| matches!(glyph.ch, '.' | ':')) {
        return None;
    }
    let mut length = chunk.len().min(2048);
    while length > 0
        && matches!(chunk[length - 1].ch, '.' | ',' | '!' | '?' | ')' | ';' | ':' | '"' | '”' | '\'' | ']')
    {
        length -= 1;
    }
    let text: String = chunk[..length].iter().map(|glyph| glyph.ch).collect();
    if text.starts_with("http://") || text.starts_with("https://") || text.starts_with("hxxp") {
        return Some((length, Flag::Url));
    }
    if text.starts_with("www.") && length > 6 {
        return Some((length, Flag::Url));
    }
    let is_host = |host: &str| {
        host.rsplit_once('.').is_some_and(|(rest, top)| {
            !rest.is_empty()
                && TOP_DOMAINS.contains(&top)
                && rest.split('.').all(|label| {
                    !label.is_empty()
                        && label.chars().all(|ch| is_letter_or_digit(ch) || matches!(ch, '-' | '_'))
                })
        })
    };
    if let Some((local, host)) = text.split_once('@') {
        let host_is_known =
            is_host(host) || host.rsplit_once('.').is_some_and(|(_, top)| matches!(top, "nu" | "no"));
        let local_is_sound = !local.is_empty()
            && local.chars().all(|ch| is_letter_or_digit(ch) || matches!(ch, '.' | '-' | '_' | '+'));
        return (local_is_sound && host_is_known).then_some((length, Flag::Email));
    }
    let (host, path) = text.split_once('/').map_or((text.as_str(), false), |(host, _)| (host, true));
    let short_top =
        host.rsplit_once('.').is_some_and(|(_, top)| matches!(top, "me" | "nu" | "to" | "no" | "gl" | "cc"));
    (is_host(host) || (path && short_top)).then_some((length, Flag::Url))
}
