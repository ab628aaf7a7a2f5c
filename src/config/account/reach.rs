//! How far back an account is read, where the platform leaves a choice.

use super::super::reader::{Report, Section};
use crate::connector::{Reach, reach_of};
use crate::domain::comment::Platform;

/// Days that `horizon_days` may count: two years; what is older is swept.
const HORIZON: std::ops::Range<u64> = 1..731;

/// Days that may lie between two readings of an older post.
const SWEEP: std::ops::Range<u64> = 1..366;

/// `horizon_days` and `sweep_days`; a fault where the platform's way of reading has no such thing.
pub(super) fn reach(
    section: &mut Section<'_, '_>,
    platform: Option<Platform>,
    report: &mut Report,
) -> Option<Reach> {
    let usual = platform.map(reach_of);
    let mut days = |key, range| {
        let Some(node) = section.get(key) else { return Some(None) };
        if let (Some(platform), Some(None)) = (platform, usual) {
            let message = format!("is not used by {}: {}", platform.label(), why(platform));
            report.fault(&node.place, message, "remove it");
            return None;
        }
        node.number(report, range).map(|days| u32::try_from(days).ok())
    };
    let (horizon, sweep) = (days("horizon_days", HORIZON), days("sweep_days", SWEEP));
    let usual = usual.flatten().unwrap_or_default();
    Some(Reach { horizon: horizon?.or(usual.horizon), sweep_days: sweep?.unwrap_or(usual.sweep_days) })
}

/// Why there is nothing to choose.
fn why(platform: Platform) -> &'static str {
    match platform {
        Platform::Youtube => {
            "one call lists the newest comments of the whole channel, whatever their video's age"
        }
        Platform::X => "its search reaches seven days back, and no further",
        Platform::Bluesky => "it reads the hundred newest posts and every thread that has moved",
        Platform::Facebook | Platform::Instagram | Platform::Linkedin => "there is nothing to choose",
    }
}
