# Two exit frames in one buffer: the first counts.
.include "guest.inc"

    .section .rodata
    bytes exits, 6, 0x22, 4, 0x08, 7, 0x10, 1, 6, 0x22, 4, 0x08, 9, 0x10, 1

image "double_exit"
    say exits
    jmp rest
