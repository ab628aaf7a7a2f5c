//! Every known oddity of the platforms, and the test that fails without its handling.
//!
//! The tests are found by reading the sources, so that renaming or deleting one shows here. What is not handled says
//! why; the same reason stands in the connector's own documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::connector::capabilities_of;
use crate::domain::comment::Platform;

mod smaller;

use smaller::{BLUESKY, LINKEDIN, X};

/// What becomes of a fact.
#[derive(Debug, Clone, Copy)]
enum Handling {
    /// This test fails without it. As file below `src/`, and name.
    Test(&'static str, &'static str),
    /// Nothing, and why.
    Not(&'static str),
}

use Handling::{Not, Test};

type Row = (&'static str, Handling);

/// Facts that hold everywhere.
const EVERYWHERE: &[Row] = &[
    (
        "pages move while comments come and go",
        Test(
            "connector/contract/reading.rs",
            "what_is_visible_throughout_is_shown_although_comments_come_and_go_between_the_pages",
        ),
    ),
    (
        "emoji, right-to-left, HTML and control characters are words",
        Test("connector/contract/reading.rs", "words_come_as_they_were_written"),
    ),
    (
        "half of a surrogate pair costs its element only",
        Test("connector/http/tests.rs", "half_a_surrogate_pair_hides_nobody"),
    ),
    (
        "a proxy's page with status 200, half an answer, none",
        Test(
            "connector/contract/faults.rs",
            "each_broken_answer_to_a_read_says_what_to_do_next_and_loses_nothing",
        ),
    ),
    (
        "an answer is announced as another type than it is",
        Test("connector/contract/faults.rs", "the_body_decides_and_not_what_it_is_announced_as"),
    ),
    (
        "an answer is lost after the act was done",
        Test("connector/contract/acting.rs", "a_lost_answer_is_an_unknown_outcome_that_a_look_settles"),
    ),
    (
        "our own hide comes back",
        Test("connector/contract/acting.rs", "our_own_hide_comes_back_as_seen_and_restoring_brings_it_back"),
    ),
    ("comments are edited", Test("connector/contract/changes.rs", "an_edit_shows_under_the_same_id")),
    (
        "comments vanish and come back",
        Test(
            "connector/contract/changes.rs",
            "a_comment_that_vanishes_and_comes_back_is_gone_and_then_there",
        ),
    ),
    ("comments move", Test("connector/contract/changes.rs", "a_comment_that_moves_is_seen_where_it_stands")),
    (
        "lists lag behind what was written",
        Test("connector/contract/changes.rs", "what_a_list_shows_only_after_a_while_is_shown_then"),
    ),
    (
        "429 with and without Retry-After",
        Test("connector/contract/faults.rs", "too_many_requests_says_how_long_as_the_platform_says_it"),
    ),
    ("a key dies", Test("connector/contract/keys.rs", "a_dead_key_is_unauthorised_and_is_shown_nowhere")),
    (
        "a POST without a body must say its length",
        Test("connector/contract/acting.rs", "hiding_and_restoring_can_be_repeated_and_a_look_agrees"),
    ),
];

const FACEBOOK: &[Row] = &[
    (
        "default lists leave out answers and more: filter=stream, order",
        Test(
            "connector/contract/reading.rs",
            "a_sweep_shows_everything_over_many_pages_and_the_answers_that_do_not_come_along",
        ),
    ),
    (
        "enums of filter and order are not confirmed",
        Test(
            "connector/contract/reading.rs",
            "a_sweep_shows_everything_over_many_pages_and_the_answers_that_do_not_come_along",
        ),
    ),
    (
        "tens of thousands of comments may meet a limit of paging",
        Test("connector/facebook/tests/recorded.rs", "a_list_that_never_ends_does_end"),
    ),
    (
        "some nodes give empty data with a user's token",
        Test("connector/facebook/tests/gotchas.rs", "what_is_known_of_the_key_is_told_with_what_it_lacks"),
    ),
    (
        "id is missing without the task MODERATE",
        Test(
            "connector/facebook/tests/sandboxed.rs",
            "without_the_task_moderate_the_missing_right_is_named_and_nothing_is_taken_for_listed",
        ),
    ),
    (
        "from is missing without a Page's token",
        Test(
            "connector/facebook/tests/gotchas.rs",
            "a_comment_without_is_hidden_or_writer_names_the_right_that_lacks",
        ),
    ),
    (
        "two forms of a comment's id",
        Test("connector/facebook/tests/gotchas.rs", "both_forms_of_an_id_are_the_same_comment_in_a_look"),
    ),
    (
        "default fields omit most",
        Test(
            "connector/facebook/tests/sandboxed.rs",
            "a_sweep_shows_every_comment_as_it_stands_and_writes_nothing",
        ),
    ),
    (
        "paging.next holds the access token",
        Test("connector/graph/json.rs", "only_the_address_of_a_next_page_says_that_there_is_one"),
    ),
    (
        "the last page has a cursor and no next",
        Test("connector/graph/json.rs", "only_the_address_of_a_next_page_says_that_there_is_one"),
    ),
    (
        "a page may be empty and have a next",
        Test("connector/contract/reading.rs", "an_empty_page_with_a_next_ends_nothing"),
    ),
    (
        "offsets without a colon",
        Test("connector/graph/json.rs", "a_date_is_read_with_and_without_a_colon_in_its_offset"),
    ),
    (
        "hide and edit share one call: message is never sent",
        Test(
            "connector/facebook/tests/sandboxed.rs",
            "hiding_and_restoring_can_be_repeated_and_send_one_write_each",
        ),
    ),
    (
        "the answer of a hide is documented nowhere",
        Test(
            "connector/facebook/tests/recorded.rs",
            "an_answer_to_a_hide_that_does_not_say_done_is_an_unknown_outcome",
        ),
    ),
    (
        "can_hide is false for the Page's own comment",
        Test("connector/facebook/tests/sandboxed.rs", "what_the_page_may_not_hide_is_refused_before_a_write"),
    ),
    (
        "can_hide may be absent when is_hidden: a restore does not ask for it",
        Test(
            "connector/facebook/tests/sandboxed.rs",
            "hiding_and_restoring_can_be_repeated_and_send_one_write_each",
        ),
    ),
    (
        "DELETE of a comment, and of what is gone",
        Test(
            "connector/contract/acting.rs",
            "removing_is_done_where_it_can_be_and_removing_what_is_gone_succeeds",
        ),
    ),
    (
        "a reply is POST /{comment}/comments",
        Test("connector/contract/acting.rs", "an_answer_stands_under_what_it_answers_and_comes_back_as_ours"),
    ),
    (
        "private replies: one, within seven days",
        Not("an answer by direct message is a matter of its own, with other rights (pages_messaging)"),
    ),
    (
        "rights and the task MODERATE",
        Test("connector/facebook/tests/gotchas.rs", "what_is_known_of_the_key_is_told_with_what_it_lacks"),
    ),
    (
        "debug_token: 0 is never, data access ends by itself",
        Test("connector/graph/standing.rs", "zero_means_never_and_a_missing_moment_is_not_told"),
    ),
    (
        "short tokens are exchanged for long ones",
        Not("`uppsikt connect` does that before a token is written; the connector only reads the file"),
    ),
    (
        "some apps require appsecret_proof",
        Test(
            "connector/facebook/tests/sandboxed.rs",
            "the_app_secret_is_proved_where_the_platform_demands_it",
        ),
    ),
    (
        "codes 1, 2, 3, 4, 10, 17, 32, 102, 190, 200-299, 341, 368, 506, 613, 8000x; the status varies",
        Test("connector/facebook/tests/recorded.rs", "the_code_in_the_body_decides_whatever_the_status"),
    ),
    (
        "code 100 is also a deleted object, and a missing right",
        Test(
            "connector/facebook/tests/sandboxed.rs",
            "a_look_tells_public_hidden_gone_and_out_of_reach_apart",
        ),
    ),
    (
        "error texts are localised",
        Test(
            "connector/contract/faults.rs",
            "each_broken_answer_to_a_read_says_what_to_do_next_and_loses_nothing",
        ),
    ),
    (
        "usage headers in per cent, only once enough calls were made; regain in minutes",
        Test("connector/contract/limits.rs", "meta_is_polled_less_when_its_headers_say_that_much_is_used"),
    ),
    (
        "webhooks, their verbs, epoch seconds, absent values, edit and edited",
        Not("polling only: a municipality's host need not be reachable from outside"),
    ),
    (
        "our own hide is echoed by a webhook",
        Not(
            "polling only, so there is no echo; that a hide is seen at the next poll is shown for every platform",
        ),
    ),
    (
        "whether lists show hidden comments is not confirmed",
        Test("connector/contract/changes.rs", "what_others_hide_and_show_again_is_seen"),
    ),
];

const INSTAGRAM: &[Row] = &[
    (
        "two flavours of log-in, by host",
        Test("connector/instagram/tests.rs", "the_host_tells_whose_key_it_is"),
    ),
    (
        "default fields are timestamp, text, id",
        Test("connector/contract/reading.rs", "writer_time_post_and_parent_are_the_platforms_own"),
    ),
    (
        "replies stand on an edge of their own",
        Test(
            "connector/instagram/tests.rs",
            "answers_that_the_list_does_not_show_are_read_from_their_own_edge",
        ),
    ),
    (
        "the last page has no paging at all",
        Test(
            "connector/instagram/tests.rs",
            "a_page_without_paging_is_the_last_and_the_token_in_an_address_goes_nowhere",
        ),
    ),
    (
        "no filter, order or since",
        Test(
            "connector/contract/reading.rs",
            "a_sweep_shows_everything_over_many_pages_and_the_answers_that_do_not_come_along",
        ),
    ),
    (
        "the parameter is hide, the field hidden",
        Test(
            "connector/instagram/tests.rs",
            "the_parameter_is_hide_and_each_act_is_one_request_after_a_look",
        ),
    ),
    (
        "DELETE and POST …/replies",
        Test(
            "connector/instagram/tests.rs",
            "the_parameter_is_hide_and_each_act_is_one_request_after_a_look",
        ),
    ),
    ("turning comments off (comment_enabled)", Not("it silences everybody, which is no act on one comment")),
    (
        "the owner's comments stay visible even if hidden",
        Test(
            "connector/instagram/tests.rs",
            "our_own_comments_stay_visible_and_are_never_asked_to_be_hidden",
        ),
    ),
    (
        "hidden comments may drop out of the list: we remember",
        Test("connector/instagram/tests.rs", "a_look_tells_our_own_hide_from_a_deletion"),
    ),
    (
        "age-gated media, restricted people, live films, advertisements, mentions",
        Not("no list shows them; they are surfaces for a person's daily hand check"),
    ),
    (
        "username needs instagram_business_manage_comments",
        Test("connector/instagram/tests.rs", "what_the_key_does_not_show_is_told_with_the_right_that_lacks"),
    ),
    (
        "user{id}, username or from",
        Test("connector/instagram/element.rs", "the_writer_is_found_in_each_of_the_three_forms"),
    ),
    (
        "a picture or sticker is not in the API",
        Test("connector/instagram/element.rs", "a_comment_without_text_is_one_that_the_rules_cannot_read"),
    ),
    ("private replies", Not("an answer by direct message is a matter of its own")),
    ("boosted posts give webhooks twice; webhooks need Advanced Access", Not("polling only")),
    (
        "keys last 60 days and are refreshed after 24 hours, before their end",
        Test(
            "connector/contract/keys.rs",
            "instagrams_key_is_renewed_before_its_end_and_the_new_one_is_in_the_file",
        ),
    ),
    (
        "a missed refresh needs a person",
        Test(
            "connector/instagram/tests.rs",
            "a_key_is_renewed_when_less_than_thirty_days_are_left_of_it_and_never_after",
        ),
    ),
    (
        "type IGApiException; code 2500",
        Test("connector/instagram/tests.rs", "the_code_and_the_type_decide_what_an_error_means"),
    ),
    (
        "limits by Business Use Case",
        Test("connector/contract/limits.rs", "meta_is_polled_less_when_its_headers_say_that_much_is_used"),
    ),
];

const YOUTUBE: &[Row] = &[
    (
        "exactly one filter; one call a channel",
        Test(
            "connector/youtube/tests/scripted.rs",
            "the_first_sweep_reads_all_three_lists_the_late_replies_and_the_films",
        ),
    ),
    (
        "the default view is published only",
        Test(
            "connector/contract/changes.rs",
            "what_arrives_hidden_by_the_platforms_own_filter_is_seen_as_hidden",
        ),
    ),
    (
        "the replies of a thread are a subset",
        Test(
            "connector/contract/reading.rs",
            "a_sweep_shows_everything_over_many_pages_and_the_answers_that_do_not_come_along",
        ),
    ),
    (
        "a late reply does not bring its thread forward in the list",
        Test(
            "connector/youtube/tests/late.rs",
            "a_late_reply_is_read_within_the_time_that_the_sweeps_before_it_tell",
        ),
    ),
    (
        "moderationStatus is not set through the id filter",
        Test(
            "connector/youtube/tests/scripted.rs",
            "a_look_tells_public_hidden_by_us_gone_and_out_of_reach_apart",
        ),
    ),
    (
        "the state is inferred from the view",
        Test("connector/youtube/tests.rs", "a_state_that_is_told_wins_over_the_view_that_was_asked"),
    ),
    (
        "textDisplay is HTML unless plainText; textOriginal only for its author",
        Test(
            "connector/youtube/tests.rs",
            "words_are_taken_as_plain_text_and_entities_in_them_are_the_writers_own",
        ),
    ),
    (
        "channel comments have no videoId, posts a postId",
        Test("connector/youtube/tests.rs", "every_recorded_answer_becomes_what_its_snapshot_says"),
    ),
    (
        "setModerationStatus: no body, 204",
        Test("connector/contract/acting.rs", "hiding_and_restoring_can_be_repeated_and_a_look_agrees"),
    ),
    (
        "banAuthor is unreliable, and no moderation",
        Test(
            "connector/youtube/tests/scripted.rs",
            "hiding_rejects_restoring_publishes_and_nobody_is_banned",
        ),
    ),
    (
        "rejected comments cannot be listed: we remember",
        Test("connector/contract/acting.rs", "our_own_hide_comes_back_as_seen_and_restoring_brings_it_back"),
    ),
    (
        "rejecting hides the replies too",
        Not(
            "they are gone from the lists and come back with it; written one by one as hidden they would be acts of ours that nobody did",
        ),
    ),
    (
        "many ids in one call still cost 50",
        Not("one comment an intent, one id a call: each act has its own proof"),
    ),
    (
        "likelySpam cannot be set, markAsSpam exists",
        Not("it would report the writer to Google, which is no moderation of a comment"),
    ),
    (
        "the reply's id is parent.child",
        Test("connector/contract/reading.rs", "writer_time_post_and_parent_are_the_platforms_own"),
    ),
    (
        "dates with and without fractions",
        Test("connector/contract/reading.rs", "writer_time_post_and_parent_are_the_platforms_own"),
    ),
    (
        "10 000 units until midnight Pacific, also on days when the clocks change",
        Test(
            "connector/budget/tests.rs",
            "a_day_in_los_angeles_ends_at_its_own_midnight_also_when_the_clocks_change",
        ),
    ),
    (
        "no quota header: count here, also invalid calls",
        Test(
            "connector/contract/limits.rs",
            "polling_ends_before_the_days_quota_and_leaves_acts_their_share",
        ),
    ),
    (
        "quotaExceeded is a 403",
        Test("connector/contract/limits.rs", "a_quota_that_somebody_else_used_up_is_taken_at_its_word"),
    ),
    ("search.list and videos.insert have buckets of their own", Not("neither is called")),
    (
        "error as an object or as a string",
        Test("connector/youtube/tests.rs", "each_error_of_the_api_says_what_to_do_next"),
    ),
    (
        "code and reason disagree; processingFailure; commentsDisabled; banWithoutReject",
        Test("connector/youtube/tests.rs", "each_error_of_the_api_says_what_to_do_next"),
    ),
    (
        "`required` is a missing key at 401 and a missing parameter at 400",
        Test("connector/contract/faults.rs", "a_missing_parameter_is_no_dead_key"),
    ),
    (
        "commentsDisabled is one video's affair",
        Test(
            "connector/youtube/tests/scripted.rs",
            "a_thread_that_vanishes_and_comments_turned_off_are_no_failure_of_the_account",
        ),
    ),
    (
        "keys last an hour",
        Test("connector/contract/keys.rs", "an_ended_key_is_renewed_and_the_new_one_is_in_the_file_first"),
    ),
    (
        "a refresh token dies after 7 days in Testing, 6 months unused, on revoke",
        Test(
            "connector/youtube/tests/scripted.rs",
            "a_dead_refresh_token_asks_for_a_person_and_shows_no_secret",
        ),
    ),
    ("no webhook for comments", Not("there is none: polled")),
    (
        "the 30-day storage rule",
        Not("the account's storage rule in the configuration, which the municipality decides"),
    ),
];

fn tables() -> BTreeMap<&'static str, &'static [Row]> {
    let table = |platform: Platform| match platform {
        Platform::Facebook => FACEBOOK,
        Platform::Instagram => INSTAGRAM,
        Platform::Youtube => YOUTUBE,
        Platform::Linkedin => LINKEDIN,
        Platform::X => X,
        Platform::Bluesky => BLUESKY,
    };
    let mut tables: BTreeMap<_, _> =
        Platform::ALL.into_iter().map(|platform| (platform.code(), table(platform))).collect();
    tables.insert("everywhere", EVERYWHERE);
    tables
}

/// The tests of a source file: functions under `#[test]` or `#[tokio::test]`.
fn tests_in(file: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut tests = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let (true, Some((_, name))) = (is_test, line.split_once("fn ")) {
            tests.insert(name.split(['(', '<']).next().unwrap_or_default().to_owned());
            is_test = false;
        }
    }
    tests
}

#[test]
fn every_gotcha_has_a_test_that_exists_or_a_reason() {
    for (platform, rows) in tables() {
        let mut facts = BTreeSet::new();
        assert!(rows.len() > 10, "{platform} has more oddities than that");
        for (fact, handling) in rows {
            assert!(fact.len() > 8 && facts.insert(fact), "{platform}: {fact}: empty or twice");
            match handling {
                Test(file, name) => {
                    let tests = tests_in(file);
                    assert!(tests.contains(*name), "{platform}: {fact}: {file} has no test {name}");
                }
                Not(reason) => assert!(reason.len() > 8, "{platform}: {fact}: no reason"),
            }
        }
    }
}

#[test]
fn what_is_not_confirmed_stands_in_the_readme_with_the_call_that_would_confirm_it() {
    let readme = include_str!("../../../README.md");
    let mut rows = 0;
    for platform in Platform::ALL {
        for fact in capabilities_of(platform).unconfirmed {
            let row = format!("| {} | {} | {} |", platform.label(), fact.fact, fact.confirm);
            assert!(readme.contains(&row), "README.md has no row: {row}");
            rows += 1;
        }
    }
    let (_, section) = readme.split_once("## Not confirmed against the live platforms").unwrap();
    let section = section.split("\n## ").next().unwrap();
    assert_eq!(
        section.lines().filter(|line| line.starts_with("| ")).count(),
        rows + 1,
        "rows of the past, or none"
    );
    assert!(rows > 25, "{rows}");
    // The bodies of answers are not all known: what is off until somebody has tried it is off.
    assert!(!capabilities_of(Platform::Linkedin).remove);
}

/// A handling undone behind a switch: see tests/gotchas/undone.toml, and `tests/run gotchas`, which proves that the row's
/// test then fails.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Undo {
    platform: String,
    fact: String,
    /// Below the root of the repository.
    file: String,
    stands: String,
    instead: String,
}

#[derive(serde::Deserialize)]
struct Undone {
    undo: Vec<Undo>,
}

fn undone() -> Vec<Undo> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gotchas/undone.toml");
    toml::from_str::<Undone>(&fs::read_to_string(path).unwrap()).unwrap().undo
}

#[test]
fn every_change_that_undoes_a_handling_still_applies_and_names_a_row_with_a_test() {
    let mut named = BTreeSet::new();
    for undo in undone() {
        let tables = tables();
        let rows = tables.get(undo.platform.as_str()).unwrap_or_else(|| panic!("{}", undo.platform));
        let row = rows.iter().find(|(fact, _)| *fact == undo.fact);
        assert!(
            matches!(row, Some((_, Test(..)))),
            "{}: {}: no such row with a test",
            undo.platform,
            undo.fact
        );
        let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&undo.file)).unwrap();
        assert_eq!(
            source.matches(&undo.stands).count(),
            1,
            "{}: {}: {}",
            undo.platform,
            undo.fact,
            undo.stands
        );
        assert!(undo.instead.contains("UNDONE"), "{}: {}: has no switch", undo.platform, undo.fact);
        assert!(named.insert((undo.platform, undo.fact.clone())), "{}: twice", undo.fact);
    }
    assert!(named.len() > 120, "{} of the handlings are undone", named.len());
}

#[test]
fn the_reader_of_sources_finds_tests_and_nothing_else() {
    let tests = tests_in("connector/contract/gotchas.rs");
    assert!(tests.contains("every_gotcha_has_a_test_that_exists_or_a_reason"));
    assert!(!tests.contains("tests_in") && !tests.contains("tables"));
}
