//! `uppsikt connect`, the program itself, against the emulated platforms: the page of consent, the code pasted on standard
//! input, the exchange, and the key that the daemon then works with.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use uppsikt::domain::comment::Platform;
use uppsikt::durable;
use uppsikt::sandbox::{Handle, Sandbox};

use crate::support::app::MUNICIPALITY;
use crate::support::six::{PLATFORMS, Played, control};

/// Stands in everything secret that the test gives, and nowhere else.
const SECRET: &str = "hemlig7b1e";

/// The key that was there before.
const OLD: &str = "gammal-hemlig7b1e";

/// A municipality with an account on every platform, none of which has a key yet.
struct Trial {
    folder: tempfile::TempDir,
    handle: Handle,
    accounts: Vec<Played>,
}

/// How a run of the program ended.
struct Ended {
    code: Option<i32>,
    /// What it wrote, on both ways.
    told: String,
}

/// What the person at the browser does.
#[derive(Clone, Copy)]
enum Person<'a> {
    /// Consents, and pastes the address that the browser ends at.
    Consents,
    /// Says no, and pastes that address.
    Refuses,
    /// Consents, and pastes this.
    Pastes(&'a str),
}

impl Trial {
    async fn new() -> Self {
        let handle = Sandbox::new().start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let accounts: Vec<Played> =
            PLATFORMS.iter().enumerate().map(|(n, platform)| Played::new(*platform, n, 5)).collect();
        let below = |name: &str| folder.path().join(name);
        fs::create_dir(below("secrets")).unwrap();
        fs::set_permissions(below("secrets"), fs::Permissions::from_mode(0o700)).unwrap();
        durable::write(&below("secrets/app"), format!("app-{SECRET}").as_bytes(), 0o600).unwrap();
        let mut text = MUNICIPALITY.split_once("[[account]]").unwrap().0.to_owned();
        for account in &accounts {
            let file = if account.platform == Platform::Bluesky { "login_file" } else { "token_file" };
            write!(
                text,
                "[[account]]\nid = \"{id}\"\nplatform = \"{platform}\"\nnative_id = \"{}\"\nurl = \"https://exempel.se/{id}\"\n\
                 board = \"KS\"\nowner = \"chef\"\neditors = [\"anna\", \"erik\"]\npoll = \"0 0 */6 * * *\"\n\
                 poll_decided = {{ by = \"chef\", on = 2026-01-15, reason = \"prov\" }}\napi = \"{}\"\n{file} = \"{id}-key\"\n",
                account.native,
                handle.api(account.platform),
                id = account.id,
                platform = account.platform.code(),
            )
            .unwrap();
        }
        write!(
            text,
            "[paths]\ndata = \"{}\"\nsecrets = \"{}\"\nkek_file = \"{}\"\nmin_free = \"1 MiB\"\n",
            below("data").display(),
            below("secrets").display(),
            below("kek").display()
        )
        .unwrap();
        durable::write(&below("uppsikt.toml"), text.as_bytes(), 0o600).unwrap();
        let trial = Self { folder, handle, accounts };
        for account in &trial.accounts {
            trial.control(&json!({
                "account": account.native, "platform": account.platform.code(), "name": "Exempel kommun",
                "username": account.id, "memory": { "app_password": format!("losen-{SECRET}") },
            }));
        }
        trial
    }

    fn control(&self, order: &Value) {
        control(self.handle.sandbox(), "account", order);
    }

    fn of(&self, platform: Platform) -> &Played {
        self.accounts.iter().find(|account| account.platform == platform).unwrap()
    }

    fn key(&self, platform: Platform) -> PathBuf {
        self.folder.path().join(format!("secrets/{}-key", self.of(platform).id))
    }

    fn kept(&self, platform: Platform) -> Option<String> {
        fs::read_to_string(self.key(platform)).ok()
    }

    /// A key that works is there already.
    fn with_old(&self, platform: Platform) -> &Self {
        durable::write(&self.key(platform), OLD.as_bytes(), 0o600).unwrap();
        self
    }

    fn program(&self, arguments: &[&str], prefix: &str) -> Child {
        let mut command = if prefix.is_empty() {
            Command::new(env!("CARGO_BIN_EXE_uppsikt"))
        } else {
            let mut shell = Command::new("bash");
            shell.args(["-c", &format!("{prefix}; exec \"$@\""), "bash", env!("CARGO_BIN_EXE_uppsikt")]);
            shell
        };
        command
            .args(arguments)
            .arg("--config")
            .arg(self.folder.path().join("uppsikt.toml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// `uppsikt connect`, with a person at a browser.
    fn connect(&self, platform: Platform, person: Person<'_>, more: &[&str], prefix: &str) -> Ended {
        let mut arguments =
            vec!["connect", platform.code(), "--client-id", "app-1", "--client-secret-file", "app"];
        if platform == Platform::Bluesky {
            arguments = vec!["connect", "bluesky", "--login", &self.of(platform).native];
        }
        arguments.extend(more);
        let mut child = self.program(&arguments, prefix);
        let mut told = String::new();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while errors.read_line(&mut line).unwrap() > 0 {
            told.push_str(&line);
            let pasted = match person {
                _ if platform == Platform::Bluesky => {
                    let password = if let Person::Pastes(text) = person {
                        text.to_owned()
                    } else {
                        format!("losen-{SECRET}")
                    };
                    line.contains("app password").then_some(password)
                }
                _ if line.starts_with("https://") => {
                    let back = self.browse(platform, line.trim(), person);
                    Some(if let Person::Pastes(text) = person { text.to_owned() } else { back })
                }
                _ => None,
            };
            if let Some(pasted) = pasted {
                writeln!(child.stdin.as_mut().unwrap(), "{pasted}").unwrap();
                break;
            }
            line.clear();
        }
        errors.read_to_string(&mut told).unwrap();
        let output = child.wait_with_output().unwrap();
        told += &String::from_utf8(output.stdout).unwrap();
        assert!(!told.contains(SECRET), "{told}");
        if let Some(kept) = self.kept(platform).filter(|kept| kept.starts_with('{')) {
            let kept: Value = serde_json::from_str(&kept).unwrap();
            for name in ["access_token", "refresh_token", "password"] {
                let secret = kept[name].as_str().unwrap_or("not there");
                assert!(!told.contains(secret), "{name} is shown: {told}");
            }
        }
        Ended { code: output.status.code(), told }
    }

    /// Opens the page that the program names, at the emulator in place of the platform; gives where the browser ends.
    fn browse(&self, platform: Platform, address: &str, person: Person<'_>) -> String {
        let (_, path) = address.strip_prefix("https://").unwrap().split_once('/').unwrap();
        let says = if matches!(person, Person::Refuses) { "&sandbox_says=no" } else { "" };
        let mut stream = TcpStream::connect(self.handle.addr()).unwrap();
        write!(
            stream,
            "GET /{}/{path}&sandbox_account={}{says} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\n\r\n",
            platform.code(),
            self.of(platform).native
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 302"), "{path}: {answer}");
        answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap().to_owned()
    }
}

impl Ended {
    fn failed(&self, word: &str) {
        assert!(self.code == Some(1) || self.code == Some(2), "{:?}: {}", self.code, self.told);
        assert!(self.told.contains(word), "{word}: {}", self.told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_platform_is_connected_from_the_consent_to_a_key_that_the_doctor_finds_well() {
    let trial = Trial::new().await;
    for platform in PLATFORMS {
        let ended = trial.connect(platform, Person::Consents, &[], "");
        assert_eq!(ended.code, Some(0), "{platform}: {}", ended.told);
        let account = trial.of(platform);
        assert!(ended.told.contains(&format!("<- {}", account.id)), "{platform}: {}", ended.told);
        assert!(!ended.told.contains("MISSING"), "{platform}: {}", ended.told);
        let mode = fs::metadata(trial.key(platform)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{platform}");
        let leftovers = fs::read_dir(trial.folder.path().join("secrets")).unwrap();
        let names: Vec<_> =
            leftovers.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert!(names.iter().all(|name| name == "app" || name.ends_with("-key")), "{names:?}");
    }
    for asked in trial.handle.sandbox().requests() {
        assert_eq!(asked.violation, None, "{} {}", asked.method, asked.path);
    }
    assert!(trial.program(&["init"], "").wait_with_output().unwrap().status.success());
    let output = trial.program(&["doctor", "--json"], "").wait_with_output().unwrap();
    let findings: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for account in &trial.accounts {
        let of = |area: &str| -> Vec<&Value> {
            findings
                .iter()
                .filter(|one| one["account"] == account.id.as_str() && one["area"] == area)
                .collect()
        };
        let keys = of("key");
        assert!(
            !keys.is_empty() && keys.iter().all(|key| key["severity"] != "error"),
            "{}: {keys:#?}",
            account.id
        );
        assert!(keys[0].to_string().contains("works"), "{keys:?}");
        assert_eq!(of("right"), Vec::<&Value>::new(), "{}", account.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_was_not_given_is_named_with_where_it_is_given() {
    let all = json!([
        "pages_show_list",
        "pages_read_engagement",
        "pages_read_user_content",
        "pages_manage_engagement",
        "MODERATE",
        "ANALYZE",
        "instagram_business_basic",
        "instagram_business_manage_comments",
        "https://www.googleapis.com/auth/youtube.force-ssl",
        "r_organization_social_feed",
        "w_organization_social_feed",
        "rw_organization_admin",
        "tweet.read",
        "users.read",
        "tweet.moderate.write",
        "offline.access"
    ]);
    for (platform, right, place) in [
        (Platform::Facebook, "pages_manage_engagement", "App Review"),
        (Platform::Facebook, "pages_show_list", "App Review"),
        (Platform::Facebook, "MODERATE", "sidans inställningar"),
        (Platform::Instagram, "instagram_business_manage_comments", "Instagram-behörigheter"),
        (Platform::Instagram, "instagram_business_basic", "Instagram-behörigheter"),
        (Platform::Youtube, "https://www.googleapis.com/auth/youtube.force-ssl", "Google Cloud Console"),
        (Platform::Linkedin, "r_organization_social_feed", "Community Management API"),
        (Platform::Linkedin, "w_organization_social_feed", "Community Management API"),
        (Platform::X, "tweet.moderate.write", "X Developer Portal"),
        (Platform::X, "users.read", "X Developer Portal"),
        (Platform::X, "offline.access", "X Developer Portal"),
    ] {
        let trial = Trial::new().await;
        let native = &trial.of(platform).native;
        trial.control(&json!({ "account": native, "rights": all }));
        trial.control(&json!({ "account": native, "revoke": [right] }));
        let ended = trial.with_old(platform).connect(platform, Person::Consents, &[], "");
        let missing = ended.told.lines().find(|line| line.contains("MISSING") && line.contains(right));
        let missing = missing.unwrap_or_else(|| panic!("{right} is not named: {}", ended.told));
        assert!(missing.contains(place), "{right}: {missing}");
        // A key that opens nothing does not take the place of one that may.
        let kept = trial.kept(platform).unwrap();
        assert_eq!(kept == OLD, ended.code != Some(0), "{right}: {}", ended.told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_the_old_key_is_kept_and_what_to_do_is_told() {
    for platform in PLATFORMS {
        let trial = Trial::new().await;
        trial.with_old(platform);
        let unharmed =
            |what: &str| assert_eq!(trial.kept(platform).as_deref(), Some(OLD), "{platform}: {what}");
        trial.connect(platform, Person::Pastes("fel-kod"), &[], "").failed("nothing was written");
        unharmed("a wrong code");
        trial.connect(platform, Person::Pastes(" "), &[], "").failed("nothing was pasted");
        unharmed("nothing");
        if platform != Platform::Bluesky {
            trial.connect(platform, Person::Refuses, &[], "").failed("the consent was not given");
            unharmed("no consent");
        }
        let closed = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            format!("http://{}/v25.0", listener.local_addr().unwrap())
        };
        let ended = trial.connect(platform, Person::Consents, &["--api", &closed], "");
        ended.failed("nothing was written");
        unharmed("no network");
        // Writes fail as on a full disk; that is told before anything is asked of the person.
        let asked = trial.handle.sandbox().requests().len();
        let ended = trial.connect(platform, Person::Consents, &[], "ulimit -f 0; trap '' XFSZ");
        ended.failed("cannot be written");
        unharmed("a full disk");
        assert_eq!(trial.handle.sandbox().requests().len(), asked, "{platform}: a code was spent");
        unwritable(&trial, platform);
        // And then it goes.
        let ended = trial.connect(platform, Person::Consents, &[], "");
        assert_eq!(ended.code, Some(0), "{platform}: {}", ended.told);
        assert_ne!(trial.kept(platform).as_deref(), Some(OLD));
    }
}

/// The folder is there, and is none: what a wrong mount looks like, also to root.
fn unwritable(trial: &Trial, platform: Platform) {
    let (folder, aside) = (trial.folder.path().join("secrets"), trial.folder.path().join("aside"));
    fs::rename(&folder, &aside).unwrap();
    durable::write(&folder, b"not a folder", 0o600).unwrap();
    trial.connect(platform, Person::Consents, &[], "").failed("secrets");
    fs::remove_file(&folder).unwrap();
    fs::rename(&aside, &folder).unwrap();
    assert_eq!(trial.kept(platform).as_deref(), Some(OLD), "{platform}: {}", Path::new(&folder).display());
}
