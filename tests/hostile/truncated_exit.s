# All of an exit frame but its last byte, which never comes: no exit.
.include "guest.inc"

    .section .rodata
    bytes beginning, 6, 0x22, 4, 0x08, 0, 0x10

image "truncated_exit"
    say beginning
    jmp rest
