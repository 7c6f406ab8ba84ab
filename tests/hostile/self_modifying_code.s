# Writes its own instructions and runs them, a thousand times: elsewhere, across two pages, and just
# ahead of the instruction pointer. Each runs as it was written last.
.include "guest.inc"

# `movl $NUMBER, %eax; ret` at %edi, and a call of it.
.macro write_and_run
    movb $0xb8, (%edi)
    movl %ebp, 1(%edi)
    movb $0xc3, 5(%edi)
    xorl %eax, %eax
    call *%edi
    cmpl %ebp, %eax
    jne failed
.endm

image "self_modifying_code"
    movw 3f, %dx
    movl $1000, %ebp
again:
    movl $buffer, %edi
    write_and_run
    movl $buffer + 4096 - 3, %edi       # the number lies on both pages
    write_and_run

    # The next instruction, then the number of the one after.
    movl %ebp, 1f + 1
1:  movl $0, %eax
    cmpl %ebp, %eax
    jne failed
    movb %bl, 2f + 1
    jmp 2f
2:  movb $0, %al
    cmpb %bl, %al
    jne failed

    # An instruction that replaces itself: it is over by then.
    movw %dx, 3f
    jmp 3f
3:  movw $0x9090, 3b
    cmpw $0x9090, 3b
    jne failed

    incl %ebx
    decl %ebp
    jnz again
    exit

failed:
    exit 1
