//! The command line's words; nothing is done here (DESIGN §7).

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};

use crate::archive::sip::Version;
use crate::domain::media::MediaAnswer;

/// Where the configuration lies unless told otherwise.
pub const DEFAULT_CONFIG: &str = "/etc/uppsikt/uppsikt.toml";

/// Watches a municipality's social media: preserved before hidden, a person decides about speech.
#[derive(Debug, Parser)]
#[command(name = "uppsikt", version, max_term_width = 100)]
pub struct Arguments {
    /// The configuration.
    #[arg(long, global = true, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    pub config: PathBuf,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A moment, RFC 3339.
fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .map_err(|_| format!("`{text}` is no moment such as 2026-11-20T19:00:00+01:00"))
}

/// A duration such as `30m`, `2h`, `90s`.
fn duration(text: &str) -> Result<chrono::TimeDelta, String> {
    let wrong = || format!("`{text}` is no duration such as 30m, 2h or 90s");
    let (digits, seconds) = match text.char_indices().next_back() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3600),
        _ => return Err(wrong()),
    };
    let count: i64 = digits.parse().map_err(|_| wrong())?;
    count.checked_mul(seconds).filter(|s| *s > 0).and_then(chrono::TimeDelta::try_seconds).ok_or_else(wrong)
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Plays a whole weekend without network or configuration.
    Demo(Demo),
    /// Makes the data folder: database, keys, archive; prints the log's public key and the recovery sheet.
    Init,
    /// Tells every fault of the configuration at once.
    Check {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// How things stand.
    Status {
        /// One JSON object.
        #[arg(long)]
        json: bool,
        /// The figures for a monitoring system, in the text form of Prometheus: also what is left of every quota.
        #[arg(long, conflicts_with_all = ["json", "mail_if_silent"])]
        metrics: bool,
        /// Mails the operator if no pass has finished for this long (from a timer outside the daemon).
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        mail_if_silent: Option<chrono::TimeDelta>,
    },
    /// What was seen of each account, day by day, and when it was blind.
    Accounts {
        /// The first day (Stockholm); left out: six days before the last.
        #[arg(long, value_name = "DATE")]
        from: Option<chrono::NaiveDate>,
        /// The last day; left out: today.
        #[arg(long, value_name = "DATE")]
        to: Option<chrono::NaiveDate>,
        /// One JSON object a line: an account and a day.
        #[arg(long)]
        json: bool,
    },
    /// Runs the daemon.
    Run {
        /// One pass over everything, second looks within a minute, the outbox; then ends.
        #[arg(long)]
        once: bool,
        /// The time it is taken to be; only where every host is loopback or the sandbox.
        #[arg(long, value_name = "RFC3339", value_parser = moment, requires = "once")]
        at: Option<DateTime<Utc>>,
    },
    /// Gets a key to a platform: prints the address to open, takes the code that comes back, writes the key.
    Connect(Connect),
    /// Records an utterance that a person found by hand, or that a visitor told of.
    Intake(Intake),
    /// Looks at everything the installation needs: keys, rights, quotas, clocks, mail, disk, files.
    Doctor(Doctor),
    /// Judges texts: NDJSON in, NDJSON out, in order.
    Classify(Classify),
    /// Measures rules and model against a labelled TSV file, or against public collections.
    Evaluate(Evaluate),
    /// Trains the language model on texts and decisions.
    Train(Train),
    /// When an answer is due, and why.
    Due(Due),
    /// The Swedish public holidays as CSV.
    Holidays {
        /// First year.
        #[arg(long)]
        from: i32,
        /// Last year.
        #[arg(long)]
        to: i32,
    },
    /// Lists the cases.
    Cases {
        /// Only those that wait for somebody.
        #[arg(long)]
        open: bool,
        /// Only those of one account.
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<String>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Shows one case, by case id or diary number.
    Case {
        /// `c-000123` or a diary number.
        case: String,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// What waits for whom, soonest first; or every kind of duty, with the law behind it.
    Duties {
        /// Instead: the table of all kinds of duty.
        #[arg(long)]
        list: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Writes what must stand before the watch begins, from the configuration: impact assessment, record of processing,
    /// information to those who write, description of the records, list of channels. Drafts, in Swedish.
    Describe {
        /// A folder that does not exist yet.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// What happened in a month, for a board: counted, never by who wrote.
    Reports(Reports),
    /// Guidelines: where two of them lead to different things.
    Profile {
        /// What to do with them.
        #[command(subcommand)]
        asked: ProfileCommand,
    },
    /// Why the rules said what they said of a case, and whether they would say it again.
    Explain {
        /// `c-000123` or a diary number.
        case: String,
        /// One JSON object a line: a text each.
        #[arg(long)]
        json: bool,
    },
    /// The rules: checks them, lists them, tries changed ones on what was judged, tells of those on trial.
    Rules {
        /// What to do with them.
        #[command(subcommand)]
        asked: Rules,
    },
    /// Every category: what the guideline and the law say of it, what is proposed, who is told how fast.
    Categories {
        /// The profile.
        #[command(flatten)]
        profile: ProfileChoice,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Decides on a case.
    Decide {
        /// `c-000123` or a diary number.
        case: String,
        /// Person id of who decides.
        #[arg(long, value_name = "PERSON")]
        by: String,
        /// hide, remove, keep, restore, answered, `answered_jointly`, `no_answer_needed`, forwarded or referred.
        #[arg(long)]
        outcome: crate::domain::case::Outcome,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Records what a person saw in the picture, film or sound beside a comment.
    Media(Media),
    /// Ticks what a person has looked at by hand on an account, because no API shows it.
    Checked(Checked),
    /// Stops or releases automatic hiding.
    Brake(Brake),
    /// Writes evidence bundles.
    Export(Export),
    /// Checks a bundle or an archive.
    Verify {
        /// A bag, a web archive (.wacz), a package for an e-archive, or a data folder.
        path: PathBuf,
        /// The log's public key: the key itself or a file with it.
        #[arg(long, value_name = "VKEY|FILE")]
        key: Option<String>,
        /// A checkpoint that was seen earlier.
        #[arg(long, value_name = "CHECKPOINT")]
        seen: Option<PathBuf>,
        /// The key of a witness: the key itself or a file with it.
        #[arg(long, value_name = "VKEY|FILE")]
        witness: Option<String>,
        /// Certificates of time-stamp authorities (PEM); one of them must have stamped it.
        #[arg(long, value_name = "FILE")]
        tsa_ca: Option<PathBuf>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Watches the logs of others: a witness (c2sp.org/tlog-witness).
    Witness(Witness),
    /// Emulates the platforms.
    #[command(after_long_help = crate::sandbox::HELP)]
    Sandbox {
        /// Where to listen; loopback.
        #[arg(long, value_name = "ADDR")]
        listen: SocketAddr,
        /// Comments to begin with, NDJSON.
        #[arg(long, value_name = "FILE")]
        seed: Option<PathBuf>,
    },
}

/// `witness`.
#[derive(Debug, Clone, Args)]
pub struct Witness {
    /// Where its key and what it has seen lie; made by the first start.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// What a new witness is called, such as exempel.se/vittne; never changed afterwards.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// One more log to watch: its key (archive/log.vkey of another) or a file with it. Remembered.
    #[arg(long, value_name = "VKEY|FILE")]
    pub log: Vec<String>,
    /// Where to listen. It speaks plain HTTP: keep a web server before it. Left out, it only prints its key.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
}

/// Which profile rules.
#[derive(Debug, Clone, Args)]
pub struct ProfileChoice {
    /// An embedded profile, instead of a configuration.
    #[arg(long, value_name = "P")]
    pub profile: Option<String>,
}

/// `rules`.
#[derive(Debug, Clone, Subcommand)]
pub enum Rules {
    /// Reads the rules and runs each rule's own examples; tells every fault with its line.
    Check {
        /// The folder with your own rules; that of the configuration, if left out.
        #[arg(long, value_name = "DIR")]
        rules: Option<PathBuf>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Every rule with its id, category, band and file.
    List {
        /// The folder with your own rules; that of the configuration, if left out.
        #[arg(long, value_name = "DIR")]
        rules: Option<PathBuf>,
        /// Only those of one category.
        #[arg(long, value_name = "CATEGORY")]
        category: Option<crate::domain::category::Category>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// What these rules would have decided otherwise; changes nothing.
    Replay {
        /// Comments first seen on this day (Stockholm) or later.
        #[arg(long, value_name = "D")]
        since: chrono::NaiveDate,
        /// A folder with changed rules; that of the configuration, if left out.
        #[arg(long, value_name = "DIR")]
        rules: Option<PathBuf>,
        /// Hears another language model beside them.
        #[arg(long, value_name = "FILE|built-in")]
        model: Option<PathBuf>,
        /// One JSON object a line: a comment each, then the sums.
        #[arg(long)]
        json: bool,
    },
    /// What rules and categories on trial have found.
    Shadow {
        /// Judged on this day (Stockholm) or later; left out: the last thirty days.
        #[arg(long, value_name = "D")]
        since: Option<chrono::NaiveDate>,
        /// One JSON object a line: a rule each.
        #[arg(long)]
        json: bool,
    },
}

/// `reports`.
#[derive(Debug, Clone, Args)]
pub struct Reports {
    /// The month (Stockholm); left out: the last whole one.
    #[arg(long, value_name = "YYYY-MM")]
    pub month: Option<crate::domain::month::Month>,
    /// The board; may be left out where one has accounts, and for --as json.
    #[arg(long, value_name = "BOARD")]
    pub board: Option<String>,
    /// The form.
    #[arg(long = "as", value_name = "FORM", default_value = "html")]
    pub form: crate::cli::reports::Form,
    /// Where to write; must not exist. Left out: standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `profile`.
#[derive(Debug, Clone, Subcommand)]
pub enum ProfileCommand {
    /// Where two guidelines lead to different things.
    Diff {
        /// arjeplog, blank, jonkoping, tyreso, or a file that ends with .toml.
        a: String,
        /// The other.
        b: String,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// `classify`.
#[derive(Debug, Clone, Args)]
pub struct Classify {
    /// The folder with your own rules, over the embedded ones.
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Hears a language model beside the rules.
    #[arg(long, value_name = "FILE|built-in")]
    pub model: Option<PathBuf>,
    /// The profile.
    #[command(flatten)]
    pub profile: ProfileChoice,
}

/// `evaluate`.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["file", "suite", "layers"])))]
pub struct Evaluate {
    /// Header `id labels needs_answer hard text`, tab-separated.
    pub file: Option<PathBuf>,
    /// Instead: the folder with the public collections (rtp-lx, brighter-swe, superlim2).
    #[arg(long, value_name = "DIR")]
    pub suite: Option<PathBuf>,
    /// Instead: the layers below the words, on what the folder holds of personnummer-testdata, traps,
    /// sv-functional-suite and rtp-lx.
    #[arg(long, value_name = "DIR")]
    pub layers: Option<PathBuf>,
    /// The folder that `train --cross-fit` wrote: each text is judged by a model that has not seen it.
    #[arg(long, value_name = "DIR", requires = "suite")]
    pub models: Option<PathBuf>,
    /// Hears a language model beside the rules; with --suite the built-in one when none is named.
    #[arg(long, value_name = "FILE|built-in", conflicts_with = "models")]
    pub model: Option<PathBuf>,
    /// Earlier figures (what --json printed) or another system's answers (TSV: id, labels).
    #[arg(long, value_name = "BASELINE")]
    pub against: Option<PathBuf>,
    /// Writes precision-recall.svg and reliability.svg.
    #[arg(long, value_name = "DIR")]
    pub figures: Option<PathBuf>,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// The profile.
    #[command(flatten)]
    pub profile: ProfileChoice,
}

/// `train`.
#[derive(Debug, Clone, Args)]
pub struct Train {
    /// The folder with the public collections (rtp-lx, brighter-swe, superlim2).
    #[arg(long, value_name = "DIR", required_unless_present = "decisions")]
    pub data: Option<PathBuf>,
    /// The municipality's own decisions: a TSV file as for `evaluate`; may be given several times.
    #[arg(long, value_name = "FILE.tsv")]
    pub decisions: Vec<PathBuf>,
    /// Where to write the model; must not exist.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The list of meanings, instead of the embedded one.
    #[arg(long, value_name = "FILE")]
    pub words: Option<PathBuf>,
    /// The model's name.
    #[arg(long, value_name = "NAME", default_value = "sv")]
    pub name: String,
    /// The model's version: raise it with each training.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub version: u32,
    /// Deals the examples to folds; the same number gives the same file.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Also writes five models, each without a fifth of the texts, for `evaluate --suite`; must not exist.
    #[arg(long, value_name = "DIR")]
    pub cross_fit: Option<PathBuf>,
}

/// `demo`.
#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// Where its state lies; kept for the commands that work on it afterwards.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Where the case page listens.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Ends when the script is handled.
    #[arg(long)]
    pub once: bool,
    /// The time it is taken to be; the last whole Friday to Monday before it is played.
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    pub at: Option<DateTime<Utc>>,
}

/// `connect`.
#[derive(Debug, Clone, Args)]
pub struct Connect {
    /// facebook, instagram, youtube, linkedin, x or bluesky.
    pub platform: crate::domain::comment::Platform,
    /// The account, where several are on the platform.
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// The id of the municipality's own app; that of the key that is there, if left out.
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// The file in `paths.secrets` with the app's secret; `app_secret_file`, or that of the key that is there, if left
    /// out.
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// Where the platform sends the browser afterwards, as the app is registered.
    #[arg(long, value_name = "ADDRESS")]
    pub redirect: Option<String>,
    /// What is pasted is a token, not a code (facebook, instagram: a system user's).
    #[arg(long)]
    pub token: bool,
    /// Bluesky: the handle or address that the municipality logs in with.
    #[arg(long, value_name = "NAME")]
    pub login: Option<String>,
    /// Another server on this machine, for trials.
    #[arg(long, value_name = "ADDRESS")]
    pub api: Option<String>,
}

/// `intake`.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("who").required(true).args(["found_by", "tip"])))]
#[command(group(clap::ArgGroup::new("whose").required(true).args(["account", "board"])))]
pub struct Intake {
    /// Where it stands, in a word: snapchat, reddit, facebook-group, message …
    #[arg(long, value_name = "WORD")]
    pub platform: String,
    /// The account that it concerns.
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// The board that it concerns, where no account does.
    #[arg(long, value_name = "BOARD")]
    pub board: Option<String>,
    /// Person id of who found it.
    #[arg(long, value_name = "PERSON")]
    pub found_by: Option<String>,
    /// A visitor told of it.
    #[arg(long)]
    pub tip: bool,
    /// When it was found or the tip came; now, if left out.
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    pub at: Option<DateTime<Utc>>,
    /// What it says; from standard input, if left out.
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
    /// Who wrote it, as the platform shows it.
    #[arg(long, value_name = "NAME")]
    pub author: Option<String>,
    /// Its address.
    #[arg(long, value_name = "ADDRESS")]
    pub link: Option<String>,
    /// A picture of it (PNG, JPEG, WebP, PDF); never one that may show abuse of a child: ring the police, 114 14.
    #[arg(long, value_name = "FILE")]
    pub screenshot: Vec<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `doctor`.
#[derive(Debug, Clone, Args)]
pub struct Doctor {
    /// Only lists every host that the configuration makes it talk to; asks none of them.
    #[arg(long)]
    pub hosts: bool,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// `due`.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["at", "batch"])))]
pub struct Due {
    /// When the comment came.
    #[arg(long, value_name = "T")]
    pub at: Option<String>,
    /// One moment a line on standard input, one answer a line.
    #[arg(long)]
    pub batch: bool,
    /// The profile.
    #[command(flatten)]
    pub profile: ProfileChoice,
}

/// `checked`.
#[derive(Debug, Clone, Args)]
pub struct Checked {
    /// The account's id.
    pub account: String,
    /// Person id of who looked.
    #[arg(long, value_name = "PERSON")]
    pub by: String,
    /// Only this place; may be given several times. Left out: all of them.
    #[arg(long = "surface", value_name = "NAME")]
    pub surfaces: Vec<String>,
    /// How many comments were found that must be entered by hand.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub found: u32,
}

/// `media`.
#[derive(Debug, Clone, Args)]
pub struct Media {
    /// The case id or a diary number.
    pub case: String,
    /// Person id of who looked at it on the platform.
    #[arg(long, value_name = "PERSON")]
    pub by: String,
    /// fetch: not child abuse material, it is fetched and kept. unavailable: it cannot be kept, for a stated reason.
    /// `child_abuse`: it is, or may be, child abuse material; nothing is fetched and the comment is hidden at once.
    #[arg(long, value_name = "ANSWER")]
    pub answer: MediaAnswer,
    /// Why it cannot be kept.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// A picture of the screen that the person took, with `unavailable`; never of child abuse material.
    #[arg(long, value_name = "FILE")]
    pub screenshot: Option<PathBuf>,
}

/// `brake`.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("act").args(["stop", "release"])))]
pub struct Brake {
    /// Stops all automatic hiding.
    #[arg(long, requires = "by", requires = "reason")]
    pub stop: bool,
    /// Releases the brake of one rule, or `all`.
    #[arg(long, value_name = "RULE|all", requires = "by", requires = "reason")]
    pub release: Option<String>,
    /// Person id.
    #[arg(long, value_name = "PERSON")]
    pub by: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `export`.
#[derive(Debug, Clone, Args)]
pub struct Export {
    /// Case ids or diary numbers.
    pub cases: Vec<String>,
    /// Where to write; must not exist.
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
    /// The form: `bag` (everything, with its proofs), `wacz` (a web archive for a player), `sip` (one package for an
    /// e-archive, FGS Paketstruktur 2.0) or `pdf` (what a person reads, PDF/A-1b).
    #[arg(long = "as", value_name = "FORM", default_value = "bag")]
    pub form: String,
    /// Instead of named cases: those of one account.
    #[arg(long, conflicts_with = "cases", requires = "from", requires = "to")]
    pub account: Option<String>,
    /// First day (Stockholm), with --account.
    #[arg(long, value_name = "D")]
    pub from: Option<chrono::NaiveDate>,
    /// Last day (Stockholm), with --account.
    #[arg(long, value_name = "D")]
    pub to: Option<chrono::NaiveDate>,
    /// Every preserved version of the case, one bag each in a folder.
    #[arg(long)]
    pub versions: bool,
    /// With `--as sip`: which E-ARK SIP, 2.1.0 or 2.2.0; left out, what the configuration says, else 2.1.0.
    #[arg(long, value_name = "VERSION")]
    pub sip_version: Option<Version>,
}
