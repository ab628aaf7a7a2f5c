//! Words marked in a text, and the difference between two texts; strangers' texts, of any length.

use std::ops::Range;

/// Words compared with words: beyond this the middle is shown as wholly replaced.
const MOST_COMPARED: usize = 1_000_000;

/// Characters shown at once; the rest stands behind a button.
pub(crate) const SHOWN_AT_ONCE: usize = 5_000;

/// A stretch of text that is marked or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) text: String,
    pub(crate) marked: bool,
}

/// `text` in stretches, the places in `found` (byte offsets) marked; places that do not fit the text are left out.
pub(crate) fn stretches(text: &str, found: &[(usize, usize)]) -> Vec<Stretch> {
    let mut places: Vec<Range<usize>> = found
        .iter()
        .filter(|(start, end)| start < end && text.get(*start..*end).is_some())
        .map(|(start, end)| *start..*end)
        .collect();
    places.sort_by_key(|place| (place.start, place.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for place in places {
        match merged.last_mut() {
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => merged.push(place),
        }
    }
    let mut stretches = Vec::new();
    let mut done = 0;
    let mut push = |range: Range<usize>, marked| {
        if let Some(text) = text.get(range).filter(|text| !text.is_empty()) {
            stretches.push(Stretch { text: text.to_owned(), marked });
        }
    };
    for place in merged {
        push(done..place.start, false);
        push(place.clone(), true);
        done = place.end;
    }
    push(done..text.len(), false);
    stretches
}

/// The stretches that are shown at once, and those behind the button.
pub(crate) fn cut(stretches: Vec<Stretch>, most: usize) -> (Vec<Stretch>, Vec<Stretch>) {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    let mut left = most;
    for stretch in stretches {
        let length = stretch.text.chars().count();
        if left == 0 {
            rest.push(stretch);
        } else if length <= left {
            left -= length;
            first.push(stretch);
        } else {
            let at = stretch.text.char_indices().nth(left).map_or(stretch.text.len(), |(at, _)| at);
            let (begun, ended) = stretch.text.split_at(at);
            first.push(Stretch { text: begun.to_owned(), marked: stretch.marked });
            rest.push(Stretch { text: ended.to_owned(), marked: stretch.marked });
            left = 0;
        }
    }
    (first, rest)
}

/// What became of a stretch from one text to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// In both.
    Same,
    /// Only in the earlier one.
    Gone,
    /// Only in the later one.
    New,
}

impl Fate {
    /// The word that the page's template knows.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Gone => "gone",
            Self::New => "new",
        }
    }
}

/// A stretch of two texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) text: String,
    pub(crate) fate: Fate,
}

/// The difference between two texts, word by word.
pub(crate) fn difference(before: &str, after: &str) -> Vec<Change> {
    let old: Vec<&str> = before.split_inclusive(char::is_whitespace).collect();
    let new: Vec<&str> = after.split_inclusive(char::is_whitespace).collect();
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_middle, new_middle) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut changes = Vec::new();
    add(&mut changes, &old[..head], Fate::Same);
    if old_middle.len().saturating_mul(new_middle.len()) > MOST_COMPARED {
        add(&mut changes, old_middle, Fate::Gone);
        add(&mut changes, new_middle, Fate::New);
    } else {
        middle(&mut changes, old_middle, new_middle);
    }
    add(&mut changes, &old[old.len() - tail..], Fate::Same);
    changes
}

/// The longest common subsequence, by the usual table.
fn middle(changes: &mut Vec<Change>, old: &[&str], new: &[&str]) {
    let width = new.len() + 1;
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * width + j] = if old[i] == new[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            add(changes, &old[i..=i], Fate::Same);
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            add(changes, &old[i..=i], Fate::Gone);
            i += 1;
        } else {
            add(changes, &new[j..=j], Fate::New);
            j += 1;
        }
    }
    add(changes, &old[i..], Fate::Gone);
    add(changes, &new[j..], Fate::New);
}

fn add(changes: &mut Vec<Change>, words: &[&str], fate: Fate) {
    if words.is_empty() {
        return;
    }
    match changes.last_mut().filter(|last| last.fate == fate) {
        Some(last) => words.iter().for_each(|word| last.text.push_str(word)),
        None => changes.push(Change { text: words.concat(), fate }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, found: &[(usize, usize)]) -> String {
        stretches(text, found)
            .into_iter()
            .map(|part| if part.marked { format!("[{}]", part.text) } else { part.text })
            .collect()
    }

    #[test]
    fn overlapping_places_become_one_mark_and_places_that_do_not_fit_none() {
        for (found, expected) in [
            (&[][..], "du är en åsna"),
            (&[(0, 2)], "[du] är en åsna"),
            (&[(0, 5), (3, 6)], "[du är] en åsna"),
            (&[(10, 15), (0, 2)], "[du] är en [åsna]"),
            (&[(11, 15), (9, 99), (5, 3), (7, 7)], "du är en åsna"),
        ] {
            assert_eq!(shown("du är en åsna", found), expected, "{found:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        let (first, rest) = cut(stretches("åäö åäö", &[(0, 6)]), 2);
        let text = |part: &[Stretch]| part.iter().map(|part| part.text.as_str()).collect::<String>();
        assert_eq!((text(&first).as_str(), text(&rest).as_str()), ("åä", "ö åäö"));
        assert!(rest[0].marked && !rest[1].marked);
    }

    #[test]
    fn the_difference_shows_what_went_and_what_came() {
        let shown = |a, b| {
            difference(a, b)
                .into_iter()
                .map(|part| match part.fate {
                    Fate::Same => part.text,
                    Fate::Gone => format!("-{}-", part.text),
                    Fate::New => format!("+{}+", part.text),
                })
                .collect::<String>()
        };
        assert_eq!(shown("du är en idiot", "du är en ängel"), "du är en -idiot-+ängel+");
        assert_eq!(shown("a b c d", "a x c d e"), "a -b -+x +c -d-+d e+");
        assert_eq!(shown("", "ny"), "+ny+");
        assert_eq!(shown("samma", "samma"), "samma");
    }

    #[test]
    fn two_long_and_wholly_different_texts_are_compared_at_once() {
        let (a, b) = ("ja ".repeat(30_000), "nej ".repeat(30_000));
        let begun = std::time::Instant::now();
        assert_eq!(difference(&a, &b).len(), 2);
        assert!(begun.elapsed().as_millis() < 500);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_added(a in "[abå \n]{0,60}", b in "[abå \n]{0,60}", s in 0usize..70, e in 0usize..70) {
            let of = |skip: Fate| difference(&a, &b).into_iter().filter(|part| part.fate != skip)
                .map(|part| part.text).collect::<String>();
            prop_assert_eq!(of(Fate::New), a.clone());
            prop_assert_eq!(of(Fate::Gone), b);
            prop_assert_eq!(stretches(&a, &[(s, e)]).into_iter().map(|part| part.text).collect::<String>(), a);
        }
    }
}
