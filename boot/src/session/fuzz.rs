//! What a guest sends, cut anywhere, against a model that has it whole.

mod model;
mod stdin;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ampoule_abi::ABI_VERSION;
use ampoule_abi::exit::{MAX_BACKTRACE, Reason};
use ampoule_abi::frame::MAX_GATHERED_BYTES;

use self::model::End;
pub(crate) use self::model::{Heard, model};
pub use self::stdin::{incoming, input};
use super::parse::{Item, Parser};
use super::traffic::Traffic;
use super::{Ending, Output};
use crate::fuzz::Choices;
use crate::outcome::Limits;

/// A guest's bytes, cut anywhere.
pub fn session(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let cuts = choices.long().to_le_bytes();
    let stream = choices.rest();
    let expected = model(stream);
    assert_eq!(parse(stream, &[u8::MAX]), expected);
    assert_eq!(parse(stream, &cuts), expected, "cut otherwise");
    assert_eq!(pass_on(stream, &cuts), expected);
}

/// Pieces of a stream, of lengths that repeat; the longest is the whole rest.
fn pieces<'a>(stream: &'a [u8], lengths: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = stream;
    lengths.iter().cycle().map_while(move |&length| {
        let length = if length == u8::MAX { rest.len() } else { usize::from(length) + 1 };
        let (piece, later) = rest.split_at(length.min(rest.len()));
        rest = later;
        (!piece.is_empty()).then_some(piece)
    })
}

fn parse(stream: &[u8], lengths: &[u8]) -> Heard {
    let mut heard = Heard::default();
    let mut parser = Parser::new(ABI_VERSION);
    for mut piece in pieces(stream, lengths) {
        loop {
            match parser.next(&mut piece) {
                Ok(None) => break,
                Ok(Some(Item::Ready(_))) => {}
                Ok(Some(Item::Stdout(data))) => heard.stdout.extend_from_slice(data),
                Ok(Some(Item::Stderr(data))) => heard.stderr.extend_from_slice(data),
                Ok(Some(Item::Exit(exit, reason))) => heard.end = Some(End::Exit(exit, reason)),
                Err(_) => heard.end = Some(End::Broken),
            }
            assert!(parser.held_bytes() <= MAX_GATHERED_BYTES);
            if heard.end.is_some() {
                return heard;
            }
        }
        assert!(piece.is_empty(), "nothing is left where more is wanted");
    }
    heard
}

/// The same through what writes it to STDOUT and STDERR.
fn pass_on(stream: &[u8], lengths: &[u8]) -> Heard {
    let mut heard = Heard::default();
    let traffic = Arc::new(Traffic::since(Instant::now()));
    let mut output = Output::new(&mut heard.stdout, &mut heard.stderr, ABI_VERSION, traffic);
    let end = pieces(stream, lengths).find_map(|piece| output.take(piece, &|| None));
    drop(output);
    heard.end = end.map(|ending| {
        assert_verdict(&ending);
        match ending {
            Ending::Exit(exit, reason) => End::Exit(exit, reason),
            Ending::Protocol(_) => End::Broken,
            other => panic!("{other:?}"),
        }
    });
    heard
}

/// A guest's words do not pass for the launcher's, nor its failure for a success.
fn assert_verdict(ending: &Ending) {
    let limits = Limits {
        memory_bytes: 16 << 20,
        timeout: Some(Duration::from_secs(1)),
        ..Limits::default()
    };
    let verdict = ending.verdict("f", limits);
    let is_success = matches!(ending, Ending::Exit(exit, Reason::Returned) if exit.status == 0);
    assert_eq!(verdict.exit_code == 0, is_success);
    assert!(ending.backtrace().len() <= MAX_BACKTRACE);
    let message = verdict.message.unwrap_or_default();
    assert!(message.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
    assert!(message.lines().skip(1).all(|line| line.is_empty() || line.starts_with("  ")));
}
