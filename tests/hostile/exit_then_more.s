# Output, garbage and whatever else after the exit frame: its status stands.
.include "guest.inc"

    .section .rodata
    bytes garbage, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff

image "exit_then_more"
    say_exit 7
    say acting_frame
    say garbage
    descriptor transmit_descriptors, 0, NOWHERE, 0xffffffff, NEXT, 0
    transmit 0
    jmp rest
