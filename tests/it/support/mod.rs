//! What the integration tests share.

pub(crate) mod app;
pub(crate) mod bluesky;
pub(crate) mod evidence;
pub(crate) mod smtp;
