//! When an answer is due, reckoned and told in Swedish.
