//! Gathering small writes into large ones.

use alloc::vec::Vec;
use core::fmt;

use super::{ErrorType, Write};

/// Default capacity, in bytes: eight pages, where a frame's cost is lost in that of its bytes.
const CAPACITY_BYTES: usize = 32 << 10;

/// Gathers writes and passes them on when its buffer is full, when it is flushed or dropped.
///
/// An error while it is dropped is lost: flush it first where that matters.
pub struct BufWriter<W: Write> {
    inner: W,
    buffer: Vec<u8>,
}

impl<W: Write> BufWriter<W> {
    /// A writer with a buffer of 32 KiB.
    pub fn new(inner: W) -> Self {
        Self::with_capacity(CAPACITY_BYTES, inner)
    }

    /// A writer with a buffer of `capacity` bytes.
    pub fn with_capacity(capacity: usize, inner: W) -> Self {
        Self { inner, buffer: Vec::with_capacity(capacity) }
    }

    fn pass_on(&mut self) -> Result<(), W::Error> {
        let passed = self.inner.write_all(&self.buffer);
        self.buffer.clear();
        passed
    }
}

impl<W: Write> ErrorType for BufWriter<W> {
    type Error = W::Error;
}

impl<W: Write> Write for BufWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, W::Error> {
        if bytes.len() > self.buffer.capacity() - self.buffer.len() {
            self.pass_on()?;
        }
        if bytes.len() >= self.buffer.capacity() {
            return self.inner.write(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), W::Error> {
        self.pass_on()?;
        self.inner.flush()
    }
}

impl<W: Write> Drop for BufWriter<W> {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

impl<W: Write + fmt::Debug> fmt::Debug for BufWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufWriter")
            .field("inner", &self.inner)
            .field("buffered_bytes", &self.buffer.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;

    #[derive(Default)]
    struct Writes(Vec<Vec<u8>>);

    impl ErrorType for &mut Writes {
        type Error = Infallible;
    }

    impl Write for &mut Writes {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<(), Infallible> {
            Ok(())
        }
    }

    #[test]
    fn small_writes_leave_together_and_in_order() {
        let mut writes = Writes::default();
        let mut writer = BufWriter::with_capacity(8, &mut writes);
        for text in ["ab", "cd", "efgh", "i", "0123456789", "z"] {
            writer.write_all(text.as_bytes()).expect("it cannot fail");
        }
        drop(writer);
        let texts: Vec<_> = writes.0.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
        assert_eq!(texts.concat(), "abcdefghi0123456789z");
        assert_eq!(texts[0], "abcdefgh");
    }
}
