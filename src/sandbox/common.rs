//! What several emulators need: pages of lists, dates, numbers made from texts, JSON answers.

use std::borrow::Cow;
use std::cmp::Reverse;

use chrono::{DateTime, SecondsFormat, Utc};

use super::comment::{Comment, Place};
use super::seed;
use super::wire::Call;
use super::world::World;

/// How deep an answer to an answer is followed; a seed may hold a circle.
const DEEPEST: usize = 100;

/// A piece of a list: what stands there, whether more follows, and the place of its last element.
pub(super) struct Slice<T> {
    pub(super) elements: Vec<T>,
    pub(super) next: Option<Place>,
}

/// Before everything in a list that runs from the newest.
const BEGINNING: Place = (i64::MAX, u64::MAX);

/// The `limit` elements after `after` of a list that runs from the newest to the oldest.
pub(super) fn newest_first<T>(
    call: &Call,
    mut list: Vec<(Place, T)>,
    after: Option<Place>,
    limit: usize,
) -> Slice<T> {
    if call.empty {
        return Slice { elements: Vec::new(), next: Some(after.unwrap_or(BEGINNING)) };
    }
    list.sort_by_key(|(place, _)| Reverse(*place));
    let mut rest = list.into_iter().skip_while(|(place, _)| after.is_some_and(|after| *place >= after));
    let page: Vec<(Place, T)> = rest.by_ref().take(limit).collect();
    let end = page.last().map(|(place, _)| *place);
    Slice {
        next: end.filter(|_| rest.next().is_some()),
        elements: page.into_iter().map(|(_, element)| element).collect(),
    }
}

/// A place as an opaque text; `list` is what it is a place in, so that it is not taken for another list.
pub(super) fn cursor(world: &World, account: &str, list: &str, (when, number): Place) -> String {
    world.cursor(account, &format!("{:x}:{when}:{number}", number_of(list)))
}

/// The place that `cursor` wrote for this list.
pub(super) fn place(world: &World, account: &str, list: &str, cursor: &str) -> Option<Place> {
    let text = world.uncursor(account, cursor)?;
    let (of, place) = text.split_once(':')?;
    let (when, number) = place.split_once(':')?;
    (of == format!("{:x}", number_of(list))).then_some(())?;
    Some((when.parse().ok()?, number.parse().ok()?))
}

/// Every comment of an account as lists show them, with those that are gone.
pub(super) fn comments_of<'a>(
    world: &'a World,
    account: &str,
) -> impl Iterator<Item = (Place, Cow<'a, Comment>)> {
    world.posts_of(account).flat_map(|(_, post)| world.listed(post))
}

/// What a comment answers, and what that answers, up to the top level.
pub(super) fn ancestors<'a>(world: &'a World, comment: &Comment) -> Vec<&'a Comment> {
    let mut found: Vec<&Comment> = Vec::new();
    let mut next = comment.parent.as_deref().and_then(|id| world.comment(id));
    while let Some(above) = next.filter(|_| found.len() < DEEPEST) {
        found.push(above);
        next = above.parent.as_deref().and_then(|id| world.comment(id));
    }
    found
}

/// The account whose token a request shows; where no token is listed, the account of the platform that is known or
/// whose id looks right.
pub(super) fn whose(world: &World, platform: &str, call: &Call, looks: fn(&str) -> bool) -> Option<String> {
    let token = call.token.as_deref()?;
    let mut best: Option<(u8, &String)> = None;
    for (id, account) in world.accounts_of(platform, token) {
        let rank = match (account.tokens.contains_key(token), account.platform.is_some()) {
            (true, _) => 3,
            (false, true) => 2,
            (false, false) if looks(id) => 1,
            (false, false) => continue,
        };
        if best.is_none_or(|(than, _)| rank > than) {
            best = Some((rank, id));
        }
    }
    best.map(|(_, id)| id.clone())
}

/// A number out of a text: FNV-1a. The same for the same text, in every run.
pub(super) fn number_of(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A number of nineteen digits out of a text, above 2^53, as the big platforms number things.
pub(super) fn big_number(text: &str) -> u64 {
    7_000_000_000_000_000_000 + number_of(text) % 1_000_000_000_000_000_000
}

/// The instant of a date as any platform writes it.
pub(super) fn instant(at: &str) -> Option<DateTime<Utc>> {
    seed::instant(at).and_then(DateTime::from_timestamp_millis)
}

/// An instant with thousandths, in UTC.
pub(super) fn long(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A date as RFC 3339: verbatim if it is one, else written as one, `long` with thousandths.
pub(super) fn rfc3339(at: &str, long: bool) -> String {
    if DateTime::parse_from_rfc3339(at).is_ok() {
        return at.to_owned();
    }
    let form = if long { SecondsFormat::Millis } else { SecondsFormat::Secs };
    instant(at).map_or_else(|| at.to_owned(), |at| at.to_rfc3339_opts(form, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_into_pages_from_the_newest_without_gap_or_repetition() {
        let list: Vec<(Place, u64)> =
            (0..25_i64).map(|n| ((n / 3, n.unsigned_abs()), n.unsigned_abs())).collect();
        let mut call = Call::default();
        let mut after = None;
        let mut seen = Vec::new();
        loop {
            let slice = newest_first(&call, list.clone(), after, 7);
            seen.extend(slice.elements);
            after = slice.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..25).rev().collect::<Vec<u64>>());
        call.empty = true;
        let nothing = newest_first(&call, list.clone(), None, 7);
        assert!(nothing.elements.is_empty());
        call.empty = false;
        let whole = newest_first(&call, list, nothing.next, 100);
        assert_eq!(whole.elements.len(), 25, "an empty page leads to itself, filled");
    }

    #[test]
    fn a_cursor_is_taken_by_its_own_list_only() {
        let mut world = World::default();
        let text = cursor(&world, "1", "a", (-5, 7));
        assert_eq!(place(&world, "1", "a", &text), Some((-5, 7)));
        for (list, text) in [("b", text.as_str()), ("a", ""), ("a", "!"), ("a", "Zm9v")] {
            assert_eq!(place(&world, "1", list, text), None, "{list} {text}");
        }
        world.change_account("1", |_| {});
        world.reset_cursors(Some("1"));
        assert_eq!(place(&world, "1", "a", &text), None, "after a reset");
    }

    #[test]
    fn a_date_stays_as_it_was_given_where_the_platform_could_have_written_it() {
        let table = [
            ("2026-11-20T08:00:00.000Z", "2026-11-20T08:00:00.000Z"),
            ("2026-11-20T09:00:00+0100", "2026-11-20T08:00:00Z"),
            ("någon gång", "någon gång"),
        ];
        for (given, shown) in table {
            assert_eq!(rfc3339(given, false), shown);
        }
        assert_eq!(rfc3339("2026-11-20T09:00:00+0100", true), "2026-11-20T08:00:00.000Z");
        assert!(big_number("") > 1 << 53 && big_number("å") > 1 << 53);
    }
}
