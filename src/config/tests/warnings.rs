//! What works and is still worth a thought: what is changed in the example, and what is told.

use super::check_warning;

#[test]
fn what_works_and_is_worth_a_thought_is_a_warning() {
    check_warning(
        r#"secrets = "/var/lib/uppsikt-secrets""#,
        r#"secrets = "/var/lib/uppsikt/secrets""#,
        "11: paths.secrets: lies below paths.data, so that a backup of the data also holds the tokens; choose a folder beside it",
    );
    check_warning(
        r#"kek_file = "/etc/uppsikt/kek""#,
        r#"kek_file = "/var/lib/uppsikt/kek""#,
        "13: paths.kek_file: lies below paths.data, so that a backup of the data can be read without a second key; keep the key elsewhere, such as /etc/uppsikt/kek",
    );
    check_warning(
        r#"min_free = "2 GiB""#,
        "min_free = 1_000",
        r#"12: paths.min_free: leaves little room: hiding stops only when the disk is nearly full; write at least "256 MiB"; the default is "2 GiB""#,
    );
    check_warning(
        r#"proxy = "http://proxy"#,
        r#"proxy = "http://a:b@proxy"#,
        "16: network.proxy: holds a user name or password that everybody may read who may read this file; let the proxy know this server by its address",
    );
    check_warning(
        r#"tls = "starttls""#,
        "tls = \"none\"\naccept_unencrypted = true",
        "29: mail.smtp.username: is sent with the password in clear to the relay; encrypt, or remove both",
    );
    check_warning(
        r#"tls = "starttls""#,
        "tls = \"starttls\"\naccept_unencrypted = true",
        "28: mail.smtp.accept_unencrypted: has no effect: the connection is encrypted; remove it",
    );
    check_warning(
        r#"listen = "127.0.0.1:8080""#,
        r#"listen = "0.0.0.0:8080""#,
        "32: desk.listen: the desk speaks plain HTTP, and listens here beyond this machine; listen on 127.0.0.1, behind a web server that has a certificate",
    );
    check_warning(
        "date = 2027-05-07",
        "date = 2027-05-08",
        "38: hours.closed_days[#1]: 2027-05-08 is no working day anyway; remove it, or correct the date",
    );
    check_warning(
        "automatic_hides_per_day = 20",
        "automatic_hides_per_day = 2",
        "41: brake.automatic_hides_per_rule_and_day: is above automatic_hides_per_day, which stops first; lower it",
    );
    check_warning(
        r#"told = "at_once""#,
        r#"told = "bundled""#,
        r#"52: category.threat.told: `threat` may mean danger to somebody, and waits here for the next office hours; write "at_once""#,
    );
    check_warning(
        "tiktok =",
        "tictok =",
        "57: denied.tictok: is no service that Uppsikt knows by name; did you mean `tiktok`?",
    );
}

#[test]
fn who_is_who_can_be_worth_a_thought() {
    check_warning(
        r#"operator = "it""#,
        r#"operator = "chef""#,
        "7: organisation.operator: person `chef` has not the role `it`; add it, or name somebody of the IT department",
    );
    check_warning(
        r#"kind = "away""#,
        r#"kind = "ended""#,
        "110: absence[#1].to: ends an absence of kind `ended`, which is for good; remove it, or write leave",
    );
    check_warning(
        "UPP-KS {year}/{n}",
        "KS {year}/{n}",
        r#"64: board[KS].diary: "KS {year}/{n}" has no prefix of its own, and can be taken for a number of the e-diary; write "UPP-… {year}/{n}""#,
    );
    check_warning(
        "UPP-KS {year}/{n}",
        "{year}/{n}",
        r#"64: board[KS].diary: "{year}/{n}" has no prefix of its own, and can be taken for a number of the e-diary; write "UPP-… {year}/{n}""#,
    );
    check_warning(
        r#"native_id = "did:plc:exempelexempelexempel""#,
        r#"native_id = "exempel.se""#,
        r#"134: account[bsky].native_id: "exempel.se" does not look like an id of Bluesky; write an id that begins with did:, not the handle"#,
    );
    check_warning(
        r#"native_id = "123456789012345""#,
        r#"native_id = "exempelkommun""#,
        r#"116: account[fb].native_id: "exempelkommun" does not look like an id of Facebook; write the number of the page or account"#,
    );
    check_warning(
        r#"poll = "0 */5 * * * *""#,
        r#"poll = "0 0 8 * * MON-FRI""#,
        r#"124: account[fb].poll: leaves days of a year unwatched (104 of 365): "daglig bevakning är att föredra"; watch at least once every 24 hours, such as "0 */5 * * * *""#,
    );
    check_warning(
        r#"poll = "0 */5 * * * *""#,
        r#"poll = "0 0 8 */2 * *""#,
        r#"124: account[fb].poll: leaves days of a year unwatched (179 of 365): "daglig bevakning är att föredra"; watch at least once every 24 hours, such as "0 */5 * * * *""#,
    );
    check_warning(
        r#"poll = "0 */5 * * * *""#,
        r#"poll = "0 30 2 * * *""#,
        r#"124: account[fb].poll: leaves days of a year unwatched (1 of 365): "daglig bevakning är att föredra"; watch at least once every 24 hours, such as "0 */5 * * * *""#,
    );
    check_warning(
        r#"poll = "0 */5 * * * *""#,
        r#"poll = "*/10 * * * * *""#,
        r#"124: account[fb].poll: polls more than once a minute, and will use up what the platform allows; write one number of seconds first, such as "0 */5 * * * *""#,
    );
    check_warning(
        r#"poll_decided = { by = "chef""#,
        r#"poll_decided = { by = "anna""#,
        "125: account[fb].poll_decided.by: person `anna` is no manager: the account's manager decides how often it is watched; let the manager decide",
    );
    check_warning(
        r#"media = "never""#,
        "media = \"never\"\njoint_with = \"Grannkommun\"",
        "127: account[fb].joint_with: shares the responsibility for personal data without an agreement; add joint_agreement with its registration number",
    );
    check_warning(r#"status = "active""#, r#"status = "dormant""#, "");
}
