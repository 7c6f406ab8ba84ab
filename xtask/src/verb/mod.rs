//! The verbs of the command line, one file each: they decide and speak, the modules beside them
//! do the work.

pub mod bench;
pub mod build_fn;
pub mod bundle;
pub mod ci;
pub mod completions;
pub mod demo;
pub mod dist;
pub mod doctor;
pub mod event;
pub mod inspect;
pub mod invoke;
pub mod launcher;
pub mod list;
pub mod new;
pub mod pipe;
pub mod setup;
pub mod verify;
