//! Tokens of the Graph API: what they are worth, and the proof that the caller knows the app's secret.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

use super::error::GraphError;
use crate::sandbox::account::Worth;
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// How long a long-lived token lives in seconds, as recorded: a little less than 60 days.
pub(in crate::sandbox) const LONG: i64 = 5_183_944;

/// The error of a token that is worth nothing (any more), if it is.
pub(in crate::sandbox) fn refused(world: &World, account: &str, token: &str) -> Option<GraphError> {
    let subcode = |default: i64| {
        let set = || world.account(account)?.setting("revoked_subcode")?.as_i64();
        Some(set().unwrap_or(default))
    };
    match world.worth(account, token) {
        Worth::Good => None,
        Worth::Unknown => {
            Some(GraphError::plain(190, "Invalid OAuth access token - Cannot parse access token"))
        }
        Worth::Expired => {
            let now = world.now().format("%A, %d-%b-%y %H:%M:%S UTC");
            Some(GraphError {
                subcode: Some(463),
                ..GraphError::plain(
                    190,
                    &format!(
                        "Error validating access token {token}: Session has expired. The current time is {now}."
                    ),
                )
            })
        }
        Worth::Revoked => Some(GraphError {
            subcode: subcode(460),
            ..GraphError::plain(
                190,
                "Error validating access token: The session has been invalidated because the user changed their \
                 password or Facebook has changed the session for security reasons.",
            )
        }),
    }
}

/// Whether the request knows the app's secret, where one is set.
pub(in crate::sandbox) fn prove(
    world: &World,
    account: &str,
    call: &Call,
    token: &str,
) -> Result<(), GraphError> {
    let Some(secret) = world.account(account).and_then(|account| account.app_secret.as_ref()) else {
        return Ok(());
    };
    let refused = || GraphError::new(100, "Invalid appsecret_proof provided in the API argument");
    let proof = call.param("appsecret_proof").ok_or_else(|| {
        GraphError::new(100, "API calls from the server require an appsecret_proof argument")
    })?;
    let proof = hex::decode(proof).map_err(|_| refused())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).map_err(|_| refused())?;
    mac.update(token.as_bytes());
    mac.verify_slice(&proof).map_err(|_| refused())
}

/// Whether `given` is the app's secret, where one is set on any account of the platform: they are one app's.
pub(in crate::sandbox) fn knows_secret(world: &World, platform: &str, given: &str) -> bool {
    let here = world
        .accounts
        .values()
        .filter(|account| account.platform.as_deref().is_none_or(|its| its == platform));
    let mut secrets = here.filter_map(|account| account.app_secret.as_ref()).peekable();
    secrets.peek().is_none() || secrets.any(|secret| secret.expose_secret() == given)
}
