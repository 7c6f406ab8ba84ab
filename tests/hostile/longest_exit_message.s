# An exit as long as it may be, most of it words (SPEC C6.1): they are shown.
.include "guest.inc"

    .section .rodata
    # PANICKED, and words.
    bytes beginning, 0x84, 0x80, 2, 0x22, 0x80, 0x80, 2, 0x10, 2, 0x1a, 0xfa, 0xff, 1

image "longest_exit_message"
    say beginning
    movl $buffer, %edi
    movl $65536 / 4, %ecx
    movl $0x78787878, %eax
    rep stosl
    movl $buffer, %esi
    movl $32762, %ecx
    call send
    jmp rest
