//! From `uppsikt.toml` to a checked `Config`; every fault at once, each with file, key and remedy.
