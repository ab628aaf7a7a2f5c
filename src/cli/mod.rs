//! The commands, one file each; `main` reads the arguments and prints.

pub mod check;

pub mod due;

pub mod holidays;

pub mod init;

pub mod sandbox;
