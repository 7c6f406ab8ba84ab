//! The processor as PVH boot enters a kernel (Xen, "x86/HVM direct boot ABI"), or as an image's boot
//! code would leave it, and as a guest may ask what it is.

use ampoule_abi::note::{EntryNote, Table};
use kvm_bindings::{CpuId, kvm_cpuid_entry2, kvm_dtable, kvm_regs, kvm_segment, kvm_sregs};

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

/// A busy task of the least length.
const TASK: kvm_segment =
    kvm_segment { limit: 0x67, selector: 0, type_: 0xb, db: 0, s: 0, g: 0, ..FLAT };

/// As after a reset.
const LOCAL_TABLE: kvm_segment = kvm_segment { limit: 0xffff, type_: 0x2, ..TASK };

/// Where the local APIC is, and that it is on and the first processor's (Intel SDM 3A, 11.4.4).
const LOCAL_APIC: u64 = 0xfee0_0000 | 1 << 11 | 1 << 8;

/// Protection enabled; extension type, which is fixed to 1 (Intel SDM 3A, 2.5) and which KVM takes
/// a third of a millisecond to clear.
const PROTECTED: u64 = 1 << 0 | 1 << 4;
/// Floating point present and its errors native; write protection; paging.
const PAGED: u64 = PROTECTED | 1 << 1 | 1 << 5 | 1 << 16 | 1 << 31;
/// Physical addresses of more than 32 bits; SSE.
const LONG_CR4: u64 = 1 << 5 | 1 << 9 | 1 << 10;
/// Long mode, enabled and active; no-execute.
const LONG_EFER: u64 = 1 << 8 | 1 << 10 | 1 << 11;

/// Protected mode without paging.
pub(super) fn protected_mode() -> kvm_sregs {
    let nowhere = kvm_dtable { limit: 0xffff, ..kvm_dtable::default() };
    kvm_sregs {
        cs: CODE,
        ds: FLAT,
        es: FLAT,
        fs: FLAT,
        gs: FLAT,
        ss: FLAT,
        tr: TASK,
        ldt: LOCAL_TABLE,
        gdt: nowhere,
        idt: nowhere,
        cr0: PROTECTED,
        apic_base: LOCAL_APIC,
        ..kvm_sregs::default()
    }
}

/// At `entry`, with the address of the start information.
pub(super) fn at_entry(entry: u64, start_information: u64) -> kvm_regs {
    kvm_regs { rip: entry, rbx: start_information, rflags: RESERVED, ..kvm_regs::default() }
}

/// The second bit of the flags is always set (Intel SDM 1, 3.4.3).
const RESERVED: u64 = 1 << 1;

/// Ring 3 of 64-bit mode, with the image's own tables.
pub(super) fn ring_3(entry: &EntryNote) -> kvm_sregs {
    let [code, data, task] = entry.selectors;
    let data = kvm_segment { selector: data, dpl: 3, ..FLAT };
    let table = |table: Table| kvm_dtable {
        base: table.address,
        limit: table.limit,
        ..kvm_dtable::default()
    };
    kvm_sregs {
        cs: kvm_segment { selector: code, dpl: 3, l: 1, db: 0, ..CODE },
        ds: data,
        es: data,
        fs: data,
        gs: data,
        ss: data,
        tr: kvm_segment { selector: task, base: entry.task, ..TASK },
        gdt: table(entry.descriptors),
        idt: table(entry.interrupts),
        cr0: PAGED,
        cr3: entry.root,
        cr4: LONG_CR4,
        efer: LONG_EFER,
        ..protected_mode()
    }
}

/// Where the image's boot code would go on, with the address of the start information.
pub(super) fn at_direct_entry(entry: &EntryNote, start_information: u64) -> kvm_regs {
    kvm_regs {
        rip: entry.instruction,
        rsp: entry.stack,
        rdi: start_information,
        rflags: RESERVED,
        ..kvm_regs::default()
    }
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

/// What KVM says that a processor can do, without what it offers besides: those leaves are there for
/// a hypervisor to speak of itself.
pub(super) fn without_hypervisor(mut features: CpuId) -> CpuId {
    const HYPERVISOR: std::ops::Range<u32> = 0x4000_0000..0x4001_0000;
    features.retain(|entry| !HYPERVISOR.contains(&entry.function));
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_guest_is_told_what_kvm_offers_beyond_a_processor() {
        let leaves = [0, 1, 0x4000_0000, 0x4000_0001, 0x4000_0010, 0x8000_0001];
        let entries = leaves.map(|function| kvm_cpuid_entry2 { function, ..Default::default() });
        let told = without_hypervisor(CpuId::from_entries(&entries).expect("few entries"));
        let told: Vec<_> = told.as_slice().iter().map(|entry| entry.function).collect();
        assert_eq!(told, [0, 1, 0x8000_0001]);
    }
}
