//! Faults of persons, boards and accounts: what is changed in the example, and what is told.

use super::check;

#[test]
fn persons_and_absences_are_checked() {
    check(
        r#"id = "erik""#,
        r#"id = "anna""#,
        "74: person[anna].deputy: there is no person \"erik\"; add a [[person]] with this id\n77: person[anna].id: is the id of an earlier person; give each person an id of their own\n91: person[chef].deputy: there is no person \"erik\"; add a [[person]] with this id\n120: account[fb].editors[#2]: there is no person \"erik\"; add a [[person]] with this id\n138: account[bsky].editors[#2]: there is no person \"erik\"; add a [[person]] with this id",
    );
    check(
        r#"id = "anna""#,
        r#"id = "anna exempel""#,
        "68: person[#1].id: \"anna exempel\" is no id; use at most 40 letters a–z, digits, - and _\n108: absence[#1].person: there is no person \"anna\"; add a [[person]] with this id\n120: account[fb].editors[#1]: there is no person \"anna\"; add a [[person]] with this id\n138: account[bsky].editors[#1]: there is no person \"anna\"; add a [[person]] with this id",
    );
    check(
        r#"roles = ["editor"]"#,
        r#"roles = ["redaktör"]"#,
        r#"71: person[anna].roles[#1]: "redaktör" is none of editor, owner, communicator, head, registrar, archivist, dpo, it, crisis; choose one of them"#,
    );
    check(
        r#"deputy = "erik""#,
        r#"deputy = "erika""#,
        r#"74: person[anna].deputy: there is no person "erika"; did you mean `erik`?"#,
    );
    check(
        r#"roles = ["editor", "communicator"]"#,
        "deputy = \"anna\"\nroles = [\"editor\", \"communicator\"]",
        "74: person[anna].deputy: deputies in a loop: anna → erik → anna; end the chain with somebody",
    );
    check(
        r#"roles = ["editor", "communicator"]"#,
        "deputy = \"erik\"\nroles = [\"editor\", \"communicator\"]",
        "80: person[erik].deputy: deputies in a loop: erik → erik; end the chain with somebody",
    );
    check(
        r#"person = "anna""#,
        r#"person = "annna""#,
        r#"108: absence[#1].person: there is no person "annna"; did you mean `anna`?"#,
    );
    check(
        "to = 2027-01-06",
        "to = 2026-12-01",
        "110: absence[#1].to: 2026-12-01 is before from, 2026-12-21; write the last day, or leave it out if the end is not known",
    );
    check(
        r#"kind = "away""#,
        r#"kind = "vab""#,
        r#"111: absence[#1].kind: "vab" is none of away, leave, ended; choose one of them"#,
    );
    check(
        "from = 2026-12-21",
        r#"from = "julen""#,
        r#"109: absence[#1].from: "julen" is no date; write a date such as 2026-12-21"#,
    );
    check("from = 2026-12-21", "", "107: absence[#1].from: is missing; write the first day");
}

#[test]
fn boards_are_checked() {
    check(
        "UPP-KS {year}/{n}",
        "UPP-KS {year}",
        r#"64: board[KS].diary: "UPP-KS {year}" does not hold {n} once; write a template such as "UPP-KS {year}/{n}""#,
    );
    check(
        "UPP-KS {year}/{n}",
        "UPP-KS {n}",
        r#"64: board[KS].diary: "UPP-KS {n}" does not hold {year} once; write a template such as "UPP-KS {year}/{n}""#,
    );
    check(
        "UPP-KS {year}/{n}",
        "UPP-KS {year}{n}",
        r#"64: board[KS].diary: "UPP-KS {year}{n}" has nothing between {year} and {n}; put a / between them: two numbers could be written alike"#,
    );
    check(
        "UPP-KS {year}/{n}",
        "UPP-KS {year}/{nr}/{n}",
        r#"64: board[KS].diary: "UPP-KS {year}/{nr}/{n}" holds braces other than {year} and {n}; use only {year} and {n}"#,
    );
    check(
        r#"registrar = "registrator""#,
        r#"registrar = "regi""#,
        r#"65: board[KS].registrar: there is no person "regi"; add a [[person]] with this id"#,
    );
    check(
        r#"registrar = "registrator""#,
        r#"registrar = "anna""#,
        r#"65: board[KS].registrar: person `anna` has not the role `registrar`; add "registrar" to person[anna].roles, or name somebody else"#,
    );
    check(
        r#"kind = "board""#,
        r#"kind = "nämnd""#,
        r#"63: board[KS].kind: "nämnd" is none of board, company; choose one of them"#,
    );
    check(
        "[[person]]",
        "[[board]]\nid = \"KS\"\nname = \"KS\"\ndiary = \"B {year}/{n}\"\nregistrar = \"registrator\"\n[[person]]",
        "68: board[KS].id: is the id of an earlier board; give each board an id of its own",
    );
    check(
        "[[person]]",
        "[[board]]\nid = \"BUN\"\nname = \"BUN\"\ndiary = \"UPP-KS {year}/{n}\"\nregistrar = \"registrator\"\n[[person]]",
        "70: board[BUN].diary: is the series of an earlier board: one number would name two matters; give each board a prefix of its own",
    );
    check(
        "[[person]]",
        "[board.denied]\nx = { by = \"a\", on = 2026-01-01, dnr = \"b\" }\n[[person]]",
        r#"67: board[KS].denied: stands under a board, which follows the municipality's own [denied]; move it there, or write kind = "company""#,
    );
}

#[test]
fn accounts_are_checked() {
    check(
        r#"id = "bsky""#,
        r#"id = "fb""#,
        "132: account[fb].id: is the id of an earlier account; give each account an id of its own",
    );
    check(
        "platform = \"bluesky\"\nnative_id = \"did:plc:exempelexempelexempel\"\nurl = \"https://bsky.app/profile/exempel.se\"",
        "platform = \"facebook\"\nnative_id = \"123456789012345\"\nurl = \"https://bsky.app/profile/exempel.se\"\ntoken_file = \"t\"",
        "131: account[bsky].native_id: is the account that `fb` already watches; remove one of the two\n145: account[bsky].login_file: is not used by Facebook; remove it",
    );
    check(
        r#"native_id = "123456789012345""#,
        r#"native_id = """#,
        "116: account[fb].native_id: is empty; write one line of text",
    );
    check(
        r#"native_id = "123456789012345""#,
        "native_id = 123456789012345",
        "116: account[fb].native_id: is a whole number; write a text between quotes",
    );
    check(
        r#"url = "https://www.facebook.com/exempelkommun""#,
        r#"url = "exempelkommun""#,
        r#"117: account[fb].url: "exempelkommun" is no web address; write a whole address that begins with https://"#,
    );
    check(
        r#"board = "KS""#,
        r#"board = "KSS""#,
        r#"118: account[fb].board: there is no board "KSS"; add a [[board]] with this id"#,
    );
    check(
        r#"owner = "chef""#,
        r#"owner = "chefen""#,
        r#"119: account[fb].owner: there is no person "chefen"; did you mean `chef`?"#,
    );
    check(
        r#"owner = "chef""#,
        r#"owner = "registrator""#,
        "119: account[fb].owner: person `registrator` has not the role `owner`; add \"owner\" to person[registrator].roles, or name somebody else\n119: account[fb].owner: person `registrator` is no manager: \"Kontoansvarig … måste vara en chef\"; write manager = true under person[registrator] if so, or name a manager",
    );
    check(
        "manager = true",
        "manager = false",
        "119: account[fb].owner: person `chef` is no manager: \"Kontoansvarig … måste vara en chef\"; write manager = true under person[chef] if so, or name a manager\n137: account[bsky].owner: person `chef` is no manager: \"Kontoansvarig … måste vara en chef\"; write manager = true under person[chef] if so, or name a manager",
    );
    check(
        "employed = true\nmanager = true",
        "manager = true",
        "118: account[fb].owner: person `chef` is not employed, and cannot own an account; write employed = true under person[chef] if so, or name somebody else\n136: account[bsky].owner: person `chef` is not employed, and cannot own an account; write employed = true under person[chef] if so, or name somebody else",
    );
    check(
        r#"editors = ["anna", "erik"]"#,
        "editors = []",
        "120: account[fb].editors: names nobody: no comment would be answered; name at least one person",
    );
    check(
        r#"editors = ["anna", "erik"]"#,
        r#"editors = ["anna", "anna"]"#,
        r#"120: account[fb].editors[#2]: "anna" is named twice; remove one"#,
    );
    check(
        r#"editors = ["anna", "erik"]"#,
        r#"editors = ["anna", "eric"]"#,
        r#"120: account[fb].editors[#2]: there is no person "eric"; did you mean `erik`?"#,
    );
    check(
        r#"editors = ["anna", "erik"]"#,
        r#"editors = ["anna", "it"]"#,
        "120: account[fb].editors[#2]: person `it` has not the role `editor`; add \"editor\" to person[it].roles, or name somebody else\n120: account[fb].editors[#2]: editor `it` is not trained as an editor, which the profile demands; write trained = the date under person[it] if so, or name somebody else",
    );
    check(
        r#"status = "active""#,
        r#"status = "aktiv""#,
        r#"121: account[fb].status: "aktiv" is none of active, dormant, closed; did you mean `active`?"#,
    );
}

#[test]
fn polling_and_secrets_are_checked() {
    check(
        r#"watched_from = "2026-12-01T00:00:00+01:00""#,
        r#"watched_from = "2026-12-01""#,
        r#"123: account[fb].watched_from: "2026-12-01" is no moment with an offset; write it as "2026-12-01T00:00:00+01:00""#,
    );
    check(
        r#"poll = "0 */5 * * * *""#,
        "",
        r#"113: account[fb].poll: is missing; write how often the account is watched, such as "0 */5 * * * *""#,
    );
    check(
        "poll_decided = { by = \"chef\", on = 2026-01-15, reason = \"daglig bevakning är att föredra\" }\nmedia",
        "media",
        "113: account[fb].poll_decided: is missing; write { by, on, reason }: the account's manager decides how often it is watched",
    );
    check(
        r#"poll_decided = { by = "chef""#,
        r#"poll_decided = { by = "chefen""#,
        r#"125: account[fb].poll_decided.by: there is no person "chefen"; did you mean `chef`?"#,
    );
    check(
        r#"poll = "0 */5 * * * *""#,
        r#"poll = "*/5 * * * *""#,
        r#"124: account[fb].poll: "*/5 * * * *": has 5 fields, not six; write sec min hour day month weekday, such as "0 */5 * * * *" or "0 0 8 * * MON-FRI""#,
    );
    check(
        r#"poll = "0 */5 * * * *""#,
        r#"poll = "0 0 8 * * 1-5""#,
        r#"124: account[fb].poll: "0 0 8 * * 1-5": names a weekday by number, which means different days in different programs; write weekdays by name: MON-SUN"#,
    );
    check(
        r#"poll = "0 */5 * * * *""#,
        r#"poll = "0 0 8 30 FEB *""#,
        r#"124: account[fb].poll: "0 0 8 30 FEB *" never comes; correct the day and the month"#,
    );
    check(
        r#"poll = "0 */5 * * * *""#,
        r#"poll = "0 */0 * * * *""#,
        r#"124: account[fb].poll: "0 */0 * * * *": the field "*/0" cannot be read; write sec min hour day month weekday, such as "0 */5 * * * *" or "0 0 8 * * MON-FRI""#,
    );
    check(
        r#"poll = "0 */5 * * * *""#,
        r#"poll = "0 0 8 * * MÅN""#,
        r#"124: account[fb].poll: "0 0 8 * * MÅN": the field "MÅN" cannot be read; write sec min hour day month weekday, such as "0 */5 * * * *" or "0 0 8 * * MON-FRI""#,
    );
    check(
        r#"api = "https://graph.facebook.com/v25.0""#,
        r#"api = "http://graph.facebook.com/v25.0""#,
        r#"127: account[fb].api: would send tokens in clear over the network; write an address with https, or http on 127.0.0.1, or "sandbox""#,
    );
    check(
        r#"api = "https://graph.facebook.com/v25.0""#,
        r#"api = "https://a:b@graph.facebook.com/v25.0""#,
        r#"127: account[fb].api: holds a user name or a password; write an address with https, or http on 127.0.0.1, or "sandbox""#,
    );
    check(
        r#"api = "https://graph.facebook.com/v25.0""#,
        r#"api = "sandlåda""#,
        r#"127: account[fb].api: "sandlåda" is no web address; write a whole address that begins with https://"#,
    );
    check(
        r#"token_file = "fb-token""#,
        "",
        "113: account[fb].token_file: is missing; name the file, relative to paths.secrets",
    );
    check(
        r#"token_file = "fb-token""#,
        r#"token_file = "../kek""#,
        "128: account[fb].token_file: leaves paths.secrets by `..`; name a file in paths.secrets",
    );
    check(
        r#"login_file = "bsky-login""#,
        r#"token_file = "bsky-login""#,
        "131: account[bsky].login_file: is missing; name the file, relative to paths.secrets\n144: account[bsky].token_file: is not used by Bluesky; remove it",
    );
}
