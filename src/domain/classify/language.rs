//! A guess at the language. It never switches a rule off: it only tells when a person must read instead (N19).

use std::collections::HashMap;
use std::sync::LazyLock;

use whatlang::{Detector, Lang};

use super::document::Document;
use crate::domain::text::BuildQuick;

/// Languages whose comments the rules read, or that every reader of Swedish reads.
const COVERED: &[&str] = &["sv", "nb", "da", "en"];

/// Small words that give a language away; whole words, lower case.
const SMALL_WORDS: &[(&str, &[&str])] = &[
    (
        "sv",
        &[
            "och", "att", "det", "är", "en", "ett", "jag", "ni", "vi", "du", "som", "på", "för", "med",
            "inte", "av", "har", "till", "den", "kan", "så", "var", "om", "när", "vad", "hur", "ska", "från",
            "min", "din", "er", "era", "man", "bra", "tack", "hej", "finns", "bara", "nu", "här", "där",
            "alla", "vilken", "vilket", "blir", "blev", "måste", "eller", "mycket", "kommunen", "varför",
            "vem", "också", "ut", "upp", "in", "han", "hon", "de", "dem", "dom", "sig", "mig", "dig", "oss",
            "nej", "vara", "väl", "ju", "sen", "efter", "utan", "under", "över", "mot", "ingen", "inget",
            "detta", "denna", "dessa", "fan", "jävla",
        ],
    ),
    (
        "fi",
        &[
            "ja",
            "on",
            "ei",
            "se",
            "että",
            "mutta",
            "kun",
            "niin",
            "ovat",
            "oli",
            "olen",
            "olet",
            "sinä",
            "minä",
            "hän",
            "te",
            "me",
            "missä",
            "milloin",
            "mitä",
            "mikä",
            "miksi",
            "kuka",
            "onko",
            "kiitos",
            "hyvä",
            "hei",
            "moi",
            "voiko",
            "saako",
            "kunta",
            "kunnan",
            "täällä",
            "nyt",
            "myös",
            "kuin",
            "joka",
            "tämä",
            "tuo",
            "ole",
            "eikä",
            "vai",
            "tai",
            "jos",
            "paljon",
            "mistä",
            "minne",
            "meillä",
            "teillä",
        ],
    ),
    (
        "se",
        &[
            "lea",
            "ja",
            "dat",
            "mun",
            "don",
            "mii",
            "mat",
            "goas",
            "gos",
            "gosa",
            "leat",
            "ii",
            "eai",
            "go",
            "giitu",
            "bures",
            "buorre",
            "dás",
            "dál",
            "maid",
            "leago",
            "gii",
            "movt",
            "ahte",
            "muhto",
            "dahje",
            "sáhttá",
            "sámegillii",
            "lei",
            "munnje",
            "dutnje",
            "geasa",
            "man",
        ],
    ),
    (
        "smj",
        &[
            "le",
            "ij",
            "mij",
            "dat",
            "gájkka",
            "gåktu",
            "gåsse",
            "buoris",
            "gijtto",
            "julevsámegiella",
            "jus",
            "sån",
            "månnå",
            "dån",
        ],
    ),
    (
        "sma",
        &[
            "lea", "ij", "dïhte", "jïh", "gosse", "guktie", "buerie", "gæjhtoe", "aerpie", "edtja", "daelie",
            "manne", "dïjjen",
        ],
    ),
    (
        "nb",
        &[
            "og", "ikke", "jeg", "er", "hva", "hvor", "når", "hvem", "av", "til", "også", "dere", "kommunen",
            "hvordan", "etter", "noe", "mye", "bare",
        ],
    ),
    (
        "da",
        &[
            "og", "ikke", "jeg", "er", "hvad", "hvor", "hvornår", "af", "til", "også", "meget", "noget",
            "efter", "kun",
        ],
    ),
    (
        "en",
        &[
            "the", "and", "you", "is", "are", "what", "where", "when", "how", "this", "that", "for", "with",
            "not", "of", "to", "my", "your", "can", "do", "have", "it", "we", "they", "a", "i", "thank",
            "thanks", "please", "who", "why", "in", "was", "will",
        ],
    ),
    (
        "de",
        &[
            "und", "ist", "nicht", "ich", "sie", "wir", "wann", "wo", "wie", "der", "das", "ein", "eine",
            "bitte", "danke", "auch",
        ],
    ),
    (
        "so",
        &[
            "waa",
            "iyo",
            "waxaan",
            "oo",
            "ku",
            "ka",
            "maxaa",
            "waxay",
            "goorma",
            "xagee",
            "mahadsanid",
            "sidee",
            "aad",
            "waan",
            "inaan",
        ],
    ),
    ("et", &["ja", "ei", "see", "kas", "kus", "millal", "mis", "tere", "aitäh", "oma", "kui", "olen"]),
    (
        "pl",
        &[
            "i",
            "nie",
            "jest",
            "się",
            "czy",
            "gdzie",
            "kiedy",
            "jak",
            "dziękuję",
            "proszę",
            "dzień",
            "dobry",
            "na",
            "jestem",
        ],
    ),
    ("bs", &["je", "da", "ne", "kada", "gdje", "hvala", "molim", "sam", "što", "kako", "i", "ili"]),
    (
        "es",
        &[
            "el", "los", "es", "dónde", "cuándo", "gracias", "qué", "cómo", "por", "favor", "para", "una",
            "está",
        ],
    ),
    (
        "fr",
        &["le", "les", "est", "où", "quand", "merci", "et", "vous", "je", "une", "pour", "pas", "bonjour"],
    ),
    ("tr", &["ve", "bir", "ne", "zaman", "nerede", "teşekkürler", "için", "bu", "çok", "değil", "mi"]),
    ("ku", &["û", "ez", "tu", "li", "çi", "kengî", "spas", "ji", "bo", "ne"]),
];

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
    let mut sami = 0_usize;
    let mut script = None;
    for glyph in document.view.glyphs.iter().take(4000).filter(|glyph| glyph.ch.is_alphabetic()) {
        letters += 1;
        match glyph.ch {
            'a'..='z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => latin += 1,
            other => script = script.or(of_script(other)),
        }
        sami += usize::from(matches!(glyph.ch, 'č' | 'đ' | 'ŋ' | 'š' | 'ŧ' | 'ž' | 'ï'));
    }
    if letters < 2 {
        return None;
    }
    if latin * 2 < letters {
        return Some(script.unwrap_or("und").to_owned());
    }
    let words: Vec<&str> = document
        .tokens
        .iter()
        .take(200)
        .map(|token| token.text.as_str())
        .filter(|word| word.chars().any(char::is_alphabetic))
        .collect();
    let mut best = ("", 0);
    let mut swedish = 0;
    let mut counts = [0_usize; SMALL_WORDS.len()];
    for languages in words.iter().filter_map(|word| LANGUAGES_OF.get(word)) {
        for &language in languages {
            counts[language] += 1;
        }
    }
    for ((code, _), mut hits) in SMALL_WORDS.iter().zip(counts) {
        if *code == "se" && sami > 0 {
            hits += 1 + sami;
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
        return Some(best.0.to_owned());
    }
    if let Some(code) = finnish_by_shape(&words) {
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
fn finnish_by_shape(words: &[&str]) -> Option<&'static str> {
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
    (shaped >= 2 && shaped * 2 >= words.len()).then_some("fi")
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
        _ => return None,
    })
}
