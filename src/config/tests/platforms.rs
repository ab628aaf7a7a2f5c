//! How far back an account is read, and what may be asked of a platform.

use super::{EXAMPLE, changed, check, config, examine, shown};
use crate::config::{LinkedinLimits, Platforms};
use crate::connector::Reach;

/// The example with an account on LinkedIn, and what the municipality has decided about its terms.
fn with_linkedin(more: &str, rest: &str) -> String {
    let decided = "{ by = \"kommunstyrelsen\", on = 2026-02-03, dnr = \"KS 1\" }";
    format!(
        "{EXAMPLE}\n[[account]]\nid = \"li\"\nplatform = \"linkedin\"\nnative_id = \"urn:li:organization:1\"\n\
         url = \"https://www.linkedin.com/company/exempel\"\nboard = \"KS\"\nowner = \"chef\"\neditors = [\"anna\", \"erik\"]\n\
         poll = \"0 0 */2 * * *\"\npoll_decided = {{ by = \"chef\", on = 2026-01-15, reason = \"daglig\" }}\n\
         token_file = \"li-token\"\n{more}\n[storage.linkedin]\nrule = \"keep\"\ndecided = {decided}\n{rest}\n"
    )
}

const SECRET: &str = "app_secret_file = \"fb-app-secret\"";

#[test]
fn an_account_is_read_as_far_back_as_its_platform_does_unless_it_says_otherwise() {
    let reaches = |text: &str| config(text).accounts.iter().map(|account| account.reach).collect::<Vec<_>>();
    let usual = Reach { horizon: None, sweep_days: 7 };
    assert_eq!(reaches(EXAMPLE), [usual, usual]);
    let text = changed(SECRET, &format!("{SECRET}\nhorizon_days = 30\nsweep_days = 14"));
    assert_eq!(reaches(&text)[0], Reach { horizon: Some(30), sweep_days: 14 });
    assert_eq!(reaches(&with_linkedin("", ""))[2], Reach { horizon: Some(7), sweep_days: 7 });
    assert_eq!(reaches(&with_linkedin("sweep_days = 30", ""))[2], Reach { horizon: Some(7), sweep_days: 30 });
}

#[test]
fn a_reach_that_cannot_be_is_a_fault() {
    check(
        SECRET,
        &format!("{SECRET}\nhorizon_days = 0\nsweep_days = 366"),
        "130: account[fb].horizon_days: \"0\" is not between 1 and 730; write a number within these bounds\n\
         131: account[fb].sweep_days: \"366\" is not between 1 and 365; write a number within these bounds",
    );
    check(
        "login_file = \"bsky-login\"",
        "login_file = \"bsky-login\"\nhorizon_days = 30",
        "145: account[bsky].horizon_days: is not used by Bluesky: it reads the hundred newest posts and every thread that \
         has moved; remove it",
    );
}

#[test]
fn what_may_be_asked_of_linkedin_and_x_is_the_documentations_unless_the_file_knows_better() {
    assert_eq!(config(EXAMPLE).platforms, Platforms::default());
    let limits = "[platform.linkedin]\nversion = \"202611\"\ncalls_a_day = 5000\ncalls_a_day_by_person = 1000\n\
                  [platform.x]\nreads_a_day = 300";
    let told = config(&with_linkedin("", limits)).platforms;
    let linkedin =
        LinkedinLimits { version: "202611".to_owned(), calls_a_day: 5_000, calls_a_day_by_person: 1_000 };
    assert_eq!(told.linkedin, linkedin);
    assert_eq!(told.x.reads_a_day, 300);
}

#[test]
fn limits_that_cannot_be_are_faults_each_with_its_key() {
    let end = "login_file = \"bsky-login\"";
    for (limits, expected) in [
        (
            "[platform.linkedin]\nversion = \"2026-07\"",
            "platform.linkedin.version: \"2026-07\" is no version of LinkedIn's API; write year and month, such as \"202607\"",
        ),
        (
            "[platform.linkedin]\nversion = \"202613\"",
            "platform.linkedin.version: \"202613\" is no version of LinkedIn's API; write year and month, such as \"202607\"",
        ),
        (
            "[platform.linkedin]\ncalls_a_day = 0",
            "platform.linkedin.calls_a_day: \"0\" is not between 10 and 10000000; write a number within these bounds",
        ),
        (
            "[platform.linkedin]\ncalls = 100",
            "platform.linkedin.calls: is an unknown key; remove it; known keys here: calls_a_day, calls_a_day_by_person, version",
        ),
        ("[platform.x]\nreads_a_day = \"many\"", "platform.x.reads_a_day: is a text; write a whole number"),
        (
            "[platform.youtube]\nunits = 1",
            "platform.youtube: \"youtube\" has no limits to set; services with limits to set: linkedin, x",
        ),
        (
            "[platform.linkedn]\ncalls_a_day = 100",
            "platform.linkedn: \"linkedn\" has no limits to set; did you mean `linkedin`?",
        ),
        ("[platform]\nx = 3", "platform.x: is a whole number; write a table"),
    ] {
        let text = changed(end, &format!("{end}\n{limits}"));
        let told: Vec<String> = examine(&text).faults.iter().map(shown).collect();
        let told: Vec<_> =
            told.iter().filter_map(|told| told.split_once(": ")).map(|(_, told)| told).collect();
        assert_eq!(told, [expected], "{limits}");
    }
}

#[test]
fn an_account_that_is_polled_oftener_than_linkedin_allows_is_told_so() {
    let told = |text: &str| -> Vec<String> {
        let examined = examine(text);
        assert_eq!(examined.faults, []);
        examined
            .warnings
            .iter()
            .map(|warning| shown(&warning.0))
            .filter(|told| told.contains("[li]"))
            .collect()
    };
    assert_eq!(told(&with_linkedin("", "")), Vec::<String>::new(), "twelve times a day");
    let often = with_linkedin("", "").replace("0 0 */2 * * *", "0 */5 * * * *");
    assert_eq!(
        told(&often),
        [
            "account[li].poll: polls 288 times a day, and LinkedIn lets one person ask 100 times: the rest waits; poll every \
          other hour, or raise platform.linkedin.calls_a_day_by_person if LinkedIn has granted more"
        ]
    );
    let granted = often + "[platform.linkedin]\ncalls_a_day = 5000\ncalls_a_day_by_person = 1000\n";
    assert_eq!(told(&granted), Vec::<String>::new());
}
