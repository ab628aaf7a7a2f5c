//! What the integration tests share.

pub(crate) mod app;
pub(crate) mod binary;
pub(crate) mod bluesky;
pub(crate) mod desk;
pub(crate) mod evidence;
pub(crate) mod municipality;
pub(crate) mod outsiders;
pub(crate) mod six;
pub(crate) mod smtp;
pub(crate) mod whole;
