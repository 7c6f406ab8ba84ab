//! The virtual machine: what KVM is asked for before the guest's first instruction.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use ampoule_abi::note::{MachineNote, Store};
use kvm_bindings::{
    KVM_CAP_ENFORCE_PV_FEATURE_CPUID, KVM_CAP_SPLIT_IRQCHIP, KVM_MAX_CPUID_ENTRIES, Msrs,
    kvm_enable_cap, kvm_msr_entry,
};
use kvm_ioctls::{Cap, Kvm, SyncReg, VcpuFd, VmFd};

use super::memory::{Memory, NoMemory};
use super::{Refusal, registers};
use crate::host::{self, KvmProblem};
use crate::image::Facts;

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

/// What KVM does for guests that know of it, such as to write clocks to their memory, only if `cpuid`
/// says so (since Linux 5.10), which it does not: see [`registers::without_hypervisor`].
const NOTHING_UNTOLD: kvm_enable_cap = kvm_enable_cap {
    cap: KVM_CAP_ENFORCE_PV_FEATURE_CPUID,
    flags: 0,
    args: [1, 0, 0, 0],
    pad: [0; 64],
};

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
        if !machine.check_extension(Cap::SyncRegs) {
            return Err(Refusal::NoKvm(KvmProblem::TooOld));
        }
        machine
            .set_tss_address(TASK_STATE)
            .map_err(refused("take pages of its own", "KVM_SET_TSS_ADDR"))?;
        if note.is_some() {
            machine
                .enable_cap(&LOCAL_APIC_ALONE)
                .map_err(refused("make a local APIC", "KVM_ENABLE_CAP"))?;
        }
        let processor = machine.create_vcpu(0);
        let processor =
            processor.map_err(refused("make a virtual processor", "KVM_CREATE_VCPU"))?;
        let untold = refused("tell what the processor can do", "KVM_GET_SUPPORTED_CPUID");
        let features = match note.is_none_or(|note| note.asks_processor) {
            true => registers::without_hypervisor(
                kvm.get_supported_cpuid(KVM_MAX_CPUID_ENTRIES).map_err(untold)?,
            ),
            false => registers::least_features(),
        };
        // A KVM that does not know this does what such a guest asks for, in the memory of that guest.
        let _ = processor.enable_cap(&NOTHING_UNTOLD);
        processor
            .set_cpuid2(&features)
            .map_err(refused("take the virtual processor's features", "KVM_SET_CPUID2"))?;
        memory
            .lend_to(&machine)
            .map_err(refused("take the machine's memory", "KVM_SET_USER_MEMORY_REGION"))?;
        Ok(Self { processor, machine, memory })
    }

    /// Has the processor begin where the image says that its boot code ends, or else as PVH boot
    /// does. It takes the registers over as it begins: each call for them is one more time that KVM
    /// loads it.
    pub(super) fn enter(&mut self, facts: &Facts, start_information: u64) -> Result<(), NoMemory> {
        let stores = facts.direct_entry.iter().flat_map(|entry| entry.stores);
        for Store { address, value } in stores.filter(|store| store.address != 0) {
            self.memory.slice_mut(address, 8)?.copy_from_slice(&value.to_le_bytes());
        }
        let registers = self.processor.sync_regs_mut();
        (registers.sregs, registers.regs) = match &facts.direct_entry {
            Some(entry) => {
                (registers::ring_3(entry), registers::at_direct_entry(entry, start_information))
            }
            None => (
                registers::protected_mode(),
                registers::at_entry(facts.pvh_entry, start_information),
            ),
        };
        self.processor.set_sync_dirty_reg(SyncReg::Register);
        self.processor.set_sync_dirty_reg(SyncReg::SystemRegister);
        Ok(())
    }

    /// Ticks of the guest's time stamp counter per second.
    pub(super) fn time_stamp_hz(&self) -> u64 {
        // Linux before 5.19 tells of the processor only, which is loaded for that.
        let khz = machine_khz(&self.machine).or_else(|| self.processor.get_tsc_khz().ok());
        match khz.filter(|&khz| khz > 0) {
            Some(khz) => u64::from(khz) * 1000,
            // KVM does not know where the counter cannot be relied on.
            None => measured_hz(),
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
            Err(error) => return Err(refused("make a machine", "KVM_CREATE_VM")(error)),
        }
    }
}

/// What the time stamp counters of a machine's processors tick in a millisecond, if KVM says so.
fn machine_khz(machine: &VmFd) -> Option<u32> {
    /// `KVM_GET_TSC_KHZ` (Linux `include/uapi/linux/kvm.h`).
    const GET_TSC_KHZ: libc::Ioctl = 0xaea3 as libc::Ioctl;
    // SAFETY: the system call takes a descriptor, which is a machine's, and no memory.
    let khz = unsafe { libc::ioctl(machine.as_raw_fd(), GET_TSC_KHZ) };
    u32::try_from(khz).ok()
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

/// For `map_err`: names what was tried, and the call.
fn refused(what: &'static str, call: &'static str) -> impl FnOnce(kvm_ioctls::Error) -> Refusal {
    move |error| {
        let why = io::Error::from_raw_os_error(error.errno());
        Refusal::NoKvm(KvmProblem::Refused { what, call, why })
    }
}
