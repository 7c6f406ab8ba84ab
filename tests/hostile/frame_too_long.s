# A frame that claims a message of 1 MiB and a byte (SPEC C6.1).
.include "guest.inc"

    .section .rodata
    bytes header, 0x81, 0x80, 0x40, 0x12, 0xfd, 0xff, 0x3f

image "frame_too_long"
    say header
    exit
