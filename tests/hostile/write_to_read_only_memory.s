# Writes to its own code and constants, through pages that forbid it: which holds for ring 0 only
# while write protection is on, and then raises an exception. The image's file stays as it is.
.include "guest.inc"
.include "traps.inc"

.set PRESENT, 1
.set WRITABLE, 2
.set LARGE, 0x80
.set DEVICE_PAGE, DEVICE & ~0x1fffff

.set PAGING, 1 << 31
.set WRITE_PROTECT, 1 << 16
.set LONG_ADDRESSES, 1 << 5
.set EFER, 0xc0000080
.set LONG_MODE, 1 << 8

    .section .bss
    .balign 4096
root: .skip 4096
directories: .skip 4096
first_directory: .skip 4096
last_directory: .skip 4096
table: .skip 4096

    .section .rodata
    .balign 4
constant: .long 0x600d

    .text
    .code32
constant_in_code: .long 0x600d

# Whether a place can be written to.
.macro try place, exceptions
    movl $0, taken
    movl $\place, %ebx
    movl $0xbad, (%rbx)                 # an instruction of 6 bytes
    cmpl $\exceptions, taken
    jne failed
.endm

image "write_to_read_only_memory"
    tables
    # All memory and the device where they are; what lies below 2 MiB is read-only.
    xorl %ecx, %ecx
1:  movl %ecx, %eax
    shll $12, %eax
    orl $PRESENT, %eax
    movl %eax, table(, %ecx, 8)
    incl %ecx
    cmpl $0x200, %ecx
    jb 1b
    movl $table + PRESENT + WRITABLE, first_directory
    movl $0x200000 + PRESENT + WRITABLE + LARGE, first_directory + 8
    movl $DEVICE_PAGE + PRESENT + WRITABLE + LARGE, last_directory + 8 * (DEVICE_PAGE >> 21 & 0x1ff)
    movl $first_directory + PRESENT + WRITABLE, directories
    movl $last_directory + PRESENT + WRITABLE, directories + 8 * 3
    movl $directories + PRESENT + WRITABLE, root
    movl $LONG_ADDRESSES, %eax
    movl %eax, %cr4
    movl $root, %eax
    movl %eax, %cr3
    movl $EFER, %ecx
    xorl %edx, %edx
    movl $LONG_MODE, %eax
    wrmsr
    # The gate of page faults, in the form of long mode: 16 bytes.
    movl $page_fault, interrupt_descriptors + 16 * 14
    movw $24, interrupt_descriptors + 16 * 14 + 2
    movl $page_fault, interrupt_descriptors + 16 * 14 + 4
    movw $0x8e00, interrupt_descriptors + 16 * 14 + 4
    movl %cr0, %eax
    orl $PAGING | WRITE_PROTECT, %eax
    movl %eax, %cr0
    ljmp $24, $1f

    .code64
1:  try constant, 1
    try constant_in_code, 1
    movq %cr0, %rax
    andl $~WRITE_PROTECT, %eax
    movq %rax, %cr0
    try constant, 0
    try constant_in_code, 0
    cmpl $0xbad, constant
    jne failed
    cmpl $0xbad, constant_in_code
    jne failed
    pushq $8
    pushq $survived
    lretq
failed:
    pushq $8
    pushq $not_as_it_is_due
    lretq

page_fault:
    incl taken
    addq $8, %rsp
    addq $6, (%rsp)
    iretq

    .code32
survived:
    exit
not_as_it_is_due:
    exit 1
