# Reads or writes each of the 65536 ports, 8, 16 and 32 bits in turn; what is nothing's is ignored.
.include "guest.inc"

image "every_port"
    xorl %eax, %eax
    xorl %edx, %edx
    movl $65536 / 6 + 1, %ecx
1:  inb %dx, %al
    incw %dx
    inw %dx, %ax
    incw %dx
    inl %dx, %eax
    incw %dx
    xorl %eax, %eax
    outb %al, %dx
    incw %dx
    outw %ax, %dx
    incw %dx
    outl %eax, %dx
    incw %dx
    loop 1b
    exit
