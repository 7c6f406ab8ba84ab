# An exit that is longer by a byte than it may be (SPEC C6.1).
.include "guest.inc"

    .section .rodata
    # PANICKED, and words.
    bytes beginning, 0x85, 0x80, 2, 0x22, 0x81, 0x80, 2, 0x10, 2, 0x1a, 0xfb, 0xff, 1

image "exit_message_too_long"
    say beginning
    movl $buffer, %edi
    movl $65536 / 4, %ecx
    movl $0x78787878, %eax
    rep stosl
    movl $buffer, %esi
    movl $32763, %ecx
    call send
    jmp rest
