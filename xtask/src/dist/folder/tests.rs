//! Folders of small releases, replaced among what processes that have ended, or go on, have left.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use ampoule_boot::artifact::SUMS;

use super::*;

/// The names beside a folder that were made to replace it, of the living and the dead.
fn left_beside(place: &Path) -> BTreeSet<String> {
    let parent = place.parent().expect("it has one");
    let names = fs::read_dir(parent).expect("a folder");
    let names = names.map(|entry| entry.expect("one").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with('.')).collect()
}

fn release(content: &str) -> Release {
    let mut release = Release::default();
    release.add("wc/wc.elf", Artifact::file(content));
    release.add("wc/wc", Artifact { mode: 0o755, bytes: content.into() });
    let manifest = r#"{"schema":"ampoule/manifest/1","name":"wc"}"#;
    release.add("wc/manifest.json", Artifact::file(manifest));
    crate::dist::close(&mut release, None);
    release
}

#[track_caller]
fn expect(place: &Path, content: &str) {
    let read = fs::read_to_string(place.join("wc/wc.elf")).expect("the file");
    assert_eq!(read, content);
    assert_eq!(left_beside(place), BTreeSet::new());
}

#[test]
fn a_folder_is_replaced_and_nothing_is_left_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("deep/er/dist");
    for content in ["one", "two", "three"] {
        put(&place, &release(content)).expect("put");
        expect(&place, content);
    }
    let mode = |name| fs::metadata(place.join(name)).expect("it").mode() & 0o7777;
    assert_eq!(["", "wc", "wc/wc", "wc/wc.elf"].map(mode), [0o755, 0o755, 0o755, 0o644]);
}

#[test]
fn a_folder_of_somebody_else_s_is_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("dist");
    put(&place, &release("one")).expect("put");
    fs::write(place.join("wc/precious"), "").expect("written");
    let error = put(&place, &release("two")).expect_err("it is not ours").to_string();
    assert!(error.contains("\"wc/precious\"") && error.contains("--out"), "{error}");
    expect(&place, "one");
    fs::remove_file(place.join("wc/precious")).expect("removed");
    fs::write(place.join("wc/wc"), "by hand").expect("written");
    let error = put(&place, &release("two")).expect_err("it was changed").to_string();
    assert!(error.contains("\"wc/wc\", which is not what its SHA256SUMS says"), "{error}");
    fs::write(place.join("wc/wc"), "one").expect("written");
    fs::remove_file(place.join(SUMS)).expect("removed");
    put(&place, &release("two")).expect_err("nothing says that it is ours");
}

#[test]
fn an_empty_folder_and_a_link_to_one_are_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let (place, link) = (folder.path().join("real"), folder.path().join("link"));
    fs::create_dir(&place).expect("made");
    std::os::unix::fs::symlink("real", &link).expect("made");
    put(&link, &release("one")).expect("put");
    expect(&place, "one");
    assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
}

#[test]
fn what_the_dead_left_is_removed_and_what_the_living_make_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("dist");
    let alive = Unfinished::beside(&place).expect("one");
    let dead = Unfinished::beside(&place).expect("another");
    // As if its process had ended.
    let Unfinished { folder: left, _locked } = dead;
    let path = left.keep();
    fs::write(path.join("half"), "").expect("written");
    drop(_locked);
    let other = folder.path().join(".unfinished-other-dist-1");
    fs::create_dir(&other).expect("that of another folder");
    put(&place, &release("one")).expect("put");
    assert!(alive.path().exists() && !path.exists() && other.exists());
}

#[test]
fn what_another_user_left_is_not_touched() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("dist");
    let left = [".unfinished-dist-1", ".previous-dist"].map(|name| folder.path().join(name));
    fs::create_dir(&left[0]).expect("made");
    put(&left[1], &release("one")).expect("put");
    let other = Uid::from_raw(geteuid().as_raw() ^ 1);
    clear(&place, other).expect("it is not in the way");
    assert!(left.iter().all(|path| path.exists()) && !place.exists());
    clear(&place, geteuid()).expect("cleared");
    expect(&place, "one");
}

#[test]
fn what_an_old_folder_got_meanwhile_is_kept_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("dist");
    let old = |content: &str| {
        let old = Unfinished::beside(&place).expect("one");
        put(old.path(), &release(content)).expect("put");
        old
    };
    assert!(keep_others(old("one"), &place).expect("looked at").is_none());
    assert_eq!(left_beside(&place), BTreeSet::new());
    let changed = old("two");
    fs::write(changed.path().join("wc/precious"), "").expect("written");
    let kept = keep_others(changed, &place).expect("kept").expect("it is not ours alone");
    let told = kept.to_string();
    assert!(told.contains("\"wc/precious\"") && told.contains("/dist.kept-"), "{told}");
    clear(&place, geteuid()).expect("cleared");
    assert!(kept.path.join("wc/precious").exists());
    let gone = old("three");
    fs::remove_dir_all(gone.path()).expect("removed");
    assert!(keep_others(gone, &place).expect("looked for").is_none());
}

#[test]
fn without_a_trade_the_old_one_is_put_aside_and_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (place, new) = (folder.path().join("dist"), folder.path().join(".unfinished-dist-1"));
    put(&place, &release("one")).expect("put");
    trade_by_steps(&new, &place).expect_err("there is no new one");
    expect(&place, "one");
    put(&new, &release("two")).expect("put");
    trade_by_steps(&new, &place).expect("put");
    assert_eq!(fs::read_to_string(place.join("wc/wc")).expect("the file"), "two");
    assert_eq!(fs::read_to_string(new.join("wc/wc")).expect("the file"), "one");
    fs::remove_dir_all(&new).expect("removed");
    // As if the process had ended between the steps.
    fs::rename(&place, folder.path().join(".previous-dist")).expect("put aside");
    clear(&place, geteuid()).expect("cleared");
    expect(&place, "two");
}

#[test]
fn what_is_aside_is_removed_only_if_nobody_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("dist");
    let (aside, new) = (folder.path().join(".previous-dist"), folder.path().join("new"));
    put(&place, &release("two")).expect("put");
    // That of a process that goes on.
    put(&aside, &release("one")).expect("put");
    let locked = lock(&aside).expect("locked").expect("nobody has");
    clear(&place, geteuid()).expect("cleared");
    assert!(aside.join("wc/wc").exists());
    drop(locked);
    clear(&place, geteuid()).expect("cleared");
    expect(&place, "two");
    // That of somebody who has called it that.
    fs::create_dir(&aside).expect("made");
    fs::write(aside.join("precious"), "").expect("written");
    put(&new, &release("three")).expect("put");
    put(&place, &release("two")).expect("put");
    let error = trade_by_steps(&new, &place).expect_err("it is in the way").to_string();
    assert!(error.contains(".previous-dist is in the way"), "{error}");
    fs::rename(&place, folder.path().join("elsewhere")).expect("moved");
    clear(&place, geteuid()).expect("cleared");
    assert!(aside.join("precious").exists() && !place.exists());
}
