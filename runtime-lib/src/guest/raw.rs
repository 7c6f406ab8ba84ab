//! Raw mode (SPEC C9): plain bytes over the console of a launcher that knows nothing of the contract.

use ampoule_abi::command_line::Console as Kind;

use super::arch::power_off;
use super::serial::Serial;
use super::virtio::{Console, Device};

/// A call whose console carries bytes.
pub struct Raw {
    console: Line,
    /// Bytes of STDIN still to come.
    left: u64,
    /// Whether bytes are on their way: if a fault cuts that off, there can be no others after them.
    sending: bool,
}

enum Line {
    Virtio(Console),
    Serial(Serial),
}

impl Raw {
    /// Opens the console that the command line names, for as many bytes of STDIN; `None` if it is not
    /// there. Where the line names none, that is the serial line: it need not be found.
    pub fn open(kind: Option<Kind>, device: Option<Device>, input_bytes: u64) -> Option<Self> {
        let console = match kind {
            Some(Kind::Virtio) => Line::Virtio(Console::open_raw(device)?),
            Some(Kind::Serial) | None => Line::Serial(Serial::open()?),
        };
        Some(Self { console, left: input_bytes, sending: false })
    }

    /// Bytes of STDIN, waiting for the first of them; none at its end.
    pub fn input(&mut self) -> &[u8] {
        if self.left == 0 {
            return &[];
        }
        let bytes = match &mut self.console {
            Line::Virtio(console) => console.bytes(),
            Line::Serial(serial) => serial.bytes(),
        };
        bytes.get(..self.left as usize).unwrap_or(bytes)
    }

    /// Gives up the first `amount` bytes of what [`input`](Self::input) returned.
    pub fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount as u64);
        match &mut self.console {
            Line::Virtio(console) => console.consume(amount),
            Line::Serial(serial) => serial.consume(amount),
        }
    }

    /// Sends bytes.
    pub fn write(&mut self, bytes: &[u8]) {
        self.sending = true;
        match &mut self.console {
            Line::Virtio(console) => console.send(bytes),
            Line::Serial(serial) => serial.send(bytes),
        }
        self.sending = false;
    }

    /// Ends the call and its machine, with a message if it did not come to its own end.
    pub fn end(&mut self, why: &str) -> ! {
        if self.sending {
            power_off()
        }
        if !why.is_empty() {
            for part in ["ampoule: ", why, "\n"] {
                self.write(part.as_bytes());
            }
        }
        match &mut self.console {
            Line::Virtio(console) => console.drain(),
            Line::Serial(serial) => serial.drain(),
        }
        power_off()
    }
}
