# Reads every model-specific register whose number can mean one, and writes those that a guest can do
# without: 0, all ones, and what it read. What is none's raises an exception, which is handled.
.include "guest.inc"
.include "traps.inc"

# Not written to are those by which this very code would end, as it might on any processor: where the
# local APIC and its registers are (0x1b, 0x8xx), the mode (EFER), and what a task switch or a return
# loads is of no use to 32-bit code without rings. All else is: microcode updates, performance
# counters, debug and machine-check registers, page attributes, the processor's power, KVM's own.
.set APIC_BASE, 0x1b
.set X2APIC, 0x800
.set X2APIC_END, 0x900
.set EFER, 0xc0000080

.macro registers start, end
    movl $\start, %ecx
1:  call one_register
    incl %ecx
    cmpl $\end, %ecx
    jne 1b
.endm

image "every_msr"
    tables
    handle 13, skip_two_bytes
    registers 0, 0x2000
    registers 0x40000000, 0x40000200
    registers 0x4b564d00, 0x4b564d10
    registers 0xc0000000, 0xc0002000
    registers 0xc0010000, 0xc0012000
    exit

# Reads the register %ecx, and writes to it.
one_register:
    movl $0, taken
    rdmsr
    cmpl $0, taken
    jne 2f                              # what cannot be read is hardly ever there
    cmpl $APIC_BASE, %ecx
    je 2f
    cmpl $EFER, %ecx
    je 2f
    cmpl $X2APIC, %ecx
    jb 1f
    cmpl $X2APIC_END, %ecx
    jb 2f
1:  movl %eax, %esi
    movl %edx, %edi
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
    decl %eax
    decl %edx
    wrmsr
    movl %esi, %eax
    movl %edi, %edx
    wrmsr
2:  ret
