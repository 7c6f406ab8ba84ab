# An exit as long as it may be, most of it a backtrace of numbers of one byte, of which each takes eight.
.include "guest.inc"

    .section .rodata
    # PANICKED, and a packed backtrace.
    bytes beginning, 0x84, 0x80, 2, 0x22, 0x80, 0x80, 2, 0x10, 2, 0x22, 0xfa, 0xff, 1

image "longest_backtrace"
    say beginning
    movl $buffer, %edi
    movl $65536 / 4, %ecx
    movl $0x01010101, %eax
    rep stosl
    movl $buffer, %esi
    movl $32762, %ecx
    call send
    jmp rest
