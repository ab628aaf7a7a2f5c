//! A guess at the language. It never switches a rule off: it only tells when a person must read instead (N19).

use std::collections::HashMap;
use std::sync::LazyLock;

use whatlang::{Detector, Lang};

use super::document::Document;
use crate::domain::text::{BuildQuick, Flag, Token};

mod words;

use words::{MEANKIELI, SHARED, SMALL_WORDS};

/// Languages whose comments the rules read, or that every reader of Swedish reads.
const COVERED: &[&str] = &["sv", "nb", "da", "en"];

/// Which languages (places in [`SMALL_WORDS`]) have a small word.
static LANGUAGES_OF: LazyLock<HashMap<&str, Vec<usize>, BuildQuick>> = LazyLock::new(|| {
    let mut languages: HashMap<&str, Vec<usize>, BuildQuick> = HashMap::default();
    for (place, (_, small)) in SMALL_WORDS.iter().enumerate() {
        for word in *small {
            let of_word = languages.entry(word).or_default();
            if of_word.last() != Some(&place) {
                of_word.push(place);
            }
        }
    }
    languages
});

/// The ISO 639 code of the most likely language; `None` when there are no words to guess from.
pub(super) fn guess(document: &Document) -> Option<String> {
    let mut letters = 0_usize;
    let mut latin = 0_usize;
    let mut sami = (0_usize, 0_usize);
    let mut script = None;
    for glyph in document.view.glyphs.iter().take(4000).filter(|glyph| glyph.ch.is_alphabetic()) {
        letters += 1;
        match glyph.ch {
            'a'..='z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => latin += 1,
            other => script = script.or(of_script(other)),
        }
        sami.0 += usize::from(matches!(glyph.ch, 'č' | 'đ' | 'ŋ' | 'š' | 'ŧ' | 'ž'));
        sami.1 += usize::from(glyph.ch == 'ï');
    }
    if letters < 2 {
        return None;
    }
    if latin * 2 < letters {
        return Some(script.map_or("und", |script| within_script(script, document)).to_owned());
    }
    let spoken = of_words(document, &document.tokens, sami);
    // What is foreign in a comment that is Swedish on the whole is not read by being in company.
    if spoken.as_deref().is_none_or(|code| !is_unread(code))
        && let Some(foreign) = foreign_part(document, script)
    {
        return Some(foreign.to_owned());
    }
    spoken
}

/// So many words of a sentence, or in another script, are a part that somebody must read.
const FOREIGN_WORDS: usize = 4;

/// The language of a sentence or of words in another script, where that is beyond doubt.
fn foreign_part(document: &Document, script: Option<&'static str>) -> Option<&'static str> {
    if let Some(script) = script {
        let foreign = |ch: char| of_script(ch).is_some();
        let whole = |token: &&Token| token.text.chars().count() >= 2 && token.text.chars().all(foreign);
        if document.tokens.iter().take(200).filter(whole).count() >= 2 {
            return Some(within_script(script, document));
        }
    }
    document.sentences.iter().take(20).find_map(|sentence| {
        let tokens = &document.tokens[sentence.first..sentence.end];
        let quoted = tokens.iter().all(|token| token.is(Flag::Quoted));
        if tokens.len() < FOREIGN_WORDS || quoted {
            return None;
        }
        let counts = count(tokens.iter().map(|token| token.text.as_str()));
        let read: usize = counts
            .iter()
            .zip(SMALL_WORDS)
            .filter(|(_, (code, _))| !is_unread(code))
            .map(|(hits, _)| hits)
            .sum();
        let (hits, code) = counts.iter().zip(SMALL_WORDS).map(|(hits, (code, _))| (*hits, *code)).max()?;
        (read == 0 && hits >= 2 && is_unread(code)).then_some(code)
    })
}

/// How many small words of each language.
fn count<'a>(words: impl Iterator<Item = &'a str>) -> [usize; SMALL_WORDS.len()] {
    let mut counts = [0_usize; SMALL_WORDS.len()];
    for languages in words.filter_map(|word| LANGUAGES_OF.get(word)) {
        for &language in languages {
            counts[language] += 1;
        }
    }
    counts
}

fn of_words(document: &Document, tokens: &[Token], sami: (usize, usize)) -> Option<String> {
    let words: Vec<&str> = tokens
        .iter()
        .take(200)
        .map(|token| token.text.as_str())
        .filter(|word| word.chars().any(char::is_alphabetic))
        .collect();
    let mut best = ("", 0);
    let mut swedish = 0;
    let counts = count(words.iter().copied());
    let telling = count(words.iter().copied().filter(|word| !SHARED.contains(word)));
    for (((code, _), mut hits), telling) in SMALL_WORDS.iter().zip(counts).zip(telling) {
        if is_unread(code) && telling == 0 {
            hits = 0;
        }
        // A letter that only one of the Sami languages has speaks for it.
        if (*code == "se" && sami.0 > 0) || (*code == "sma" && sami.1 > 0) {
            hits += 1 + sami.0 + sami.1;
        }
        if *code == "sv" {
            swedish = hits;
        }
        if hits > best.1 {
            best = (code, hits);
        }
    }
    if swedish * 5 >= words.len() && swedish > 0 && best.1 < swedish + 2 {
        return Some("sv".to_owned());
    }
    if best.1 * 6 >= words.len() && best.1 > 0 {
        let is_meankieli = best.0 == "fi" && words.iter().any(|word| MEANKIELI.contains(word));
        return Some(if is_meankieli { "fit" } else { best.0 }.to_owned());
    }
    let has = |letter: char| words.iter().any(|word| word.contains(letter));
    if swedish == 0 && has('ê') && (has('î') || has('û')) {
        return Some("ku".to_owned());
    }
    if let Some(code) = finnish_by_shape(&words, swedish) {
        return Some(code.to_owned());
    }
    // Too few small words to tell: a statistical guess, believed only where it is sure and the text long enough.
    if words.len() < 5 || swedish > 0 {
        return Some("sv".to_owned());
    }
    let text: String = document.view.glyphs.iter().take(600).map(|glyph| glyph.ch).collect();
    prior(&text)
}

/// True when a person must read it because the rules cannot.
pub(super) fn is_unread(code: &str) -> bool {
    !COVERED.contains(&code)
}

fn prior(text: &str) -> Option<String> {
    let allowed = vec![
        Lang::Swe,
        Lang::Nob,
        Lang::Dan,
        Lang::Eng,
        Lang::Fin,
        Lang::Deu,
        Lang::Est,
        Lang::Pol,
        Lang::Spa,
        Lang::Fra,
        Lang::Tur,
        Lang::Hrv,
        Lang::Ron,
        Lang::Ita,
        Lang::Hun,
        Lang::Lit,
        Lang::Lav,
        Lang::Por,
        Lang::Nld,
    ];
    let guess = Detector::with_allowlist(allowed).detect(text)?;
    let code = match guess.lang() {
        Lang::Fin => "fi",
        Lang::Nob => "nb",
        Lang::Dan => "da",
        Lang::Eng => "en",
        Lang::Deu => "de",
        Lang::Est => "et",
        Lang::Pol => "pl",
        Lang::Spa => "es",
        Lang::Fra => "fr",
        Lang::Tur => "tr",
        Lang::Hrv => "bs",
        Lang::Ron => "ro",
        Lang::Ita => "it",
        Lang::Hun => "hu",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Por => "pt",
        Lang::Nld => "nl",
        _ => "sv",
    };
    Some(if guess.confidence() > 0.8 { code } else { "sv" }.to_owned())
}

/// Finnish has long vowels and case endings that Swedish lacks; two such words are enough.
fn finnish_by_shape(words: &[&str], swedish: usize) -> Option<&'static str> {
    let shaped = words
        .iter()
        .filter(|word| word.chars().count() >= 4)
        .filter(|word| {
            [
                "ssa", "ssä", "sta", "stä", "lla", "llä", "lle", "kko", "kkö", "ään", "uus", "yys", "minen",
                "iin",
            ]
            .iter()
            .any(|end| word.ends_with(end))
                || ["aa", "ii", "uu", "yy", "ää", "öö"].iter().any(|long| word.contains(long))
        })
        .count();
    // Finnish has no b, c, f, w, x, z or å of its own, and ends its words in a vowel or in n, t, s, l, r.
    let may_be_finnish = |word: &&&str| {
        let last = word.chars().next_back().unwrap_or(' ');
        "aeiouyäöntslr".contains(last) && !word.contains(['b', 'c', 'f', 'q', 'w', 'x', 'z', 'å'])
    };
    let alike = words.iter().filter(may_be_finnish).count();
    let sure = shaped >= 2 && shaped * 2 >= words.len();
    let likely = swedish == 0 && words.len() >= 3 && alike == words.len() && shaped * 3 >= words.len();
    if !(sure || likely) {
        return None;
    }
    Some(if words.iter().any(|word| MEANKIELI.contains(word)) { "fit" } else { "fi" })
}

/// Which of the languages of a script: by letters that the others lack.
fn within_script(script: &'static str, document: &Document) -> &'static str {
    let has =
        |letters: &[char]| document.view.glyphs.iter().take(4000).any(|glyph| letters.contains(&glyph.ch));
    match script {
        "ar" if has(&['ێ', 'ۆ', 'ڕ', 'ڵ', 'ە']) => "ckb",
        "ar" if has(&['ټ', 'ډ', 'ړ', 'ښ', 'ځ', 'څ', 'ې']) => "ps",
        "ar" if has(&['ٹ', 'ڈ', 'ڑ', 'ے', 'ں']) => "ur",
        "ar" if has(&['پ', 'چ', 'ژ', 'گ', 'ک', 'ی']) => "fa",
        "ru" if has(&['і', 'ї', 'є', 'ґ']) => "uk",
        "ru" if has(&['ђ', 'ј', 'љ', 'њ', 'ћ', 'џ']) => "sr",
        "ti" if has(&['አ']) && !has(&['ኣ', 'ኽ', 'ቕ', 'ዅ']) => "am",
        "zh" if has(&['の', 'は', 'を', 'に', 'で', 'す', 'か']) => "ja",
        other => other,
    }
}

fn of_script(ch: char) -> Option<&'static str> {
    Some(match ch {
        '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' => {
            "ar"
        }
        '\u{400}'..='\u{52f}' => "ru",
        '\u{370}'..='\u{3ff}' => "el",
        '\u{590}'..='\u{5ff}' => "he",
        '\u{1200}'..='\u{137f}' => "ti",
        '\u{e00}'..='\u{e7f}' => "th",
        '\u{4e00}'..='\u{9fff}' => "zh",
        '\u{3040}'..='\u{30ff}' => "ja",
        '\u{ac00}'..='\u{d7af}' => "ko",
        '\u{900}'..='\u{97f}' => "hi",
        '\u{700}'..='\u{74f}' => "syr",
        '\u{530}'..='\u{58f}' => "hy",
        '\u{10a0}'..='\u{10ff}' => "ka",
        '\u{980}'..='\u{9ff}' => "bn",
        '\u{b80}'..='\u{bff}' => "ta",
        '\u{a00}'..='\u{a7f}' => "pa",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
