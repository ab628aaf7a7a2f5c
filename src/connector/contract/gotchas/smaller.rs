//! The tables of LinkedIn, X and Bluesky.

use super::Handling::{Not, Test};
use super::Row;

pub(super) const LINKEDIN: &[Row] = &[
    (
        "Linkedin-Version and X-Restli-Protocol-Version on every call",
        Test("connector/linkedin/tests/scripted.rs", "every_call_has_its_headers_and_its_urns_escaped"),
    ),
    (
        "URNs are percent-encoded, with : ( ) and ,",
        Test(
            "connector/contract/reading.rs",
            "a_sweep_shows_everything_over_many_pages_and_the_answers_that_do_not_come_along",
        ),
    ),
    (
        "a version lives about a year",
        Test(
            "connector/linkedin/tests/scripted.rs",
            "each_error_says_what_to_do_next_and_repeats_no_message",
        ),
    ),
    ("there is no hide", Test("connector/contract/acting.rs", "where_there_is_no_hide_nothing_is_sent")),
    (
        "the id of a new comment is in x-restli-id",
        Test("connector/linkedin/tests/scripted.rs", "the_id_of_an_answer_stands_in_a_header"),
    ),
    (
        "two levels of threads",
        Test("connector/contract/reading.rs", "writer_time_post_and_parent_are_the_platforms_own"),
    ),
    (
        "whether a page may delete another member's comment is not confirmed: off",
        Test("connector/linkedin/tests/scripted.rs", "removal_is_off_until_it_is_confirmed"),
    ),
    (
        "a removal that is forbidden",
        Test("connector/contract/acting.rs", "a_removal_that_the_platform_forbids_is_refused"),
    ),
    (
        "CLOSED deletes the comments: never sent",
        Test("connector/linkedin/tests/scripted.rs", "nothing_hides_and_no_post_is_ever_closed"),
    ),
    (
        "RECRUITING_POSTER gets an empty list, not an error",
        Test(
            "connector/contract/keys.rs",
            "the_task_moderate_and_a_role_that_is_shown_empty_lists_are_named",
        ),
    ),
    (
        "commentUrn and $URN, long and short URNs",
        Test("connector/linkedin/tests.rs", "the_short_and_the_long_name_of_a_comment_are_one"),
    ),
    (
        "object is the activity, not the share asked for",
        Test("connector/contract/reading.rs", "writer_time_post_and_parent_are_the_platforms_own"),
    ),
    (
        "no names of commenters",
        Test("connector/contract/reading.rs", "writer_time_post_and_parent_are_the_platforms_own"),
    ),
    (
        "a list ends with fewer than count or without next; total is wrong",
        Test(
            "connector/linkedin/tests.rs",
            "a_list_ends_without_a_link_or_with_fewer_than_asked_for_and_the_total_is_not_trusted",
        ),
    ),
    (
        "65600, 65601, 401, 403, 429",
        Test(
            "connector/linkedin/tests/scripted.rs",
            "each_error_says_what_to_do_next_and_repeats_no_message",
        ),
    ),
    (
        "500 calls a day an app until midnight UTC, no headers",
        Test(
            "connector/linkedin/tests/scripted.rs",
            "the_apps_day_ends_by_our_own_count_and_polling_before_it",
        ),
    ),
    (
        "100 calls a day a member in the development tier",
        Test(
            "connector/contract/limits.rs",
            "one_persons_day_on_linkedin_ends_at_midnight_and_is_not_the_apps",
        ),
    ),
    (
        "a 429 has no certain Retry-After, and says in words whose day is used up",
        Test("connector/linkedin/tests/scripted.rs", "a_429_says_whose_limit_it_is_and_until_when"),
    ),
    ("the e-mail at 75 per cent", Not("it comes late and to a person")),
    (
        "keys 60 days, refresh 365 from the first grant, never extended",
        Test(
            "connector/linkedin/tests/scripted.rs",
            "a_key_is_renewed_a_fortnight_before_its_end_and_the_refresh_tokens_end_stays",
        ),
    ),
    ("another set of scopes ends all earlier keys", Not("`uppsikt connect` asks for one set only")),
    (
        "batch get is off in the development tier",
        Not("not used: one request for many comments is no evidence for one"),
    ),
    ("webhooks and notifications", Not("off in the development tier, single-sourced, only for public posts")),
    (
        "members' activity may be kept 48 hours",
        Not("the account's storage rule in the configuration, which the municipality decides"),
    ),
];

pub(super) const X: &[Row] = &[
    (
        "only replies in conversations of our own can be hidden",
        Test("connector/x/tests/scripted.rs", "each_refusal_of_a_hide_says_what_to_do_next"),
    ),
    (
        "PUT …/hidden with JSON",
        Test("connector/x/tests/scripted.rs", "hiding_and_restoring_are_one_put_with_json"),
    ),
    (
        "50 hides in 15 minutes",
        Test("connector/x/tests/scripted.rs", "fifty_hides_in_a_window_and_no_more_also_without_headers"),
    ),
    (
        "no field tells that a reply is hidden: we remember",
        Test("connector/x/tests/scripted.rs", "a_look_says_that_it_is_there_and_not_whether_it_is_hidden"),
    ),
    (
        "replies by conversation_id, seven days, 512 characters",
        Test("connector/x/tests/scripted.rs", "thirteen_conversations_fit_into_one_query_of_512_characters"),
    ),
    (
        "later replies under older posts are seen only as mentions",
        Not("the search reaches no further back; a surface by hand"),
    ),
    (
        "default fields are id, text and edit history",
        Test(
            "connector/x/tests/scripted.rs",
            "a_poll_costs_three_calls_and_asks_for_every_field_that_is_read",
        ),
    ),
    (
        "ids above 2^53 are strings",
        Test("connector/x/tests.rs", "a_number_that_a_double_cannot_hold_is_no_id"),
    ),
    (
        "result_count 0 has no data",
        Test("connector/x/tests.rs", "an_empty_result_is_a_count_of_nothing_without_data"),
    ),
    (
        "answers are refused unless the author named us",
        Test("connector/x/tests/scripted.rs", "only_who_named_the_account_is_answered"),
    ),
    (
        "pay per use, the monthly cap, no credit",
        Test(
            "connector/x/tests/scripted.rs",
            "no_more_posts_are_paid_for_than_the_cap_allows_and_looks_keep_a_reserve",
        ),
    ),
    (
        "out of credit: 402 or 403, not stated",
        Test("connector/x/tests/scripted.rs", "each_refusal_of_a_hide_says_what_to_do_next"),
    ),
    (
        "the 24 hours without charging twice are soft",
        Not("our count takes every post as charged, which errs on the safe side"),
    ),
    (
        "problem documents and numbered errors of old",
        Test("connector/x/tests.rs", "problem_documents_and_the_numbered_errors_of_old_say_what_to_do_next"),
    ),
    (
        "data and errors in one 200",
        Test("connector/x/tests/scripted.rs", "a_look_says_that_it_is_there_and_not_whether_it_is_hidden"),
    ),
    (
        "a 403 on a list is about the key",
        Test("connector/contract/looking.rs", "without_the_right_to_read_nothing_is_taken_for_gone"),
    ),
    (
        "an edit gives a new id",
        Test("connector/x/tests/scripted.rs", "a_look_at_an_edited_post_asks_for_its_newest_text"),
    ),
    ("long posts are cut in text", Test("connector/x/tests.rs", "a_full_answer_is_read_whole")),
    (
        "x-rate-limit headers; the documentation disagrees with itself",
        Test("connector/x/tests/scripted.rs", "the_headers_tell_what_is_left_of_each_window"),
    ),
    (
        "a refusal tells its window too, which is not our own cap",
        Test(
            "connector/x/tests/scripted.rs",
            "a_429_is_heard_before_it_is_an_error_and_closes_its_window_only",
        ),
    ),
    (
        "keys last two hours; a refresh token is good once",
        Test(
            "connector/x/tests/scripted.rs",
            "a_refresh_token_is_used_once_and_the_new_one_is_in_the_file_first",
        ),
    ),
    ("OAuth 1.0a keys", Not("they cannot be narrowed to the scopes that are needed")),
    ("webhooks and the activity API", Not("they need a public address and each event is paid for")),
    (
        "stored posts must go within a day when they go on X",
        Not("everything of seven days is read again each day; what to keep is the account's storage rule"),
    ),
    ("blocking and deleting others", Not("not open to apps")),
];

pub(super) const BLUESKY: &[Row] = &[
    (
        "the gate's rkey is the root's",
        Test("connector/contract/acting.rs", "hiding_and_restoring_can_be_repeated_and_a_look_agrees"),
    ),
    (
        "at most 300 hidden replies",
        Test("connector/bluesky/tests/acting.rs", "what_the_repository_answers_to_a_write_says_what_to_do"),
    ),
    (
        "allow absent is anyone, [] nobody: kept as it is",
        Test("connector/bluesky/tests/acting.rs", "the_gate_keeps_everything_but_the_one_line"),
    ),
    (
        "getRecord of a missing gate is a 400 RecordNotFound",
        Test("connector/bluesky/tests/acting.rs", "what_the_repository_answers_to_a_write_says_what_to_do"),
    ),
    (
        "InvalidSwap: somebody changed it in between",
        Test("connector/bluesky/tests/acting.rs", "what_the_repository_answers_to_a_write_says_what_to_do"),
    ),
    (
        "read, modify, write with swapRecord",
        Test("connector/bluesky/real.rs", "a_conflict_a_full_gate_and_anothers_thread_are_told"),
    ),
    (
        "only the root's author can hide",
        Test("connector/bluesky/tests/acting.rs", "what_is_not_permitted_asks_nothing"),
    ),
    (
        "hidden replies vanish from notifications, and what is below them",
        Test("connector/contract/acting.rs", "our_own_hide_comes_back_as_seen_and_restoring_brings_it_back"),
    ),
    (
        "notifications stop at five ancestors",
        Test("connector/contract/reading.rs", "a_chain_deeper_than_any_notification_is_read"),
    ),
    (
        "threads are cut at a depth",
        Test("connector/bluesky/tests.rs", "cut_branches_are_asked_for_again_and_endless_ones_end"),
    ),
    (
        "notFoundPost and blockedPost",
        Test("connector/bluesky/tests/acting.rs", "a_look_tells_each_standing_apart"),
    ),
    (
        "muted and blocked authors are filtered",
        Test("connector/bluesky/real.rs", "gone_and_blocked_are_told_apart"),
    ),
    (
        "an expired session is a 400 ExpiredToken",
        Test(
            "connector/contract/keys.rs",
            "a_session_that_has_run_out_is_renewed_and_a_password_taken_back_asks_for_a_person",
        ),
    ),
    (
        "the refresh token rotates",
        Test(
            "connector/bluesky/tests.rs",
            "a_session_that_has_run_out_is_renewed_once_for_all_and_the_same_is_asked_again",
        ),
    ),
    (
        "the PDS of the didDoc, not bsky.social blindly",
        Test("connector/bluesky/session.rs", "the_home_in_the_document_is_taken_only_where_it_is_safe"),
    ),
    (
        "log-ins: 30 in five minutes, 300 a day",
        Test(
            "connector/bluesky/rates.rs",
            "every_request_counts_and_the_headers_say_what_others_behind_the_address_have_used",
        ),
    ),
    (
        "points of writes and RateLimit headers",
        Test(
            "connector/bluesky/rates.rs",
            "every_request_counts_and_the_headers_say_what_others_behind_the_address_have_used",
        ),
    ),
    ("posts cannot be edited: a new id", Not("a deletion and a new post, which are seen as such")),
    (
        "the author claims a time",
        Test("connector/bluesky/view.rs", "the_authors_claim_counts_only_right_before_the_indexing"),
    ),
    (
        "the AppView lags behind a write",
        Test("connector/contract/changes.rs", "what_a_list_shows_only_after_a_while_is_shown_then"),
    ),
    ("quotes; postgate", Not("who quotes writes on a page of their own: a surface by hand")),
    ("the firehose", Not("polling is enough for an account, and costs nothing")),
];
