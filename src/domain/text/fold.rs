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

/// The letters of flags: two of them are a flag, more of them spell.
pub(super) fn is_flag_letter(ch: char) -> bool {
    matches!(ch, '\u{1f1e6}'..='\u{1f1ff}')
}

/// A sign that stands for more characters than this is a phrase.
const LONGEST_UNFOLDED: usize = 4;

/// Gives the characters a reader sees in one that is neither ASCII nor å, ä, ö; `capital` where it was written so.
pub(super) fn visible(ch: char, capital: bool, mut give: impl FnMut(char)) {
    if let Some(letter) = capital.then(|| capital_alike(ch)).flatten().or_else(|| look_alike(ch)) {
        give(letter);
        return;
    }
    if let Some(letter) = of_series(ch).or_else(|| digit(ch)) {
        give(letter);
        return;
    }
    let mut given = false;
    // Signs that stand for whole phrases (`ﷺ`) are left as they are: nobody spells with them.
    if std::iter::once(ch).nfkc().nth(LONGEST_UNFOLDED).is_some() {
        give(ch);
        return;
    }
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

/// The Swedish letter that a letter is with one of the marks in `cluster`, and that mark.
pub(super) fn with_mark(letter: char, cluster: &str) -> Option<(char, char)> {
    let mark = |mark: char| cluster.contains(mark);
    match letter.to_lowercase().next().unwrap_or(letter) {
        letter @ ('å' | 'ä' | 'ö') => Some((letter, '\0')),
        'a' if mark('\u{30a}') => Some(('å', '\u{30a}')),
        'a' if mark('\u{308}') => Some(('ä', '\u{308}')),
        'o' if mark('\u{308}') => Some(('ö', '\u{308}')),
        _ => None,
    }
}

/// A Latin letter without its accent (é → e, ǻ → å); every other character as it is.
fn without_marks(ch: char) -> char {
    let mut parts = std::iter::once(ch).nfd();
    let base = parts.next().unwrap_or(ch);
    if !base.is_ascii_alphabetic() {
        return look_alike(base).unwrap_or(ch);
    }
    let marks: String = parts.collect();
    with_mark(base, &marks).map_or(base, |(letter, _)| letter)
}

/// Alphabets of symbols that Unicode does not say to be letters: in black circles and squares, in brackets, of flags.
fn of_series(ch: char) -> Option<char> {
    let first = match ch {
        '\u{1f150}'..='\u{1f169}' => 0x1f150,
        '\u{1f170}'..='\u{1f189}' => 0x1f170,
        '\u{1f110}'..='\u{1f129}' => 0x1f110,
        '\u{249c}'..='\u{24b5}' => 0x249c,
        '\u{1f1e6}'..='\u{1f1ff}' => 0x1f1e6,
        _ => return None,
    };
    char::from_u32(u32::from(b'a') + (ch as u32 - first))
}

/// The zeros of the scripts whose digits are no compatibility forms of ASCII's (Unicode 16, category Nd).
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
    0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0,
];

/// The ASCII digit of a digit of another script.
fn digit(ch: char) -> Option<char> {
    let code = ch as u32;
    let zero = *ZEROS.get(ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?)?;
    char::from_digit(code - zero, 10)
}

/// What capitals of other alphabets resemble, where the small letter resembles another (given as the small letter).
fn capital_alike(ch: char) -> Option<char> {
    Some(match ch {
        'η' => 'h',
        'ν' => 'n',
        'υ' => 'y',
        'λ' | 'д' => 'a',
        'σ' | 'ξ' => 'e',
        'т' => 't',
        'я' => 'r',
        _ => return None,
    })
}

/// The Swedish letter that a small letter of another alphabet resembles.
pub fn look_alike(ch: char) -> Option<char> {
    Some(match ch {
        'а' | 'α' | 'ɑ' | 'ᴀ' | '∂' | 'ⱥ' => 'a',
        'ӓ' | 'ǟ' | 'æ' => 'ä',
        'в' | 'β' | 'ʙ' | 'ь' | 'ƅ' | 'ɓ' | 'ƀ' => 'b',
        'с' | 'ϲ' | 'ᴄ' | '¢' | 'ƈ' | 'ȼ' | 'ς' => 'c',
        'ԁ' | 'ᴅ' | 'đ' | 'ð' | 'ɗ' | 'ɖ' => 'd',
        'е' | 'ё' | 'є' | 'ε' | 'ᴇ' | '€' | 'ҽ' | 'ɛ' | 'ɇ' => 'e',
        'ғ' | 'ƒ' | 'ꜰ' => 'f',
        'ɡ' | 'ɢ' | 'ց' | 'ɠ' | 'ǥ' => 'g',
        'н' | 'һ' | 'ʜ' | 'հ' | 'ħ' | 'ɦ' => 'h',
        'і' | 'ї' | 'ι' | 'ɪ' | 'ı' | '¡' | 'ɨ' | 'ɩ' => 'i',
        'ј' | 'ϳ' | 'ᴊ' | 'ʝ' | 'ɉ' => 'j',
        'к' | 'κ' | 'ᴋ' | 'ƙ' => 'k',
        'ӏ' | 'ʟ' | 'ł' | 'ⅼ' | 'ɫ' | 'ƚ' | 'ɭ' => 'l',
        'м' | 'ᴍ' | 'ɱ' => 'm',
        'п' | 'ո' | 'ɴ' | 'η' | 'и' | 'ŋ' | 'ɲ' | 'ƞ' | 'ɳ' => 'n',
        'о' | 'ο' | 'σ' | 'օ' | 'ᴏ' | 'ө' | 'ɵ' => 'o',
        'ӧ' | 'ø' | 'œ' => 'ö',
        'р' | 'ρ' | 'ᴘ' | 'ƥ' => 'p',
        'ԛ' | 'ꞯ' | 'ʠ' => 'q',
        'г' | 'ʀ' | 'ᴦ' | 'ɾ' | 'ɽ' => 'r',
        'ѕ' | 'ꜱ' | 'ʂ' => 's',
        'т' | 'τ' | 'ᴛ' | 'ŧ' | 'ƭ' | 'ʈ' => 't',
        'υ' | 'μ' | 'µ' | 'ᴜ' | 'ս' | 'ц' | 'ʉ' => 'u',
        'ѵ' | 'ᴠ' | 'ν' | 'ʋ' => 'v',
        'ԝ' | 'ω' | 'ᴡ' | 'ш' | 'ɯ' => 'w',
        'х' | 'χ' | '×' => 'x',
        'у' | 'γ' | 'ʏ' | 'ƴ' => 'y',
        'ᴢ' | 'ʐ' | 'ƶ' | 'ζ' => 'z',
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
