//! Archives of friends are listed; those of others end a machine, and this process goes on.

use std::fs;

use lszip::{Failure, Monitor, list};

/// An archive of one empty file called `name`, whose directory is said to lie at `directory`.
fn archive(name: &str, directory: u32) -> Vec<u8> {
    let mut entry = b"PK\x01\x02".to_vec();
    entry.resize(28, 0);
    entry.extend((name.len() as u16).to_le_bytes());
    entry.resize(46, 0);
    entry.extend(name.bytes());
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend((entry.len() as u32).to_le_bytes());
    end.extend(directory.to_le_bytes());
    end.extend([0, 0]);
    [entry, end].concat()
}

fn listed(test: &str, bytes: &[u8]) -> Result<String, Failure> {
    let path = std::env::temp_dir().join(format!("lszip-{test}-{}", std::process::id()));
    fs::write(&path, bytes).expect("written");
    let result = list(&path, Monitor::Best);
    fs::remove_file(&path).expect("removed");
    result
}

#[test]
fn an_archive_is_listed() {
    assert_eq!(listed("good", &archive("a.txt", 0)).expect("a list").trim(), "0  a.txt");
}

#[test]
fn an_archive_that_lies_is_told_and_the_next_one_listed() {
    let lies = listed("lies", &archive("a.txt", 0xffff_0000));
    assert!(matches!(lies, Err(Failure::Hostile(_))), "{lies:?}");
    assert!(listed("next", &archive("b.txt", 0)).is_ok());
}

#[test]
fn what_is_no_archive_is_told_in_the_readers_words() {
    let text = listed("text", b"this is a text, and no archive of any kind");
    assert!(matches!(text, Err(Failure::NotAnArchive(why)) if why.contains("not a ZIP archive")));
}
