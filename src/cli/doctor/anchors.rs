//! Who outside vouches for the log: their files, and how they stood when they were asked last.

use chrono::{DateTime, Utc};

use super::{Findings, Grade};
use crate::archive::timestamp::Authorities;
use crate::assemble;
use crate::config::Config;

/// Looks at each authority's certificates, and at what each outsider last said.
pub(super) fn look(config: &Config, now: DateTime<Utc>, found: &mut Findings) {
    if config.anchors.is_empty() {
        found
            .add(
                Grade::Note,
                "anchors",
                "nobody outside vouches for the log but those who keep a mailed checkpoint",
            )
            .remedy("name a [[timestamp]] authority or a [[witness]]");
        return;
    }
    for one in &config.anchors.timestamps {
        let read = std::fs::read(&one.ca_file)
            .map_err(|error| error.to_string())
            .and_then(|pem| Authorities::from_pem(&pem).map_err(|error| error.to_string()));
        if let Err(error) = read {
            found.add(Grade::Error, "anchors", format!("{}: {error}", one.ca_file.display())).remedy(
                format!("put the root certificate of {} there (PEM)", one.url.host_str().unwrap_or_default()),
            );
        }
    }
    let standing =
        match assemble::reading(config, |reader| Ok(super::super::status::standing(reader, config)?)) {
            Ok(standing) => standing,
            Err(error) => {
                found.add(Grade::Error, "anchors", format!("{error:#}"));
                return;
            }
        };
    for one in standing {
        let name = format!("{} {}", one.kind, one.id);
        let grade = match &one.fault {
            Some(fault) if fault.lie => Grade::Error,
            Some(_) => Grade::Warning,
            None if one.at.is_none() => Grade::Note,
            None => Grade::Ok,
        };
        let message = match (&one.fault, one.at) {
            (Some(fault), _) => format!("{name}: {} times since {}: {}", fault.times, fault.since, fault.why),
            (None, Some(at)) => format!("{name} vouches for {} entries since {at}", one.size),
            (None, None) => format!("{name} has not been asked yet"),
        };
        let finding = found.add(grade, "anchors", message);
        finding.more("id", one.id.into()).more("size", one.size.into());
        if let Some(at) = one.at {
            finding.more("at", at.to_rfc3339().into()).more("age_hours", (now - at).num_hours().into());
        }
        if one.fault.is_some_and(|fault| fault.lie) {
            finding
                .remedy("run `uppsikt verify` with a checkpoint kept elsewhere before anything else is done");
        }
    }
}
