# All that ring 0 does once ring 3 runs: wait for a device when ring 3 asks, hand every other exception
# over to ring 3, and give up if that is where it came from.

    .section .text.trap, "ax"
    .code64

# One stub for each vector, 16 bytes apart, as the descriptors in link.ld expect. The processor
# pushes an error code for some; the others get a zero, so that all frames look alike.
    .balign 16
    .globl trap_stubs
    .type trap_stubs, @function
trap_stubs:
    .set vector, 0
    .rept 32
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    pushq $0
    .endif
    pushq $vector
    jmp trap
    .set vector, vector + 1
    .endr

# Vector 32: the console. Only ever taken at the `hlt` below; that it came is all there is to say.
    .balign 16
device_interrupt:
    movl $0, __local_apic_window + 0xb0     # end of interrupt
    iretq

# Frame: vector, error code, RIP, CS, RFLAGS, RSP, SS.
trap:
    cmpq $wait_for_interrupt, 16(%rsp)
    jne fault
    sti                         # takes effect after the next instruction: no wake-up is lost
    hlt
    cli
    incq 16(%rsp)               # past ring 3's `hlt`, one byte
    addq $16, %rsp
    iretq

fault:
    testb $3, 24(%rsp)
    jz shut_down
    cmpq $draw_randomness, 16(%rsp)
    je not_drawn
    cmpq $shut_down_quietly, 16(%rsp)
    je shut_down
    btsl $0, fault_taken
    jc shut_down
    movq (%rsp), %rdi           # vector
    movq 8(%rsp), %rsi          # error code
    movq 16(%rsp), %rdx         # RIP
    movq %cr2, %rcx
    movq 40(%rsp), %r8          # RSP
    movq %rbp, %r9
    movq $ampoule_fault, 16(%rsp)
    movq $2, 32(%rsp)
    movq $__fault_stack_top - 8, 40(%rsp)
    addq $16, %rsp
    iretq

# The processor has no randomness to give: ring 3 goes on with the carry flag clear.
not_drawn:
    addq $4, 16(%rsp)           # past `rdrand`
    andq $~1, 32(%rsp)
    addq $16, %rsp
    iretq

# Nothing can be reported any more. A triple fault ends the virtual machine on every VMM.
shut_down:
    lidt no_idt
    ud2

# Ring 3 asks ring 0 here to wait: `hlt` is privileged, so that it traps, on hardware as well as where
# ring 3 has no other way into ring 0.
    .globl wait_for_interrupt
    .type wait_for_interrupt, @function
wait_for_interrupt:
    hlt
    ret

# Ring 3 asks here for 64 random bits: in %rax, if the carry flag is set.
    .globl draw_randomness
    .type draw_randomness, @function
draw_randomness:
    rdrand %rax
    ret

# Ring 3 ends here when it can tell nobody why: a trap in the report of this one shuts down.
    .globl abandon
    .type abandon, @function
abandon:
    ud2
    jmp abandon

# Ring 3 ends here when all is told, on a machine that nobody else will destroy.
    .globl shut_down_quietly
    .type shut_down_quietly, @function
shut_down_quietly:
    ud2

    .section .rodata.trap, "a"
no_idt:
    .word 0
    .quad 0

# The I/O ports that are closed to ring 3 (Intel SDM 1, 19.5.2), a bit each: all but those of a foreign
# machine's serial line (0x3f8 to 0x3ff), power management (0x604, 0x605), keyboard controller (0x64) and
# PCI configuration space (0xcf8 to 0xcff). The processor wants another byte of ones behind them.
    .section .ampoule.system.ports, "aw"
    .fill 0x64 / 8, 1, 0xff
    .byte 0xef
    .fill 0x3f8 / 8 - 0x64 / 8 - 1, 1, 0xff
    .byte 0
    .fill 0x604 / 8 - 0x3f8 / 8 - 1, 1, 0xff
    .byte 0xcf
    .fill 0xcf8 / 8 - 0x604 / 8 - 1, 1, 0xff
    .byte 0, 0xff

    .section .ampoule.system.data, "aw"
fault_taken:
    .long 0
