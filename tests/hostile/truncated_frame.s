# The beginning of a frame whose end never comes; then the machine resets itself.
.include "guest.inc"

    .section .rodata
    bytes beginning, 100, 0x12, 98, 'x'

image "truncated_frame"
    settle
    say beginning
    pushl $0
    pushl $0
    lidt (%esp)
    ud2
