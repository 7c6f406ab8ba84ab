//! The one device a function has: a virtio console over memory-mapped registers, or, under a foreign
//! launcher, over PCI (virtio 1.2).
//!
//! ```text
//! console   which port carries the stream   control        how port 1 is opened
//! receiver  bytes that come                 sender         bytes that go
//! queue     buffers, to and fro             device         registers, notifications, waits
//! buffers   the memory of it all            pci            the same over PCI
//!                                           capabilities   where the registers are there
//! ```

mod buffers;
mod capabilities;
mod console;
mod control;
mod device;
mod pci;
mod queue;
mod receiver;
mod sender;

pub use console::Console;
pub use device::Device;
