//! From a checked configuration to an `App`: opens what `init` made, never makes anything in its place.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, anyhow, bail};
use secrecy::SecretString;

use crate::archive::Vault;
use crate::archive::keys::{Kek, Keys};
use crate::archive::note::VerifierKey;
use crate::clock::Clock;
use crate::config::{Account, Api, Config, KekSource, Mode, ModelChoice, Tls, Transport};
use crate::connector::bluesky::{self, Bluesky};
use crate::connector::budget::Book;
use crate::connector::facebook::Facebook;
use crate::connector::http::{ClientOptions, Endpoint, Http};
use crate::connector::instagram::Instagram;
use crate::connector::{
    Connector, DryRun, Grant, Linkedin, Token, Unkeyed, X, Youtube, graph, linkedin, x, youtube,
};
use crate::domain::classify::model::Model;
use crate::domain::classify::{Policies, RuleFile, RuleSet};
use crate::domain::comment::Platform;
use crate::mail::{self, Login, Mailer, SmtpConfig, Templates};
use crate::pipeline::{App, Guard};
use crate::sandbox::{Handle, Sandbox};
use crate::store::Db;
use crate::{durable, kill, store};

/// The name under which platforms and servers know the program.
pub const USER_AGENT: &str = concat!("uppsikt/", env!("CARGO_PKG_VERSION"));

/// The files of one data folder.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The folder.
    pub data: PathBuf,
}

impl Layout {
    /// The layout below `data`.
    pub fn new(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.data.join("uppsikt.db")
    }

    /// The key table.
    pub fn keys(&self) -> PathBuf {
        self.data.join("keys.db")
    }

    /// The file that one daemon locks.
    pub fn lock(&self) -> PathBuf {
        self.data.join("lock")
    }

    /// Letters of a trial.
    pub fn mail(&self) -> PathBuf {
        self.data.join("mail")
    }

    /// The archive.
    pub fn archive(&self) -> PathBuf {
        self.data.join("archive")
    }

    /// What the emulated platforms remember.
    pub fn sandbox(&self) -> PathBuf {
        self.data.join("sandbox.ndjson")
    }
}

/// Opens the database for a command that reads or decides; the daemon may be running beside it.
///
/// # Errors
/// A sentence that says what is missing and what makes it.
pub fn database(config: &Config) -> anyhow::Result<Db> {
    Ok(Db::open(&Layout::new(&config.paths.data).database())?)
}

/// Reads the database for a command that only shows.
///
/// # Errors
/// As [`database`]; whatever `work` returns.
pub fn reading<T>(
    config: &Config,
    work: impl FnOnce(&store::Reader) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut result = None;
    database(config)?.read_now(|reader| {
        result = Some(work(reader));
        Ok(())
    })?;
    result.ok_or_else(|| anyhow!("the database gave no answer"))?
}

/// The key-encryption key.
///
/// # Errors
/// What is wrong with the file or the credential.
pub fn kek(config: &Config) -> anyhow::Result<Kek> {
    match &config.paths.kek {
        KekSource::File(path) => Ok(Kek::read(path)?),
        KekSource::Credential(name) => {
            let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                anyhow!(
                    "the systemd credential `{name}` is not there: run under systemd with LoadCredential={name}:FILE, \
                     or set paths.kek_file"
                )
            })?;
            Ok(Kek::read(&Path::new(&folder).join(name))?)
        }
    }
}

/// The key table.
///
/// # Errors
/// As [`kek`]; what is wrong with the table.
pub fn keys(config: &Config) -> anyhow::Result<Keys> {
    Ok(Keys::open(&Layout::new(&config.paths.data).keys(), &kek(config)?)?)
}

/// Takes the data folder for this process; it is free again when the file is dropped.
///
/// # Errors
/// When another process has it, or there is no data folder.
pub fn lock(config: &Config) -> anyhow::Result<File> {
    let path = Layout::new(&config.paths.data).lock();
    let file = File::options().read(true).write(true).open(&path).with_context(|| {
        format!("{} cannot be opened; `uppsikt init` makes the data folder", path.display())
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("{} is locked: another uppsikt runs on this data folder", path.display())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} cannot be locked", path.display()))
        }
    }
}

/// Everything a daemon or a single pass needs, with the emulated platforms if an account asks for them.
#[derive(Debug)]
pub struct Assembled {
    /// What passes need.
    pub app: App,
    /// The emulated platforms, running in this process.
    pub sandbox: Option<Handle>,
}

/// A larger rule file is something else.
const LARGEST_RULE_FILE: u64 = 1 << 20;

/// The rules: the embedded ones, the municipality's own over them, and beside them the language model that was chosen,
/// if any.
///
/// # Errors
/// A folder or a model file that cannot be read or is none; every fault of the rules at once.
pub fn rules(own: Option<&Path>, model: Option<&ModelChoice>) -> anyhow::Result<RuleSet> {
    let rules = RuleSet::with_own(own_rules(own)?).map_err(|faults| {
        let all: Vec<_> = faults.iter().map(ToString::to_string).collect();
        anyhow!("the rules have {} faults; nothing was done\n{}", faults.len(), all.join("\n"))
    })?;
    Ok(match model {
        Some(choice) => rules.with_model(read_model(choice)?),
        None => rules,
    })
}

/// The rule files in a municipality's own folder, by name.
///
/// # Errors
/// A folder or a file that cannot be read, is too large or is no text.
pub fn own_rules(folder: Option<&Path>) -> anyhow::Result<Vec<RuleFile>> {
    let Some(folder) = folder else { return Ok(Vec::new()) };
    let unread = || format!("{} cannot be read; name the folder with your own rules", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(unread)? {
        let path = entry.with_context(unread)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.extension().is_some_and(|ending| ending == "toml") && !hidden {
            paths.push(path);
        }
    }
    paths.sort();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let size = std::fs::metadata(&path).map(|about| about.len()).unwrap_or_default();
        if size > LARGEST_RULE_FILE {
            bail!("{} is larger than 1 MiB; divide it, or take it out of the folder", path.display());
        }
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("{} cannot be read; save it as UTF-8 and let the service read it", path.display())
        })?;
        files.push(RuleFile::own(path.display().to_string(), text));
    }
    Ok(files)
}

/// A language model: the program's own, or one from a file.
///
/// # Errors
/// A file that cannot be read or is no model.
pub fn read_model(choice: &ModelChoice) -> anyhow::Result<Arc<Model>> {
    let ModelChoice::File(path) = choice else { return Ok(Model::embedded()) };
    let bytes = std::fs::read(path)
        .with_context(|| format!("the language model {} cannot be read", path.display()))?;
    let model = Model::from_bytes(&bytes).with_context(|| path.display().to_string())?;
    Ok(Arc::new(model))
}

/// Opens database, keys, archive and the ways out.
///
/// # Errors
/// Whatever is missing or wrong, each with what to do.
pub async fn app(config: Config, clock: Clock) -> anyhow::Result<Assembled> {
    let layout = Layout::new(&config.paths.data);
    arm_kill_point(&config)?;
    let db = Db::open(&layout.database())?;
    let keys = keys(&config)?;
    let rules = rules(config.paths.rules.as_deref(), config.paths.model.as_ref())?;
    let policies: Policies = config.categories.clone().into_iter().collect();
    let sandbox = sandbox(&config, &layout, &clock).await?;
    let book = Book::new(clock.clone(), Arc::new(store::budgets::Budgets(db.clone())));
    let connectors = all_connectors(&config, sandbox.as_ref(), &book, &clock)?;
    let mailer = mailer(&config)?;
    let templates = Templates::built_in()?;
    let archive = layout.archive();
    if let Err(error) = durable::sweep(&archive) {
        // Leftovers do no harm; an archive that cannot be written is found, and told, by the first pass.
        tracing::warn!(%error, archive = %archive.display(), "what earlier writes left behind cannot be removed");
    }
    let app = App {
        config: Arc::new(config),
        db,
        keys: Arc::new(Mutex::new(keys)),
        vault: Arc::new(Vault::new(&layout.archive())),
        connectors,
        mailer: Arc::new(mailer),
        templates: Arc::new(templates),
        rules: Arc::new(rules),
        policies: Arc::new(policies),
        clock,
        guard: Arc::new(Mutex::new(Guard::default())),
    };
    Ok(Assembled { app, sandbox })
}

/// Makes a data folder: database, keys, archive, the log's public key and its first checkpoint.
///
/// Returns the log's verifier key.
///
/// # Errors
/// When any of it is there already: nothing is ever made in place of something lost.
pub fn init(config: &Config) -> anyhow::Result<String> {
    use std::os::unix::fs::PermissionsExt;
    let layout = Layout::new(&config.paths.data);
    for there in [layout.database(), layout.keys()] {
        if there.exists() {
            bail!("{} exists already; `init` never replaces what is there", there.display());
        }
    }
    for folder in [&layout.data, &config.paths.secrets] {
        durable::create_folder(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
            .with_context(|| format!("{} cannot be closed to others", folder.display()))?;
    }
    for folder in [layout.archive(), layout.mail()] {
        durable::create_folder(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let kek = match &config.paths.kek {
        KekSource::File(path) if !path.exists() => {
            if let Some(folder) = path.parent() {
                durable::create_folder(folder)
                    .with_context(|| format!("{} cannot be made", folder.display()))?;
            }
            Kek::generate(path)?
        }
        _ => kek(config)?,
    };
    let keys = Keys::create(&layout.keys(), &kek)?;
    let origin = store::log::origin(&config.organisation.log_origin);
    let vkey = VerifierKey::of(&origin, keys.signing_key())?.to_string();
    let vault = Vault::new(&layout.archive());
    durable::write(&layout.archive().join("log.vkey"), format!("{vkey}\n").as_bytes(), 0o644)?;
    durable::write(&layout.lock(), b"", 0o600)?;
    let db = Db::create(&layout.database())?;
    db.write_now(|tx| store::set_meta(tx, "program", USER_AGENT))?;
    let none = |_, _| Ok::<_, std::convert::Infallible>(Vec::new());
    vault.publish(&origin, 0, keys.signing_key(), none)?;
    Ok(vkey)
}

async fn sandbox(config: &Config, layout: &Layout, clock: &Clock) -> anyhow::Result<Option<Handle>> {
    if !config.accounts.iter().any(|account| account.api == Api::Sandbox) {
        return Ok(None);
    }
    let sandbox = Sandbox::in_file(&layout.sandbox())
        .with_context(|| format!("the sandbox cannot use {}", layout.sandbox().display()))?;
    if !clock.is_system() {
        sandbox.set_clock(clock.now());
    }
    Ok(Some(
        sandbox.start(([127, 0, 0, 1], 0).into()).await.context("the sandbox cannot listen on loopback")?,
    ))
}

/// The client that speaks to platforms, as the municipality's network wants it.
///
/// # Errors
/// What is wrong with `[network]`.
pub fn http(config: &Config) -> anyhow::Result<Http> {
    Ok(Http::new(&client_options(config))?)
}

/// What the municipality's network asks of every client.
pub fn client_options(config: &Config) -> ClientOptions {
    ClientOptions {
        proxy: config.network.proxy.as_ref().map(ToString::to_string),
        ca_file: config.network.ca_file.clone(),
        user_agent: USER_AGENT.to_owned(),
    }
}

/// The way to every account; one whose key is not there refuses everything, and the others go on.
///
/// # Errors
/// What is wrong with `[network]`.
pub fn all_connectors(
    config: &Config,
    sandbox: Option<&Handle>,
    book: &Book,
    clock: &Clock,
) -> anyhow::Result<BTreeMap<String, Arc<dyn Connector>>> {
    let http = http(config)?;
    let mut all: BTreeMap<String, Arc<dyn Connector>> = BTreeMap::new();
    for account in &config.accounts {
        match connectors(config, std::slice::from_ref(account), &http, sandbox, book, clock) {
            Ok(one) => all.extend(one),
            Err(error) => {
                tracing::error!(account = %account.id, error = %format!("{error:#}"), "the account has no key");
                all.insert(
                    account.id.clone(),
                    Arc::new(Unkeyed::new(account.platform, format!("{error:#}"))),
                );
            }
        }
    }
    Ok(all)
}

fn connectors(
    config: &Config,
    accounts: &[Account],
    http: &Http,
    sandbox: Option<&Handle>,
    book: &Book,
    clock: &Clock,
) -> anyhow::Result<BTreeMap<String, Arc<dyn Connector>>> {
    let mut connectors: BTreeMap<String, Arc<dyn Connector>> = BTreeMap::new();
    for account in accounts {
        let api = match (&account.api, sandbox) {
            (Api::Url(url), _) => url.to_string(),
            (Api::Sandbox, Some(sandbox)) => sandbox.api(account.platform),
            (Api::Sandbox, None) => bail!("the sandbox is not running"),
        };
        let secret = |file: &Option<PathBuf>| -> anyhow::Result<_> {
            match file {
                Some(path) => Ok(Some(config.secret(path).map_err(|fault| anyhow!("{fault}"))?)),
                // The emulator takes any token.
                None if account.api == Api::Sandbox => Ok(Some("sandbox".into())),
                None => Ok(None),
            }
        };
        let missing = |key: &str| {
            anyhow!("account[{}].{key} is missing: {} needs it", account.id, account.platform.label())
        };
        let connector: Box<dyn Connector> = match account.platform {
            Platform::Facebook | Platform::Instagram => {
                let api =
                    Endpoint::parse(&api).map_err(|why| anyhow!("account[{}].api: {why}", account.id))?;
                let key = secret(&account.token_file)?.ok_or_else(|| missing("token_file"))?;
                let token = Arc::new(match &account.token_file {
                    Some(path) => Token::open(path, &key)?,
                    None => Token::fixed(Grant::bare(key)),
                });
                let app_secret = match &account.app_secret_file {
                    Some(path) => Some(config.secret(path).map_err(|fault| anyhow!("{fault}"))?),
                    None => None,
                };
                let name = format!("{}/{}", account.platform.code(), account.native_id);
                let http = http.within(book.budget(&name, graph::quotas()));
                let (id, clock) = (account.native_id.clone(), clock.clone());
                if account.platform == Platform::Facebook {
                    Box::new(Facebook::open(http, api, id, token, app_secret, clock).reaching(account.reach))
                } else {
                    Box::new(Instagram::open(http, api, id, token, app_secret, clock).reaching(account.reach))
                }
            }
            Platform::Bluesky => {
                let login = secret(&account.login_file)?.ok_or_else(|| missing("login_file"))?;
                let host = account.host();
                let http = bluesky::within(http, book, &host, &account.native_id);
                Box::new(
                    Bluesky::new(http, &api, &account.native_id, &login)
                        .map_err(|why| anyhow!("account[{}]: {why}", account.id))?,
                )
            }
            Platform::Youtube | Platform::Linkedin | Platform::X => {
                let api =
                    Endpoint::parse(&api).map_err(|why| anyhow!("account[{}].api: {why}", account.id))?;
                let text = secret(&account.token_file)?.ok_or_else(|| missing("token_file"))?;
                rotating(config, account, http, api, &text, book, clock)?
            }
        };
        // In watch mode no writing request can leave, whatever a step asks for.
        let connector: Arc<dyn Connector> = match account.mode {
            Mode::Watch => Arc::new(DryRun(connector)),
            Mode::Act => Arc::from(connector),
        };
        connectors.insert(account.id.clone(), connector);
    }
    Ok(connectors)
}

/// The connector of an account whose key rotates. Accounts of one app share what the platform allows that app.
fn rotating(
    config: &Config,
    account: &Account,
    http: &Http,
    api: Endpoint,
    text: &SecretString,
    book: &Book,
    clock: &Clock,
) -> anyhow::Result<Box<dyn Connector>> {
    let grant = Grant::parse(text, account.token_file.as_deref().unwrap_or(Path::new("sandbox")))?;
    let code = account.platform.code();
    let id = match (&grant.client_id, account.platform) {
        // X counts by account.
        (_, Platform::X) => format!("{code}/{}", account.native_id),
        (Some(app), _) => format!("{code}/{app}"),
        (None, _) => code.to_owned(),
    };
    let token = match &account.token_file {
        Some(path) => Token::open(path, text)?,
        None => Token::fixed(grant),
    };
    let token = Arc::new(token);
    let budget = match account.platform {
        Platform::Youtube => book.budget(&id, youtube::quotas()),
        Platform::Linkedin => book.budget(&id, linkedin::quotas(config.platforms.linkedin.calls_a_day)),
        _ => book.budget(&id, x::quotas(config.platforms.x.reads_a_day)),
    };
    let (clock, native) = (clock.clone(), account.native_id.clone());
    Ok(match account.platform {
        Platform::Youtube => {
            let channels =
                config.accounts.iter().filter(|account| account.platform == Platform::Youtube).count() as u64;
            let youtube = Youtube::new(http, api, native, token, budget, clock);
            Box::new(youtube.with_further_units(youtube::FURTHER_UNITS / channels.max(1)))
        }
        Platform::Linkedin => {
            let limits = &config.platforms.linkedin;
            // A key is one person's; no answer names the person, so the file of the key does. Accounts in the sandbox
            // that have none all use the same.
            let file = account.token_file.as_deref().and_then(Path::file_name);
            let key = file.map_or_else(|| "sandbox".into(), |name| name.to_string_lossy());
            let person =
                book.budget(&format!("{id}/{key}"), linkedin::quotas_by_person(limits.calls_a_day_by_person));
            let linkedin = Linkedin::new(http, api, &native, token, budget, clock)
                .within(person)
                .with_version(&limits.version)
                .reaching(account.reach)
                .with_confirmed_removal(account.removes());
            Box::new(linkedin)
        }
        _ => Box::new(X::new(http, api, native, token, budget, clock)),
    })
}

/// The way letters leave.
///
/// # Errors
/// What is wrong with the relay's settings, or its password file.
pub fn mailer(config: &Config) -> anyhow::Result<Mailer> {
    match &config.mail.transport {
        Transport::Folder => Ok(Mailer::folder(Layout::new(&config.paths.data).mail())),
        Transport::Smtp(smtp) => {
            let login = match (&smtp.username, &smtp.password_file) {
                (Some(username), Some(file)) => {
                    let password = config.secret(file).map_err(|fault| anyhow!("{fault}"))?;
                    Some(Login { username: username.clone(), password })
                }
                _ => None,
            };
            Ok(Mailer::smtp(SmtpConfig {
                host: smtp.host.clone(),
                port: smtp.port,
                tls: match smtp.tls {
                    Tls::Starttls => mail::Tls::StartTls,
                    Tls::Implicit => mail::Tls::Implicit,
                    Tls::None => mail::Tls::None,
                },
                login,
                ca_file: config.network.ca_file.clone(),
                timeout: std::time::Duration::from_secs(30),
            })?)
        }
    }
}

/// Whether nothing of this configuration reaches beyond this machine: kill points and `--at` need that.
pub fn stays_home(config: &Config) -> bool {
    let near = |url: &url::Url| match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let platforms = config.accounts.iter().all(|account| match &account.api {
        Api::Sandbox => true,
        Api::Url(url) => near(url),
    });
    let anchors = config.anchors.timestamps.iter().all(|one| near(&one.url))
        && config.anchors.witnesses.iter().all(|one| near(&one.url));
    let mail = match &config.mail.transport {
        Transport::Folder => true,
        Transport::Smtp(smtp) => {
            smtp.host == "localhost"
                || smtp.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    };
    platforms && mail && anchors
}

fn arm_kill_point(config: &Config) -> anyhow::Result<()> {
    let Ok(spec) = std::env::var("UPPSIKT_KILL_AT") else { return Ok(()) };
    if !stays_home(config) {
        bail!(
            "UPPSIKT_KILL_AT is honoured only when every platform and mail host is loopback, the sandbox or a folder"
        );
    }
    kill::arm(&spec).map_err(|why| anyhow!(why))
}
