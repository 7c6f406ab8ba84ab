//! A PC's first serial line, a 16550 (National Semiconductor, "PC16550D"): the console of launchers
//! that know no other.

use super::arch::{InterruptLine, read_port_8, wait_for_interrupt, write_port_8, write_port_bytes};

/// Its ports.
const DATA: u16 = 0x3f8;
const INTERRUPT_ENABLE: u16 = DATA + 1;
/// Which interrupt it is, the reading of which ends that of room; and whether there are queues.
const INTERRUPT_KIND: u16 = DATA + 2;
const MODEM_CONTROL: u16 = DATA + 4;
const LINE_STATUS: u16 = DATA + 5;

/// Its interrupt line.
const LINE: u32 = 4;

/// Of `INTERRUPT_ENABLE`: something has come; there is room.
const ON_INPUT: u8 = 1 << 0;
const ON_ROOM: u8 = 1 << 1;

/// Of `LINE_STATUS`.
const HAS_INPUT: u8 = 1 << 0;
const HAS_ROOM: u8 = 1 << 5;
const IS_IDLE: u8 = 1 << 6;
/// What is read where there is nothing.
const ABSENT: u8 = 0xff;

/// Of `INTERRUPT_KIND`: the queues are on. They are taken as the firmware has left them: turning them
/// on would lose what has come already.
const HAS_QUEUES: u8 = 0b11 << 6;
/// Ready, and interrupts passed on.
const READY: u8 = 0b1011;

/// Bytes that there is room for once there is room, if there are queues.
const QUEUE_BYTES: usize = 16;

/// The line, and what came over it.
pub struct Serial {
    line: InterruptLine,
    room: usize,
    received: [u8; 64],
    start: usize,
    end: usize,
}

impl Serial {
    /// Sets it up; `None` if there is none.
    pub fn open() -> Option<Self> {
        if read_port_8(LINE_STATUS) == ABSENT {
            return None;
        }
        write_port_8(INTERRUPT_ENABLE, 0);
        write_port_8(MODEM_CONTROL, READY);
        let has_queues = read_port_8(INTERRUPT_KIND) & HAS_QUEUES == HAS_QUEUES;
        let room = if has_queues { QUEUE_BYTES } else { 1 };
        Some(Self { line: InterruptLine::new(LINE), room, received: [0; 64], start: 0, end: 0 })
    }

    /// Bytes that have come and were not consumed, waiting for the first of them.
    pub fn bytes(&mut self) -> &[u8] {
        if self.start == self.end {
            self.wait(HAS_INPUT, ON_INPUT);
            (self.start, self.end) = (0, 0);
            for byte in &mut self.received {
                if read_port_8(LINE_STATUS) & HAS_INPUT == 0 {
                    break;
                }
                *byte = read_port_8(DATA);
                self.end += 1;
            }
        }
        self.received.get(self.start..self.end).unwrap_or_default()
    }

    /// Gives up the first `amount` bytes of what [`bytes`](Self::bytes) returned.
    pub fn consume(&mut self, amount: usize) {
        self.start = self.end.min(self.start + amount);
    }

    /// Sends bytes; waits while nobody takes them.
    pub fn send(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(self.room.max(1)) {
            self.wait(HAS_ROOM, ON_ROOM);
            write_port_bytes(DATA, piece);
        }
    }

    /// Waits until all that was sent has gone.
    pub fn drain(&mut self) {
        self.wait(HAS_ROOM, ON_ROOM);
        // There is no interrupt for the last byte.
        while read_port_8(LINE_STATUS) & IS_IDLE == 0 {}
    }

    /// Sleeps until the line's status has a bit, of which an interrupt tells.
    fn wait(&mut self, status: u8, interrupt: u8) {
        if read_port_8(LINE_STATUS) & status != 0 {
            return;
        }
        self.line.route();
        // From off to on: the line to the interrupt controller rises, or will.
        write_port_8(INTERRUPT_ENABLE, interrupt);
        while read_port_8(LINE_STATUS) & status == 0 {
            wait_for_interrupt();
            read_port_8(INTERRUPT_KIND);
        }
        write_port_8(INTERRUPT_ENABLE, 0);
    }
}
