//! Faults of the machine and of the guideline: what is changed in the example, and what is told.

use super::check;

#[test]
fn a_slip_of_the_pen_is_told_with_what_was_probably_meant() {
    check(
        r#"operator = "it""#,
        r#"operater = "it""#,
        "4: organisation.operator: is missing; name the person who gets technical letters\n7: organisation.operater: is an unknown key; did you mean `operator`?",
    );
    check("[brake]", "[breake]", "41: breake: is an unknown key; did you mean `brake`?");
    check(
        "office_hours_only",
        "Office-Hours-Only",
        "22: mail.Office-Hours-Only: is an unknown key; did you mean `office_hours_only`?",
    );
    check(
        r#"profile = "arjeplog""#,
        "profile = \"arjeplog\"\nbanan = 1",
        "3: banan: is an unknown key; remove it; known keys here: organisation, e_archive, paths, network, mail, desk, hours, brake, profile, four_eyes, clocks, editors, category, denied, person, absence, board, account, storage, anchors, timestamp, witness, platform, data_protection",
    );
    check(
        r#"tls = "starttls""#,
        r#"tls = "startls""#,
        r#"27: mail.smtp.tls: "startls" is none of starttls, implicit, none; did you mean `starttls`?"#,
    );
    check(
        "[category.insult]",
        "[category.insults]",
        "45: category.insults: is an unknown category; did you mean `insult`?",
    );
    check(
        r#"mode = "act""#,
        r#"mode = "acted""#,
        r#"140: account[bsky].mode: "acted" is none of watch, act; choose one of them"#,
    );
    check(
        r#"media = "never""#,
        r#"media = "always""#,
        r#"126: account[fb].media: "always" is none of never, after_review; choose one of them"#,
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_told_with_the_right_one() {
    check(
        r#"name = "Exempel kommun""#,
        "name = 7",
        "5: organisation.name: is a whole number; write a text between quotes",
    );
    check("port = 587", r#"port = "587""#, "26: mail.smtp.port: is a text; write a whole number");
    check(
        "port = 587",
        "port = 70_000",
        r#"26: mail.smtp.port: "70000" is not between 1 and 65535; write a number within these bounds"#,
    );
    check(
        "port = 587",
        "port = -1",
        r#"26: mail.smtp.port: "-1" is not between 1 and 65535; write a number within these bounds"#,
    );
    check(
        "office_hours_only = true",
        r#"office_hours_only = "ja""#,
        "22: mail.office_hours_only: is a text; write true or false",
    );
    check(
        r#"roles = ["it"]"#,
        r#"roles = "it""#,
        "104: person[it].roles: is a text; write a list between [ and ]",
    );
    check(
        r#"editors = ["anna", "erik"]"#,
        r#"editors = ["anna", 2, "erik"]"#,
        "120: account[fb].editors[#2]: is a whole number; write a text between quotes",
    );
    check(
        "trained = 2026-03-01",
        r#"trained = "i våras""#,
        r#"73: person[anna].trained: "i våras" is no date; write a date such as 2026-12-21"#,
    );
    check(
        "trained = 2026-03-01",
        "trained = 2026-03-01T08:00:00Z",
        "73: person[anna].trained: is a date or time; write a date such as 2026-12-21",
    );
    check(
        r#"open = "08:00""#,
        r#"open = "8""#,
        r#"36: hours.open: "8" is no time of day; write a time such as "08:00""#,
    );
    check(
        r#"open = "08:00""#,
        "open = 8",
        r#"36: hours.open: is a whole number; write a time such as "08:00""#,
    );
    check(
        r#"name = "Anna Exempel""#,
        r#"name = "Anna\r\nBcc: alla@exempel.se""#,
        r#"69: person[anna].name: holds a line break or another control character: "Anna\r\nBcc: alla@exempel.se"; write one line of text"#,
    );
    check(
        r#"name = "Anna Exempel""#,
        r#"name = " ""#,
        "69: person[anna].name: is empty; write one line of text",
    );
    check("[network]", "[[network]]", "15: network: is a list; write a table");
    check(
        "decided = { by",
        "decided = [{ by",
        "56: is not TOML: missing comma between array elements, expected `,`; mend the syntax\n57: is not TOML: missing comma between array elements, expected `,`; mend the syntax\n57: is not TOML: unexpected `=` in array, expected value, `]`; mend the syntax\n57: is not TOML: missing comma between array elements, expected `,`; mend the syntax\n58: is not TOML: missing comma between array elements, expected `,`; mend the syntax\nhas 296 more faults of syntax; mend the first ones",
    );
}

#[test]
fn a_fault_of_syntax_has_its_line_and_a_key_given_twice_hides_no_other_fault() {
    check(
        "port = 587",
        "port = ",
        "26: is not TOML: string values must be quoted, expected literal string; mend the syntax",
    );
    check("port = 587", "port = 587\nport = 25", "27: is not TOML: duplicate key; mend the syntax");
    check(
        "port = 587\ntls = \"starttls\"",
        "port = 587\nport = 25\ntls = \"ssl\"",
        "27: is not TOML: duplicate key; mend the syntax\n28: mail.smtp.tls: \"ssl\" is none of starttls, implicit, none; choose one of them",
    );
    check("[brake]", "[brake", "41: is not TOML: unclosed table, expected `]`; mend the syntax");
}

#[test]
fn an_organisation_and_its_profile_are_checked() {
    check(
        r#"profile = "arjeplog""#,
        r#"profile = "arjeplg""#,
        r#"2: profile: there is no embedded profile "arjeplg"; did you mean `arjeplog`? Or put arjeplg.toml in profiles/ beside this file, or in /etc/uppsikt/profiles"#,
    );
    check(
        r#"profile = "arjeplog""#,
        r#"profile = "../arjeplog""#,
        r#"2: profile: "../arjeplog" is no name of a profile; use letters a–z, digits, - and _"#,
    );
    check(
        r#"profile = "arjeplog""#,
        "",
        r#"profile: is missing; write "blank", or the profile of your municipality"#,
    );
    check(
        r#"log_origin = "exempel.se/uppsikt""#,
        r#"log_origin = "exempel se/uppsikt""#,
        r#"6: organisation.log_origin: "exempel se/uppsikt" holds a space or `+`, which a signed note does not allow; write a name without scheme, such as "exempel.se/uppsikt""#,
    );
    check(
        r#"log_origin = "exempel.se/uppsikt""#,
        r#"log_origin = "exempel.se+uppsikt""#,
        r#"6: organisation.log_origin: "exempel.se+uppsikt" holds a space or `+`, which a signed note does not allow; write a name without scheme, such as "exempel.se/uppsikt""#,
    );
    check(
        r#"log_origin = "exempel.se/uppsikt""#,
        r#"log_origin = "https://exempel.se/uppsikt""#,
        r#"6: organisation.log_origin: "https://exempel.se/uppsikt" begins with a scheme; write a name without scheme, such as "exempel.se/uppsikt""#,
    );
    check(
        r#"log_origin = "exempel.se/uppsikt""#,
        r#"log_origin = "exempel.se/uppsikt/""#,
        r#"6: organisation.log_origin: "exempel.se/uppsikt/" begins or ends with `/`; write a name without scheme, such as "exempel.se/uppsikt""#,
    );
    check(
        r#"log_origin = "exempel.se/uppsikt""#,
        r#"log_origin = "exempel.se/uppsikt/logg1""#,
        r#"6: organisation.log_origin: "exempel.se/uppsikt/logg1" ends with the name of one log; Uppsikt adds /logg1 itself; write a name without scheme, such as "exempel.se/uppsikt""#,
    );
    check(
        r#"log_origin = "exempel.se/uppsikt""#,
        "",
        r#"4: organisation.log_origin: is missing; write a name of your own, such as "exempel.se/uppsikt""#,
    );
    check(
        r#"operator = "it""#,
        r#"operator = "itt""#,
        r#"7: organisation.operator: there is no person "itt"; did you mean `it`?"#,
    );
}

#[test]
fn paths_network_mail_and_desk_are_checked() {
    check(
        r#"min_free = "2 GiB""#,
        r#"min_free = "2 gig""#,
        r#"12: paths.min_free: "2 gig" is no size; write a whole number and a unit, such as "2 GiB" or "500 MB""#,
    );
    check(
        r#"min_free = "2 GiB""#,
        r#"min_free = "99999999999 TiB""#,
        r#"12: paths.min_free: "99999999999 TiB" is no size; write a whole number and a unit, such as "2 GiB" or "500 MB""#,
    );
    check(
        r#"proxy = "http://proxy.exempel.se:8080""#,
        r#"proxy = "proxy.exempel.se:8080""#,
        r#"16: network.proxy: "proxy.exempel.se:8080" is no web address; write a whole address that begins with https://"#,
    );
    check(
        r#"from = "uppsikt@exempel.se""#,
        r#"from = "uppsikt""#,
        r#"20: mail.from: "uppsikt" is no mail address; write it as name@host, in ASCII (å, ä, ö in a host are written as xn--…)"#,
    );
    check(
        r#"from = "uppsikt@exempel.se""#,
        r#"from = "a@exempel.se\nBcc: b@exempel.se""#,
        r#"20: mail.from: holds a line break or another control character: "a@exempel.se\nBcc: b@exempel.se"; write one line of text"#,
    );
    check(
        r#"email = "anna@exempel.se""#,
        r#"email = "Anna <anna@exempel.se>""#,
        r#"70: person[anna].email: "Anna <anna@exempel.se>" is no mail address; write it as name@host, in ASCII (å, ä, ö in a host are written as xn--…)"#,
    );
    check(
        r#"email = "anna@exempel.se""#,
        r#"email = "anna@exempel.se, b@exempel.se""#,
        r#"70: person[anna].email: "anna@exempel.se, b@exempel.se" is no mail address; write it as name@host, in ASCII (å, ä, ö in a host are written as xn--…)"#,
    );
    check(
        r#"email = "anna@exempel.se""#,
        r#"email = "anna@räksmörgås.se""#,
        r#"70: person[anna].email: "anna@räksmörgås.se" is no mail address; write it as name@host, in ASCII (å, ä, ö in a host are written as xn--…)"#,
    );
    check(
        r#"transport = "smtp""#,
        r#"transport = "brevduva""#,
        r#"21: mail.transport: "brevduva" is none of smtp, folder; choose one of them"#,
    );
    check(
        r#"host = "smtp.exempel.se""#,
        r#"host = "smtp exempel""#,
        r#"25: mail.smtp.host: "smtp exempel" is no host name; write the relay's host name alone"#,
    );
    check(
        r#"tls = "starttls""#,
        r#"tls = "none""#,
        r#"27: mail.smtp.tls: letters would go unencrypted to the relay; write tls = "starttls", or accept it by accept_unencrypted = true"#,
    );
    check(
        r#"username = "uppsikt""#,
        "",
        "29: mail.smtp.password_file: has no username beside it; add username, or remove this",
    );
    check(
        r#"password_file = "/etc/uppsikt/smtp-password""#,
        "",
        "28: mail.smtp.username: has no password_file beside it; name the file with the password",
    );
    check(
        r#"listen = "127.0.0.1:8080""#,
        r#"listen = "8080""#,
        r#"32: desk.listen: "8080" is not an address with a port, such as 127.0.0.1:8080; correct it"#,
    );
    check(
        r#"public_url = "https://uppsikt.exempel.se""#,
        r#"public_url = "http://uppsikt.exempel.se""#,
        "33: desk.public_url: is not encrypted: what editors decide would travel in clear; write an address such as https://uppsikt.exempel.se",
    );
    check(
        r#"public_url = "https://uppsikt.exempel.se""#,
        r#"public_url = "https://uppsikt.exempel.se/?a=1""#,
        "33: desk.public_url: has a query or a fragment; write an address such as https://uppsikt.exempel.se",
    );
    check(
        r#"public_url = "https://uppsikt.exempel.se""#,
        r#"public_url = "uppsikt.exempel.se""#,
        r#"33: desk.public_url: "uppsikt.exempel.se" is no web address; write a whole address that begins with https://"#,
    );
}

#[test]
fn hours_and_brake_are_checked() {
    check(
        r#"close = "16:30""#,
        r#"close = "08:00""#,
        "35: hours.close: is not later than open; write the times of one working day",
    );
    check(
        r#"date = 2027-05-07, reason = "klämdag""#,
        "date = 2027-05-07",
        "38: hours.closed_days[#1].reason: is missing; write why, in Swedish: it stands in explanations",
    );
    check(
        "date = 2027-05-07, reason",
        "reason",
        "38: hours.closed_days[#1]: needs either date or rule; write one of them",
    );
    check(
        "date = 2027-05-07",
        "date = 2027-02-30",
        "38: is not TOML: invalid date, expected day between 01 and 28; mend the syntax",
    );
    check(
        "date = 2027-05-07",
        r#"rule = "easter"  , date = 2027-05-07"#,
        "38: hours.closed_days[#1]: needs either date or rule; write one of them",
    );
    check(
        r#"rule = "easter-3""#,
        r#"rule = "pingst""#,
        r#"39: hours.short_days[#1].rule: "pingst" is no rule for a day; write "easter-3", "easter+38" or "01-05" (month and day)"#,
    );
    check(
        r#"rule = "easter-3""#,
        r#"rule = "02-30""#,
        r#"39: hours.short_days[#1].rule: "02-30" is no rule for a day; write "easter-3", "easter+38" or "01-05" (month and day)"#,
    );
    check(
        r#"close = "12:00", reason = "skärtorsdag""#,
        r#"close = "17:00", reason = "skärtorsdag""#,
        "39: hours.short_days[#1].close: is not between 08:00 and 16:30; write an earlier closing, or move the day to closed_days",
    );
    check(
        r#"close = "12:00", reason = "skärtorsdag""#,
        r#"reason = "skärtorsdag""#,
        "39: hours.short_days[#1].close: is missing; write the earlier closing",
    );
    check(
        r#"date = 2027-05-07, reason = "klämdag" }"#,
        r#"date = 2027-05-07, reason = "klämdag" }, { date = 2027-05-07, reason = "igen" }"#,
        "38: hours.closed_days[#2]: is the same day as an earlier one; remove one of the two",
    );
    check(
        "automatic_hides_per_day = 20",
        "automatic_hides_per_day = -1",
        r#"43: brake.automatic_hides_per_day: "-1" is not between 0 and 10000; write a number within these bounds"#,
    );
}

#[test]
fn categories_and_denied_services_are_checked() {
    check(
        "automatic = false",
        "automatic = true",
        "48: category.insult.automatic: automatic hiding of `insult` without a decision; kommunallagen 6 kap. 38 §: beslutanderätt får inte delegeras till en automatiserad funktion i ärenden där beslut överklagas enligt 13 kap.; write automatic = false, or add decided = { by = …, on = …, dnr = … } that names the decision",
    );
    check(
        r#"decided = { by = "kommunstyrelsen", on = 2026-02-03, dnr = "KS 2026/12" }"#,
        "",
        "53: category.threat.automatic: automatic hiding of `threat` without a decision; kommunallagen 6 kap. 38 §: beslutanderätt får inte delegeras till en automatiserad funktion i ärenden där beslut överklagas enligt 13 kap.; write automatic = false, or add decided = { by = …, on = …, dnr = … } that names the decision",
    );
    check(
        r#"decided = { by = "kommunstyrelsen", on = 2026-02-03, dnr = "KS 2026/12" }"#,
        r#"decided = { by = "kommunstyrelsen", on = 2026-02-03 }"#,
        "54: category.threat.decided.dnr: is missing; write the registration number of the decision",
    );
    check(
        "[category.threat]",
        "[category.political]\nproposal = \"review\"\nautomatic = true\ndecided = { by = \"a\", on = 2026-02-03, dnr = \"b\" }\n[category.threat]",
        "52: category.political.automatic: no machine may hide `political`, whatever is decided; kommunallagen 6 kap. 38 §: beslutanderätt får inte delegeras till en automatiserad funktion i ärenden där beslut överklagas enligt 13 kap.; write automatic = false: a person decides",
    );
    check(
        "[category.threat]",
        "[category.defamation]\nproposal = \"hide\"\n[category.threat]",
        r#"51: category.defamation.proposal: proposes `hide` for a category where nothing may be preselected; write "review": a person decides about opinions without a suggestion (RF 2 kap.)"#,
    );
    check(
        r#"platform = "facebook""#,
        r#"platform = "tiktok""#,
        r#"115: account[fb].platform: "tiktok" is forbidden by decision of kommundirektören, 2023-04-20, KS 2023/77; remove the account, or remove the service from [denied] when a new decision allows it"#,
    );
    check(
        r#"platform = "facebook""#,
        r#"platform = "snapchat""#,
        r#"115: account[fb].platform: there is no connector for "snapchat"; services that Uppsikt can watch: facebook, instagram, youtube, linkedin, x, bluesky"#,
    );
    check(
        "[category.threat]",
        "[clocks]\nas_soon_as_possible = 5000\n[category.threat]",
        r#"51: clocks.as_soon_as_possible: "5000" is not between 0 and 1000; write a number within these bounds"#,
    );
}
