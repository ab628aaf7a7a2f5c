//! What a character looks like: invisible ones, letters of other alphabets, digits for letters.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// True for format characters, variation selectors and fillers: nothing is seen where they stand.
pub fn is_invisible(ch: char) -> bool {
    matches!(ch,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Gives the characters a reader sees in one that is neither ASCII nor å, ä, ö.
pub(super) fn visible(ch: char, mut give: impl FnMut(char)) {
    if let Some(letter) = look_alike(ch) {
        give(letter);
        return;
    }
    let mut given = false;
    for part in std::iter::once(ch).nfkc() {
        // Marks that were composed with nothing are decoration (so-called zalgo text).
        if canonical_combining_class(part) != 0 {
            continue;
        }
        let lower = part.to_lowercase().next().unwrap_or(part);
        let seen = if lower.is_ascii() || matches!(lower, 'å' | 'ä' | 'ö') {
            lower
        } else {
            look_alike(lower).unwrap_or_else(|| without_marks(lower))
        };
        give(seen);
        given = true;
    }
    if !given && canonical_combining_class(ch) == 0 {
        give(ch);
    }
}

/// A Latin letter without its accent (é → e); every other character as it is.
fn without_marks(ch: char) -> char {
    let base = std::iter::once(ch).nfd().next().unwrap_or(ch);
    if base.is_ascii_alphabetic() { base } else { ch }
}

/// The Swedish letter that a letter of another alphabet resembles.
pub fn look_alike(ch: char) -> Option<char> {
    Some(match ch {
        'а' | 'α' | 'ɑ' | 'ᴀ' | '∂' | '\u{1f170}' => 'a',
        'ӓ' | 'ǟ' | 'æ' => 'ä',
        'в' | 'β' | 'ʙ' | 'ь' | '\u{1f171}' => 'b',
        'с' | 'ϲ' | 'ᴄ' | '¢' => 'c',
        'ԁ' | 'ᴅ' | 'đ' | 'ð' => 'd',
        'е' | 'ё' | 'є' | 'ε' | 'ᴇ' | '€' | 'ҽ' => 'e',
        'ғ' | 'ƒ' => 'f',
        'ɡ' | 'ɢ' | 'ց' => 'g',
        'н' | 'һ' | 'ʜ' | 'հ' | 'η' => 'h',
        'і' | 'ї' | 'ι' | 'ɪ' | 'ı' | '¡' => 'i',
        'ј' | 'ϳ' | 'ᴊ' => 'j',
        'к' | 'κ' | 'ᴋ' => 'k',
        'ӏ' | 'ʟ' | 'ł' | 'ⅼ' => 'l',
        'м' | 'ᴍ' => 'm',
        'п' | 'ո' | 'ɴ' | 'ν' => 'n',
        'о' | 'ο' | 'σ' | 'օ' | 'ᴏ' | '\u{1f17e}' => 'o',
        'ӧ' | 'ø' | 'œ' => 'ö',
        'р' | 'ρ' | 'ᴘ' | '\u{1f17f}' => 'p',
        'ԛ' => 'q',
        'г' | 'ʀ' | 'ᴦ' => 'r',
        'ѕ' | 'ꜱ' | 'ʂ' => 's',
        'т' | 'τ' | 'ᴛ' | 'ŧ' => 't',
        'υ' | 'μ' | 'ᴜ' | 'ս' | 'ц' => 'u',
        'ѵ' | 'ᴠ' => 'v',
        'ԝ' | 'ω' | 'ᴡ' | 'ш' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' | 'ʏ' => 'y',
        'ᴢ' => 'z',
        _ => return None,
    })
}

/// The letter that a digit or a sign stands for inside a word.
pub(super) fn leet_letter(ch: char, one: char) -> Option<char> {
    Some(match ch {
        '0' => 'o',
        '1' | '|' => one,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        '9' => 'g',
        '!' => 'i',
        _ => return None,
    })
}
