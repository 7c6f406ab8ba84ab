# From the PVH entry point to ring 3, in as few instructions as the processor allows: where KVM runs
# without hardware support, each one here is emulated.
#
# Entry state (Xen "x86/HVM direct boot ABI"): 32-bit protected mode, flat segments, paging off,
# interrupts off, physical address of the start information in %ebx. Descriptors and page tables are
# laid out when the image is linked and sealed, but for the two tables at the root.

    .section .note.Xen, "a", @note
    .align 4
    .long 4, 8, 18              # name and descriptor sizes, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad ampoule_boot

# What a launcher need not do (ampoule_abi::note::MachineNote): whether the code asks for `cpuid`, which
# is known when the image is sealed, and where the console's queues lie (virtio::queue::Rings).
    .section .note.ampoule.machine, "a", @note
    .align 4
    .long 8, 64, 2
    .asciz "Ampoule"
    .quad 0, 8
    .quad AMPOULE_CONSOLE, AMPOULE_CONSOLE + 128, AMPOULE_CONSOLE + 152
    .quad AMPOULE_CONSOLE + 224, AMPOULE_CONSOLE + 224 + 128, AMPOULE_CONSOLE + 224 + 152

# The state in which the code below leaves the processor, for a launcher that can set it at once
# (ampoule_abi::note::EntryNote).
    .section .note.ampoule.entry, "a", @note
    .align 4
    .long 8, 152, 3
    .asciz "Ampoule"
    .quad ampoule_start, __stack_top - 8, __page_root
    .quad __gdt, __gdt_bytes - 1, __idt, __idt_bytes - 1, __task_state
    .quad __user_code_selector, __user_data_selector, __task_selector
    .quad __page_root, __page_directory_pointers + 0x27
    .quad __page_directory_pointers, __page_directory + 0x27
    .quad __page_directory_pointers + 4 * 8, __heap_directories + 0x27
    .quad __page_directory_pointers + 5 * 8, __heap_directories + 0x1027

    .section .text.boot, "ax"
    .code32
    .globl ampoule_boot
    .type ampoule_boot, @function
ampoule_boot:
    # Present, writable, user, accessed: what may be done is said in the tables below.
    movl $__page_directory_pointers + 0x27, __page_root
    movl $__page_directory + 0x27, __page_directory_pointers
    movl $__heap_directories + 0x27, __page_directory_pointers + 4 * 8
    movl $__heap_directories + 0x1027, __page_directory_pointers + 5 * 8
    movl $__page_root, %eax
    movl %eax, %cr3
    movl $0x620, %eax           # PAE, OSFXSR, OSXMMEXCPT
    movl %eax, %cr4
    movl $0xc0000080, %ecx      # EFER: long mode, no-execute
    movl $0x900, %eax
    xorl %edx, %edx
    wrmsr
    movl $0x80010033, %eax      # paging, write protection, native FPU errors, protected mode
    movl %eax, %cr0
    lgdt gdt_pointer
    ljmp $__kernel_code_selector, $enter_ring_3

    .code64
enter_ring_3:
    movw $__task_selector, %ax
    ltr %ax
    lidt idt_pointer
    movl $__ring_0_stack_top, %esp
    movl %ebx, %edi
    pushq $__user_data_selector
    pushq $__stack_top - 8      # as if called
    pushq $2                    # RFLAGS: interrupts off
    pushq $__user_code_selector
    pushq $ampoule_start
    iretq

    .section .rodata.boot, "a"
gdt_pointer:
    .word __gdt_bytes - 1
    .quad __gdt
idt_pointer:
    .word __idt_bytes - 1
    .quad __idt
