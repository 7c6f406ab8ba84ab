//! The contract's encoding, against `prost`, which is another implementation of it.

use ampoule_abi::exit::{self, Reason};
use ampoule_abi::frame::{
    self, MAX_HEADER_BYTES, MAX_MESSAGE_BYTES, read_header, to_host, write_header,
};
use ampoule_abi::messages::{Exit, Ready, Start as Owned};
use ampoule_abi::ready;
use ampoule_abi::start::Start;
use ampoule_abi::wire::{Fields, MAX_VARINT_BYTES, Value, Writer, read_varint, varint_len};
use prost::Message;

/// A varint, a header and the fields of a message, each of the same bytes.
pub fn wire(bytes: &[u8]) {
    varint(bytes);
    header(bytes);
    fields(bytes);
}

fn varint(bytes: &[u8]) {
    let mut rest = bytes;
    let expected = prost::encoding::decode_varint(&mut rest).ok();
    assert_eq!(read_varint(bytes).ok(), expected.map(|value| (value, bytes.len() - rest.len())));
    if let Ok((value, length)) = read_varint(bytes) {
        assert!((varint_len(value)..=MAX_VARINT_BYTES).contains(&length));
    }
}

fn header(bytes: &[u8]) {
    match read_header(bytes) {
        Ok(Some((header, length))) => {
            assert!(length <= bytes.len() && length <= 3 * MAX_VARINT_BYTES);
            assert!(length + header.payload_bytes <= MAX_VARINT_BYTES + MAX_MESSAGE_BYTES);
            for end in 0..length {
                assert_eq!(read_header(&bytes[..end]), Ok(None));
            }
            let is_ours = (1..=to_host::EXIT).contains(&header.kind);
            // What was written as short as can be has room; this may not have been.
            if is_ours && header.payload_bytes + MAX_HEADER_BYTES <= MAX_MESSAGE_BYTES {
                let mut room = [0; MAX_HEADER_BYTES];
                let written = write_header(header, &mut room);
                assert_eq!(read_header(written), Ok(Some((header, written.len()))));
            }
        }
        Ok(None) => assert!(bytes.len() < 3 * MAX_VARINT_BYTES),
        // More bytes do not make it good.
        Err(error) => assert_eq!(read_header(&[bytes, &[0; 8]].concat()), Err(error)),
    }
}

fn fields(bytes: &[u8]) {
    let read: Vec<_> = Fields::new(bytes).map_while(Result::ok).collect();
    let mut room = vec![0; bytes.len()];
    let mut writer = Writer::new(&mut room);
    let mut written = Vec::new();
    for &(number, value) in &read {
        assert!(number > 0);
        let fits = match value {
            Value::Varint(value) => writer.varint_field(number, value),
            Value::Bytes(value) => writer.bytes_field(number, value),
            Value::Fixed32(_) | Value::Fixed64(_) => continue,
        };
        assert!(fits, "no writing is longer than another");
        written.push((number, value));
    }
    let again: Result<Vec<_>, _> = Fields::new(writer.finish()).collect();
    assert_eq!(again, Ok(written));
}

/// The same bytes as each of the messages.
pub fn messages(bytes: &[u8]) {
    start(bytes);
    if let Ok(Ready { abi_version, time_stamp }) = Ready::decode(bytes) {
        let mut room = [0; ready::MAX_BYTES];
        let written = ready::write(abi_version, time_stamp, &mut room);
        assert_eq!(Ready::decode(written), Ok(Ready { abi_version, time_stamp }));
    }
    if let Ok(exit) = Exit::decode(bytes) {
        self::exit(exit);
    }
}

fn start(bytes: &[u8]) {
    let Ok(start) = Start::parse(bytes) else { return };
    let owned = Owned::decode(bytes).expect("the stricter one has accepted it");
    assert_same(start, &owned);
    let encoded = owned.encode_to_vec();
    assert_same(Start::parse(&encoded).expect("nothing is lost"), &owned);
}

fn assert_same(start: Start<'_>, owned: &Owned) {
    assert_eq!(start.abi_version, owned.abi_version);
    assert_eq!(start.wall_clock_ns, owned.wall_clock_ns);
    assert_eq!(start.randomness[..], owned.randomness);
    assert_eq!(start.tsc_hz.unwrap_or(0), owned.tsc_hz);
    assert!(start.arguments().eq(owned.arguments.iter().map(|argument| &argument[..])));
    let variables =
        owned.variables.iter().map(|variable| (&variable.name[..], &variable.value[..]));
    assert!(start.variables().eq(variables));
    assert!(start.arguments().all(|argument| !argument.contains(&0)));
    assert!(start.variables().all(|(name, value)| !name.is_empty() && !value.contains(&0)));
}

fn exit(exit: Exit) {
    let mut room = [0; exit::MAX_BYTES];
    let status = exit.status as u8;
    let bytes = exit::write(Reason::Panicked, status, &exit.message, &exit.backtrace, &mut room);
    let written = Exit::decode(bytes).expect("a whole message");
    assert_eq!((written.status, written.reason), (status.into(), Reason::Panicked as i32));
    assert!(
        exit.message.starts_with(&written.message)
            && exit.backtrace.starts_with(&written.backtrace)
    );
    assert!(written.message.len() >= exit.message.len().min(exit::MAX_MESSAGE_BYTES - 3));
    assert_eq!(written.backtrace.len(), exit.backtrace.len().min(exit::MAX_BACKTRACE));
    assert!(bytes.len() < frame::DATA_BYTES);
}
