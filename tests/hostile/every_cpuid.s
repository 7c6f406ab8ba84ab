# Asks the processor for every leaf there may be of what it is, with and without a part of a leaf, for
# all that a hypervisor may say, and for wild ones: each has an answer, which may be nothing.
.include "guest.inc"

.macro leaves start, count, parts
    movl $\start, %esi
    movl $\count, %edi
1:  movl $\parts - 1, %ebp
2:  movl %esi, %eax
    movl %ebp, %ecx
    cpuid
    decl %ebp
    jns 2b
    incl %esi
    decl %edi
    jnz 1b
.endm

.macro wild leaf
    movl $\leaf, %eax
    movl $-1, %ecx
    cpuid
.endm

image "every_cpuid"
    leaves 0, 0x40, 4
    leaves 0x40000000, 0x120, 1
    leaves 0x80000000, 0x40, 2
    .irp leaf, 0x0d, 0x3fffffff, 0x40010000, 0x7fffffff, 0x80860000, 0xc0000000, 0xffffffff
    wild \leaf
    .endr
    exit
