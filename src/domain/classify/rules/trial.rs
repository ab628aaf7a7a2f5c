//! Rules and categories on trial: they decide, nothing follows, and it is counted, so that the municipality can judge
//! them before they count.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;

use crate::domain::category::Category;

/// What is on trial.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trials {
    rules: BTreeMap<String, Option<NaiveDate>>,
    categories: BTreeMap<Category, Option<NaiveDate>>,
}

/// What one trial is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTrial {
    /// One rule, by its id.
    Rule(String),
    /// A whole category, also what the model and the context find of it.
    Category(Category),
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// Of what.
    pub of: OnTrial,
    /// When somebody means to have judged it; it goes on until then and after, nothing turns on by itself.
    pub until: Option<NaiveDate>,
}

impl Trials {
    pub(super) fn new(
        rules: BTreeMap<String, Option<NaiveDate>>,
        categories: BTreeMap<Category, Option<NaiveDate>>,
    ) -> Self {
        Self { rules, categories }
    }

    /// Whether nothing is on trial.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.categories.is_empty()
    }

    /// Whether a finding of this rule and category is one on trial.
    pub fn covers(&self, rule: &str, category: Category) -> bool {
        !self.is_empty() && (self.rules.contains_key(rule) || self.categories.contains_key(&category))
    }

    /// Every trial: rules by id, then categories.
    pub fn iter(&self) -> impl Iterator<Item = Trial> {
        let rules =
            self.rules.iter().map(|(id, until)| Trial { of: OnTrial::Rule(id.clone()), until: *until });
        let categories = self
            .categories
            .iter()
            .map(|(category, until)| Trial { of: OnTrial::Category(*category), until: *until });
        rules.chain(categories)
    }
}
