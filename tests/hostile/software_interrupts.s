# Interrupts itself by an instruction, for ever: a KVM that emulates ring 0 cannot.
.include "guest.inc"
.include "traps.inc"

image "software_interrupts"
    tables
    handle 0x80, nothing
1:  int $0x80
    jmp 1b

nothing:
    iretl
