//! What the integration tests share.

pub(crate) mod bluesky;
pub(crate) mod smtp;
