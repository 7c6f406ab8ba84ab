//! The shortest calls: what goes in comes out.

use std::io::{BufRead, BufReader, Write};

use crate::data::Random;
use crate::harness::Suite;
use crate::matrix::Backend;

pub fn add(suite: &mut Suite) {
    suite.each("echo::bytes_in_order", bytes_in_order);
    suite.each("echo::no_input_no_output", no_input_no_output);
    suite.each("echo::every_byte_value_and_every_length_around_a_frame", lengths);
    suite.each("echo::each_line_comes_back_before_the_next_is_sent", conversation);
    suite.each("echo::the_least_memory_is_enough", least_memory);
}

fn bytes_in_order(backend: Backend) {
    let done = backend.call("echo").bare().feed(b"one\ntwo\0\xff\nno newline").expect(0).silent();
    assert_eq!(done.stdout, b"one\ntwo\0\xff\nno newline");
}

fn no_input_no_output(backend: Backend) {
    assert!(backend.call("echo").bare().run().expect(0).silent().stdout.is_empty());
}

/// Frames carry 64 KiB, buffers are powers of two: what can go wrong does so one byte off those.
fn lengths(backend: Backend) {
    for length in [1, 127, 128, 4095, 4097, 65_535, 65_536, 65_537, 131_073] {
        let bytes = Random::new(length as u64).bytes(length);
        let done = backend.call("echo").bare().feed(&bytes).expect(0).silent();
        assert!(done.stdout == bytes, "{length} bytes came back as {}", done.stdout.len());
    }
}

fn conversation(backend: Backend) {
    let mut running = backend.call("echo").bare().spawn();
    let (mut stdin, mut stdout) = (running.stdin(), BufReader::new(running.stdout()));
    for number in 0..100 {
        writeln!(stdin, "line {number}").expect("the launcher reads");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the launcher writes");
        assert_eq!(line, format!("line {number}\n"));
    }
    drop(stdin);
    running.finish().expect(0).silent();
}

fn least_memory(backend: Backend) {
    let bytes = Random::new(4).bytes(1 << 20);
    let done = backend.call("echo").options(&["--memory", "4MiB"]).bare().feed(&bytes).expect(0);
    assert!(done.silent().stdout == bytes);
}
