//! The law behind each category, as it was read.

use super::Category;

/// One provision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Law {
    /// What the act is called.
    pub name: &'static str,
    /// Its number in Svensk författningssamling, or of the regulation.
    pub sfs: &'static str,
    /// Chapter and section.
    pub paragraph: &'static str,
}

impl Law {
    /// Until which day the consolidated texts that were read are brought up to date.
    pub const READ: &'static str = "2026-04-27";
}

/// What holds for a category whatever a guideline says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The name in English.
    pub english: &'static str,
    /// The provisions behind it; none where only a guideline speaks of it.
    pub laws: &'static [Law],
    /// Whether the obvious must be removed under 5 § of the law on electronic bulletin boards (1998:112).
    pub bbs_5: bool,
}

const fn brb(paragraph: &'static str) -> Law {
    Law { name: "brottsbalken", sfs: "1962:700", paragraph }
}

const fn osl(paragraph: &'static str) -> Law {
    Law { name: "offentlighets- och sekretesslagen", sfs: "2009:400", paragraph }
}

const fn gdpr(paragraph: &'static str) -> Law {
    Law { name: "dataskyddsförordningen", sfs: "(EU) 2016/679", paragraph }
}

const fn rf(paragraph: &'static str) -> Law {
    Law { name: "regeringsformen", sfs: "1974:152", paragraph }
}

const fn by_law(english: &'static str, laws: &'static [Law]) -> Facts {
    Facts { english, laws, bbs_5: false }
}

const fn bbs(english: &'static str, laws: &'static [Law]) -> Facts {
    Facts { english, laws, bbs_5: true }
}

/// Only a guideline speaks of it.
const fn guideline(english: &'static str) -> Facts {
    by_law(english, &[])
}

impl Category {
    /// What holds for it whatever a guideline says.
    pub const fn facts(self) -> Facts {
        match self {
            Self::Threat => bbs("threat", const { &[brb("4 kap. 5 §")] }),
            Self::Harassment => by_law("harassment", const { &[brb("4 kap. 7 §"), brb("4 kap. 4 b §")] }),
            Self::Hate => bbs("hate speech", const { &[brb("16 kap. 8 §")] }),
            Self::Sexist => guideline("sexist remark"),
            Self::Insult => by_law("personal attack or insult", const { &[brb("5 kap. 3 §")] }),
            Self::Defamation => by_law("defamation", const { &[brb("5 kap. 1 §")] }),
            Self::GossipLies => guideline("gossip or lies"),
            Self::ViolenceDepiction => bbs("depiction of violence", const { &[brb("16 kap. 10 c §")] }),
            Self::Pornography => by_law("pornography", const { &[brb("16 kap. 11 §")] }),
            Self::ChildAbuse => bbs("child abuse material", const { &[brb("16 kap. 10 a §")] }),
            Self::IncitementCrime => bbs("incitement to crime", const { &[brb("16 kap. 5 §")] }),
            Self::IncitementTerror => bbs(
                "incitement to terrorism",
                const { &[Law { name: "terroristbrottslagen", sfs: "2022:666", paragraph: "7 §" }] },
            ),
            Self::Copyright => bbs(
                "copyright infringement",
                const { &[Law { name: "lagen om upphovsrätt", sfs: "1960:729", paragraph: "2 och 53 §§" }] },
            ),
            Self::Profanity => guideline("swearing or obscene words"),
            Self::Commercial => guideline("advertising"),
            Self::SpamTroll => guideline("spam or trolling"),
            Self::Secrecy => {
                by_law("classified information", const { &[osl("3 kap. 1 §"), brb("20 kap. 3 §")] })
            }
            Self::PersonalData => by_law("personal data", const { &[gdpr("art. 5 och 6")] }),
            Self::SensitivePersonalData => by_law(
                "sensitive personal data",
                const {
                    &[
                        gdpr("art. 9 och 87"),
                        Law { name: "dataskyddslagen", sfs: "2018:218", paragraph: "3 kap. 10 §" },
                    ]
                },
            ),
            Self::IndividualCase => by_law("individual case", const { &[osl("26 kap. 1 §")] }),
            Self::ChildAtRisk => by_law(
                "child at risk",
                const { &[Law { name: "socialtjänstlagen", sfs: "2025:400", paragraph: "19 kap. 1 §" }] },
            ),
            Self::OngoingCrime => by_law("ongoing crime", const { &[osl("10 kap. 24 §")] }),
            Self::SelfHarm => by_law("self-harm or suicide", const { &[brb("4 kap. 7 a §")] }),
            Self::Political => by_law("political message", const { &[rf("2 kap. 1 och 23 §§")] }),
            Self::OffTopic => by_law("off topic", const { &[rf("1 kap. 9 §")] }),
            Self::PrivacyIntrusion => bbs("invasion of privacy", const { &[brb("4 kap. 6 c §")] }),
            Self::PurposeBreach => guideline("against the channel's purpose"),
            Self::Unreadable => by_law(
                "cannot be read by the rules",
                const {
                    &[Law {
                        name: "lagen om nationella minoriteter och minoritetsspråk",
                        sfs: "2009:724",
                        paragraph: "8 §",
                    }]
                },
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_has_names_of_its_own_and_a_law_with_its_number_or_is_the_guidelines_alone() {
        let mut english = std::collections::BTreeSet::new();
        let mut guideline = Vec::new();
        for category in Category::ALL {
            let facts = category.facts();
            assert!(english.insert(facts.english) && !facts.english.is_empty(), "{category}");
            assert!(!category.name().is_empty(), "{category}");
            for law in facts.laws {
                assert!(law.sfs.contains(':') || law.sfs.contains('/'), "{category}: {}", law.sfs);
                assert!(law.paragraph.contains('§') || law.paragraph.contains("art."), "{category}");
                assert!(!law.name.is_empty(), "{category}");
            }
            if facts.laws.is_empty() {
                guideline.push(category.code());
            }
        }
        assert_eq!(
            guideline,
            ["sexist", "gossip_lies", "profanity", "commercial", "spam_troll", "purpose_breach"]
        );
        assert!(chrono::NaiveDate::parse_from_str(Law::READ, "%Y-%m-%d").is_ok());
    }

    /// Source: lag (1998:112) 5 §, R14: a–d, e1, f, g, h.
    #[test]
    fn exactly_eight_categories_must_go_where_they_are_obvious() {
        let codes: Vec<_> =
            Category::ALL.iter().filter(|category| category.facts().bbs_5).map(|one| one.code()).collect();
        assert_eq!(
            codes,
            [
                "threat",
                "hate",
                "violence_depiction",
                "child_abuse",
                "incitement_crime",
                "incitement_terror",
                "copyright",
                "privacy_intrusion"
            ]
        );
    }
}
