//! What a function does wrong (SPEC C3): named, with a backtrace of functions, files and lines.

use std::fs;

use crate::harness::{Scratch, Suite};
use crate::matrix::Backend;
use crate::{hints, tools};

/// An argument of `fail`, words of the message, and the function of its source that does it.
const WAYS: [(&str, &[&str], &str); 8] = [
    ("null", &["page fault", "read", "0x0", "null pointer"], "read_null"),
    ("wild", &["page fault", "write", "0x123456789000"], "write_wild"),
    ("write-code", &["page fault", "write", "code"], "write_code"),
    ("execute-data", &["page fault", "execution"], "fail"),
    ("execute-heap", &["page fault", "execution"], "fail"),
    ("execute-stack", &["page fault", "execution"], "fail"),
    ("divide", &["divide error"], "divide_by_zero"),
    ("undefined", &["undefined instruction"], "undefined_instruction"),
];

pub fn add(suite: &mut Suite) {
    suite.each("fault::each_fault_gives_134_its_name_and_a_backtrace", each_fault);
    suite.each("fault::a_panic_gives_134_its_words_and_a_backtrace", panic);
    suite.each("fault::a_bounds_check_names_index_and_line", bounds);
    suite.each("fault::a_stack_overflow_gives_134_and_names_the_setting", stack);
    suite.each("fault::page_tables_cannot_be_written", page_tables);
    suite.each("fault::output_before_a_fault_is_kept", output_before);
    suite.each("fault::without_debug_file_addresses_and_a_hint_are_shown", no_twin);
    suite.each("fault::a_debug_file_of_another_build_is_not_believed", other_twin);
}

/// The line of `fail`'s source that holds `text`, as a backtrace shows it.
fn place(file: &str, text: &str) -> String {
    let path = format!("examples/fail/src/{file}");
    let source = fs::read_to_string(tools::root().join(&path)).expect("the source of fail");
    let line = source.lines().position(|line| line.contains(text)).expect("the line is there");
    format!("{path}:{}", line + 1)
}

fn each_fault(backend: Backend) {
    for (way, words, function) in WAYS {
        let done = backend.call("fail").with([way]).run().expect(134).says(&["`fail` crashed"]);
        let (message, backtrace) = done.stderr.split_once('\n').expect("a backtrace follows");
        for word in words {
            assert!(message.contains(word), "{way}: no {word:?} in {done:?}");
        }
        assert!(backtrace.contains(function), "{way}: no {function} in {done:?}");
        let caller = place("main.rs", &format!("[\"{way}\"]"));
        assert!(backtrace.contains(&caller), "{way}: no {caller} in {done:?}");
    }
}

fn page_tables(backend: Backend) {
    let done = backend.call("tables").bare().run().expect(134);
    assert_eq!(done.text(), "writing\n");
    done.says(&["page fault: write at"]);
}

fn panic(backend: Backend) {
    let place = place("main.rs", "panic!(");
    let done = backend.call("fail").with(["panic"]).run().expect(134);
    done.says(&["`fail` panicked: panicking, as asked", &place, ": fail\n"]);
}

fn bounds(backend: Backend) {
    let place = place("main.rs", "bytes[core::hint");
    let done = backend.call("fail").with(["overflow"]).run().expect(134);
    done.says(&["`fail` panicked: index out of bounds: the len is 3 but the index is 3", &place]);
}

fn stack(backend: Backend) {
    let done = backend.call("fail").with(["stack"]).run().expect(134);
    done.says(&[
        "stack overflow",
        "256 KiB",
        "`stack`",
        "[package.metadata.fn]",
        "exhaust::deeper",
    ]);
}

fn output_before(backend: Backend) {
    let done = backend.call("steps").options(&["--memory", "4MiB"]).bare();
    let done = done.feed(&vec![0; 8 << 20]).expect(137);
    assert_eq!(done.text(), "first\n");
    assert!(done.stderr.starts_with("aside\nampoule: "), "{done:?}");
}

fn no_twin(backend: Backend) {
    let scratch = Scratch::new();
    let image = scratch.path("fail.elf");
    fs::copy(tools::get().image("fail"), &image).expect("a copy");
    let done = backend.call_image(image).with(["null"]).run().expect(134).says(&["   0: 0x"]);
    let done = done.says(&["fail.debug", "cargo xtask build-fn fail"]);
    hints::check(&done.stderr);
}

fn other_twin(backend: Backend) {
    let scratch = Scratch::new();
    let image = scratch.path("fail.elf");
    fs::copy(tools::get().image("fail"), &image).expect("a copy");
    let other = tools::get().image("echo").with_extension("debug");
    fs::copy(other, scratch.path("fail.debug")).expect("a copy");
    let done = backend.call_image(image).with(["panic"]).run().expect(134);
    let done = done.says(&["   0: 0x", "another build"]);
    hints::check(&done.stderr);
}
