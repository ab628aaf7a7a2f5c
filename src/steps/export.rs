//! 7. Case → evidence bundle.
