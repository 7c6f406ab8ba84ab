//! A PC's first serial line, a 16550 (National Semiconductor, "PC16550D"): the console of launchers
//! that know no other.

use super::arch::{InterruptLine, Port, pause, wait_for_interrupt};

/// Its registers.
const DATA: Port = Port::serial(0);
const INTERRUPT_ENABLE: Port = Port::serial(1);
/// Which interrupt it is, the reading of which ends that of room; and whether there are queues.
const INTERRUPT_KIND: Port = Port::serial(2);
const MODEM_CONTROL: Port = Port::serial(4);
const LINE_STATUS: Port = Port::serial(5);

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
        if LINE_STATUS.read_8() == ABSENT {
            return None;
        }
        INTERRUPT_ENABLE.write_8(0);
        MODEM_CONTROL.write_8(READY);
        let has_queues = INTERRUPT_KIND.read_8() & HAS_QUEUES == HAS_QUEUES;
        let room = if has_queues { QUEUE_BYTES } else { 1 };
        Some(Self { line: InterruptLine::new(LINE), room, received: [0; 64], start: 0, end: 0 })
    }

    /// Bytes that have come and were not consumed, waiting for the first of them.
    pub fn bytes(&mut self) -> &[u8] {
        if self.start == self.end {
            self.wait(HAS_INPUT, ON_INPUT);
            (self.start, self.end) = (0, 0);
            for byte in &mut self.received {
                if LINE_STATUS.read_8() & HAS_INPUT == 0 {
                    break;
                }
                *byte = DATA.read_8();
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
            DATA.write_bytes(piece);
        }
    }

    /// Waits until all that was sent has gone: for as long as nobody takes it.
    pub fn drain(&mut self) {
        self.wait(HAS_ROOM, ON_ROOM);
        // There is no interrupt for the last byte, which too may have to wait for somebody to take it.
        while LINE_STATUS.read_8() & IS_IDLE == 0 {
            self.line.route();
            pause();
        }
    }

    /// Sleeps until the line's status has a bit, of which an interrupt tells.
    fn wait(&mut self, status: u8, interrupt: u8) {
        if LINE_STATUS.read_8() & status != 0 {
            return;
        }
        self.line.route();
        // From off to on: the line to the interrupt controller rises, or will.
        INTERRUPT_ENABLE.write_8(interrupt);
        while LINE_STATUS.read_8() & status == 0 {
            wait_for_interrupt();
            INTERRUPT_KIND.read_8();
        }
        INTERRUPT_ENABLE.write_8(0);
    }
}
