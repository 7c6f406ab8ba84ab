# Reads and writes 1, 2, 4 and 8 bytes all over the register page, around it and in other holes;
# what is nothing's is ignored, and the console can be initialised once more.
.include "guest.inc"

image "wild_mmio"
    reset                               # so that nothing is a queue's
    xorl %ebp, %ebp
    call everywhere
    movl $-1, %ebp
    call everywhere
    call connect
    exit

.macro region start, end, step
    movl $\start, %esi
    movl $\end, %edi
    movl $\step, %ebx
    call touch
.endm

# Writes %ebp.
everywhere:
    region 0xfeb00000, 0xfeb02000, 4    # all blocks of virtio-mmio, and as much again
    region 0xfeb00e01, 0xfeb00f01, 4    # unaligned
    region 0xfeb00e02, 0xfeb00f02, 4
    region 0xfeb00e03, 0xfeb00f03, 4
    region 0xfec00000, 0xfec00040, 4    # I/O APIC
    region 0xfee00000, 0xfee00400, 16   # local APIC
    region MEMORY_END, MEMORY_END +64, 4
    region NOWHERE, NOWHERE +64, 4
    region 0x80000000, 0x80000040, 4
    region 0xc0000000, 0xc0000040, 4
    region 0xfffff000, 0xfffff040, 4
    ret

# Each %ebx bytes from %esi to %edi.
touch:
    pushl %ebx
1:  movb (%esi), %al
    movl %ebp, %eax
    movb %al, (%esi)
    movw (%esi), %ax
    movl %ebp, %eax
    movw %ax, (%esi)
    movl (%esi), %eax
    movl %ebp, (%esi)
    # Eight bytes are read, then what was read is exchanged.
    xorl %eax, %eax
    xorl %edx, %edx
    movl %ebp, %ebx
    movl %ebp, %ecx
    cmpxchg8b (%esi)
    cmpxchg8b (%esi)
    addl (%esp), %esi
    cmpl %edi, %esi
    jb 1b
    popl %ebx
    ret
