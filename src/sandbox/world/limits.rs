//! What the platforms refuse: quotas that are used up and faults that are set; and the log of what was asked.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::World;
use crate::sandbox::fault::{Fault, Kind, Order};
use crate::sandbox::log::Asked;
use crate::sandbox::quota::{Quota, QuotaLine, Rule, Spent};

/// The account that stands for all in a fault.
const ALL: &str = "*";

/// Quotas.
impl World {
    /// Sets a quota of an account (none: of the whole app) to a rule; what was used of it stays used.
    pub(in crate::sandbox) fn set_quota(
        &mut self,
        account: Option<&str>,
        name: &str,
        rule: Rule,
    ) -> &mut Quota {
        let key = (account.map(str::to_owned), name.to_owned());
        let quota = self.quotas.entry(key).or_insert_with(|| Quota::new(rule));
        quota.rule = rule;
        quota
    }

    /// The rule of a quota that is set.
    pub(in crate::sandbox) fn rule(&self, account: Option<&str>, name: &str) -> Option<Rule> {
        self.quotas.get(&(account.map(str::to_owned), name.to_owned())).map(|quota| quota.rule)
    }

    /// Uses units of a quota for the request in hand, and writes that into the request log; a quota that is not set
    /// yet begins with `usual`, and with `None` is no limit: then the answer is none.
    pub(in crate::sandbox) fn spend(
        &mut self,
        account: Option<&str>,
        name: &str,
        units: u64,
        usual: Option<Rule>,
    ) -> Option<Spent> {
        let now = self.now();
        let key = (account.map(str::to_owned), name.to_owned());
        if let (false, Some(usual)) = (self.quotas.contains_key(&key), usual) {
            self.quotas.insert(key.clone(), Quota::new(usual));
        }
        let Some(quota) = self.quotas.get_mut(&key) else {
            self.log.spent(name, units);
            return None;
        };
        let spent = quota.spend(now, units);
        self.log.spent(name, if spent.allowed { units } else { 0 });
        if spent.stubborn {
            self.log.violation(&format!("calls on although {name} is used up"));
        }
        Some(spent)
    }

    /// How a quota stands, without using any of it; none where it is not set.
    pub(in crate::sandbox) fn quota(&mut self, account: Option<&str>, name: &str) -> Option<Spent> {
        let now = self.now();
        Some(self.quotas.get_mut(&(account.map(str::to_owned), name.to_owned()))?.stands(now))
    }

    /// How every quota stands.
    pub(in crate::sandbox) fn quota_lines(&mut self) -> Vec<QuotaLine> {
        let now = self.now();
        let line = |((account, name), quota): (&(Option<String>, String), &mut Quota)| {
            let spent = quota.stands(now);
            QuotaLine {
                account: account.clone(),
                name: name.clone(),
                limit: spent.limit,
                used: spent.used,
                resets_at: spent.resets_at,
                refused: quota.refused(),
            }
        };
        self.quotas.iter_mut().map(line).collect()
    }
}

/// Faults and the request log.
impl World {
    /// Sets a fault, or with kind `none` takes all of the account's back.
    pub(in crate::sandbox) fn set_fault(&mut self, order: &Order) {
        let faults = if order.account == ALL {
            &mut self.faults
        } else {
            &mut self.account_mut(&order.account).faults
        };
        if order.kind == Kind::None {
            faults.clear();
        } else {
            faults.push_back(Fault::new(order));
        }
    }

    /// The first fault that is set for such a request; it is used up by one.
    pub(in crate::sandbox) fn take_fault(
        &mut self,
        account: Option<&str>,
        writes: bool,
        path: &str,
    ) -> Option<Fault> {
        let now = self.now();
        let its =
            account.and_then(|account| self.accounts.get_mut(account)).map(|account| &mut account.faults);
        its.and_then(|faults| take(faults, writes, path, now))
            .or_else(|| take(&mut self.faults, writes, path, now))
    }

    /// Remembers the request in hand.
    pub(in crate::sandbox) fn remember(&mut self, asked: Asked) {
        self.log.remember(asked);
    }

    /// Notes that the request in hand is one that no client may make.
    pub(in crate::sandbox) fn violation(&mut self, what: &str) {
        self.log.violation(what);
    }
}

fn take(faults: &mut VecDeque<Fault>, writes: bool, path: &str, now: DateTime<Utc>) -> Option<Fault> {
    faults.retain(|fault| !fault.is_over(now));
    let index = faults.iter().position(|fault| fault.is_for(writes, path))?;
    let taken = faults.get(index)?.clone();
    if !faults.get_mut(index)?.use_once() {
        faults.remove(index);
    }
    Some(taken)
}
