//! A row of the outbox → a letter that is true now.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::archive::keys::Secret;
use crate::config::{Config, Mode};
use crate::desk::link;
use crate::domain::calendar;
use crate::domain::case::{CaseId, Outcome};
use crate::domain::category::CategoryPolicy;
use crate::domain::classify::Finding;
use crate::domain::duty::{Kind, Period, Rung};
use crate::domain::letter::{
    AccountSummary, Body, Content, DiaryNumber, Duties, Entered, Foot, KeyMatter, Letter, LetterItem, Line,
    Link, Matter, MessageId, Recipient, RegistrarDay, Summary, Trouble, Urgent, Why, clock,
};
use crate::outbox::{self, MORNING, Says};
use crate::store::duties::Duty;
use crate::store::letters::{self, StoredLetter};
use crate::store::summaries::{self, Counted};
use crate::store::{self, Reader, Result, StoreError, brake, cases, comments, duties, polls};

/// How long the links of a letter open their case.
const LINK_LASTS: TimeDelta = TimeDelta::days(14);

/// A letter tried again within this time after its own is the same letter to the byte.
const SAME_LETTER: TimeDelta = TimeDelta::minutes(10);

/// The longest title of a post in a letter, in characters.
const TITLE: usize = 80;

/// What all letters of one drain share.
pub(super) struct Desk<'a> {
    pub(super) config: &'a Config,
    pub(super) link_key: &'a Secret,
    pub(super) foot: &'a Foot,
    /// The signed checkpoint, exactly as published.
    pub(super) signed: Option<&'a str>,
    pub(super) now: DateTime<Utc>,
}

/// What became of a letter that was about to leave.
pub(super) enum Composed {
    /// It leaves.
    Letter(Box<Letter>),
    /// Nothing of it is true any more.
    Nothing,
}

/// Makes the letter, with what is still true of it.
///
/// # Errors
/// `Corrupt` for a letter that cannot be made; engine errors.
pub(super) fn letter(reader: &Reader, desk: &Desk<'_>, stored: &StoredLetter) -> Result<Composed> {
    let corrupt = |what: String| StoreError::Corrupt(format!("letter {}: {what}", stored.id));
    let person = desk
        .config
        .roster
        .person(&stored.letter.person)
        .ok_or_else(|| corrupt(format!("there is no person `{}`", stored.letter.person)))?;
    let planned = stored.letter.send_after;
    let created_at = if desk.now - planned < SAME_LETTER { planned } else { desk.now };
    let writer = Writer { reader, desk, stored, created_at };
    let Some(body) = writer.body(&outbox::says(stored)?)? else { return Ok(Composed::Nothing) };
    Ok(Composed::Letter(Box::new(Letter {
        message_id: MessageId::new(&stored.letter.message_id).map_err(corrupt)?,
        to: Recipient::new(&person.id, &person.name, &person.email).map_err(corrupt)?,
        created_at,
        in_reply_to: writer.follows_up()?,
        foot: desk.foot.clone(),
        body,
    })))
}

struct Writer<'a> {
    reader: &'a Reader,
    desk: &'a Desk<'a>,
    stored: &'a StoredLetter,
    created_at: DateTime<Utc>,
}

impl Writer<'_> {
    fn body(&self, says: &Says) -> Result<Option<Body>> {
        Ok(match says {
            Says::Duties { last_today } => self.list(*last_today)?,
            Says::Dangers { summary: true } => self.list(false)?,
            Says::Dangers { summary: false } => {
                let items = self.items()?;
                let turns = self.stored.letter.duties.iter().map(|(_, _, turn)| *turn);
                let repeat = turns.min().unwrap_or_default();
                (!items.is_empty()).then_some(Body::Urgent(Urgent { items, repeat }))
            }
            Says::Machine => match self.standing()?.first() {
                Some((duty, ..)) => self.machine(duty)?.map(Body::Technical),
                None => None,
            },
            Says::Trouble { trouble } => Some(Body::Technical(trouble.clone())),
            Says::Came { accounts, to } => {
                let mut rows = Vec::new();
                for (account, from) in accounts {
                    rows.push(self.row(account, Counted::Seen(*from, *to))?);
                }
                let from = accounts.values().min().copied();
                Some(Body::DailySummary(Summary { from, to: *to, accounts: rows, link: None }))
            }
            Says::Older { account } => {
                let accounts = vec![self.row(account, Counted::Old)?];
                Some(Body::FirstNight(Summary { from: None, to: self.created_at, accounts, link: None }))
            }
            Says::Register { board, from, to } => Some(Body::Registrar(self.register(board, *from, *to)?)),
            Says::Entered { case, outcome, os_user, at } => {
                let case = CaseId(*case);
                Some(Body::Entered(Entered {
                    case,
                    dnr: summaries::registered(self.reader, case)?.0.as_deref().map(Line::new),
                    outcome: Outcome::from_str(outcome).map_err(StoreError::Corrupt)?,
                    os_user: Line::new(os_user),
                    at: *at,
                    link: self.link(case),
                }))
            }
        })
    }

    fn list(&self, last_today: bool) -> Result<Option<Body>> {
        let items = self.items()?;
        Ok((!items.is_empty()).then_some(Body::Duties(Duties { items, list: None, last_today })))
    }

    /// The duties of the letter that still stand: open, not carried by a thread, not acknowledged, and not told to the
    /// same person by a later letter.
    fn standing(&self) -> Result<Vec<(Duty, Rung, u32)>> {
        let mut standing = Vec::new();
        for (id, rung, turn) in &self.stored.letter.duties {
            let Some(duty) = duties::get(self.reader, *id)? else { continue };
            let rung: Rung = rung.parse().map_err(StoreError::Corrupt)?;
            let carries_nothing = duty.what.post_id.is_some() && duties::carried(self.reader, duty.id)? == 0;
            if !duty.is_open() || duty.thread.is_some() || carries_nothing || duty.acknowledged_at.is_some() {
                continue;
            }
            let mut outrun = false;
            for other in letters::standings(self.reader, *id)? {
                let later =
                    (other.turn, other.rung.parse::<Rung>().map_err(StoreError::Corrupt)?) > (*turn, rung);
                let lives = matches!(other.state.as_str(), "queued" | "sent");
                outrun |= later && lives && other.person == self.stored.letter.person;
            }
            if !outrun {
                standing.push((duty, rung, *turn));
            }
        }
        Ok(standing)
    }

    /// One item for everything that a person does with one comment in one go.
    fn items(&self) -> Result<Vec<LetterItem>> {
        let mut standing = self.standing()?;
        standing.sort_by_key(|(duty, ..)| (duty.what.due_at, duty.id));
        let mut items: Vec<(Option<CaseId>, LetterItem)> = Vec::new();
        for (duty, rung, turn) in &standing {
            let item = self.item(duty, *rung, *turn)?;
            let same = items
                .iter_mut()
                .find(|(case, other)| case.is_some() && *case == duty.what.case && other.act == item.act);
            match same {
                Some((_, other)) => merge(other, item),
                None => items.push((duty.what.case, item)),
            }
        }
        Ok(items.into_iter().map(|(_, item)| item).collect())
    }

    fn item(&self, duty: &Duty, rung: Rung, turn: u32) -> Result<LetterItem> {
        let kind = Kind::named(&duty.what.kind)
            .ok_or_else(|| StoreError::Corrupt(format!("there is no kind of duty `{}`", duty.what.kind)))?;
        let mut reckoning: Vec<Line> = duty.what.explain.iter().map(|line| Line::new(line)).collect();
        if kind.period != Period::AtOnce && duty.what.found_at > duty.what.due_at {
            reckoning.push(Line::new(&format!(
                "Uppsikt såg det först {}, när tiden redan var ute.",
                calendar::instant_in_words(duty.what.found_at)
            )));
        }
        let (matter, post) = match duty.what.case {
            Some(case) => self.case(case)?,
            None => match &duty.what.post_id {
                Some(post) => {
                    let count = duties::carried(self.reader, duty.id)?;
                    (Matter::Thread { count }, self.title(&duty.what.account, post)?)
                }
                None => (Matter::Account, None),
            },
        };
        Ok(LetterItem {
            act: if duty.what.post_id.is_some() { "Svara samlat".into() } else { act(kind).into() },
            matter,
            duty: Line::new(kind.name),
            rung,
            due_at: (kind.period != Period::AtOnce).then_some(duty.what.due_at),
            reckoning,
            account: self.account(&duty.what.account),
            post,
            link: match duty.what.case {
                Some(case) => self.link(case),
                None if kind.code == "hand_check" => self.account_link(&duty.what.account),
                None => None,
            },
            told: self.told(duty.id, rung, turn)?,
        })
    }

    /// What a letter may tell of a case's comment, and the post it stands under.
    fn case(&self, id: CaseId) -> Result<(Matter, Option<Line>)> {
        let case = cases::get(self.reader, id)?;
        let stored = comments::get(self.reader, case.comment)?;
        let judged = cases::assessment(self.reader, stored.version.id)?;
        let text = &stored.version.text;
        let findings =
            judged.as_ref().map(|judged| judged.assessment.findings.as_slice()).unwrap_or_default();
        let mut categories: Vec<_> = findings.iter().map(|finding| finding.category).collect();
        categories.sort_unstable();
        categories.dedup();
        let why = findings
            .iter()
            .map(|finding| why(finding, self.desk.config.categories.get(&finding.category), text))
            .collect();
        let proposal =
            judged.as_ref().filter(|_| !findings.is_empty()).map(|judged| judged.assessment.proposal);
        let mut content = Content::new(&categories, stored.author.name.as_deref(), text, why, proposal);
        let (dnr, secret) = summaries::registered(self.reader, id)?;
        if secret {
            content = content.withhold();
        }
        let post = self.title(&stored.comment.account, &stored.post_id)?;
        Ok((Matter::Case { case: id, dnr: dnr.as_deref().map(Line::new), content }, post))
    }

    fn title(&self, account: &str, post: &str) -> Result<Option<Line>> {
        let post = comments::post(self.reader, account, post)?;
        Ok(post.map(|post| Line::short(&post.text, TITLE)).filter(|title| !title.is_empty()))
    }

    /// The account as people call it: by its platform, and by its id where there are several on one.
    fn account(&self, id: &str) -> Line {
        let accounts = &self.desk.config.accounts;
        let Some(account) = self.desk.config.account(id) else { return Line::new(id) };
        let several = accounts.iter().filter(|other| other.platform == account.platform).count() > 1;
        let label = account.platform.label();
        if several { Line::new(&format!("{label} ({id})")) } else { Line::new(label) }
    }

    fn link(&self, case: CaseId) -> Option<Link> {
        let expires = self.created_at + LINK_LASTS;
        let Desk { config, link_key, .. } = self.desk;
        let url =
            link::sign(link_key.expose(), &config.desk.public_url, case, &self.stored.letter.person, expires);
        Link::new(&url).ok()
    }

    /// Where the person ticks what they have looked at.
    fn account_link(&self, account: &str) -> Option<Link> {
        let expires = self.created_at + LINK_LASTS;
        let Desk { config, link_key, .. } = self.desk;
        let person = &self.stored.letter.person;
        let url = link::sign_account(link_key.expose(), &config.desk.public_url, account, person, expires);
        Link::new(&url).ok()
    }

    /// The names of the others who were told the same.
    fn told(&self, duty: i64, rung: Rung, turn: u32) -> Result<Vec<Line>> {
        let roster = &self.desk.config.roster;
        let told = letters::standings(self.reader, duty)?
            .into_iter()
            .filter(|other| other.turn == turn && other.rung == rung.code())
            .filter(|other| matches!(other.state.as_str(), "queued" | "sent"))
            .filter(|other| other.person != self.stored.letter.person)
            .filter_map(|other| roster.person(&other.person))
            .map(|person| Line::short(&person.name, TITLE))
            .collect();
        Ok(told)
    }

    /// The first letter to this person about the danger that this one repeats.
    fn follows_up(&self) -> Result<Option<MessageId>> {
        let Some((duty, _, 1..=MORNING)) = self.stored.letter.duties.first() else { return Ok(None) };
        if duties::get(self.reader, *duty)?.is_none_or(|duty| duty.what.post_id.is_some()) {
            return Ok(None);
        }
        let first = letters::standings(self.reader, *duty)?
            .into_iter()
            .find(|other| other.person == self.stored.letter.person && other.state == "sent");
        Ok(first.and_then(|first| MessageId::new(&first.message_id).ok()))
    }

    fn machine(&self, duty: &Duty) -> Result<Option<Trouble>> {
        let account = &duty.what.account;
        Ok(match duty.what.kind.as_str() {
            "account_blind" => polls::state(self.reader, account)?.blind.map(|(since, reason)| {
                Trouble::AccountBlind { account: self.account(account), since, reason: Line::new(&reason) }
            }),
            "braked" => {
                let hides = brake::hides(self.reader, self.desk.now)?;
                brake::held(self.reader)?.pop().map(|held| Trouble::BrakeTripped {
                    rule: (held.rule != brake::ALL).then(|| Line::new(&held.rule)),
                    hides,
                })
            }
            "count_differs" => Some(Trouble::Other {
                what: duty.what.explain.first().map(|line| Line::new(line)).unwrap_or_default(),
                effect: "det som Uppsikt inte har sett bevakas inte: inga frister löper för det, och ingenting av det \
                         är bevarat. Allt annat bevakas som vanligt."
                    .into(),
                remedy: "kör uppsikt accounts. Det säger vilka inlägg det gäller. Läs dem i plattformens app, och \
                         för in det som saknas."
                    .into(),
            }),
            "unanchored" => Some(Trouble::Other {
                what: duty.what.explain.first().map(|line| Line::new(line)).unwrap_or_default(),
                effect: "kommentarer bevakas, bevaras och döljs som vanligt. Men ingen utanför kommunen kan intyga hur \
                         loggen såg ut den här tiden."
                    .into(),
                remedy: "kör uppsikt doctor. Det säger vem som inte svarar och varför. Uppsikt frågar igen av sig självt."
                    .into(),
            }),
            "contradicted" => Some(Trouble::Other {
                what: duty.what.explain.first().map(|line| Line::new(line)).unwrap_or_default(),
                effect: "kommentarer bevakas, bevaras och döljs som vanligt. Men det de säger räknas inte som bevis."
                    .into(),
                remedy: "kör uppsikt doctor, och uppsikt verify med en kontrollpunkt ur ett äldre brev (--seen). Stämmer \
                         loggen är det den andra som har fel: tala med dem. Stämmer den inte har loggen ändrats."
                    .into(),
            }),
            "key_expires" => Some(self.key(duty, KeyMatter::Expires)?),
            "key_dead" => Some(self.key(duty, KeyMatter::Dead)?),
            "lost_access" => Some(self.key(duty, KeyMatter::Lost)?),
            "right_missing" => Some(self.key(duty, KeyMatter::Rights)?),
            _ => Some(Trouble::Other {
                what: duty.what.explain.first().map(|line| Line::new(line)).unwrap_or_default(),
                effect: "ingenting döljs och ingenting diarieförs. Kommentarer läses, sparas och bevakas som vanligt."
                    .into(),
                remedy: "kör uppsikt doctor. Det säger vad som fattas. Uppsikt fortsätter av sig självt när det är \
                         avhjälpt."
                    .into(),
            }),
        })
    }

    /// What is told of a key: as it is known now, not as it was when the letter was queued.
    fn key(&self, duty: &Duty, matter: KeyMatter) -> Result<Trouble> {
        let id = &duty.what.account;
        let config = self.desk.config;
        let key = store::keys::get(self.reader, id)?;
        let mut facts = key.facts(&config.roster, self.desk.now);
        match matter {
            KeyMatter::Expires => facts.splice(0..0, duty.what.explain.iter().cloned()).for_each(drop),
            KeyMatter::Rights => facts.splice(0..0, key.lacking()).for_each(drop),
            KeyMatter::Dead | KeyMatter::Lost => {}
        }
        let at = match matter {
            KeyMatter::Expires => duty.what.due_at,
            _ => key.dead.as_ref().map_or(duty.what.trigger_at, |dead| dead.since),
        };
        Ok(Trouble::Key {
            account: self.account(id),
            id: Line::new(id),
            platform: config
                .account(id)
                .map(|account| Line::new(account.platform.code()))
                .unwrap_or_default(),
            matter,
            at,
            facts: facts.iter().map(|fact| Line::new(fact)).collect(),
        })
    }

    fn row(&self, account: &str, which: Counted) -> Result<AccountSummary> {
        let counts = summaries::counts(self.reader, account, which)?;
        let blind = match which {
            Counted::Old => Vec::new(),
            Counted::Seen(from, to) => summaries::blind(self.reader, account, from, to)?,
        };
        let told = |blind: &summaries::Blind| {
            let until = blind.to.map_or_else(
                || "och kan fortfarande inte läsas".to_owned(),
                |to| format!("till kl. {}", clock(to)),
            );
            Line::new(&format!(
                "Kontot kunde inte läsas från {} {until}: {}",
                calendar::instant_in_words(blind.from),
                blind.reason
            ))
        };
        Ok(AccountSummary {
            account: self.account(account),
            came: counts.came,
            flagged: counts.flagged,
            by_category: counts.by_category,
            watch_only: self.desk.config.account(account).is_some_and(|account| account.mode == Mode::Watch),
            blind: blind.iter().map(told).collect(),
        })
    }

    fn register(&self, board: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<RegistrarDay> {
        let numbers = summaries::numbers(self.reader, board, from, to)?
            .into_iter()
            .map(|new| DiaryNumber {
                dnr: Line::new(&new.number),
                at: new.at,
                case: new.case,
                what: Line::new(&new.public_text),
            })
            .collect();
        let name = self.desk.config.board(board).map_or(board, |board| board.name.as_str());
        Ok(RegistrarDay {
            board: Line::new(name),
            numbers,
            signed_checkpoint: self.desk.signed.map(str::to_owned),
            link: None,
        })
    }
}

/// What a person does, as an order.
fn act(kind: &Kind) -> &'static str {
    match kind.code {
        "answer_24h" | "answer_next_working_day" | "answer_as_soon_as_possible" => "Svara",
        "approve" => "Godkänn eller avslå",
        "changed_outside" => "Ta reda på vem som ändrade och varför",
        "edited_after_answer" => "Läs den ändrade texten",
        "act_failed" => "Gör det i plattformens app, eller besluta på nytt",
        "hand_check" => "Se efter för hand, och bocka av",
        "automatic_look" => "Kontrollera den automatiska döljningen",
        _ => "Läs och besluta",
    }
}

/// Two promises about one comment are one thing to do: the earlier time, the higher rung, both reckonings.
fn merge(into: &mut LetterItem, other: LetterItem) {
    into.rung = into.rung.max(other.rung);
    into.duty = Line::new(&format!("{} och {}", into.duty, other.duty));
    into.reckoning.extend(
        other.reckoning.into_iter().filter(|line| !into.reckoning.contains(line)).collect::<Vec<_>>(),
    );
    into.told.extend(other.told.into_iter().filter(|name| !into.told.contains(name)).collect::<Vec<_>>());
}

fn why(finding: &Finding, policy: Option<&CategoryPolicy>, text: &str) -> Why {
    let paragraph = policy.map(|policy| policy.paragraph.as_str()).filter(|paragraph| !paragraph.is_empty());
    Why {
        sentence: Line::new(&format!(
            "{}{} (regel {}, version {})",
            finding.category.name(),
            paragraph.map(|paragraph| format!(" enligt {paragraph}")).unwrap_or_default(),
            finding.rule,
            finding.version
        )),
        words: text
            .get(finding.start..finding.end)
            .map(|words| Line::short(words, TITLE))
            .filter(|words| !words.is_empty()),
    }
}
