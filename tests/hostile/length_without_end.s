# A length of eleven bytes, of which none is the last (SPEC C6).
.include "guest.inc"

    .section .rodata
    bytes length, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80

image "length_without_end"
    say length
    exit
