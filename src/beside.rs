//! Work on many accounts at once: within each host's patience, and none in another's way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tokio::task::JoinSet;

use crate::config::Account;
use crate::pipeline::{App, PassError};
use crate::polling::Pace;

/// Runs `work` for each of `accounts`, as they stand in the configuration, within the pace's limits; gives the sum of
/// what they return. One account's work is one after the other, as `work` has it.
///
/// # Errors
/// The first error of any. No further account is begun after it, and what runs goes on to its end: work that leaves the
/// machine is never cut off by another's fault.
pub(crate) async fn each<W, F>(
    app: &App,
    pace: Pace,
    accounts: &BTreeSet<String>,
    work: W,
) -> Result<usize, PassError>
where
    W: Fn(App, Account) -> F,
    F: Future<Output = Result<usize, PassError>> + Send + 'static,
{
    let mut queue: VecDeque<&Account> =
        app.config.accounts.iter().filter(|account| accounts.contains(&account.id)).collect();
    let mut tasks = JoinSet::new();
    let mut hosts = BTreeMap::new();
    let mut busy: BTreeMap<String, usize> = BTreeMap::new();
    let mut done = Ok(0);
    loop {
        let mut waiting = VecDeque::new();
        while let Some(account) = queue.pop_front() {
            let host = account.host();
            let running = busy.entry(host.clone()).or_default();
            if tasks.len() >= pace.in_all || *running >= pace.per_host {
                waiting.push_back(account);
                continue;
            }
            *running += 1;
            let task = tasks.spawn(work(app.clone(), account.clone()));
            hosts.insert(task.id(), host);
        }
        queue = waiting;
        let Some(ended) = tasks.join_next_with_id().await else { return done };
        let (id, result) = match ended {
            Ok((id, result)) => (id, result),
            Err(error) => (error.id(), Err(PassError::Broken(error.to_string()))),
        };
        if let Some(running) = hosts.remove(&id).and_then(|host| busy.get_mut(&host)) {
            *running -= 1;
        }
        done = match (done, result) {
            (Ok(sum), Ok(count)) => Ok(sum + count),
            (Err(first), _) => Err(first),
            (Ok(_), Err(error)) => {
                queue.clear();
                Err(error)
            }
        };
    }
}
