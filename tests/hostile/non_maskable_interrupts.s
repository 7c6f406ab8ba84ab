# Sends itself interrupts that cannot be masked, for ever: a KVM that emulates ring 0 cannot return from
# one.
.include "guest.inc"
.include "traps.inc"

.set LOCAL_APIC, 0xfee00000             # Intel SDM 3A, 11.4.1
.set SPURIOUS, LOCAL_APIC + 0xf0
.set COMMAND, LOCAL_APIC + 0x300

.set NON_MASKABLE_TO_ITSELF, 1 << 18 | 1 << 14 | 4 << 8

    .section .note.ampoule, "a", @note
    .balign 4
    .long 8, 64, 2                      # the machine note: SPEC C7.4
    .asciz "Ampoule"
    .quad 1, QUEUE_SIZE
    .quad receive_descriptors, receive_available, receive_used
    .quad transmit_descriptors, transmit_available, transmit_used

image "non_maskable_interrupts"
    tables
    handle 2, nothing
    movl $0x1ff, SPURIOUS               # on
1:  movl $NON_MASKABLE_TO_ITSELF, COMMAND
    jmp 1b

nothing:
    iretl
