use proptest::prelude::*;

use super::text::{Line, Weight, lines};

fn said(line: &Line) -> String {
    line.runs.iter().map(super::text::Run::text).collect()
}

/// What is set at 10 points in a column of 200, a line each.
fn set(text: &str) -> Vec<String> {
    lines(text, Weight::Regular, 10.0, 200.0).iter().map(said).collect()
}

#[test]
fn what_cannot_be_seen_or_has_no_font_is_written_out() {
    let table = [
        ("i\u{200b}diot", "i[U+200B]diot"),
        ("i\u{200d}d", "i[U+200D]d"),
        ("\u{202e}gnp.exe\u{202c}", "[U+202E]gnp.exe[U+202C]"),
        ("mjuk\u{ad}het", "mjuk[U+00AD]het"),
        ("\u{0}\u{7}", "[U+0000][U+0007]"),
        ("你", "[U+4F60]"),
        ("\u{e000}", "[U+E000]"),
        ("a\u{fe0f}", "a[U+FE0F]"),
        // These are what they look like.
        ("👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"),
        ("❤️", "❤️"),
        ("e\u{301}", "e\u{301}"),
        ("ÅÄÖ åäö é ß €", "ÅÄÖ åäö é ß €"),
        ("𝓗𝓮𝓳 → ✓", "𝓗𝓮𝓳 → ✓"),
    ];
    for (text, expected) in table {
        assert_eq!(set(text), [expected], "{text:?}");
    }
}

#[test]
fn lines_end_where_they_ended_and_an_empty_text_is_an_empty_line() {
    assert_eq!(set("ett\n\ntvå\r\ntre\u{2028}fyra"), ["ett", "", "två", "tre", "fyra"]);
    assert_eq!(set(""), [""]);
    assert_eq!(set("\n"), ["", ""]);
}

#[test]
fn text_from_right_to_left_stands_in_its_order_and_at_its_edge() {
    let set = lines("שלום 12 עולם", Weight::Regular, 10.0, 200.0);
    assert!(set[0].rtl);
    // From left to right the last word comes first; the number keeps its own order.
    let words: Vec<_> = set[0].runs.iter().map(|run| run.text().trim().to_owned()).collect();
    assert_eq!(words.concat(), "עולם12שלום");
    assert!(!lines("svenska שלום", Weight::Regular, 10.0, 200.0)[0].rtl);
}

#[test]
fn sixty_thousand_letters_without_a_space_are_cut_and_nothing_is_lost() {
    let word = "å".repeat(60_000);
    let set = lines(&word, Weight::Regular, 10.0, 200.0);
    assert!(set.len() > 100);
    assert_eq!(set.iter().map(said).collect::<String>(), word);
    assert!(set.iter().all(|line| line.width(10.0) <= 200.01));
}

proptest! {
    #[test]
    fn no_line_is_wider_than_its_column_and_no_letter_is_lost(text in "[a-zåäöA-ZÅÄÖ0-9 .,!?/:-]{0,400}", width in 60_u16..500) {
        let width = f32::from(width);
        let set = lines(&text, Weight::Bold, 11.0, width);
        for line in &set {
            prop_assert!(line.width(11.0) <= width + 0.01);
        }
        let letters = |text: &str| text.split_whitespace().collect::<String>();
        prop_assert_eq!(letters(&set.iter().map(said).collect::<Vec<_>>().join(" ")), letters(&text));
    }

    #[test]
    fn any_text_can_be_set(text in any::<String>()) {
        let all = lines(&text, Weight::Regular, 10.0, 200.0);
        prop_assert!(!all.is_empty());
        // Every glyph is one that its font has.
        for run in all.iter().flat_map(|line| &line.runs) {
            prop_assert!(run.glyphs().iter().all(|glyph| glyph.glyph_id.to_u32() != 0), "{:?}", run.text());
        }
    }
}
