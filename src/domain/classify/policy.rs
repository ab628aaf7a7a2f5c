//! What each category leads to where the municipality has not said anything else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::category::{Category, CategoryPolicy, Proposal, Told};

/// What every category leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<Category, CategoryPolicy>", into = "BTreeMap<Category, CategoryPolicy>")]
pub struct Policies {
    by_category: BTreeMap<Category, CategoryPolicy>,
    silent: CategoryPolicy,
}

impl Policies {
    /// The policy of a category; one that was never set means that a person looks.
    pub fn get(&self, category: Category) -> &CategoryPolicy {
        self.by_category.get(&category).unwrap_or(&self.silent)
    }

    /// Sets the policy of a category.
    pub fn set(&mut self, category: Category, policy: CategoryPolicy) {
        self.by_category.insert(category, policy);
    }

    /// Every category that has been set, in the order of the contract.
    pub fn iter(&self) -> impl Iterator<Item = (Category, &CategoryPolicy)> {
        self.by_category.iter().map(|(category, policy)| (*category, policy))
    }
}

impl From<BTreeMap<Category, CategoryPolicy>> for Policies {
    fn from(by_category: BTreeMap<Category, CategoryPolicy>) -> Self {
        by_category.into_iter().collect()
    }
}

impl From<Policies> for BTreeMap<Category, CategoryPolicy> {
    fn from(policies: Policies) -> Self {
        policies.by_category
    }
}

impl FromIterator<(Category, CategoryPolicy)> for Policies {
    fn from_iter<T: IntoIterator<Item = (Category, CategoryPolicy)>>(policies: T) -> Self {
        Self { by_category: policies.into_iter().collect(), silent: policy(Proposal::Review, Told::Bundled) }
    }
}

impl Default for Policies {
    /// No category is automatic; danger is told at once; what only a person can weigh is never preselected.
    fn default() -> Self {
        Category::ALL.iter().map(|category| (*category, default_policy(*category))).collect()
    }
}

fn policy(proposal: Proposal, told: Told) -> CategoryPolicy {
    CategoryPolicy { proposal, told, automatic: None, paragraph: String::new(), law: String::new() }
}

fn default_policy(category: Category) -> CategoryPolicy {
    match category {
        Category::ChildAbuse | Category::ChildAtRisk | Category::OngoingCrime | Category::SelfHarm => {
            policy(Proposal::Escalate, Told::AtOnce)
        }
        // Article 9 data and individual cases are to be dealt with at once (R18, R19), though nobody is in danger.
        Category::Threat
        | Category::IncitementTerror
        | Category::IncitementCrime
        | Category::Secrecy
        | Category::SensitivePersonalData
        | Category::PrivacyIntrusion => policy(Proposal::Hide, Told::AtOnce),
        Category::IndividualCase => policy(Proposal::Review, Told::AtOnce),
        Category::Harassment
        | Category::Hate
        | Category::Sexist
        | Category::Insult
        | Category::ViolenceDepiction
        | Category::Pornography
        | Category::Copyright
        | Category::Profanity
        | Category::Commercial
        | Category::SpamTroll => policy(Proposal::Hide, Told::Bundled),
        Category::PersonalData
        | Category::Defamation
        | Category::GossipLies
        | Category::Political
        | Category::OffTopic
        | Category::PurposeBreach
        | Category::Unreadable => policy(Proposal::Review, Told::Bundled),
    }
}
