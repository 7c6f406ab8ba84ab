# Has the local APIC interrupt it as fast as it can, for ever: by its timer, and by what it sends to
# itself. A machine note brings it one, where the monitor is the launcher's own.
.include "guest.inc"
.include "traps.inc"

.set LOCAL_APIC, 0xfee00000             # Intel SDM 3A, 11.4.1
.set END_OF_INTERRUPT, LOCAL_APIC + 0xb0
.set SPURIOUS, LOCAL_APIC + 0xf0
.set COMMAND, LOCAL_APIC + 0x300
.set TIMER, LOCAL_APIC + 0x320
.set TIMER_COUNT, LOCAL_APIC + 0x380
.set TIMER_DIVIDER, LOCAL_APIC + 0x3e0

.set PERIODIC, 1 << 17
.set TO_ITSELF, 1 << 18 | 1 << 14

    .section .note.ampoule, "a", @note
    .balign 4
    .long 8, 64, 2                      # the machine note: SPEC C7.4
    .asciz "Ampoule"
    .quad 1, QUEUE_SIZE
    .quad receive_descriptors, receive_available, receive_used
    .quad transmit_descriptors, transmit_available, transmit_used

image "interrupt_storm"
    tables
    handle 0x40, interrupted
    handle 0x41, interrupted
    movl $0x1ff, SPURIOUS               # on
    movl $0xb, TIMER_DIVIDER            # by 1
    movl $PERIODIC | 0x40, TIMER
    movl $1, TIMER_COUNT
interrupted:
    movl $0, END_OF_INTERRUPT
    movl $stack_top, %esp
    sti
1:  movl $TO_ITSELF | 0x41, COMMAND
    jmp 1b
