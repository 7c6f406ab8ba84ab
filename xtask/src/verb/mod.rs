//! The verbs of the command line, one file each. They decide and speak; the work is done in
//! `image`, `project` and `launcher`.

pub mod build_fn;
