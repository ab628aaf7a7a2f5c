//! `demo`: a made-up weekend in a made-up municipality, played from beginning to end in this process.
//!
//! Nothing of it is staged: the emulated platform is read by the real connector over a real socket, persons decide
//! as the desk decides, letters are files, and the clock walks from Friday to Monday.

mod play;
mod script;
mod story;
mod telling;

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use tokio::net::TcpListener;

use super::Outcome;
use super::args::Demo;
use crate::archive::Vault;
use crate::assemble::{self, Assembled, Layout};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::calendar;
use crate::pipeline::App;
use crate::steps::export::{self, Form, Source};
use crate::{bundle, daemon, desk, durable, store};
use play::Play;
use script::{Event, What};
use story::Story;
use telling::Telling;

const CONFIG: &str = include_str!("demo/uppsikt.toml");

/// The first line of a demo's configuration: by it a folder is known as one.
const MARK: &str = "# Made by `uppsikt demo`.";

/// Where the case page listens, unless told otherwise.
const LISTEN: &str = "127.0.0.1:8080";

/// Whose link is told: a person who may decide alone.
const CLICKS: &str = "erik";

/// How long the told link opens the page.
const LINK: TimeDelta = TimeDelta::days(14);

/// The account in the demo's configuration.
const ACCOUNT: &str = "fb";

/// Plays the weekend and tells what became of it; without `--once` the pages are served until interrupted.
///
/// # Errors
/// When the folder is not free, the address is taken, or the disk fails.
pub fn run(asked: &Demo, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let folder = folder(asked.dir.as_deref())?;
    super::runtime()?.block_on(async {
        // The port is taken before anything is written: the configuration names it.
        let listener = if asked.once { None } else { Some(listen(asked.listen).await?) };
        let address = match &listener {
            Some(listener) => listener.local_addr()?,
            None => asked.listen.map_or_else(|| LISTEN.parse().context("an address"), Ok)?,
        };
        let friday = script::last_friday(asked.at.unwrap_or_else(|| Clock::System.now()));
        let demo = Made::new(&folder, friday, address)?;
        let lock = assemble::lock(&demo.config)?;
        let clock = Clock::manual(demo.begin);
        let assembled = assemble::app(demo.config.clone(), clock).await?;
        let story = demo.play(&assembled).await?;
        demo.tell(&assembled.app, &story, out)?;
        if let Some(listener) = listener {
            out.flush()?;
            stay(assembled, listener, &story, out).await?;
        } else if let Some(sandbox) = assembled.sandbox {
            sandbox.shutdown().await;
        }
        drop(lock);
        Ok(Outcome::Done)
    })
}

/// The folder for this demo: empty or not there yet.
fn folder(asked: Option<&Path>) -> anyhow::Result<PathBuf> {
    let folder = if let Some(folder) = asked {
        std::path::absolute(folder)?
    } else {
        let mut random = [0_u8; 4];
        getrandom::fill(&mut random).map_err(|error| anyhow!("no randomness: {error}"))?;
        std::env::temp_dir().join(format!("uppsikt-demo-{}", hex::encode(random)))
    };
    let file = folder.join("uppsikt.toml");
    if std::fs::read_to_string(&file).is_ok_and(|text| text.starts_with(MARK)) {
        bail!(
            "{} holds a demo already; look at it with `uppsikt --config {} cases`, or name another folder",
            folder.display(),
            file.display()
        );
    }
    let empty = match std::fs::read_dir(&folder) {
        Ok(mut inside) => inside.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(error).with_context(|| format!("{} cannot be used", folder.display())),
    };
    if !empty {
        bail!(
            "{} holds something that is not a demo; name an empty folder or one that does not exist",
            folder.display()
        );
    }
    durable::create_folder(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}

/// The asked address or nothing; unasked the usual one, else any that is free.
async fn listen(asked: Option<SocketAddr>) -> anyhow::Result<TcpListener> {
    if let Some(address) = asked {
        return TcpListener::bind(address).await.with_context(|| {
            format!("--listen {address} cannot be used; name another address or leave it out")
        });
    }
    match TcpListener::bind(LISTEN).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind("127.0.0.1:0").await.context("no port of this machine is free"),
    }
}

/// A demo's folder, made.
struct Made {
    folder: PathBuf,
    file: PathBuf,
    config: Config,
    events: Vec<Event>,
    friday: NaiveDate,
    begin: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Made {
    /// Writes the configuration and makes the data folder.
    fn new(folder: &Path, friday: NaiveDate, address: SocketAddr) -> anyhow::Result<Self> {
        let events = script::weekend(friday).map_err(|why| anyhow!(why))?;
        let begin = calendar::to_utc(friday.and_time(NaiveTime::MIN));
        let tuesday = friday.checked_add_days(Days::new(4)).unwrap_or(friday);
        let text = CONFIG
            .replace("@LISTEN@", &address.to_string())
            .replace("@WATCHED_FROM@", &calendar::local(begin).to_rfc3339());
        let file = folder.join("uppsikt.toml");
        durable::write(&file, text.as_bytes(), 0o644)
            .with_context(|| format!("{} cannot be written", file.display()))?;
        // Its warnings are about a service in earnest; `check` tells them to whoever asks.
        let (config, _) = Config::load(&file).map_err(|faults| {
            let all: Vec<_> = faults.iter().map(ToString::to_string).collect();
            anyhow!("the demo's own configuration does not hold here:\n{}", all.join("\n"))
        })?;
        assemble::init(&config)?;
        Ok(Self {
            folder: folder.to_owned(),
            file,
            config,
            events,
            friday,
            begin,
            end: calendar::to_utc(tuesday.and_time(NaiveTime::MIN)),
        })
    }

    async fn play(&self, assembled: &Assembled) -> anyhow::Result<Story> {
        let sandbox = assembled.sandbox.as_ref().context("the sandbox is not running")?.sandbox().clone();
        let page = self.config.account(ACCOUNT).context("the demo has no account")?.native_id.clone();
        let bar = std::io::stderr()
            .is_terminal()
            .then(|| indicatif::ProgressBar::new(u64::try_from(self.events.len()).unwrap_or(u64::MAX)));
        let mut play = Play::new(&assembled.app, &sandbox, ACCOUNT, &page);
        let played = play
            .weekend(&self.events, self.end, |done| {
                if let Some(bar) = &bar {
                    bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
                }
            })
            .await;
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        played?;
        let posts: Vec<String> = self
            .events
            .iter()
            .filter_map(|event| match &event.what {
                What::Post { id, .. } => Some(play::native_post(&page, id)),
                _ => None,
            })
            .collect();
        Ok(assembled.app.db.read(move |reader| Story::read(reader, ACCOUNT, &posts)).await?)
    }

    fn tell(&self, app: &App, story: &Story, out: &mut dyn Write) -> anyhow::Result<()> {
        let monday = self.friday.checked_add_days(Days::new(3)).unwrap_or(self.friday);
        let telling = Telling { story, config: &self.config, friday: self.friday };
        writeln!(
            out,
            "En påhittad helg i {}: {} till {}.",
            self.config.organisation.name,
            calendar::day_in_words(self.friday),
            calendar::day_in_words(monday)
        )?;
        writeln!(out, "Inga av personerna finns. Allt ligger i {}", self.folder.display())?;
        telling.weekend(out)?;
        let layout = Layout::new(&self.config.paths.data);
        writeln!(out, "  Breven ligger i {}", layout.mail().display())?;
        let bag = self.pack(app, story)?;
        telling::evidence(out, &bag, &layout.archive().join("log.vkey"))?;
        writeln!(out, "Allt annat på det som spelades:\n  uppsikt --config {} cases", self.file.display())?;
        Ok(())
    }

    /// Writes the evidence of one hidden case, as `export` does.
    fn pack(&self, app: &App, story: &Story) -> anyhow::Result<PathBuf> {
        let shown = story.shown().context("nothing was hidden, so there is nothing to pack")?;
        let case = shown.case.id;
        let record = app
            .db
            .read_now(|reader| store::records::current(reader, case))?
            .context("the case has no record")?;
        let id = record.id.parse().map_err(|_| anyhow!("the record has no id"))?;
        let evidence = self.folder.join("bevis");
        durable::create_folder(&evidence)?;
        let to = evidence.join(bundle::bag::folder_name(shown.numbers().first().copied(), id));
        let keys = assemble::keys(&self.config)?;
        let origin = app.log_origin();
        let source = Source {
            db: &app.db,
            keys: &keys,
            vault: &Vault::new(&Layout::new(&self.config.paths.data).archive()),
            organisation: &self.config.organisation.name,
            origin: &origin,
            today: calendar::local_date(app.clock.now()),
            delivery: None,
        };
        export::write(&source, Form::Bag, &[case], false, &to, |_| {})?;
        Ok(to)
    }
}

/// Goes on from the end of the script, a second a second, with the pages served, until interrupted.
async fn stay(
    assembled: Assembled,
    listener: TcpListener,
    story: &Story,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let app = &assembled.app;
    telling::heading(out, "Klicka själv")?;
    if let Some(file) = story.open() {
        let keys = assemble::keys(&app.config)?;
        let until = app.clock.now() + LINK;
        let link = desk::link::sign(
            keys.link_key().expose(),
            &app.config.desk.public_url,
            file.case.id,
            CLICKS,
            until,
        );
        writeln!(out, "Ett öppet ärende, som om brevet gått till dig:\n  {link}")?;
    }
    writeln!(out, "Klockan går vidare från {}. Avsluta med Ctrl-C.", telling::short(app.clock.now()))?;
    out.flush()?;
    let (stop, _) = tokio::sync::watch::channel(false);
    let stopped = |mut told: tokio::sync::watch::Receiver<bool>| async move {
        // An error means that the sender is gone, which is a stop as well.
        let _ = told.wait_for(|stop| *stop).await;
    };
    let mut pages = tokio::spawn(desk::serve(listener, app.clone(), stopped(stop.subscribe())));
    let passes = daemon::run(app, stopped(stop.subscribe()));
    let seconds = async {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            tick.tick().await;
            let now = app.clock.now() + TimeDelta::seconds(1);
            app.clock.set(now);
            if let Some(sandbox) = &assembled.sandbox {
                sandbox.sandbox().set_clock(now);
            }
        }
    };
    tokio::pin!(passes, seconds);
    let ended = tokio::select! {
        ended = &mut passes => ended.map_err(anyhow::Error::from),
        ended = &mut pages => ended.map_err(anyhow::Error::from).and_then(|served| Ok(served?)),
        () = &mut seconds => Ok(()),
        () = daemon::signalled() => {
            let _ = stop.send(true);
            passes.await?;
            pages.await??;
            return Ok(());
        }
    };
    let _ = stop.send(true);
    ended
}
