# Writes to STDOUT for ever.
.include "guest.inc"

    .section .rodata
    bytes header, 0x84, 0x80, 4, 0x12, 0x80, 0x80, 4

image "output_flood"
1:  message 0, header, NEXT, 1
    descriptor transmit_descriptors, 1, buffer, 65536
    transmit 0
    jmp 1b
