# A frame of a message of no bytes, which so is not one field (SPEC C6.2).
.include "guest.inc"

    .section .rodata
    bytes frame, 0

image "frame_of_no_bytes"
    say frame
    exit
