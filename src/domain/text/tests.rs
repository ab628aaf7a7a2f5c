use proptest::prelude::*;

use super::*;

fn vetted() -> Vetted {
    [("javla".to_owned(), "jävla".to_owned())].into_iter().collect()
}

/// The text of one reading, if the text has it.
fn read(text: &str, reading: Reading) -> Vec<String> {
    views(text, &vetted(), &|_| false).iter().filter(|view| view.reading == reading).map(View::text).collect()
}

#[test]
fn swedish_letters_are_letters_of_their_own_in_every_view() {
    for view in views("Bög får på Öland ÅÄÖ", &vetted(), &|_| false) {
        assert_eq!(view.text(), "bög får på öland åäö", "{:?}", view.reading);
    }
}

#[test]
fn each_disguise_has_a_view_that_sees_through_it() {
    for (text, reading, seen) in [
        ("Din id\u{200b}iot", Reading::Stripped, "din idiot"),
        ("Din \u{456}d\u{456}ot", Reading::Stripped, "din idiot"),
        ("ｉｄｉｏｔ", Reading::Stripped, "idiot"),
        ("𝐢𝐝𝐢𝐨𝐭", Reading::Stripped, "idiot"),
        ("idi\u{0336}ot", Reading::Stripped, "idiot"),
        ("j\u{4d3}vel", Reading::Stripped, "jävel"),
        ("1d10t", Reading::Leet, "idiot"),
        ("sn4ll@ h3j", Reading::Leet, "snalla hej"),
        ("iiidiiiot", Reading::Stretched, "idiot"),
        ("d i n  i d i o t", Reading::Spaced, "din  idiot"),
        ("h.e.j.d.å", Reading::Spaced, "hejdå"),
        ("javla", Reading::Undiacritic, "jävla"),
    ] {
        assert!(read(text, reading).iter().any(|view| view == seen), "{text}: {:?}", read(text, reading));
    }
}

#[test]
fn a_decomposed_letter_points_at_both_of_its_code_points() {
    let view = plain("a\u{30a}r");
    assert_eq!(view.text(), "år");
    assert_eq!((view.glyphs[0].start, view.glyphs[0].end), (0, 3));
}

#[test]
fn numbers_stay_numbers_in_the_leet_view() {
    for text in ["2024-05-12 kl 14.30", "070-174 06 33", "15000kr", "212000-0142"] {
        assert!(read(text, Reading::Leet).is_empty(), "{text}");
    }
}

#[test]
fn words_know_their_sentence_their_quotation_and_what_they_are() {
    let (words, sentences) =
        tokens(&plain("Hon sa \"dumma dig\" igår. Se www.exempel.se, eller? 😂 @anna 12"));
    assert_eq!(sentences.len(), 3);
    assert!(sentences[1].question && !sentences[0].question);
    let flagged =
        |flag| words.iter().filter(|word| word.is(flag)).map(|word| word.text.as_str()).collect::<Vec<_>>();
    assert_eq!(flagged(Flag::Quoted), ["dumma", "dig"]);
    assert_eq!(flagged(Flag::Url), ["www.exempel.se"]);
    assert_eq!(flagged(Flag::Emoji), ["😂"]);
    assert_eq!(flagged(Flag::Mention), ["anna"]);
    assert_eq!(flagged(Flag::Number), ["12"]);
}

#[test]
fn quotation_marks_round_everything_quote_nothing() {
    let (words, _) = tokens(&plain("\"Allt detta\""));
    assert!(words.iter().all(|word| !word.is(Flag::Quoted)));
}

proptest! {
    #[test]
    fn every_glyph_of_every_view_points_at_whole_characters(text in any::<String>()) {
        for view in views(&text, &vetted(), &|word| word == "idiot") {
            for glyph in &view.glyphs {
                prop_assert!(glyph.start < glyph.end && glyph.end <= text.len());
                prop_assert!(text.is_char_boundary(glyph.start) && text.is_char_boundary(glyph.end));
            }
            let (words, sentences) = tokens(&view);
            prop_assert!(words.iter().all(|word| word.first < word.end && word.sentence < sentences.len()));
            prop_assert_eq!(sentences.iter().map(|sentence| sentence.end - sentence.first).sum::<usize>(), words.len());
        }
    }
}
