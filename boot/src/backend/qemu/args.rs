//! QEMU's arguments: the smallest machine that has one console.
//!
//! Pure, so that what runs can be read in a test. The descriptors that the arguments name are
//! given to the process under these very numbers.

use ampoule_abi::layout::{DEVICE_PAGES, DEVICE_PARAMETER};

use crate::host::Accel;

/// The descriptor with the image.
pub(super) const IMAGE_FD: i32 = 3;
/// The descriptor with the call's stream.
pub(super) const CALL_FD: i32 = 4;
/// The descriptor with QMP.
pub(super) const QMP_FD: i32 = 5;
/// The process gets none from here on.
pub(super) const FIRST_WITHHELD_FD: u32 = 6;

/// The last of the eight register windows of `microvm` without ACPI: the first device sits there.
const CONSOLE_WINDOW: u64 = DEVICE_PAGES[0].physical + 7 * CONSOLE_WINDOW_BYTES;
const CONSOLE_WINDOW_BYTES: u64 = 512;
/// Interrupt of that window: the I/O APIC's pins for virtio begin at 5.
const CONSOLE_INTERRUPT: u32 = 12;

/// Everything that a PC has and a function does not need is left out: what is not there costs no
/// time and offers no surface.
const MACHINE: &str = "microvm,acpi=off,pit=off,pic=off,rtc=off,isa-serial=off,usb=off,\
                       x-option-roms=off,auto-kernel-cmdline=off,mem-merge=off,dump-guest-core=off";

/// The arguments for a machine with `memory_bytes` under `accel` and nothing else in it: where
/// each call starts from, and what a benchmark measures calls against.
pub fn machine(accel: Accel, memory_bytes: u64) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    let mut option = |name: &str, value: &str| list.extend([name.to_owned(), value.to_owned()]);
    option("-machine", MACHINE);
    option("-accel", accelerator(accel));
    option("-cpu", processor(accel));
    option("-smp", "1");
    option("-m", &format!("{}M", memory_bytes >> 20));
    option("-display", "none");
    // A triple fault ends the machine instead of starting it again; nothing of the user's or of
    // the distribution's configuration comes in.
    list.extend(["-nodefaults", "-no-user-config", "-no-reboot"].map(str::to_owned));
    list
}

/// What QEMU is to keep itself from once it is set up (Linux 3.5, by seccomp): what only obsolete
/// programs do, other users, other programs, and its own priority.
const SANDBOX: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// The arguments for a guest with `memory_bytes` under `accel`.
pub(super) fn arguments(accel: Accel, memory_bytes: u64, is_sandboxed: bool) -> Vec<String> {
    let mut list = machine(accel, memory_bytes);
    if is_sandboxed {
        list.extend(["-sandbox", SANDBOX].map(str::to_owned));
    }
    let mut option = |name: &str, value: &str| list.extend([name.to_owned(), value.to_owned()]);
    option("-global", "virtio-mmio.force-legacy=false");
    option("-kernel", &format!("/proc/self/fd/{IMAGE_FD}"));
    option("-append", &device_parameter());
    // `virtconsole` drops what the guest wrote while the host's side would block;
    // `virtserialport` makes the guest wait, and needs a port number of its own.
    option("-device", "virtio-serial-device,max_ports=2");
    option("-chardev", &format!("socket,id=call,fd={CALL_FD}"));
    option("-device", "virtserialport,chardev=call,nr=1");
    option("-chardev", &format!("socket,id=qmp,fd={QMP_FD}"));
    option("-mon", "chardev=qmp,mode=control");
    list
}

fn accelerator(accel: Accel) -> &'static str {
    match accel {
        Accel::Kvm => "kvm",
        Accel::Tcg => "tcg,thread=single",
    }
}

fn processor(accel: Accel) -> &'static str {
    match accel {
        // Some hosts refuse to have the first set; nothing in a guest reads it. The others keep from
        // a guest what KVM does for those that know of it.
        Accel::Kvm => "host,-arch-capabilities,kvm=off,kvm-pv-enforce-cpuid=on",
        Accel::Tcg => "max",
    }
}

fn device_parameter() -> String {
    format!("{DEVICE_PARAMETER}{CONSOLE_WINDOW_BYTES}@{CONSOLE_WINDOW:#x}:{CONSOLE_INTERRUPT}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(list: &[String], name: &str) -> String {
        let at = list.iter().position(|word| word == name).expect("the option is there");
        list[at + 1].clone()
    }

    #[test]
    fn the_console_is_where_the_guest_is_told() {
        let list = arguments(Accel::Tcg, 16 << 20, true);
        assert_eq!(value(&list, "-append"), "virtio_mmio.device=512@0xfeb00e00:12");
        assert_eq!(value(&list, "-m"), "16M");
    }

    #[test]
    fn each_accelerator_has_its_processor() {
        let kvm = arguments(Accel::Kvm, 4 << 20, true);
        assert_eq!(value(&kvm, "-accel"), "kvm");
        let hidden = "kvm=off,kvm-pv-enforce-cpuid=on";
        assert_eq!(value(&kvm, "-cpu"), format!("host,-arch-capabilities,{hidden}"));
        assert!(value(&arguments(Accel::Tcg, 4 << 20, true), "-accel").starts_with("tcg"));
    }

    #[test]
    fn nothing_is_named_in_the_file_system() {
        let list = arguments(Accel::Kvm, 4 << 20, true);
        let paths: Vec<_> = list.iter().filter(|word| word.contains('/')).collect();
        assert_eq!(paths, ["/proc/self/fd/3"]);
    }

    #[test]
    fn it_filters_its_system_calls_unless_it_is_not_confined() {
        assert!(value(&arguments(Accel::Tcg, 4 << 20, true), "-sandbox").contains("spawn=deny"));
        let list = arguments(Accel::Tcg, 4 << 20, false);
        assert!(list.iter().all(|word| word != "-sandbox"));
    }

    #[test]
    fn no_device_is_there_but_the_console() {
        let list = arguments(Accel::Kvm, 4 << 20, true);
        let devices: Vec<_> = list.iter().filter(|word| *word == "-device").collect();
        assert_eq!(devices.len(), 2);
        assert!(list.iter().any(|word| word == "-nodefaults"));
    }
}
