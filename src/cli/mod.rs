//! The commands, one file each; `main` reads the arguments and prints.

pub mod due;

pub mod holidays;

pub mod sandbox;
