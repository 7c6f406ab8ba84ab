//! The virtual machine: what KVM is asked for before the guest's first instruction.
#![allow(unsafe_code)]

use std::io;
use std::time::Duration;

use ampoule_abi::note::MachineNote;
use kvm_bindings::{
    KVM_CAP_SPLIT_IRQCHIP, KVM_MAX_CPUID_ENTRIES, Msrs, kvm_enable_cap, kvm_msr_entry,
};
use kvm_ioctls::{Kvm, VcpuFd, VmFd};

use super::memory::Memory;
use super::{Refusal, registers};
use crate::backend::LaunchError;
use crate::host;

/// Where Intel's processors without "unrestricted guest" keep three pages of KVM's own, which no
/// guest is told of: below the firmware's place under 4 GiB (Linux `Documentation/virt/kvm/api.rst`,
/// `KVM_SET_TSS_ADDR`).
const TASK_STATE: usize = 0xfffb_d000;

/// The time stamp counter's number (Intel SDM 4, table 2-2).
const TIME_STAMP_COUNTER: u32 = 0x10;

/// The processor's own interrupt controller in KVM, and no other: a machine with it is made and
/// destroyed in 380 µs less than one without, for which KVM rewrites its own code in memory each
/// time that the host gets its first and loses its last (Linux `arch/x86/kvm/lapic.c`,
/// `kvm_has_noapic_vcpu`); with all the controllers of a PC it takes milliseconds.
const LOCAL_APIC_ALONE: kvm_enable_cap =
    kvm_enable_cap { cap: KVM_CAP_SPLIT_IRQCHIP, flags: 0, args: [24, 0, 0, 0], pad: [0; 64] };

/// A machine of one processor and no devices.
///
/// Fields are dropped in this order: memory last, which the others use.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) processor: VcpuFd,
    pub(super) machine: VmFd,
    pub(super) memory: Memory,
}

impl Machine {
    /// Makes it for a guest whose image has this note. One whose console is driven waits by
    /// notifications; should it halt, it does so inside of KVM, until the call ends. Others halt to
    /// wait, and come out.
    pub(super) fn new(note: Option<MachineNote>, memory: Memory) -> Result<Self, Refusal> {
        let kvm = Kvm::new().map_err(|error| Refusal::NoKvm(host::kvm_problem(error)))?;
        let machine = create(&kvm)?;
        machine.set_tss_address(TASK_STATE).map_err(refused("give KVM its pages"))?;
        if note.is_some() {
            machine.enable_cap(&LOCAL_APIC_ALONE).map_err(refused("make a local APIC"))?;
        }
        let processor = machine.create_vcpu(0).map_err(refused("make a virtual processor"))?;
        let what = "ask what the processor can do";
        let features = match note.is_none_or(|note| note.asks_processor) {
            true => kvm.get_supported_cpuid(KVM_MAX_CPUID_ENTRIES).map_err(refused(what))?,
            false => registers::least_features(),
        };
        processor
            .set_cpuid2(&features)
            .map_err(refused("tell the virtual processor's features"))?;
        memory.lend_to(&machine).map_err(refused("give the machine its memory"))?;
        Ok(Self { processor, machine, memory })
    }

    /// Has the processor begin at `entry`, as PVH boot does.
    pub(super) fn enter_at(&self, entry: u64, start_information: u64) -> Result<(), LaunchError> {
        let what = "set the virtual processor's registers";
        let before = self.processor.get_sregs().map_err(refused(what))?;
        let registers = registers::protected_mode(before);
        self.processor.set_sregs(&registers).map_err(refused(what))?;
        self.processor
            .set_regs(&registers::at_entry(entry, start_information))
            .map_err(refused(what))
    }

    /// Ticks of the guest's time stamp counter per second.
    pub(super) fn time_stamp_hz(&self) -> u64 {
        match self.processor.get_tsc_khz() {
            Ok(khz) if khz > 0 => u64::from(khz) * 1000,
            // KVM does not know where the counter cannot be relied on.
            _ => measured_hz(),
        }
    }

    /// The guest's time stamp counter now, if KVM tells.
    pub(super) fn time_stamp(&self) -> Option<u64> {
        let entry = kvm_msr_entry { index: TIME_STAMP_COUNTER, ..Default::default() };
        let mut registers = Msrs::from_entries(&[entry]).ok()?;
        let read = self.processor.get_msrs(&mut registers).ok()?;
        registers.as_slice().first().filter(|_| read == 1).map(|entry| entry.data)
    }
}

/// Makes a machine with nothing in it. A signal that is pending makes KVM give up, any signal: whether
/// the call is over is asked later.
fn create(kvm: &Kvm) -> Result<VmFd, Refusal> {
    loop {
        match kvm.create_vm() {
            Ok(machine) => return Ok(machine),
            Err(error) if error.errno() == libc::EINTR => {}
            Err(error) => return Err(Refusal::NoKvm(host::kvm_problem(error))),
        }
    }
}

/// Ticks of this processor's time stamp counter per second, within some 0.1 %.
fn measured_hz() -> u64 {
    const TIME: Duration = Duration::from_millis(2);
    let (began, first) = (std::time::Instant::now(), time_stamp());
    while began.elapsed() < TIME {
        std::hint::spin_loop();
    }
    let (ticks, time) = (time_stamp() - first, began.elapsed());
    (u128::from(ticks) * 1_000_000_000 / time.as_nanos().max(1)) as u64
}

fn time_stamp() -> u64 {
    // SAFETY: every x86-64 has the instruction, and Linux lets programs use it.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// For `map_err`: names what was tried.
fn refused(what: &'static str) -> impl FnOnce(kvm_ioctls::Error) -> LaunchError {
    move |error| LaunchError::system(what)(io::Error::from_raw_os_error(error.errno()))
}
