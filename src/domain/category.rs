//! What a published guideline can forbid: the category codes, a public contract (DESIGN §5).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

mod law;

pub use law::{Facts, Law};

macro_rules! categories {
    ($($variant:ident, $code:literal, $name:literal, $doc:literal;)*) => {
        /// A kind of content that a guideline or a law speaks about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Category { $(#[doc = $doc] $variant,)* }

        impl Category {
            /// Every category, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code: a public contract.
            pub fn code(self) -> &'static str { match self { $(Self::$variant => $code,)* } }

            /// What editors read, in Swedish.
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name,)* } }
        }
    };
}

categories! {
    Threat, "threat", "hot", "Says or implies violence or damage to a person, staff or the municipality.";
    Harassment, "harassment", "trakasserier", "Persistent pursuit, pile-on, wishing a person ill.";
    Hate, "hate", "hets mot folkgrupp", "Contempt or threat against a group.";
    Sexist, "sexist", "sexistiskt yttrande", "Belittling or sexualising because of sex.";
    Insult, "insult", "personangrepp eller förolämpning", "A personal attack; not sharp criticism of decisions.";
    Defamation, "defamation", "förtal", "Claims that an identified person is criminal or reprehensible.";
    GossipLies, "gossip_lies", "skvaller eller lögner", "Rumours about private life, made-up facts.";
    ViolenceDepiction, "violence_depiction", "våldsskildring", "Shows or offers real violence.";
    Pornography, "pornography", "pornografi", "Porn, sexual offers, obscene invitations.";
    ChildAbuse, "child_abuse", "övergreppsmaterial med barn", "Any mention or offer of child abuse images (no-content path).";
    IncitementCrime, "incitement_crime", "uppmaning till brott", "Urges others to a crime.";
    IncitementTerror, "incitement_terror", "uppmaning till terrorism", "Praises, recruits to or calls for terrorism.";
    Copyright, "copyright", "upphovsrättsintrång", "Offers or shares protected works.";
    Profanity, "profanity", "svordomar eller obscena ord", "Strong negative swearing; not positive swearing.";
    Commercial, "commercial", "reklam", "Advertising, private sale, job ads; non-profit too.";
    SpamTroll, "spam_troll", "spam eller trollning", "Scam, phishing, chain letter, gibberish, trolling.";
    Secrecy, "secrecy", "sekretessbelagd uppgift", "Staff or official reveals what they know from work.";
    PersonalData, "personal_data", "personuppgift", "A private person's phone, e-mail or home address.";
    SensitivePersonalData, "sensitive_personal_data", "känslig personuppgift", "Health, religion, sexual life, union of an identifiable other; any personal number.";
    IndividualCase, "individual_case", "enskilt ärende", "Own or another's case with the municipality.";
    ChildAtRisk, "child_at_risk", "barn som far illa", "A child is ill-treated or neglected.";
    OngoingCrime, "ongoing_crime", "pågående brott", "A crime now or just now.";
    SelfHarm, "self_harm", "självskada eller självmord", "Suicide or self-harm, own, another's, or urged.";
    Political, "political", "politiskt budskap", "Party politics, election messages; not criticism of decisions.";
    OffTopic, "off_topic", "utanför ämnet", "Nothing to do with any plausible post.";
    PrivacyIntrusion, "privacy_intrusion", "integritetsintrång", "Spreads intimate or private images or correspondence.";
    PurposeBreach, "purpose_breach", "strider mot kanalens syfte", "Against the channel's stated purpose (profile).";
    Unreadable, "unreadable", "kan inte läsas av reglerna", "Image, video, audio, link or language that the rules cannot read: a person looks.";
}

impl Category {
    /// True where somebody may be in danger: a person is told at once, at any hour (R44, R45).
    pub fn is_danger(self) -> bool {
        matches!(
            self,
            Self::Threat
                | Self::ChildAtRisk
                | Self::OngoingCrime
                | Self::SelfHarm
                | Self::ChildAbuse
                | Self::IncitementTerror
        )
    }

    /// True where a machine may never act, whatever the municipality decides (DESIGN §5).
    pub fn never_automatic(self) -> bool {
        matches!(
            self,
            Self::Political
                | Self::OffTopic
                | Self::GossipLies
                | Self::Defamation
                | Self::PurposeBreach
                | Self::ChildAtRisk
                | Self::SelfHarm
                | Self::OngoingCrime
                | Self::IndividualCase
                | Self::Unreadable
        )
    }

    /// True where nothing is preselected for the person who decides (N21).
    pub fn nothing_preselected(self) -> bool {
        matches!(
            self,
            Self::Political | Self::OffTopic | Self::GossipLies | Self::PurposeBreach | Self::Defamation
        )
    }

    /// True where no letter may carry the comment's text (R47).
    pub fn text_stays_home(self) -> bool {
        matches!(
            self,
            Self::Secrecy
                | Self::PersonalData
                | Self::SensitivePersonalData
                | Self::IndividualCase
                | Self::ChildAtRisk
                | Self::ChildAbuse
                | Self::SelfHarm
                | Self::PrivacyIntrusion
        )
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Category {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .copied()
            .find(|category| category.code() == code)
            .ok_or_else(|| format!("unknown category `{code}`"))
    }
}

/// What a rule suggests to the person who decides; ordered from mildest to strongest (DESIGN §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proposal {
    /// Nothing stands against it.
    Keep,
    /// A person looks, nothing is suggested.
    Review,
    /// Hide it.
    Hide,
    /// Remove it.
    Remove,
    /// Somebody may be in danger: a person acts at once.
    Escalate,
}

impl Proposal {
    /// The code used in configuration, command line and evidence.
    pub fn code(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Review => "review",
            Self::Hide => "hide",
            Self::Remove => "remove",
            Self::Escalate => "escalate",
        }
    }
}

/// How fast the person who must act is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// At once, at any hour.
    AtOnce,
    /// In office hours, together with what else has come.
    Bundled,
}

/// What a category leads to under the municipality's guideline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryPolicy {
    /// What is suggested to the person who decides.
    pub proposal: Proposal,
    /// How fast somebody is told.
    pub told: Told,
    /// Whether the machine hides `obvious` findings by itself; only with a named decision.
    pub automatic: Option<DecisionRef>,
    /// The paragraph of the guideline, as an editor quotes it; empty where the guideline is silent.
    pub paragraph: String,
    /// The law behind it, as an editor quotes it; empty where there is none.
    pub law: String,
}

/// Where a decision of the municipality can be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionRef {
    /// Who decided.
    pub by: String,
    /// When (local date).
    pub on: chrono::NaiveDate,
    /// The registration number of the decision.
    pub dnr: String,
}
