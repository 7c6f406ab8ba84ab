# A frame of a kind that does not exist (SPEC C6.2).
.include "guest.inc"

    .section .rodata
    bytes frame, 2, 0x2a, 0

image "unknown_frame"
    say frame
    exit
