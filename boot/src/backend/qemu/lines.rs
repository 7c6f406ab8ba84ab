//! Lines of bounded length.
//!
//! Whoever reads QMP holds a line until it ends. It is QEMU that sends it, or a guest that has broken
//! out into QEMU.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// Longest line that is waited for, in bytes; QEMU's own here have some hundred.
const MAX_LINE_BYTES: usize = 64 << 10;

/// A stream of lines; a longer one than that is an error.
#[derive(Debug)]
pub(super) struct Lines<R> {
    stream: R,
    /// Bytes since the last line's end.
    line_bytes: usize,
}

impl<R> Lines<R> {
    /// The lines of `stream`, which is at the beginning of one.
    pub(super) fn new(stream: R) -> Self {
        Self { stream, line_bytes: 0 }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Lines<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let new = &buffer.filled()[before..];
        self.line_bytes = match new.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => new.len() - end - 1,
            None => self.line_bytes + new.len(),
        };
        if self.line_bytes > MAX_LINE_BYTES {
            let why = format!("a line of QMP is longer than {MAX_LINE_BYTES} bytes");
            return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, why)));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    /// Reads all of `bytes` in pieces of `piece`.
    fn read(bytes: &[u8], piece: usize) -> io::Result<()> {
        let mut lines = pin!(Lines::new(bytes));
        let mut room = vec![0; piece];
        loop {
            let mut buffer = ReadBuf::new(&mut room);
            let mut context = Context::from_waker(Waker::noop());
            let Poll::Ready(read) = lines.as_mut().poll_read(&mut context, &mut buffer) else {
                panic!("a slice is always ready");
            };
            read?;
            if buffer.filled().is_empty() {
                return Ok(());
            }
        }
    }

    #[test]
    fn lines_may_be_many_but_none_may_be_endless() {
        let longest = [&vec![b'x'; MAX_LINE_BYTES][..], b"\n"].concat();
        for piece in [1, 7, 4096, longest.len()] {
            read(&longest.repeat(3), piece).expect("three lines");
            let endless = [&longest[..], &vec![b'x'; MAX_LINE_BYTES + 1]].concat();
            let error = read(&endless, piece).expect_err("too long");
            assert!(error.to_string().contains("longer than 65536 bytes"), "{error}");
        }
    }
}
