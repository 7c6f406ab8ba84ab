# Asks KVM for what it does for guests that know of it: clocks, stolen time, page faults told of, all of
# them written to memory. Nothing of that is offered, and nothing comes of it.
.include "guest.inc"
.include "traps.inc"

# Linux, `Documentation/virt/kvm/x86/cpuid.rst` and `msr.rst`.
.set HYPERVISOR, 0x40000000
.set SIGNATURE, 0x4b4d564b              # `KVMK`
.set FIRST, 0x4b564d00
.set COUNT, 9
.set OLD_CLOCK, 0x12

# Writes an address to the register %ecx: that of the buffer, and that it is on.
.macro ask
    movl $buffer + 1, %eax
    xorl %edx, %edx
    wrmsr
.endm

image "paravirtual_registers"
    tables
    handle 13, skip_two_bytes
    movl $HYPERVISOR, %eax
    xorl %ecx, %ecx
    cpuid
    cmpl $SIGNATURE, %ebx
    jne 1f
    movl $HYPERVISOR + 1, %eax
    xorl %ecx, %ecx
    cpuid
    testl %eax, %eax                    # what KVM offers
    jnz failed
1:  movl $OLD_CLOCK, %ecx
    ask
    movl $FIRST, %ecx
2:  ask
    incl %ecx
    cmpl $FIRST + COUNT, %ecx
    jb 2b
    # What is to be written is written when the processor goes on.
    say empty_frame
    movl $buffer, %edi
    movl $64, %ecx
    xorl %eax, %eax
    repe scasl
    jne failed
    exit

failed:
    exit 1
