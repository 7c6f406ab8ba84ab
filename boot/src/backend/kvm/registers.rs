//! The processor as PVH boot enters a kernel (Xen, "x86/HVM direct boot ABI"), and as a guest may
//! ask what it is.

use kvm_bindings::{CpuId, kvm_cpuid_entry2, kvm_regs, kvm_segment, kvm_sregs};

/// Flat, 4 GiB, in units of 4 KiB, 32 bits.
const FLAT: kvm_segment = kvm_segment {
    base: 0,
    limit: 0xffff_ffff,
    selector: 0x10,
    type_: 0x3,
    present: 1,
    dpl: 0,
    db: 1,
    s: 1,
    l: 0,
    g: 1,
    avl: 0,
    unusable: 0,
    padding: 0,
};

/// Code: executable, readable, accessed.
const CODE: kvm_segment = kvm_segment { selector: 0x8, type_: 0xb, ..FLAT };

/// A busy 32-bit task of the least length.
const TASK: kvm_segment =
    kvm_segment { limit: 0x67, selector: 0, type_: 0xb, db: 0, s: 0, g: 0, ..FLAT };

/// Protection enabled; extension type, which is fixed to 1 (Intel SDM 3A, 2.5) and which KVM takes
/// a third of a millisecond to clear.
const CR0: u64 = 1 << 0 | 1 << 4;

/// Protected mode without paging.
pub(super) fn protected_mode(before: kvm_sregs) -> kvm_sregs {
    kvm_sregs {
        cs: CODE,
        ds: FLAT,
        es: FLAT,
        fs: FLAT,
        gs: FLAT,
        ss: FLAT,
        tr: TASK,
        cr0: CR0,
        cr4: 0,
        efer: 0,
        ..before
    }
}

/// At `entry`, with the address of the start information.
pub(super) fn at_entry(entry: u64, start_information: u64) -> kvm_regs {
    const RESERVED: u64 = 1 << 1;
    kvm_regs { rip: entry, rbx: start_information, rflags: RESERVED, ..kvm_regs::default() }
}

/// What `cpuid` tells a guest that does not ask: long mode and no-execute, without which KVM refuses
/// what boot does. To ask KVM for more takes a third of a millisecond.
pub(super) fn least_features() -> CpuId {
    const EXTENDED: u32 = 0x8000_0001;
    const NO_EXECUTE: u32 = 1 << 20;
    const LONG_MODE: u32 = 1 << 29;
    let entry =
        kvm_cpuid_entry2 { function: EXTENDED, edx: NO_EXECUTE | LONG_MODE, ..Default::default() };
    CpuId::from_entries(&[entry]).expect("KVM takes up to 256 entries")
}
